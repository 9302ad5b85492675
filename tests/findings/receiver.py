"""A receiver of findings: a real HTTP server on loopback that answers what the test says, and keeps what it got."""

import ssl
import threading
from collections import deque
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self

Answering = Callable[[BaseHTTPRequestHandler], None]


class Request(NamedTuple):
    """What came."""

    method: str
    target: str
    headers: Message
    body: bytes


def status(code: int, **headers: str) -> Answering:
    """Answer with this status; `Retry_After` is the header Retry-After."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def talk_nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Answer something that is no HTTP."""
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")


class Receiver:
    """Gives the answers in order, and 204 from then on."""

    def __init__(self, *answers: Answering, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.released = threading.Event()
        """Set to end what hangs."""
        self._answers = deque(answers)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver._answers.popleft() if receiver._answers else status(204)
                receiver.requests.append(Request(self.command, self.path, self.headers, body))
                answer(self)

            def do_GET(self) -> None:
                """A redirect that is followed comes so."""
                receiver.requests.append(Request(self.command, self.path, self.headers, b""))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Clients that leave early and refused certificates are cases of the tests.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # no class of its own for that
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{scheme}://{self.address}/findings"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def answer(self, *answers: Answering) -> None:
        """Give these after the others."""
        self._answers.extend(answers)

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the end of the test."""
        self.released.wait()

    def trickle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a byte at a time, so that no read waits long, without ever coming to an end."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not self.released.wait(0.01):
            handler.wfile.write(b"x")

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, whatever hangs."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
