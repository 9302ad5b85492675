"""One connection is counted once: windows by flow time, nothing else."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.connections.connections import Connections
from exporter.connections.settings import ConnectionsSettings
from exporter.flow import Flow, TcpFlags, Verdict
from tests.flows import ACK, SYN, at, changed, flow, icmp, pod, policy_verdict, reply_to, udp
from tests.programs import environment


def _connections(window: int = 100) -> Connections:
    return Connections(ConnectionsSettings(window=window))


def test_tcp_window() -> None:
    """A TCP start up to 60 s after the last one of its tuple is the same connection; each start moves the window."""
    connections = _connections()
    seconds = [0, 1, 3, 7, 15, 31, 63, 95, 155, 215.001]
    counted = [connections.start(flow(time_ns=at(second))) for second in seconds]
    assert counted == [True, *[False] * 8, True]


def test_tcp_window_slides_with_starts_only() -> None:
    """Events in the middle of a TCP connection do not move its window: the tuple may be used again."""
    connections = _connections()
    assert connections.start(flow())
    for seconds in (10, 20, 30, 40, 50, 59):
        assert connections.continues(flow(time_ns=at(seconds), tcp_flags=ACK, trace_reason=2))
    assert not connections.start(flow(time_ns=at(60)))
    connections = _connections()
    assert connections.start(flow())
    assert connections.continues(flow(time_ns=at(59), tcp_flags=ACK, trace_reason=2))
    assert connections.start(flow(time_ns=at(60.001)))


@pytest.mark.parametrize("event", [udp(), udp(protocol="sctp"), icmp(), icmp(protocol="icmpv6")])
def test_other_window(event: Flow) -> None:
    """An event of another protocol up to 5 min after the last event of its tuple is the same connection."""
    connections = _connections()
    assert connections.start(event)
    assert connections.continues(changed(event, time_ns=at(300), trace_reason=2))
    assert not connections.start(changed(event, time_ns=at(600)))
    assert connections.start(changed(event, time_ns=at(900.001)))


@pytest.mark.parametrize(
    "other",
    [
        flow(source_port=40_001),
        flow(destination_port=80),
        flow(source_ip="10.0.1.6"),
        flow(destination_ip="93.184.216.35"),
        flow(protocol="sctp", tcp_flags=0),
    ],
)
def test_five_tuple(other: Flow) -> None:
    """Each of the five parts makes another connection."""
    connections = _connections()
    assert connections.start(flow())
    assert connections.start(other)
    assert not connections.start(flow())


@pytest.mark.parametrize(
    "again",
    [
        flow(node_name="east/node-2"),
        flow(source=pod(workload="checkout")),
        flow(event_type=5, verdict=Verdict.AUDIT),
        flow(sub_type=11),
    ],
)
def test_same_tuple_elsewhere(again: Flow) -> None:
    """Another node, observation point, event type or verdict of the same tuple is the same connection."""
    connections = _connections()
    assert connections.start(flow())
    assert not connections.start(again)


def test_out_of_order() -> None:
    """A late event that is older belongs to the connection, and does not shorten its window."""
    connections = _connections()
    assert connections.start(flow(time_ns=at(100)))
    assert not connections.start(flow(time_ns=at(50)))
    assert not connections.start(flow(time_ns=at(160)))
    connections = _connections()
    assert connections.start(udp(time_ns=at(1000)))
    assert connections.continues(udp(time_ns=at(800)))
    assert not connections.start(udp(time_ns=at(1300)))


def test_expiry() -> None:
    """What is past its window is forgotten, what is not stays."""
    connections = _connections()
    connections.start(flow())
    connections.start(udp(source_port=1))
    connections.expire(at(60))
    assert connections.stats()["connections"].entries == 2
    connections.expire(at(60.001))
    assert connections.stats()["connections"].entries == 1
    connections.expire(at(300.001))
    assert connections.stats()["connections"].entries == 0


def test_expiry_behind_a_longer_window() -> None:
    """A TCP connection is forgotten after its minute although an older UDP one has minutes to go."""
    connections = _connections()
    connections.start(udp(source_port=1))
    connections.start(flow())
    connections.expire(at(60.001))
    assert connections.stats()["connections"].entries == 1


def test_bound() -> None:
    """A full table drops the connection without events for longest, and counts it as evicted if it had time left."""
    connections = _connections(window=2)
    assert connections.start(flow(source_port=1))
    assert connections.start(flow(source_port=2, time_ns=at(1)))
    assert not connections.start(flow(source_port=1, time_ns=at(2)))
    assert connections.start(flow(source_port=3, time_ns=at(3)))
    assert connections.stats()["connections"] == (2, 2, 1)
    assert not connections.start(flow(source_port=1, time_ns=at(4)))
    assert connections.start(flow(source_port=2, time_ns=at(5)))
    assert connections.stats()["connections"] == (2, 2, 2)


def test_bound_of_old_entries() -> None:
    """An entry that leaves a full table after its time is no eviction."""
    connections = _connections(window=1)
    connections.start(flow(source_port=1))
    connections.start(flow(source_port=2, time_ns=at(61)))
    assert connections.stats()["connections"] == (1, 1, 0)


def test_unknown_connection() -> None:
    """An event of a connection that was never counted continues nothing."""
    assert not _connections().continues(flow(tcp_flags=ACK, trace_reason=2))


def test_continuation_after_the_window() -> None:
    """An event long after the window continues nothing, whether or not time was let pass in between."""
    connections = _connections()
    connections.start(udp())
    assert not connections.continues(udp(time_ns=at(301), trace_reason=2))


def test_answer_is_counted_once() -> None:
    """The first SYN+ACK of a connection that waits for one is its answer, on the node that saw it start."""
    connections = _connections()
    asked = flow(node_name="east/node-7")
    connections.start(flow(source_port=1))
    assert connections.answered_node(reply_to(flow(source_port=1))) is None, "nobody waits for this one's"
    connections.start(asked, awaits_answer=True)
    assert connections.answered_node(reply_to(asked, tcp_flags=ACK)) is None
    assert connections.answered_node(reply_to(asked, tcp_flags=TcpFlags.RST | ACK)) is None
    assert connections.answered_node(asked) is None, "the packet itself is no answer"
    assert connections.answered_node(reply_to(asked, node_name="east/node-8")) == "east/node-7"
    assert connections.answered_node(reply_to(asked)) is None


@pytest.mark.parametrize("asked", [udp(), icmp(), udp(protocol="sctp")])
def test_answer_of_other_protocols(asked: Flow) -> None:
    """For other protocols the first reply is the answer."""
    connections = _connections()
    connections.start(asked, awaits_answer=True)
    assert connections.answered_node(reply_to(asked)) == "east/node-1"
    assert connections.answered_node(reply_to(asked)) is None


def test_retransmission_keeps_waiting() -> None:
    """A retransmitted SYN asks for no second answer."""
    connections = _connections()
    connections.start(flow(), awaits_answer=True)
    connections.start(flow(time_ns=at(1)), awaits_answer=True)
    assert connections.answered_node(reply_to(flow())) == "east/node-1"
    connections.start(flow(time_ns=at(2)), awaits_answer=True)
    assert connections.answered_node(reply_to(flow())) is None


def test_reverse_of_what_came_in() -> None:
    """The reverse of a tuple that came in is an answer for 5 min."""
    connections = _connections()
    inbound = reply_to(udp(), is_reply=False)
    assert not connections.is_answer(udp())
    connections.saw_inbound(inbound)
    assert connections.is_answer(udp())
    assert not connections.is_answer(udp(source_port=9))
    assert not connections.is_answer(inbound)
    assert connections.is_answer(udp(time_ns=at(300)))
    assert not connections.is_answer(udp(time_ns=at(300.001)))


def test_reverse_of_a_counted_connection() -> None:
    """The reverse of a counted connection is an answer while the connection's window lasts."""
    connections = _connections()
    connections.start(flow())
    assert connections.is_answer(flow(time_ns=at(60)).turned())
    assert not connections.is_answer(flow(time_ns=at(60.001)).turned())
    assert not connections.is_answer(flow())


