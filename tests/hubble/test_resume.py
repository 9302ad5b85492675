"""Nothing counted twice, nothing left out: what a stream that begins anew sends again is told by what was processed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.flow import Flow
from exporter.hubble.resume import Resume
from tests.flows import SECOND, at, dns_answer, dns_query, dns_response, flow, reply_to, udp

NODE, OTHER = "east/node-1", "east/node-2"
LONG = 10_000


def resume(bound: int = 1000, *, positions: dict[str, int] | None = None) -> Resume:
    """A window with an overlap of ten seconds and a clock far ahead."""
    return Resume(bound, 10.0, positions, wall_ns=lambda: at(1_000_000))


def number(count: int, node_name: str = NODE, *, start: float = 0.0, step: float = 1.0) -> list[Flow]:
    """Connections from different ports, a second apart."""
    return [flow(time_ns=at(start + n * step), source_port=10_000 + n, node_name=node_name) for n in range(count)]


def again(events: list[Flow]) -> list[Flow]:
    """The same flows as they are sent once more: equal, and other objects."""
    return [replace(event) for event in events]


def new(window: Resume, events: list[Flow]) -> list[Flow]:
    """Those that were not processed before."""
    return [event for event in map(window.take, events) if not event.replayed]


def test_first_start() -> None:
    """A start without a position asks for new flows only."""
    assert resume().since_ns == 0


def test_continues_with_an_overlap() -> None:
    """The next stream is asked for what happened since ten seconds before the newest flow."""
    window = resume()
    new(window, number(100))
    assert window.since_ns == at(89)


def test_a_node_that_is_behind() -> None:
    """A node up to a minute behind the others is not left out; for a quiet one nobody tells everything again."""
    window = resume()
    new(window, [*number(1, OTHER, start=40), *number(1, start=100)])
    assert window.since_ns == at(30)
    new(window, number(1, start=101))
    assert window.since_ns == at(91)


def test_a_position_in_the_future() -> None:
    """A flow over ten minutes ahead of our clock is no position; one a little ahead asks for nothing in the future."""
    window = Resume(100, 10.0, wall_ns=lambda: at(0))
    assert not new(window, number(1, start=601))[0].replayed
    assert window.since_ns == 0
    new(window, number(1, start=600))
    assert window.since_ns == at(-10)


def test_what_comes_again_is_left_out() -> None:
    """After a reconnect the overlap is not counted again, and what is new is."""
    window = resume()
    events = number(30)
    assert new(window, events[:20]) == events[:20]
    window.begins(window.since_ns)
    assert new(window, again(events[9:])) == events[20:]
    assert window.replayed == 11


def test_twice_in_a_row() -> None:
    """What came again once may come again after the next reconnect."""
    window = resume()
    events = number(30)
    new(window, events[:20])
    for _ in range(3):
        window.begins(window.since_ns)
        assert new(window, again(events[9:20])) == []
    assert new(window, again(events[20:])) == events[20:]


def test_equal_flows_of_one_connection_are_genuine() -> None:
    """A retransmission may be stamped alike: each of them counts, and after a reconnect each is known."""
    window = resume()
    twins = [*number(1), *number(1)]
    assert new(window, again(twins)) == twins
    window.begins(window.since_ns)
    assert new(window, again([*twins, *number(1)])) == number(1), "a third one is another"


@pytest.mark.parametrize(
    "other",
    [
        flow(time_ns=at(0) + 1),
        flow(node_name=OTHER),
        flow(source_port=9),
        flow(destination_port=9),
        flow(source_ip="10.0.9.1"),
        flow(destination_ip="10.0.9.1"),
        udp(),
        flow(tcp_flags=16),
        flow(verdict=5),
        flow(event_type=5),
        flow(sub_type=4),
        reply_to(flow()),
    ],
)
def test_what_tells_flows_apart(other: Flow) -> None:
    """Node, time, event type and sub-type, tuple, verdict and TCP flags."""
    window = resume()
    new(window, [flow(), *number(1, OTHER), *number(1, start=5)])
    window.begins(window.since_ns)
    assert new(window, [flow()]) == []
    assert new(window, [other]) == [other]


def test_what_tells_records_apart() -> None:
    """Query, type and code of DNS records that share everything else."""
    window = resume()
    seen = [dns_query("a.example."), dns_response("a.example.", rcode=0)]
    new(window, seen)
    window.begins(window.since_ns)
    others = [dns_query("b.example."), dns_query("a.example.", "AAAA"), dns_response("a.example.", rcode=3)]
    assert new(window, others) == others
    assert new(window, again(seen)) == []


def test_what_tells_answers_apart() -> None:
    """Addresses, CNAMEs and TTL of DNS answers that share everything else."""
    window = resume()
    seen = [dns_answer("a.example.", "192.0.2.1", cnames=("b.example.",), ttl=30)]
    new(window, seen)
    window.begins(window.since_ns)
    others = [
        dns_answer("a.example.", "192.0.2.2", cnames=("b.example.",), ttl=30),
        dns_answer("a.example.", "192.0.2.1", cnames=("c.example.",), ttl=30),
        dns_answer("a.example.", "192.0.2.1", cnames=("b.example.",), ttl=29),
        dns_answer("a.example.", "192.0.2.1", "b.example.", ttl=30),
        dns_answer("a.example.", cnames=("192.0.2.1", "b.example."), ttl=30),
    ]
    assert new(window, others) == others
    assert new(window, again(seen)) == []


def test_late_and_new() -> None:
    """A flow that is older than its node's position and was never processed counts: records are late."""
    window = resume()
    events = number(20)
    new(window, events)
    window.begins(window.since_ns)
    late = flow(time_ns=at(15), source_port=1)
    assert new(window, [*again(events[10:15]), late, *again(events[15:])]) == [late]


