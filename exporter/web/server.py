"""The HTTP server: cheroot, bound before success is reported, with a time-out for slow clients."""

import errno
import logging
import socket
import ssl
import sys
import threading
from typing import TYPE_CHECKING, Any

from cheroot.wsgi import Server as CherootServer

from exporter.log import RateLimit, logger
from exporter.web.auth import Guard
from exporter.web.live import LiveConfig
from exporter.web.rules import notes
from exporter.web.settings import WebSettings, split_address
from exporter.web.tls import TlsAdapter, TlsConnection

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

# Threads beside those of the scrapes: health checks must be answered while all scrapes run.
_SPARE_THREADS = 4
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


class CannotListenError(Exception):
    """The address cannot be bound; the text says why and what to change."""


class _QuietServer(CherootServer):
    """Clients that hang up in the middle are their own affair; only what cheroot calls an error is worth a line."""

    faults: RateLimit
    faults_lock: threading.Lock
    refused: OSError | None = None
    """Why the address cannot be bound: cheroot tells it as text only."""

    def bind_socket(self, socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:  # type: ignore[override] # a static method there
        """Bind, and keep the fault with its number."""
        try:
            socket_.bind(bind_addr)
        except OSError as error:
            socket_.close()
            self.refused = error
            raise
        return socket_

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Tell errors to our own log, a few a minute: a client must not be able to fill it."""
        if isinstance(sys.exception(), ssl.SSLError) or (level < logging.ERROR and not traceback):
            return
        with self.faults_lock:
            held = self.faults.admit("request_failed", most=5)
        if held is not None:
            logger().warning("request_failed", error=msg.strip(), similar_before=held, exc_info=traceback)

    def process_conn(self, conn: Any) -> None:  # noqa: ANN401, cheroot's
        """Give a connection to a worker once something has arrived; a silent one waits outside until its time-out."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)


class WebServer:
    """Serves a WSGI application in threads of its own; with `config` only to those whom it lets in."""

    def __init__(self, settings: WebSettings, application: "WSGIApplication", config: LiveConfig | None = None) -> None:
        self._settings, self._config = settings, config
        self._application = Guard(application, config.current, _SPARE_THREADS) if config else application
        self._server: CherootServer | None = None
        self._thread: threading.Thread | None = None

    def bind(self) -> str:
        """Bind the address and return the base URL, with the real port.

        Raises:
            CannotListenError: when the address is in use, not ours or not allowed.
        """
        host, port = split_address(self._settings.listen_address)
        try:
            self._server = self._prepared(host or "::", port)
        except OSError as error:
            if host or error.errno not in _NO_IPV6:
                raise self._refused(error) from error
            try:
                self._server = self._prepared("0.0.0.0", port)  # noqa: S104, every interface is what was asked for
            except OSError as second:
                raise self._refused(second) from second
        loaded = self._config.current() if self._config else None
        for note in notes(loaded.config) if loaded else ():
            logger().warning("web_config_noted", note=note)
        return _url("https" if self._server.ssl_adapter else "http", host, self._server.socket.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        if self._server is None:
            raise RuntimeError("bind() comes first")
        self._thread = threading.Thread(target=self._server.serve, name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._server is not None:
            self._server.stop()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _prepared(self, host: str, port: int) -> _QuietServer:
        server = _QuietServer(
            (host, port),
            self._application,
            numthreads=self._settings.max_scrapes + _SPARE_THREADS,
            # Many may connect at once; cheroot's five places would make the sixth wait a second for its next attempt.
            request_queue_size=128,
            timeout=self._settings.timeout,  # type: ignore[arg-type] # a socket time-out, which may have a fraction
            server_name="hubble-egress-exporter",
        )
        server.faults, server.faults_lock = RateLimit(), threading.Lock()
        # The whole request head may take 64 KiB at most: no client needs more for a scrape.
        server.max_request_header_size = 64 * 1024
        server.max_request_body_size = 64 * 1024
        if self._config and self._config.current().context:
            server.ssl_adapter, server.ConnectionClass = TlsAdapter(self._config.current), TlsConnection
        try:
            server.prepare()
        except OSError as error:
            raise server.refused or error from error
        return server

    def _refused(self, error: OSError) -> CannotListenError:
        address = self._settings.listen_address
        reasons = {
            errno.EADDRINUSE: "something else listens there; choose another --web.listen-address",
            errno.EACCES: "not allowed; ports below 1024 need privileges",
            errno.EADDRNOTAVAIL: "no interface of this host has that address",
        }
        return CannotListenError(f"cannot listen on {address}: {reasons.get(error.errno or 0, str(error))}")


def _url(scheme: str, host: str, port: int) -> str:
    shown = "localhost" if host in ("", "::", "0.0.0.0") else host  # noqa: S104, compared, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
