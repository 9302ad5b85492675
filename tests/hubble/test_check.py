"""What happens to a stream whose server is dead, whose nodes are of another release, or that asked for too much."""

import random
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import grpc
import pytest

from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Disconnected, Event, Nodes, NodeStatus, Undecodable
from exporter.hubble.observer import Observer
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.releases import Release, mask_of
from exporter.hubble.settings import HubbleSettings, SourcesSettings
from tests.hubble.relay import FLOW, Relay
from tests.programs import DEADLINE


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay with two nodes."""
    relay = Relay("cilium v1.18.1", "cilium v1.16.9")
    yield relay
    relay.stop()


def observer(address: str, *, check: float = 0.01, timeout: float = 5.0, silent: float = 1000.0) -> Observer:
    """A client that looks after its stream all the time."""
    settings = HubbleSettings(
        address=address,
        backoff_min=0.001,
        backoff_max=0.01,
        check_interval=check,
        connect_timeout=timeout,
        silent_after=silent,
    )
    return Observer(settings, SourcesSettings(), Decoder(100), random.Random(0))  # noqa: S311, jitter


def until_flows(source: Observer, number: int, between: object = None) -> list[Event]:
    """The events up to the n-th flow; `between` is called after the first one."""
    found: list[Event] = []
    watchdog = threading.Timer(DEADLINE, source.stop)
    watchdog.start()
    for event in source.events():
        found.append(event)
        flows = sum(isinstance(event, Flow) for event in found)
        if flows == 1 and isinstance(event, Flow) and callable(between):
            between()
        if flows == number:
            source.stop()
    watchdog.cancel()
    assert sum(isinstance(event, Flow) for event in found) == number, found
    return found


def ends(events: list[Event]) -> list[str]:
    """Why streams ended."""
    return [event.reason for event in events if isinstance(event, Disconnected)]


def test_the_request_fits_the_oldest_node(relay: Relay) -> None:
    """What a node of 1.16 does not know is asked of nobody; relay's own release does not count."""
    found = until_flows(observer(relay.start(), check=1000), 1)
    assert isinstance(found[0], Connected)
    assert (found[0].release, found[0].mask) == ("1.16", "release")
    assert list(relay.requests[0].field_mask.paths) == mask_of(Release(1, 16))


def test_a_changed_lowest_release_is_asked_anew(relay: Relay) -> None:
    """When the last old node is upgraded the stream begins anew, at once, with what all nodes know now."""

    def upgrade() -> None:
        relay.versions[1] = "cilium v1.18.1"

    found = until_flows(observer(relay.start()), 2, upgrade)
    assert ends(found) == ["asked_anew"]
    assert [list(request.field_mask.paths) for request in relay.requests] == [
        mask_of(Release(1, 16)),
        mask_of(Release(1, 18)),
    ]


@pytest.mark.parametrize("by_status", [False, True])
def test_a_refused_mask_is_asked_for_less(relay: Relay, *, by_status: bool) -> None:
    """A server that lies about its release refuses the mask: less is asked for, step by step, and remembered."""
    relay.tells_by_status = by_status
    relay.refuses = lambda paths: "trace_reason" in paths
    source = observer(relay.start(), check=1000)
    found = until_flows(source, 1)
    assert ends(found)[:1] == ["mask_refused"]
    masks = [event.mask for event in found if isinstance(event, Connected)]
    assert masks == ["release", "oldest"]
    assert [bool(request.field_mask.paths) for request in relay.requests] == [True, True]
    assert any(isinstance(event, NodeStatus) for event in found) is by_status


def test_a_mask_that_is_always_refused_is_left_out(relay: Relay) -> None:
    """In the end whole flows are asked for."""
    relay.refuses = bool
    found = until_flows(observer(relay.start(), check=1000), 1)
    assert [event.mask for event in found if isinstance(event, Connected)] == ["release", "oldest", "none"]
    assert not relay.requests[-1].field_mask.paths


def test_a_half_open_connection_is_replaced(relay: Relay) -> None:
    """A stream on which nothing arrives is checked with a cheap call; when that gets no answer it is replaced."""

    def die() -> None:
        relay.is_dead = True
        threading.Timer(0.3, lambda: setattr(relay, "is_dead", False)).start()

    found = until_flows(observer(relay.start(), timeout=0.1), 2, die)
    assert ends(found)[0] == "half_open"
    assert "nothing arrives" in next(event.detail for event in found if isinstance(event, Disconnected))


