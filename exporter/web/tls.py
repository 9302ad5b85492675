"""TLS for cheroot, which shakes hands in its accept loop: here a worker does, and only when something has arrived.

A client that connects and says nothing costs a socket until the time-out, but neither a worker nor the accept loop.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from io import DEFAULT_BUFFER_SIZE
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection
from cheroot.ssl import Adapter

from exporter.log import RateLimit, logger
from exporter.web.live import Loaded

_PLAIN_ANSWER = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nThis port speaks HTTPS only.\n"
_ENVIRONMENT = {"wsgi.url_scheme": "https", "HTTPS": "on"}


class TlsAdapter(Adapter):
    """Wraps what is accepted with the context in effect, without a word on the wire."""

    def __init__(self, current: Callable[[], Loaded]) -> None:  # the base class wants files, which change here
        self._current = current
        self._limit, self._lock = RateLimit(), threading.Lock()

    def bind(self, sock: socket.socket) -> socket.socket:
        """The listening socket stays as it is."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Called in the accept loop, so nothing here waits for the client."""
        context = self._current().context
        if context is None:
            raise FatalSSLAlert("no certificate")
        try:
            return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), dict(_ENVIRONMENT)
        except OSError as error:
            raise FatalSSLAlert(*error.args) from error

    def get_environ(self) -> dict[str, str]:
        """What every request over TLS has."""
        return dict(_ENVIRONMENT)

    def makefile(self, sock: ssl.SSLSocket, mode: str = "r", bufsize: int = DEFAULT_BUFFER_SIZE) -> object:
        """A file over the decrypted bytes."""
        return MakeFile(sock, mode, bufsize)

    def stranger(self, certificate: object) -> bool:
        """Whether a client with this certificate is none of those that are allowed."""
        allowed = self._current().config.tls_server_config.client_allowed_sans
        return bool(allowed) and not set(map(_plain, allowed)) & set(names_of(certificate))

    def note(self, reason: str, client: str) -> None:
        """Say once in a while that a handshake failed; the reasons are OpenSSL's, so they are few."""
        with self._lock:
            held = self._limit.admit(f"handshake/{reason}")
        if held is not None:
            logger().warning("tls_handshake_failed", reason=reason.lower(), client=client, similar_before=held)


class TlsConnection(HTTPConnection):
    """A connection that shakes hands before its first request, a step whenever bytes have arrived."""

    def __init__(self, server: Any, sock: ssl.SSLSocket, makefile: Any = MakeFile) -> None:  # noqa: ANN401, cheroot's
        super().__init__(server, sock, makefile)
        self._shaken = False
        self._deadline = time.monotonic() + server.timeout

    def communicate(self) -> bool:
        """Go on with the handshake, or answer a request; says whether the connection stays open."""
        if self._shaken:
            return self._answer()
        if time.monotonic() > self._deadline:
            return False
        adapter: TlsAdapter = self.server.ssl_adapter
        try:
            self._step()
        except ssl.SSLWantReadError:
            return True
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            # Hung up, as port checks do.
            return False
        except ssl.SSLError as error:
            if error.reason:
                adapter.note(error.reason, str(self.remote_addr))
            if error.reason == "HTTP_REQUEST":
                self._answer_plainly()
            return False
        except OSError:
            return False
        if adapter.stranger(self.socket.getpeercert()):
            adapter.note("name_not_in_client_allowed_sans", str(self.remote_addr))
            return False
        self._shaken = True
        # The request may be here already, decrypted or not; when it is not, another client takes this worker.
        return self._answer() if self.socket.pending() else True

    def _answer(self) -> bool:
        return bool(super().communicate())  # type: ignore[no-untyped-call] # cheroot's stubs have no types here

    def _step(self) -> None:
        self.socket.settimeout(0)
        try:
            self.socket.do_handshake()
        except ssl.SSLWantWriteError:
            # Our few kilobytes do not fit into an empty buffer: rare enough to wait for it.
            self.socket.settimeout(self.server.timeout)
            self.socket.do_handshake()
        finally:
            self.socket.settimeout(self.server.timeout)

    def _answer_plainly(self) -> None:
        """Beneath TLS, to a client that does not speak it; it has sent its request, which is read away."""
        try:
            socket.socket.sendall(self.socket, _PLAIN_ANSWER)
            socket.socket.shutdown(self.socket, socket.SHUT_WR)
            socket.socket.settimeout(self.socket, 0)
            socket.socket.recv(self.socket, 64 * 1024)
        except OSError:
            return


def names_of(certificate: object) -> list[str]:
    """The alternative names in a certificate as `ssl` describes it: DNS, mail, URI and addresses."""
    names = certificate.get("subjectAltName", ()) if isinstance(certificate, dict) else ()
    return [_plain(name.strip()) for _, name in names]


def _plain(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
