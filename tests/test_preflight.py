"""`preflight` says in one list what works over the real connection, and what to change."""

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from tests.hubble.authority import Authority, TlsServer
from tests.hubble.relay import Relay
from tests.programs import DEADLINE, free_port, run


def answer(event_type: int, *, dns: bool = False) -> bytes:
    """A flow of this type."""
    flow = flow_pb2.Flow(node_name="n0", event_type=flow_pb2.CiliumEventType(type=event_type))
    flow.time.GetCurrentTime()
    if dns:
        flow.l7.dns.query = "a.example."
    return observer_pb2.GetFlowsResponse(flow=flow).SerializeToString()


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay with two nodes."""
    relay = Relay("cilium v1.18.1", "cilium v1.16.9")
    yield relay
    relay.stop()


def lines(output: str) -> dict[str, tuple[str, str]]:
    """Sign and words of each line, by what it is about."""
    found = {}
    for line in output.splitlines():
        sign, what, said = line[:2].strip(), line[4:16].strip(), line[18:]
        found[what] = (sign, said)
    return found


def test_a_stream_that_works(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Server, nodes, fields, flows, event types and names, each in a line of its own; exit code 0."""
    messages = [answer(4), answer(4), answer(5), answer(129, dns=True)]

    def flows(_data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield from messages
        left = threading.Event()
        context.add_callback(left.set)
        left.wait(DEADLINE)

    monkeypatch.setattr(relay, "_flows", flows)
    ended = run("preflight", "--hubble.address", relay.start(), "--seconds", "2")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = lines(ended.stdout)
    assert told["server"] == ("ok", "hubble-relay v1.19.4")
    assert told["nodes"] == ("ok", "1 of cilium v1.18.1, 1 of cilium v1.16.9")
    assert told["fields"] == ("ok", "what 1.16 knows")
    assert told["flows"] == ("ok", "2.0 per second")
    assert told["event types"] == ("ok", "2 trace, 1 policy_verdict, 1 l7")
    assert told["names"][0] == "ok"
    assert told["TLS"] == ("--", "plaintext")
    assert not any(sign == "!!" for sign, _ in told.values())


def test_nobody_there() -> None:
    """An address where nobody listens is one line, and one that says what to do; exit code 1, at once."""
    ended = run("preflight", "--hubble.address", f"127.0.0.1:{free_port()}", "--seconds", "60")
    assert ended.returncode == 1
    told = lines(ended.stdout)
    assert told["reachable"][0] == "!!"
    assert "connection_refused" in told["reachable"][1]
    assert told["to do"] == ("!!", "nothing listens there: check hubble.address, and that Hubble Relay runs")


def test_tls_that_is_missing(tmp_path: Path) -> None:
    """A server that wants TLS is told as that."""
    server = TlsServer(lambda _: iter(()), Authority(tmp_path, "cilium").server())
    ended = run("preflight", "--hubble.address", server.address, "--seconds", "60")
    server.stop()
    assert ended.returncode == 1
    assert "hubble.tls.enabled" in lines(ended.stdout)["to do"][1]


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "inf"])
def test_bad_use(seconds: str) -> None:
    """A time that is none is bad use: exit code 2."""
    ended = run("preflight", "--seconds", seconds)
    assert ended.returncode == 2
    assert "is no time in seconds" in ended.stderr