def test_a_quiet_stream_is_left_alone(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers is there, however quiet its stream is."""
    source = observer(relay.start(), check=0.001)
    asked = threading.Event()
    nodes = relay._nodes
    calls = [0]

    def counting(_request: bytes, context: grpc.ServicerContext) -> bytes:
        calls[0] += 1
        if calls[0] == 20:
            asked.set()
        return nodes(_request, context)

    monkeypatch.setattr(relay, "_nodes", counting)
    found: list[Event] = []
    reader = threading.Thread(target=lambda: found.extend(source.events()), daemon=True)
    reader.start()
    assert asked.wait(DEADLINE)
    source.stop()
    reader.join(DEADLINE)
    assert [type(event) for event in found] == [Connected, Flow]


def test_a_message_that_is_too_large_costs_itself_only(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes are told as too large, and the stream goes on."""
    huge = flow_pb2.Flow(node_name="n" * 10_000_000)
    messages = [observer_pb2.GetFlowsResponse(flow=huge).SerializeToString(), FLOW]
    monkeypatch.setattr(relay, "_flows", lambda _data, _context: iter(messages))
    found = until_flows(observer(relay.start(), check=1000), 1)
    (refused,) = (event for event in found if isinstance(event, Undecodable))
    assert (refused.reason, len(refused.detail) < 100) == ("message_too_large", True)
    assert ends(found) == []


def test_an_agent_has_the_name_that_its_flows_say(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an agent says of itself has no name: it is known from the first flow on, and never as an address."""
    monkeypatch.setattr(relay, "has_nodes", False)
    told: list[Event] = []
    source = observer(relay.start())
    enough = threading.Event()

    def take(event: Event) -> None:
        told.append(event)
        if isinstance(event, Nodes) and event.nodes:
            enough.set()

    source.report_to(take)
    reader = threading.Thread(target=lambda: list(source.events()), daemon=True)
    reader.start()
    assert enough.wait(DEADLINE)
    source.stop()
    reader.join(DEADLINE)
    assert {node.name for event in told if isinstance(event, Nodes) for node in event.nodes} == {"n"}


def test_ipv6(relay: Relay) -> None:
    """An address in brackets is one as any other."""
    assert until_flows(observer(relay.start("[::1]:0"), check=1000), 1)


def test_a_socket_that_is_made_anew(tmp_path: Path) -> None:
    """An agent that restarts makes its socket anew: the next attempt finds it."""
    address = f"unix://{tmp_path / 'hubble.sock'}"
    first, second = Relay("cilium v1.19.1"), Relay("cilium v1.19.1")
    first.start(address)

    def restart() -> None:
        first.stop()
        (tmp_path / "hubble.sock").unlink(missing_ok=True)
        second.start(address)

    source = observer(address, check=1000)
    found = until_flows(source, 2, lambda: threading.Thread(target=restart, daemon=True).start())
    second.stop()
    assert set(ends(found)) <= {"connection_lost", "socket_missing", "connection_refused", "unavailable", "cancelled"}
    assert len(second.requests) == 1


def test_a_node_that_falls_silent(relay: Relay) -> None:
    """An agent that sees flows while none arrives counts as missed, and one other stream is tried for it."""
    relay.seen = count(1000)
    told: list[Event] = []
    source = observer(relay.start(), silent=0.05)
    enough = threading.Event()

    def take(event: Event) -> None:
        told.append(event)
        # The second silence is told too, and replaces nothing.
        if sum(isinstance(one, NodeStatus) for one in told) == 8:
            enough.set()

    source.report_to(take)
    found: list[Event] = []
    reader = threading.Thread(target=lambda: found.extend(source.events()), daemon=True)
    reader.start()
    assert enough.wait(DEADLINE)
    source.stop()
    reader.join(DEADLINE)
    assert ends(found) == ["node_silent"]
    status = next(event for event in told if isinstance(event, NodeStatus))
    assert (status.state, set(status.node_names)) == ("silent", {"n0", "n1"})