def test_older_than_the_window() -> None:
    """What left the window is left out if it comes again, whatever it is; what is older than the node counts."""
    window = resume(80)
    events = number(400, start=1000)
    new(window, events)
    window.begins(window.since_ns)
    assert new(window, again(events)) == []
    older = flow(time_ns=at(999), source_port=1)
    assert new(window, [older]) == [older]


def test_window_is_bounded() -> None:
    """Never more keys than the bound, and at least seven eighths of it once it has been full."""
    window = resume(80)
    for event in number(1000):
        window.take(event)
        assert window.stats().entries <= 80
    assert window.stats().entries >= 70


def test_a_node_that_returns() -> None:
    """Relay collects a node again with the original request: its flows come again, within one connection."""
    window = resume()
    before = number(20, start=0)
    new(window, before)
    window.begins(window.since_ns)
    events = number(60, start=20)
    assert new(window, [*again(before[10:]), *events]) == events
    window.returns(NODE)
    assert new(window, again([*before[10:], *events])) == []
    later = number(5, start=90)
    assert new(window, later) == later


def test_a_node_that_returns_unannounced() -> None:
    """Relay tells of the failure late: a step back in time by more than the overlap is a repetition too."""
    window = resume()
    window.begins(at(0))
    events = number(60)
    new(window, events)
    assert new(window, again(events)) == []


@pytest.mark.parametrize("seen", [2, 5, 11, 15])
def test_a_node_that_returns_soon(seen: int) -> None:
    """So is what comes again in the first seconds of a stream, in the middle of its overlap, and again and again."""
    window = resume()
    events = number(30)
    new(window, events[:20])
    window.begins(window.since_ns)
    assert new(window, again(events[9 : 9 + seen])) == events[20 : 9 + seen]
    for _ in range(3):
        assert new(window, again(events[9 : 9 + seen])) == []
    assert new(window, again(events[9:])) == events[max(20, 9 + seen) :]


def test_a_ring_shorter_than_the_overlap() -> None:
    """A busy node repeats a few seconds only: what has a known key and is older than its node's newest is known."""
    window = resume()
    events = number(60)
    new(window, [*number(1, start=-5), *events[:20]])
    window.begins(window.since_ns)
    new(window, again(events[9:50]))
    assert new(window, again(events[45:])) == events[50:]