REDIRECTED = policy_verdict(verdict=Verdict.REDIRECTED)


@pytest.mark.parametrize(
    ("leg", "is_upstream"),
    [
        (flow(source_port=51_000, time_ns=at(5)), True),
        (flow(source_port=51_000, source_ip="10.0.0.1", time_ns=at(1)), True),
        (flow(source_port=51_000, time_ns=at(5.001)), False),
        (flow(source=pod(identity=40_002)), False),
        (flow(destination_ip="93.184.216.35"), False),
        (flow(destination_port=80), False),
    ],
)
def test_upstream(leg: Flow, is_upstream: bool) -> None:
    """Up to 5 s after a redirect, a start of the same identity to the same address and port is the proxy's."""
    connections = _connections()
    connections.start(REDIRECTED)
    assert connections.is_upstream(leg) is is_upstream


def test_no_upstream_without_redirect() -> None:
    """A connection that passes without the proxy has no upstream leg."""
    connections = _connections()
    connections.start(policy_verdict())
    assert not connections.is_upstream(flow(source_port=51_000))


def test_upstream_of_a_repeated_redirect() -> None:
    """Every redirect verdict counts, the one on a retransmitted SYN too."""
    connections = _connections()
    connections.start(REDIRECTED)
    assert not connections.start(changed(REDIRECTED, time_ns=at(3)))
    assert connections.is_upstream(flow(source_port=51_000, time_ns=at(8)))


