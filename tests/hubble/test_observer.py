"""A live Observer over real gRPC on loopback: it streams, fails with a reason, tries again, and stops at once."""

import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Disconnected, Event, Undecodable
from exporter.hubble.observer import Observer
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.settings import HubbleSettings, SourcesSettings
from tests.programs import DEADLINE, eventually, free_port

Stream = Callable[[grpc.ServicerContext], Iterator[bytes]]
FLOW = observer_pb2.GetFlowsResponse(flow=flow_pb2.Flow(verdict=flow_pb2.FORWARDED, node_name="n")).SerializeToString()


class Server:
    """An Observer of the test's own: raw bytes out, calls counted; methods left out are unimplemented."""

    def __init__(self, stream: Stream | None, *, status: bool = True) -> None:
        self.calls, self.requests = 0, list[bytes]()
        self._stream, self._status = stream, status
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers([self])  # type: ignore[list-item] # one method is all gRPC asks for

    def service(self, call: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method, as gRPC asks for it."""
        if call.method == "/observer.Observer/GetFlows" and self._stream:
            return grpc.unary_stream_rpc_method_handler(self._get_flows)
        if call.method == "/observer.Observer/ServerStatus" and self._status:
            version = observer_pb2.ServerStatusResponse(version="1.19.4").SerializeToString()
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: version)
        return None

    def _get_flows(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        self.calls += 1
        self.requests.append(request)
        if self._stream:
            yield from self._stream(context)

    def start(self, address: str = "127.0.0.1:0") -> str:
        """Serve, and say where."""
        port = self._server.add_insecure_port(address)
        self._server.start()
        return address if address.startswith("unix:") else f"127.0.0.1:{port}"

    def stop(self) -> None:
        """Hang up on everybody."""
        self._server.stop(None).wait(DEADLINE)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Server, str]]]:
    """Starts servers, and stops them all at the end."""
    servers: list[Server] = []

    def start(stream: Stream | None, *, status: bool = True, address: str = "127.0.0.1:0") -> tuple[Server, str]:
        server = Server(stream, status=status)
        servers.append(server)
        return server, server.start(address)

    yield start
    for server in servers:
        server.stop()


def observer(address: str, longest: float = 0.001) -> Observer:
    """An Observer client that waits hardly at all between attempts."""
    settings = HubbleSettings(address=address, backoff_min=min(0.001, longest), backoff_max=longest)
    return Observer(settings, SourcesSettings(), Decoder(100), random.Random(0))  # noqa: S311, jitter


def until(source: Observer, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """The events up to the moment when there are enough of them; the source is stopped then."""
    found: list[Event] = []
    watchdog = threading.Timer(DEADLINE, source.stop)
    watchdog.start()
    for event in source.events():
        found.append(event)
        if enough(found):
            source.stop()
    watchdog.cancel()
    assert enough(found), found
    return found


def count(kind: type, number: int) -> Callable[[list[Event]], bool]:
    """Enough is so many events of a kind."""
    return lambda found: sum(isinstance(event, kind) for event in found) >= number


def ends(_context: grpc.ServicerContext) -> Iterator[bytes]:
    """A server that accepts and hangs up at once."""
    return iter(())


def waits(context: grpc.ServicerContext) -> Iterator[bytes]:
    """A quiet server: one flow, then nothing until the client leaves."""
    left = threading.Event()
    context.add_callback(left.set)
    yield FLOW
    left.wait(DEADLINE)


def test_streams_flows(serve: Callable[..., tuple[Server, str]]) -> None:
    """Connects, says which version answers, and yields the flows in their order."""
    _, address = serve(lambda _: iter([FLOW, FLOW]))
    found = until(observer(address), count(Flow, 2))
    assert found[0] == Connected(address, "1.19.4", "1.19", "release")
    assert [type(event) for event in found[1:3]] == [Flow, Flow]


def test_unix_socket(serve: Callable[..., tuple[Server, str]], tmp_path: Path) -> None:
    """Reads an agent's socket."""
    _, address = serve(waits, address=f"unix://{tmp_path}/hubble.sock")
    assert Flow in map(type, until(observer(address), count(Flow, 1)))


def test_comes_back_after_the_stream_ends(serve: Callable[..., tuple[Server, str]]) -> None:
    """A stream that ends is opened again, and each end is told."""
    server, address = serve(lambda _: iter([FLOW]))
    found = until(observer(address), count(Flow, 3))
    assert server.calls == 3
    assert Disconnected("OK", "stream_ended", "the server ended the stream") in found


def test_survives_a_restart_of_the_server(serve: Callable[..., tuple[Server, str]]) -> None:
    """A server that goes away is told once per attempt with its reason, and streamed from again when it is back."""
    first, address = serve(waits)
    source, found = observer(address), list[Event]()
    reader = threading.Thread(target=lambda: found.extend(source.events()))
    seen = []

    def read() -> None:
        for event in source.events():
            found.append(event)
            seen.append(type(event))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    eventually(lambda: Flow in seen, "a flow of the first server")
    first.stop()
    eventually(lambda: Disconnected in seen, "the end of the first server")
    _, again = serve(waits, address=address)
    assert again == address
    eventually(lambda: seen.count(Flow) == 2, "a flow of the second server")
    source.stop()
    reader.join(DEADLINE)
    assert not reader.is_alive()


@pytest.mark.parametrize(
    ("address", "reason"),
    [("127.0.0.1:{port}", "connection_refused"), ("hubble-relay.invalid:80", "name_resolution")],
)
def test_unreachable(address: str, reason: str) -> None:
    """Nothing there, or no such name: UNAVAILABLE, each with its own reason."""
    found = until(observer(address.format(port=free_port())), count(Disconnected, 2))
    assert {(event.code, event.reason) for event in found if isinstance(event, Disconnected)} == {
        ("UNAVAILABLE", reason)
    }
    assert not any(isinstance(event, Connected) for event in found)


def test_no_observer(serve: Callable[..., tuple[Server, str]]) -> None:
    """A gRPC server that is no Hubble says so."""
    _, address = serve(None, status=False)
    (ended,) = (event for event in until(observer(address), count(Disconnected, 1)) if isinstance(event, Disconnected))
    assert (ended.code, ended.reason) == ("UNIMPLEMENTED", "no_observer")


def test_server_without_status(serve: Callable[..., tuple[Server, str]]) -> None:
    """A server that does not know ServerStatus is streamed from all the same."""
    _, address = serve(waits, status=False)
    assert until(observer(address), count(Flow, 1))[0] == Connected(address, "", "", "release")


def test_a_broken_message_costs_itself_only(serve: Callable[..., tuple[Server, str]]) -> None:
    """Bytes that are no message are told, and the stream goes on."""
    server, address = serve(lambda _: iter([FLOW, b"\xff\xff\xff", FLOW]))
    found = until(observer(address), count(Flow, 2))
    assert [type(event) for event in found[:4]] == [Connected, Flow, Undecodable, Flow]
    assert server.calls == 1


def test_backoff_is_reset_by_a_flow_only(
    serve: Callable[..., tuple[Server, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that accepts and hangs up keeps its growing delay; one that sent a flow begins anew."""
    answers = iter([[], [], [], [FLOW], [], []])
    _, address = serve(lambda _: iter(next(answers, [])))
    source = observer(address, longest=0.02)
    waited: list[float] = []
    wait = source._stopped.wait

    def note(timeout: float) -> bool:
        waited.append(timeout)
        return wait(timeout)

    monkeypatch.setattr(source._stopped, "wait", note)
    monkeypatch.setattr(source, "_jitter", Level())
    until(source, count(Disconnected, 6))
    assert waited[:5] == pytest.approx([0.001, 0.002, 0.004, 0.001, 0.002])


class Level(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        """The middle."""
        return (a + b) / 2


@pytest.mark.parametrize("moment", ["stream", "backoff", "connect"])
def test_stop(moment: str, serve: Callable[..., tuple[Server, str]]) -> None:
    """Stopping from another thread ends the iteration at once: in a quiet stream, in a long wait, while connecting."""
    silent = socket.create_server(("127.0.0.1", 0))
    addresses = {
        "stream": lambda: serve(waits)[1],
        "backoff": lambda: f"127.0.0.1:{free_port()}",
        "connect": lambda: f"127.0.0.1:{silent.getsockname()[1]}",
    }
    source = observer(addresses[moment](), longest=1000.0)
    if moment == "backoff":
        source._settings = source._settings.model_copy(update={"backoff_min": 1000.0})
    begun = threading.Event()
    found: list[Event] = []

    def read() -> None:
        for event in source.events():
            found.append(event)
            if isinstance(event, Flow | Disconnected):
                begun.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    if moment == "connect":
        eventually(lambda: source._connection is not None and source._connection.calls, "a call")
    else:
        assert begun.wait(DEADLINE)
    source.stop()
    reader.join(DEADLINE)
    silent.close()
    assert not reader.is_alive()
    assert sum(isinstance(event, Disconnected) for event in found) == (moment == "backoff")


def test_other_sources_are_asked_for_at_once(serve: Callable[..., tuple[Server, str]]) -> None:
    """A request cannot be changed: the stream begins anew, without a wait, and only if the request would differ."""
    server, address = serve(waits)
    source = observer(address)
    source.choose(SourcesSettings(exclude_workloads=("ops/*",)))

    def choose(found: list[Event]) -> bool:
        if server.calls == 1 and count(Flow, 1)(found):
            source.choose(SourcesSettings(exclude_workloads=("*/job-*",)))  # workloads are no filter of Hubble's
            source.choose(SourcesSettings(exclude_namespaces=("ops",)))
        return count(Flow, 2)(found)

    found = until(source, choose)
    assert [type(event) for event in found] == [Connected, Flow, Disconnected, Connected, Flow]
    assert found[2] == Disconnected("OK", "asked_anew", "the settings choose other sources")
    first, second = (observer_pb2.GetFlowsRequest.FromString(request) for request in server.requests)
    assert list(first.blacklist) == []
    assert [list(one.source_pod) for one in second.blacklist] == [["ops/"]]


def test_other_sources_between_two_streams() -> None:
    """While there is no stream nothing begins anew: an attempt that fails keeps its reason and its delay."""
    source = observer(f"127.0.0.1:{free_port()}")

    def choose(found: list[Event]) -> bool:
        source.choose(SourcesSettings(exclude_namespaces=(f"n{len(found)}",)))
        return count(Disconnected, 3)(found)

    found = until(source, choose)
    assert {event.reason for event in found if isinstance(event, Disconnected)} == {"connection_refused"}


def test_other_sources_while_it_connects() -> None:
    """A server that accepts and says nothing is told as that, however often the sources change meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = HubbleSettings(address=f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.5)
        source = Observer(settings, SourcesSettings(), Decoder(100), random.Random(0))  # noqa: S311, jitter
        stop = threading.Event()

        def keep_choosing() -> None:
            number = 0
            while not stop.wait(0.02):
                number += 1
                source.choose(SourcesSettings(exclude_namespaces=(f"n{number}",)))

        chooser = threading.Thread(target=keep_choosing)
        chooser.start()
        try:
            found = until(source, count(Disconnected, 1))
        finally:
            stop.set()
            chooser.join(DEADLINE)
    assert [(event.code, event.reason) for event in found if isinstance(event, Disconnected)] == [
        ("DEADLINE_EXCEEDED", "timeout")
    ]
