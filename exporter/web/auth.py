"""Basic auth as a WSGI layer: bcrypt, slow on purpose, so what has succeeded is remembered and few wait for it."""

import base64
import binascii
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import bcrypt
from pydantic import SecretStr

from exporter.log import RateLimit, logger
from exporter.web.live import Loaded

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_CHALLENGE = ("WWW-Authenticate", 'Basic realm="hubble-egress-exporter", charset="UTF-8"')
_MOST_REMEMBERED = 256
# bcrypt reads no further; htpasswd and Go cut longer passwords here as well.
_LONGEST_PASSWORD = 72
_COST = slice(4, 6)


class Verdict(Enum):
    """What becomes of a request."""

    WELCOME = auto()
    REFUSED = auto()
    BUSY = auto()


class Logins:
    """Judges pairs of user and password. One is hashed at a time, so that the flows keep the other cores."""

    def __init__(self, most_waiting: int) -> None:
        self._salt = os.urandom(32)
        self._remembered: dict[bytes, None] = {}
        self._places, self._hashing = threading.BoundedSemaphore(most_waiting), threading.Lock()

    def judge(self, users: Mapping[str, SecretStr], user: str, password: bytes) -> Verdict:
        """An unknown user takes as long as a wrong password."""
        password = password[:_LONGEST_PASSWORD]
        is_known = user in users
        hashed = users[user].get_secret_value() if is_known else _stand_in(users)
        key = self._key(hashed, user.encode(), password)
        if key in self._remembered:
            return Verdict.WELCOME
        if not self._places.acquire(blocking=False):
            return Verdict.BUSY
        try:
            with self._hashing:
                # Whoever was first with the same pair has done the work.
                if key in self._remembered:
                    return Verdict.WELCOME
                if not (_matches(password, hashed) and is_known):
                    return Verdict.REFUSED
                if len(self._remembered) >= _MOST_REMEMBERED:
                    del self._remembered[next(iter(self._remembered))]
                self._remembered[key] = None
                return Verdict.WELCOME
        finally:
            self._places.release()

    def _key(self, hashed: str, user: bytes, password: bytes) -> bytes:
        """Holds no password: keyed with what only this process knows. The hash is in it, so a new one starts anew."""
        digest = hashlib.blake2b(hashed.encode(), key=self._salt)
        digest.update(len(user).to_bytes(4, "big") + user + password)
        return digest.digest()


class Guard:
    """Lets a request through to the application when it may, and adds the configured headers to every answer."""

    def __init__(self, application: "WSGIApplication", current: Callable[[], Loaded], most_waiting: int) -> None:
        self._application, self._current = application, current
        self._logins = Logins(most_waiting)
        self._limit, self._lock = RateLimit(), threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        config = self._current().config
        ours = [(name, value) for name, value in config.http_server_config.headers.items() if value]
        taken = {name.lower() for name, _ in ours}

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:  # noqa: ANN401, exc_info of WSGI
            return start_response(
                status, [header for header in headers if header[0].lower() not in taken] + ours, *rest
            )

        users, authorization = config.basic_auth_users, str(environ.get("HTTP_AUTHORIZATION", ""))
        pair = _pair(authorization) if users else None
        verdict = self._logins.judge(users, *pair) if pair else Verdict.REFUSED
        if not users or verdict is Verdict.WELCOME:
            return self._application(environ, start)
        if verdict is Verdict.BUSY:
            status, text, more = "503 Service Unavailable", b"Too many logins at the same time.\n", ("Retry-After", "1")
        else:
            status, text, more = "401 Unauthorized", b"Unauthorized\n", _CHALLENGE
            if authorization:
                self._note(str(environ.get("REMOTE_ADDR", "")))
        start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text))), more])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]

    def _note(self, client: str) -> None:
        """The user is not named: people type passwords into the wrong field."""
        with self._lock:
            held = self._limit.admit("login_refused")
        if held is not None:
            logger().warning("login_refused", client=client, similar_before=held)


def _pair(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user.decode(errors="replace"), password) if colon else None


def _matches(password: bytes, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password, hashed.encode())
    except ValueError:
        return False


def _stand_in(users: Mapping[str, SecretStr]) -> str:
    """A hash that no password has, as slow as the slowest of the real ones."""
    cost = max((secret.get_secret_value()[_COST] for secret in users.values()), default="10")
    return f"$2b${cost}$" + "." * 53
