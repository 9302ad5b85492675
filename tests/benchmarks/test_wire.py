"""The benchmarks' server speaks HTTP/2 and gRPC as others do, and leaves nothing out."""

import socket
from collections.abc import Iterator
from itertools import islice
from threading import Thread

import grpc
import pytest
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded
from h2.settings import SettingCodes

from exporter.hubble.channel import open_channel
from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc
from tests.benchmarks.floor import read_once
from tests.benchmarks.mix import Mix
from tests.benchmarks.reels import Reel, loaded, write_reel
from tests.benchmarks.server import Server
from tests.benchmarks.wire import Connection
from tests.flows import BASE
from tests.programs import DEADLINE, eventually

_MESSAGES = 500
_FRAME = 16_384


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Reel:
    """Some flows of the mix, several times what a client's window lets pass at once."""
    flows = Mix(1, 20, per_second=10_000).flows(BASE)
    return write_reel(tmp_path_factory.mktemp("reels") / "some", islice(flows, _MESSAGES))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The server's process."""
    with Server() as server:
        yield server


def test_client_reads_all_messages(server: Server, reel: Reel) -> None:
    """A gRPC client gets the version, then each message as it was written, in order, then the end."""
    with open_channel(server.address) as channel:
        observer = observer_pb2_grpc.ObserverStub(channel)
        assert observer.ServerStatus(observer_pb2.ServerStatusRequest()).version == "1.19.4+benchmark"
        playing = Thread(target=_play_all, args=(server, reel))
        playing.start()
        call = observer.GetFlows(observer_pb2.GetFlowsRequest())
        read = [response.SerializeToString() for response in call]
        assert call.code() is grpc.StatusCode.OK
    playing.join()
    messages = loaded(reel.path)
    assert read == [bytes(messages[begin + 5 : end]) for begin, end in _bounds(reel)]


def test_raw_reader_counts_all_messages_in_every_way_to_play(server: Server, reel: Reel) -> None:
    """A part of a reel, a paced one and an endless one all end between two messages."""
    read: list[int] = []
    reader = Thread(target=lambda: read.extend(read_once(server.address) for _ in range(3)))
    reader.start()
    server.called()
    server.play(reel, 100, 350)
    server.end()
    server.called()
    times = server.pace(reel, range(2, 8), size=50, interval=0.001)
    server.end()
    server.called()
    played = server.sent
    server.loop(reel)
    eventually(lambda: server.sent - played > 2 * reel.offsets[-1], "two laps")
    server.end()
    reader.join()
    assert read[:2] == [250, 300]
    assert read[2] > 2 * _MESSAGES
    assert len(times) == 6
    assert times == sorted(times)
    laps, rest = divmod(read[2], _MESSAGES)
    assert server.sent - played == laps * reel.offsets[-1] + reel.offsets[rest]


def test_frames_are_full(reel: Reel) -> None:
    """All DATA frames but the last have the size that the client takes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname(), timeout=DEADLINE)
        theirs, _ = listener.accept()
    with ours, theirs:
        client = H2Connection()
        client.initiate_connection()
        client.increment_flow_control_window(reel.offsets[-1])
        client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: reel.offsets[-1]})
        client.send_headers(1, _request("/observer.Observer/GetFlows"), end_stream=True)
        ours.sendall(client.data_to_send())
        serving = Thread(target=_serve, args=(theirs, reel))
        serving.start()
        sizes: list[int] = []
        ended = False
        while not ended:
            for event in client.receive_data(ours.recv(65_536)):
                ended = ended or isinstance(event, StreamEnded)
                if isinstance(event, DataReceived):
                    sizes.append(len(event.data))
        serving.join()
    assert sum(sizes) == reel.offsets[-1]
    assert set(sizes[:-1]) == {_FRAME}


def test_unknown_call_is_unimplemented(server: Server) -> None:
    """What it does not know it says so, as Hubble does."""
    with open_channel(server.address) as channel, pytest.raises(grpc.RpcError) as error:
        observer_pb2_grpc.ObserverStub(channel).GetNodes(observer_pb2.GetNodesRequest())
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def _play_all(server: Server, reel: Reel) -> None:
    server.called()
    server.play(reel)
    server.end()


def _serve(sock: socket.socket, reel: Reel) -> None:
    connection = Connection(sock, lambda _: None)
    while not connection.called:
        connection.read()
    connection.send(loaded(reel.path))
    connection.end()


def _request(path: str) -> list[tuple[str, str]]:
    return [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"), ("te", "trailers")]


def _bounds(reel: Reel) -> list[tuple[int, int]]:
    return list(zip(reel.offsets, reel.offsets[1:], strict=False))
