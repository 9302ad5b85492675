"""One HTTP/2 connection that speaks just enough gRPC for the client of an Observer."""

import select
import socket
from collections.abc import Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded

from exporter.hubble.pb.observer import observer_pb2

_STATUS, _FLOWS = b"/observer.Observer/ServerStatus", b"/observer.Observer/GetFlows"
_READ = 64 * 1024
_WRITE = 16 * 16 * 1024
"""Bytes handed to the kernel at once: sixteen DATA frames of the size that every client takes."""
_HEADERS = ((":status", "200"), ("content-type", "application/grpc"))


def prefixed(message: bytes) -> bytes:
    """A message as gRPC puts it into a stream: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


class Connection:
    """Answers ServerStatus by itself, and leaves the answer to GetFlows to its owner."""

    def __init__(self, sock: socket.socket, sent: Callable[[int], None]) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self._sent = sock, sent
        self._h2 = H2Connection(H2Configuration(client_side=False))
        self._paths: dict[int, bytes] = {}
        self._stream = 0
        self.closed = False
        self._h2.initiate_connection()
        self._flush()

    @property
    def called(self) -> bool:
        """Whether a call of GetFlows is open."""
        return self._stream > 0

    def read(self) -> None:
        """Wait for what the client says next, and take it in."""
        try:
            data = self.sock.recv(_READ)
        except ConnectionError:
            data = b""
        if not data:
            self.closed, self._stream = True, 0
            return
        for event in self._h2.receive_data(data):
            self._take(event)
        self._flush()

    def read_what_came(self) -> None:
        """Take in what the client has said, without waiting."""
        while not self.closed and select.select([self.sock], [], [], 0)[0]:
            self.read()

    def send(self, messages: memoryview) -> None:
        """Send prefixed messages in full DATA frames, as fast as the client's windows let them pass."""
        begin = 0
        while begin < len(messages):
            self.read_what_came()
            if self.closed:
                return
            window = self._h2.local_flow_control_window(self._stream)
            if window == 0:
                self.read()
                continue
            end = min(begin + window, begin + _WRITE, len(messages))
            size = self._h2.max_outbound_frame_size
            for at in range(begin, end, size):
                self._h2.send_data(self._stream, messages[at : min(at + size, end)])
            self._flush()
            self._sent(end - begin)
            begin = end

    def end(self) -> None:
        """End the stream as a server does that has no more flows."""
        if self._stream:
            self._h2.send_headers(self._stream, [("grpc-status", "0")], end_stream=True)
            self._stream = 0
            self._flush()

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._paths[event.stream_id] = dict(event.headers)[b":path"]
        elif isinstance(event, DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._answer(event.stream_id, self._paths.pop(event.stream_id, b""))

    def _answer(self, stream: int, path: bytes) -> None:
        if path == _FLOWS:
            self._h2.send_headers(stream, _HEADERS)
            self._stream = stream
        elif path == _STATUS:
            self._h2.send_headers(stream, _HEADERS)
            status = observer_pb2.ServerStatusResponse(version="1.19.4+benchmark")
            self._h2.send_data(stream, prefixed(status.SerializeToString()))
            self._h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        else:
            self._h2.send_headers(stream, [*_HEADERS, ("grpc-status", "12")], end_stream=True)

    def _flush(self) -> None:
        try:
            self.sock.sendall(self._h2.data_to_send())
        except ConnectionError:
            self.closed, self._stream = True, 0
