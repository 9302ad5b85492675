"""What is known of the stream itself."""

import pytest

from exporter.flow import EventType
from exporter.hubble.interface import Connected, Disconnected, LostEvents, Nodes, NodeSeen, NodeStatus
from exporter.stream import LAG_BUCKETS, StreamState
from tests.flows import at, flow


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        (EventType.DROP, "drop"),
        (EventType.POLICY_VERDICT, "policy_verdict"),
        (EventType.TRACE, "trace"),
        (EventType.L7, "l7"),
        (EventType.TRACE_SOCK, "trace_sock"),
        (EventType.CAPTURE, "capture"),
        (0, "other"),
        (2, "other"),
        (130, "other"),
        (9999, "other"),
    ],
)
def test_event_types(event_type: int, name: str) -> None:
    """Flows are counted by their event type; an aggregated line counts as many as it stands for."""
    stream = StreamState()
    stream.arrived(flow(event_type=event_type), at(0))
    stream.arrived(flow(event_type=event_type, weight=4), at(0))
    assert stream.event_types == {name: 5}


def test_newest_flow() -> None:
    """The newest flow is the one with the newest time, not the last to arrive."""
    stream = StreamState(live=True)
    for seconds in (5, 9, 7):
        stream.arrived(flow(time_ns=at(seconds)), at(20))
    assert stream.last_flow_ns == at(9)


@pytest.mark.parametrize(
    ("lag", "bucket"),
    [(-3.0, 0), (0.0, 0), (0.05, 0), (0.051, 1), (1.0, 4), (5.0, 6), (300.0, 10), (300.001, 11), (1e6, 11)],
)
def test_lag(lag: float, bucket: int) -> None:
    """The lag of a live flow falls into the first bucket whose bound it does not exceed; it is never negative."""
    stream = StreamState(live=True)
    stream.arrived(flow(time_ns=at(0)), at(lag))
    assert stream.lag_counts == [int(number == bucket) for number in range(len(LAG_BUCKETS) + 1)]
    assert stream.lag_sum == pytest.approx(max(0.0, lag))


def test_lag_of_a_file() -> None:
    """A recorded file has no lag."""
    stream = StreamState(live=False)
    stream.arrived(flow(), at(1e6))
    assert sum(stream.lag_counts) == 0
    assert stream.lag_sum == 0


@pytest.mark.parametrize(("happened", "observed"), [(99.0, 0), (99.999, 0), (100.0, 1), (101.0, 1)])
def test_backlog_has_no_lag(happened: float, observed: int) -> None:
    """What happened before the stream connected is counted, and says nothing about how fast it is read."""
    stream = StreamState(live=True)
    stream.has_connected(Connected("relay:80"), at(100))
    stream.arrived(flow(time_ns=at(happened)), at(102))
    assert sum(stream.lag_counts) == observed
    assert stream.event_types.total() == 1


def test_lag_bounds_are_in_order() -> None:
    """Bounds rise, and reach from a fraction of a second to minutes."""
    assert sorted(set(LAG_BUCKETS)) == list(LAG_BUCKETS)
    assert LAG_BUCKETS[0] < 0.1
    assert LAG_BUCKETS[-1] >= 300


@pytest.mark.parametrize(
    ("live", "behind", "quiet", "expected"),
    [
        (True, 2, 30, 30),
        (True, 60, 30, 30),
        (True, 61, 30, 0),  # a backlog: time moves with the flows alone
        (False, 2, 30, 0),  # a file
        (True, 2, -5, 0),
    ],
)
def test_quiet(live: bool, behind: float, quiet: float, expected: float) -> None:
    """Quiet time is what has passed since the last arrival on a live stream that has caught up."""
    stream = StreamState(live=live)
    stream.arrived(flow(time_ns=at(0)), at(behind))
    assert stream.quiet_ns(at(behind + quiet)) == expected * 1_000_000_000


def test_quiet_before_the_first_flow() -> None:
    """Before the first flow there is no flow time to move."""
    assert StreamState(live=True).quiet_ns(at(100)) == 0