def test_without_a_start_in_the_past_nothing_comes_again() -> None:
    """A stream of new flows only: relay has nothing to repeat, and what steps back in time is late."""
    window = resume()
    window.begins(0)
    events = number(60)
    new(window, events)
    window.returns(NODE)
    assert len(new(window, again(events))) == 60


def test_after_our_own_restart() -> None:
    """What was processed by the last run is left out, up to its positions; other nodes count from the beginning."""
    window = resume(positions={NODE: at(100)})
    assert window.since_ns == at(90)
    window.begins(window.since_ns)
    assert new(window, number(11, start=90)) == []
    after = [*number(5, start=100.5), *number(5, OTHER, start=90)]
    assert new(window, again(after)) == after


def test_flows_without_a_time() -> None:
    """What has no time has no place in an order: it counts, and moves nothing."""
    window = resume()
    new(window, number(20))
    window.begins(window.since_ns)
    timeless = [flow(time_ns=0), flow(time_ns=-5)]
    assert new(window, timeless * 2) == timeless * 2


def _cut(stream: list[Flow], cuts: list[int], window: Resume) -> Iterator[Flow]:
    """The stream as it arrives over connections that end after so many flows: each begins with the overlap."""
    position = 0
    for length in [*cuts, LONG]:
        since = window.since_ns
        window.begins(since)
        start = (
            next((n for n, event in enumerate(stream) if event.time_ns >= since), len(stream)) if since else position
        )
        for event in again(stream[start : start + length]):
            yield window.take(event)
            position = max(position, start + 1)


@given(
    st.lists(st.tuples(st.sampled_from((NODE, OTHER)), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=60),
    st.lists(st.integers(1, 30), max_size=6),
    st.sampled_from((8, 40, 1000)),
)
def test_property_every_flow_counts_once(steps: list[tuple[str, int, int]], cuts: list[int], bound: int) -> None:
    """However often a stream is cut, each of its flows is new exactly once, and in the order of the stream."""
    now, stream = 0.0, []
    for node_name, pause, port in steps:
        now += pause
        stream.append(flow(time_ns=at(now), source_port=port, node_name=node_name))
    found = [event for event in _cut(stream, cuts, resume(bound)) if not event.replayed]
    assert len(found) == len(stream)
    assert sorted(map(_shown, found)) == sorted(map(_shown, stream))


def _shown(event: Flow) -> tuple[int, str, int]:
    return event.time_ns // SECOND, event.node_name, event.source_port


# ---- Across a restart --------------------------------------------------------------------------------------------


def handed_over(window: Resume) -> Resume:
    """Another process goes on where this one has ended."""
    other = Resume(1000, 10.0, window.positions, lambda: at(1_000_000), processed=window.remembered())
    other.begins(other.since_ns)
    return other


def test_late_record_of_a_node_that_was_processed_further() -> None:
    """What arrived after the end of a process and is stamped before it is new; what it processed is not."""
    window, events = resume(), number(20)
    new(window, events)
    late = dns_query(time_ns=at(15.5), node_name=NODE)
    assert new(handed_over(window), [*again(events), late]) == [late]


def test_twins_across_a_restart() -> None:
    """Two flows stamped alike were processed: they come twice, and a third is another one."""
    window, events = resume(), number(5)
    new(window, [*events, *again(events[-1:])])
    third = again(events[-1:])
    assert new(handed_over(window), [*again(events), *again(events[-1:]), *third]) == third


def test_restart_without_memory() -> None:
    """After a kill only positions are known: whatever is not newer was processed, whatever it is."""
    window, events = resume(), number(20)
    new(window, events)
    other = resume(positions=window.positions)
    other.begins(other.since_ns)
    late, fresh = dns_query(time_ns=at(15.5), node_name=NODE), number(1, start=20)
    assert new(other, [*again(events), late, *fresh]) == fresh


def test_memory_of_a_full_window() -> None:
    """Keys that had left the window were of flows that were processed; those in it tell each for itself."""
    window, events = resume(bound=8), number(40)
    new(window, events)
    assert new(handed_over(window), again(events)) == []
