"""A DNS proxy between a pod and a real server, as Cilium's is: it hands on what it hears, and tells Hubble of it."""

import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

from dns.message import from_wire, make_response
from dns.rcode import SERVFAIL

from tests.programs import DEADLINE
from tests.real.dns_lines import answer_line, query_line


class Recorder:
    """The proxy, as a context manager: `port` is where the pod asks, `lines` are what Hubble shows of it.

    `upstream` is the port of the server. The time of flows stands still until somebody sets `seconds`.
    """

    def __init__(self, upstream: int) -> None:
        self.lines: list[str] = []
        self.seconds = 0.0
        self.upstream = upstream
        streams = _Streams(("127.0.0.1", 0), _Stream)
        self.port: int = streams.server_address[1]
        # A client whose answer is truncated asks again by TCP, at the same port.
        datagrams = _Datagrams(("127.0.0.1", self.port), _Datagram)
        streams.recorder = datagrams.recorder = self
        self._servers = (streams, datagrams)
        self._threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in self._servers]

    def __enter__(self) -> Self:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End both servers, and wait for their threads."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join(DEADLINE)

    def pass_on(self, wire: bytes, l4: str, port: int) -> bytes:
        """Ask the server what the pod asks, and give back its answer; SERVFAIL of our own when there is none."""
        query = from_wire(wire)
        self.lines.append(query_line(self.seconds, query, l4, port))
        try:
            answer = (_by_stream if l4 == "TCP" else _by_datagram)(self.upstream, wire)
        except (OSError, EOFError):
            self.lines.append(query_line(self.seconds, query, l4, port, verdict="ERROR"))
            failed = make_response(query)
            failed.set_rcode(SERVFAIL)
            return failed.to_wire()
        self.lines.append(answer_line(self.seconds, from_wire(answer), l4, port))
        return answer


class _Streams(socketserver.TCPServer):
    recorder: Recorder


class _Datagrams(socketserver.UDPServer):
    recorder: Recorder


class _Stream(socketserver.StreamRequestHandler):
    server: _Streams

    def handle(self) -> None:
        wire = self.rfile.read(int.from_bytes(self.rfile.read(2)))
        answer = self.server.recorder.pass_on(wire, "TCP", self.client_address[1])
        self.wfile.write(len(answer).to_bytes(2) + answer)


class _Datagram(socketserver.DatagramRequestHandler):
    server: _Datagrams

    def handle(self) -> None:
        self.wfile.write(self.server.recorder.pass_on(self.rfile.read(), "UDP", self.client_address[1]))


def _by_stream(port: int, wire: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as server, server.makefile("rb") as read:
        server.sendall(len(wire).to_bytes(2) + wire)
        size = read.read(2)
        if not size:
            raise EOFError("closed without an answer")
        return read.read(int.from_bytes(size))


def _by_datagram(port: int, wire: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.settimeout(DEADLINE)
        # A socket that is connected hears of it when nobody listens at the other end.
        server.connect(("127.0.0.1", port))
        server.send(wire)
        return server.recv(65_535)