def test_aggregated_lines() -> None:
    """An aggregated line without source port counts each time, but only its own kind of event."""
    connections = _connections()
    verdicts = policy_verdict(aggregated=True, source_port=0, weight=5)
    traces = flow(aggregated=True, source_port=0, weight=9)
    assert [connections.start(line) for line in (verdicts, traces, verdicts, traces, verdicts)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_an_aggregated_line_after_one_flow() -> None:
    """A line that stands for one event is no aggregated one, and begins the same connections."""
    connections = _connections()
    assert connections.start(flow(source_port=0))
    assert connections.start(flow(source_port=0, aggregated=True, weight=4))
    assert not connections.start(policy_verdict(source_port=0, aggregated=True, weight=4))


def test_aggregated_lines_with_a_source_port() -> None:
    """An aggregated line with a source port is one connection like any other."""
    connections = _connections()
    line = flow(aggregated=True, weight=5)
    assert [connections.start(line), connections.start(line)] == [True, False]


def test_no_source_port_without_aggregation() -> None:
    """A protocol without ports is not aggregated: its events are one connection."""
    connections = _connections()
    assert [connections.start(icmp()), connections.start(icmp())] == [True, False]


def test_queries() -> None:
    """A DNS query is known by its tuple and its name, for as long as the proxy may report on it."""
    connections = _connections()
    connections.asked(udp(destination_port=53), "a.example.")
    assert connections.was_asked(udp(destination_port=53, time_ns=at(10)), "a.example."), "the proxy waits 10 s"
    assert connections.was_asked(udp(destination_port=53, time_ns=at(30)), "a.example.")
    assert not connections.was_asked(udp(destination_port=53, time_ns=at(30.001)), "a.example.")
    assert not connections.was_asked(udp(destination_port=53), "b.example.")
    assert not connections.was_asked(udp(destination_port=53, source_port=1), "a.example.")


def test_all_windows_are_bounded_and_expire() -> None:
    """Each window has the bound, says so, and is empty once its time is over."""
    connections = _connections(window=3)
    for port in range(1, 9):
        connections.start(policy_verdict(source_port=port, destination_port=port, verdict=Verdict.REDIRECTED))
        connections.saw_inbound(flow(source_port=port).turned())
        connections.asked(udp(source_port=port), "a.example.")
    stats = connections.stats()
    assert set(stats) == {"connections", "inbound", "redirects", "dns_queries"}
    assert {(window.entries, window.bound, window.evicted) for window in stats.values()} == {(3, 3, 5)}
    connections.expire(at(301))
    assert {window.entries for window in connections.stats().values()} == {0}


STEP = st.tuples(
    st.sampled_from(("tcp", "udp")),
    st.integers(1, 3),
    st.integers(0, 90).map(float),
    st.sampled_from(("start", "continue", "expire")),
)


@given(st.lists(STEP, max_size=80))
def test_windows_property(steps: list[tuple[str, int, float, str]]) -> None:
    """With time in order, a start is counted exactly when its tuple had no start (no event, for UDP) in its window."""
    connections = _connections()
    last: dict[tuple[str, int], float] = {}
    now = 0.0
    for protocol, port, pause, kind in steps:
        now += pause
        key, span = (protocol, port), 60 if protocol == "tcp" else 300
        event = flow(protocol=protocol, source_port=port, time_ns=at(now), tcp_flags=SYN if protocol == "tcp" else 0)
        is_known = key in last and now - last[key] <= span
        if kind == "expire":
            connections.expire(at(now))
        elif kind == "start":
            assert connections.start(event) is not is_known
            last[key] = now
        else:
            connections.continues(event)
            if is_known and protocol == "udp":
                last[key] = now


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 10)), max_size=100), st.integers(1, 10))
def test_bound_property(steps: list[tuple[int, int]], bound: int) -> None:
    """No window ever holds more than its bound."""
    connections = _connections(window=bound)
    now = 0
    for port, pause in steps:
        now += pause
        connections.start(flow(source_port=port, time_ns=at(now), verdict=Verdict.REDIRECTED))
        connections.saw_inbound(flow(source_port=port, time_ns=at(now)))
        assert all(window.entries <= bound for window in connections.stats().values())


