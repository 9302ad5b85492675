"""Relay's sorting buffer."""

from collections.abc import Callable, Iterable

import pytest

from exporter.demo.sorting import Merge, Sorting
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsResponse
from exporter.hubble.pb.relay import relay_pb2
from tests.demo.responses import flow, seconds, statuses


class Clock:
    """The time of both clocks, set by the test."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.seconds

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return int(self.seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    """Second 100."""
    return Clock()


@pytest.fixture
def merge(clock: Clock) -> Callable[..., Merge]:
    """A merge of relay's constants and the given length."""
    return lambda length=100, sorting=Sorting(): Merge(sorting, length, clock, clock.now_ns)  # noqa: B008, a NamedTuple


def accept(merge: Merge, times: Iterable[int]) -> list[int]:
    """Seconds of what comes out while flows of these seconds go in."""
    return seconds(response for time in times for response in merge.accept(flow(time)))


def error(node: str, message: str, second: int = 100) -> GetFlowsResponse:
    """A node's error."""
    response = GetFlowsResponse(
        node_status=relay_pb2.NodeStatusEvent(state_change=relay_pb2.NODE_ERROR, node_names=[node], message=message)
    )
    response.time.seconds = second
    return response


def test_a_full_heap_lets_its_oldest_out(merge: Callable[..., Merge]) -> None:
    """What is not later than the heap is long comes out in order; what is comes out late."""
    sorter = merge(3)

    assert accept(sorter, [4, 2, 3]) == []
    assert accept(sorter, [1, 5, 6, 7]) == [2, 1, 3, 4]
    assert seconds(sorter.end()) == [5, 6, 7]


def test_equal_times_keep_their_order(merge: Callable[..., Merge]) -> None:
    """The heap is stable, so that the same input gives the same output."""
    sorter = merge()
    for name in "abc":
        list(sorter.accept(flow(1, node=name)))

    assert [response.node_name for response in sorter.end()] == ["a", "b", "c"]


def test_a_quiet_time_lets_old_flows_out(merge: Callable[..., Merge], clock: Clock) -> None:
    """After a second without any response, those older than a second leave; each response starts the second again."""
    sorter = merge()
    assert sorter.due is None
    accept(sorter, [98, 100])
    clock.seconds = 100.9
    accept(sorter, [99])
    assert sorter.due == pytest.approx(101.9)
    clock.seconds = 101.0
    assert seconds(sorter.tick()) == []
    clock.seconds = 101.9
    assert seconds(sorter.tick()) == [98, 99, 100]
    assert sorter.due is None


def test_flows_of_the_future_wait(merge: Callable[..., Merge], clock: Clock) -> None:
    """What is younger than a second stays, and the next look is a second later."""
    sorter = merge()
    accept(sorter, [99, 101])
    clock.seconds = 101.0

    assert seconds(sorter.tick()) == [99]
    assert sorter.due == pytest.approx(102.0)


def test_without_drain_no_clock_decides(merge: Callable[..., Merge], clock: Clock) -> None:
    """Nothing leaves with time."""
    sorter = merge(sorting=Sorting(drain_seconds=None))
    accept(sorter, [1, 2])
    clock.seconds = 1000.0

    assert (sorter.due, seconds(sorter.tick()), seconds(sorter.end())) == (None, [], [1, 2])


def test_errors_with_the_same_message_become_one(merge: Callable[..., Merge], clock: Clock) -> None:
    """They are held for ten seconds after the first, then sorted in like anything else."""
    sorter = merge()
    assert list(sorter.accept(error("a", "EOF"))) == []
    clock.seconds = 109.0
    assert list(sorter.accept(error("b", "EOF", 109))) == []
    assert sorter.due == pytest.approx(110.0)
    clock.seconds = 110.0
    assert list(sorter.tick()) == []
    clock.seconds = 111.0

    assert statuses(sorter.tick()) == [("NODE_ERROR", ["a", "b"], "EOF")]


def test_another_message_lets_the_error_go(merge: Callable[..., Merge]) -> None:
    """Different messages stay apart, and the end lets everything go."""
    sorter = merge(1)
    list(sorter.accept(error("a", "EOF")))
    list(sorter.accept(error("b", "refused", 101)))
    list(sorter.accept(error("c", "refused", 102)))

    assert statuses(sorter.end()) == [("NODE_ERROR", ["a"], "EOF"), ("NODE_ERROR", ["b", "c"], "refused")]


def test_traffic_does_not_hold_an_error_back(merge: Callable[..., Merge], clock: Clock) -> None:
    """It leaves when its time has come, though the stream is never quiet; without a time, at once."""
    sorter = merge(1)
    list(sorter.accept(error("a", "EOF", 1)))
    clock.seconds = 110.0
    list(sorter.accept(flow(2)))
    assert statuses(sorter.accept(flow(3))) == [("NODE_ERROR", ["a"], "EOF")]

    sorter = merge(1, Sorting(error_seconds=0.0))
    list(sorter.accept(error("a", "EOF", 1)))
    assert statuses(sorter.accept(flow(2))) == [("NODE_ERROR", ["a"], "EOF")]