def test_nodes() -> None:
    """A node has the state that relay gave it last, and is connected when a flow of it arrives."""
    stream = StreamState()
    stream.node_status(NodeStatus("connected", ("a", "b"), ""))
    stream.node_status(NodeStatus("unavailable", ("b",), ""))
    assert stream.nodes == {"a": "connected", "b": "unavailable"}
    stream.arrived(flow(node_name="b"), at(0))
    stream.arrived(flow(node_name="c"), at(0))
    stream.arrived(flow(node_name=""), at(0))
    assert stream.nodes == {"a": "connected", "b": "connected", "c": "connected"}


def test_most_nodes() -> None:
    """The table of nodes is bounded and counts what it refused; known nodes still change."""
    stream = StreamState(most_nodes=2)
    stream.node_status(NodeStatus("connected", ("a", "b", "c"), ""))
    stream.node_status(NodeStatus("gone", ("b", "d"), ""))
    assert stream.nodes == {"a": "connected", "b": "gone"}
    assert stream.nodes_refused == 2


def test_losses() -> None:
    """Losses add up per place, as Hubble counts them."""
    stream = StreamState()
    for number in (1, 40):
        stream.lost_events(LostEvents("hubble_ring_buffer", number, "a"))
    stream.lost_events(LostEvents("perf_event_ring_buffer", 2, "a"))
    assert stream.lost == {"hubble_ring_buffer": 41, "perf_event_ring_buffer": 2}


def test_connections() -> None:
    """Connections made, failed attempts and ended streams are counted by code and reason; once connected stays so."""
    stream = StreamState(live=True)
    fault = Disconnected("UNAVAILABLE", "connection_refused", "no")
    stream.has_disconnected(fault)
    stream.has_disconnected(fault)
    assert (stream.connected, stream.connected_once, stream.last_fault) == (False, False, fault)
    stream.has_connected(Connected("relay:80", "v1.19.4"))
    assert (stream.connected, stream.connected_once) == (True, True)
    assert (stream.address, stream.server_version) == ("relay:80", "v1.19.4")
    stream.has_disconnected(Disconnected("OK", "ended", ""))
    assert (stream.connected, stream.connected_once) == (False, True)
    assert stream.connects == {
        ("UNAVAILABLE", "connection_refused"): 2,
        ("OK", "connected"): 1,
        ("OK", "ended"): 1,
    }


def test_agents_that_send_no_traces() -> None:
    """Five minutes of looks in which the agents see flows and no trace event arrives: that is said, until one does."""
    stream = StreamState(live=True)
    seen = [stream_looked(stream, second, flows=second) for second in range(0, 360, 60)]
    assert seen == [False] * 5 + [True]
    stream.arrived(flow(time_ns=at(360)), at(360))
    assert not stream_looked(stream, 361, flows=361)


def test_agents_that_see_nothing_send_no_traces() -> None:
    """A cluster that is asleep is no fault."""
    stream = StreamState(live=True)
    assert not any(stream_looked(stream, second, flows=7) for second in range(0, 1200, 60))


def stream_looked(stream: StreamState, second: float, *, flows: int) -> bool:
    """The server is asked; whether traces are lacking then."""
    stream.looked(Nodes((NodeSeen("n", "cilium v1.19.4", flows, 100),)), at(second))
    return stream.lacks_traces


def test_a_node_that_relay_does_not_reach_was_not_restarted() -> None:
    """Of such a node relay knows no counts: its 0 is no new beginning, after which all would count once more."""
    stream = StreamState(live=True)
    stream.has_connected(Connected("relay:80", "", "1.19", "release", 0), at(0))
    for second, connected, seen in ((0, True, 5_000), (60, False, 0), (120, True, 5_100)):
        stream.looked(Nodes((NodeSeen("n", "", seen, 0, connected=connected),)), at(second))
    assert stream.coverage.server_flows == {"n": 100}


def test_a_node_that_left_the_cluster_is_forgotten() -> None:
    """What the server does not list any more has no state; a server that lists nothing says nothing of any."""
    stream = StreamState(live=True)
    stream.node_status(NodeStatus("silent", ("gone", "stays"), ""))
    stream.looked(Nodes(()), at(0))
    assert stream.nodes == {"gone": "silent", "stays": "silent"}
    stream.looked(Nodes((NodeSeen("stays", "", 0, 0, connected=False),)), at(60))
    assert stream.nodes == {"stays": "silent"}