# ---- Across a restart --------------------------------------------------------------------------------------------


def _handed_over(connections: Connections) -> Connections:
    """Another process goes on with what this one has left."""
    other = _connections()
    other.restore(json.loads(json.dumps(connections.remembered())))
    return other


def test_connection_that_two_processes_see() -> None:
    """A retransmitted SYN, the trace behind a verdict and a later datagram are what the process before has counted."""
    before = _connections()
    assert before.start(policy_verdict())
    assert before.start(udp())
    after = _handed_over(before)
    assert not after.start(flow(time_ns=at(3)))
    assert not after.start(udp(time_ns=at(299)))
    assert after.start(flow(time_ns=at(64)))


def test_what_else_is_handed_over() -> None:
    """An answer from world that is awaited, what came in, what the proxy was handed, and what was asked."""
    before = _connections()
    assert before.start(flow(), awaits_answer=True)
    incoming = flow(direction=1, source_ip="10.0.7.7")
    before.saw_inbound(incoming)
    before.start(policy_verdict(verdict=Verdict.REDIRECTED, destination_port=80))
    before.asked(flow(), "api.example.com.")
    after = _handed_over(before)
    assert after.answered_node(reply_to(flow(), tcp_flags=SYN | ACK, time_ns=at(1))) == "east/node-1"
    assert after.is_answer(reply_to(incoming))
    assert after.is_upstream(flow(destination_port=80))
    assert after.was_asked(flow(), "api.example.com.")
    assert not _connections().was_asked(flow(), "api.example.com.")


def test_memory_is_no_larger_than_here() -> None:
    """What another process with a larger window has left is cut to the latest."""
    before = _connections(100)
    for port in range(6):
        before.start(flow(source_port=20_000 + port))
    for port in range(50):
        before.start(udp(source_port=30_000 + port))
    after = _connections(10)
    after.restore(before.remembered())
    assert after.stats()["connections"].entries == 10
    assert not after.start(flow(source_port=20_000))
    assert not after.start(udp(source_port=30_049))
    smaller = _connections(5)
    smaller.restore(before.remembered())
    assert smaller.stats()["connections"].entries == 5


@pytest.mark.parametrize("entry", [[], [1], ["a", 1], [1, "a"], [1, -1], [1, 2, 3, 4], [1, 2, "n", "t"]])
def test_memory_that_is_none(entry: list[int | str]) -> None:
    """What is no entry is refused as a whole."""
    connections = _connections()
    with pytest.raises(ValueError, match="an entry is a key"):
        connections.restore({"tcp": [[1, 2]], "queries": [entry]})
    assert connections.stats()["connections"].entries == 0


def test_keys_are_the_same_in_every_process() -> None:
    """Python hashes texts differently in each process; what is handed over does not."""
    script = (
        "from exporter.connections.connections import Connections\n"
        "from exporter.connections.settings import ConnectionsSettings\n"
        "from exporter.hubble.resume import Resume\n"
        "from tests.flows import dns_query, flow, http_request, kafka_response\n"
        "connections, resume = Connections(ConnectionsSettings()), Resume(100, 10.0)\n"
        "connections.start(flow()); connections.saw_inbound(flow()); connections.asked(flow(), 'a.example.')\n"
        "[resume.take(one) for one in (flow(), dns_query(), http_request(), kafka_response())]\n"
        "print(connections.remembered(), resume.remembered())\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**environment(), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != ""
