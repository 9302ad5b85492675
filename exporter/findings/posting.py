"""One attempt to post a finding: a connection of its own, straight to the URL, and what the answer means."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection, RemoteDisconnected
from typing import NamedTuple
from urllib.parse import urlsplit

from exporter.build import build
from exporter.findings.secret import SecretError, Signer
from exporter.findings.settings import WebhookSettings

MOST_DELAY = 60.0
_LATE = "no answer in findings.webhook.timeout"
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class Answer(NamedTuple):
    """What came of an attempt; `again` when another one may end otherwise, `delay` as long as the server asks for."""

    taken: bool
    again: bool
    said: str
    delay: float = 0.0


class Poster:
    """Posts to one URL. Redirects are not followed, and proxies of the environment not used."""

    def __init__(self, settings: WebhookSettings, wall: Callable[[], float] = time.time) -> None:
        self._parts, self._ca_file = urlsplit(settings.url), settings.ca_file
        self._signer, self._wall = Signer(settings), wall
        self._target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        # As it may be logged: what authenticates stands in a query. A user is in no URL, the settings see to that.
        self.shown = f"{self._parts.scheme}://{self._parts.netloc}{self._parts.path}"

    def post(self, body: bytes, delivery: str, timeout: float) -> Answer:
        """Post it, and wait for the answer so many seconds at most. Never raises."""
        try:
            with closing(self._connection(timeout)) as connection:
                return self._asked(connection, self._headers(body, delivery), body, timeout)
        except SecretError as error:
            return Answer(taken=False, again=True, said=str(error))
        except (OSError, HTTPException, ValueError) as error:
            return Answer(taken=False, again=True, said=_in_words(error))

    def _connection(self, timeout: float) -> HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "http":
            return HTTPConnection(host, port, timeout=timeout)
        try:
            context = ssl.create_default_context(cafile=self._ca_file or None)
        except OSError as error:
            reason = "no certificate in PEM form is in it" if isinstance(error, ssl.SSLError) else error.strerror
            raise OSError(0, f"findings.webhook.ca-file cannot be used: {reason}") from None
        return HTTPSConnection(host, port, timeout=timeout, context=context)

    def _headers(self, body: bytes, delivery: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"hubble-egress-exporter/{build().version}",
            "X-Hubble-Egress-Delivery": delivery,
            "Connection": "close",
        }
        signature = self._signer.signature(body)
        return {**headers, "X-Hubble-Egress-Signature": signature} if signature else headers

    def _asked(self, connection: HTTPConnection, headers: dict[str, str], body: bytes, timeout: float) -> Answer:
        connection.connect()
        with _within(timeout, connection.sock):
            connection.request("POST", self._target, body, headers)
            answer = connection.getresponse()
            return self._judged(answer.status, answer.headers)

    def _judged(self, status: int, headers: HTTPMessage) -> Answer:
        said = f"HTTP status {status}"
        match status // 100:
            case 2:
                return Answer(taken=True, again=False, said=said)
            case 3:
                return Answer(taken=False, again=False, said=f"{said}: redirects are not followed")
            case 4 if status not in _PASSING:
                return Answer(taken=False, again=False, said=said)
            case _:
                delay = _seconds(headers.get("Retry-After", ""), self._wall())
                return Answer(taken=False, again=True, said=said, delay=min(max(delay, 0.0), MOST_DELAY))


@contextmanager
def _within(seconds: float, connected: socket.socket) -> Iterator[None]:
    """Hang up after so long: the timeout of a socket is that of one read, and an answer may trickle."""
    is_late = threading.Event()

    def hang_up() -> None:
        is_late.set()
        # Not the method of the TLS socket, which takes away what a read in another thread is using.
        with suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if is_late.is_set():
            # Headers that were cut off read as an answer.
            raise TimeoutError


def _seconds(retry_after: str, now: float) -> float:
    """Seconds of the header, a number or a time; 0 for what is neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        # Not an int, which takes so many digits only.
        return float(text)
    with suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(text).timestamp() - now
    return 0.0


def _in_words(error: Exception) -> str:
    """What went wrong, in words of the system: nothing that was sent or received is in it."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is refused: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {(error.reason or 'unknown').replace('_', ' ').lower()}"
        case TimeoutError():
            return _LATE
        case RemoteDisconnected():
            return "the connection was closed without an answer"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return f"no HTTP answer ({type(error).__name__})"
