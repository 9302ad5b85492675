"""Where what is noticed begins and ends: the borders of windows, and who counts as a start."""

import pytest

from exporter.detectors.novelty import news_of_address
from exporter.findings.interface import Context, Severity
from exporter.known.attendance import Attendance
from exporter.known.interface import Fact, Mark, What, WorkloadKey, seen
from exporter.known.memory import MemoryStore
from exporter.known.recall import Recall
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Missed, Sighting
from exporter.known.workload import Remembered, destination_mark
from tests.detectors.watching import DAY, HOUR, PODS, Steady, Watching
from tests.flows import ACK, at, pod

NOW = 16 * DAY
CART = WorkloadKey("east", "shop", "cart")


@pytest.fixture
def armed() -> Watching:
    """A workload that has gone to one name for sixteen days."""
    watching = Watching()
    watching.learn()
    return watching


def starts(watching: Watching) -> set[str]:
    """Pods whose start was seen."""
    return {mark.name for _, mark, _ in watching.store.facts() if mark.what is What.START}


@pytest.mark.parametrize(("seconds", "context"), [(600, Context.STARTUP), (602, Context.STEADY)])
def test_end_of_the_start(armed: Watching, seconds: float, context: Context) -> None:
    """A pod is starting for ten minutes, to the second."""
    fresh = pod(pod_name=PODS[1])
    armed.contact(NOW, source=fresh)
    armed.contact(NOW + seconds, "late.example.net", "198.51.100.7", source=fresh)
    assert [one.context for one in armed.found] == [context]


def test_end_of_a_rollout(armed: Watching) -> None:
    """A revision is new for ten minutes; a pod of it that starts later only starts."""
    armed.contact(NOW, source=pod(pod_name="cart-5f6d7c8b9-qq2zx"))
    later = pod(pod_name="cart-5f6d7c8b9-b7wz5")
    armed.contact(NOW + HOUR, "late.example.net", "198.51.100.7", source=later)
    assert [(one.context, one.revision) for one in armed.found] == [(Context.STARTUP, "")]


def test_middle_of_a_connection_is_no_start(armed: Watching) -> None:
    """A pod that is seen first in the middle of a connection has been there before."""
    inside = {"tcp_flags": ACK, "trace_reason": 2, "destination_names": ("api.example.com",)}
    armed.connect(NOW, source=pod(pod_name=PODS[3]), **inside)  # type: ignore[arg-type]
    assert not starts(armed)


def test_high_port_of_a_server(armed: Watching) -> None:
    """A connection that begins is no answer, however high the port that it goes to."""
    armed.connect(NOW, "198.51.100.7", destination_port=50_000)
    assert [one.destination_port for one in armed.warnings] == ["50000"]


def test_unseen_names(armed: Watching) -> None:
    """A workload whose DNS was not seen for a week is one whose names nobody sees."""
    for day in range(16, 26):
        armed.connect(day * DAY)
    armed.contact(15 * DAY, "late.example.com")
    assert not armed.found
    fresh = Watching(armed.store, steady=armed.steady)
    fresh.connect(26 * DAY, "198.51.100.200")
    assert not fresh.found


def test_starting_again_is_no_going_on(armed: Watching) -> None:
    """Of two pods that start one after the other, each goes where pods go at their start."""
    for number, name in enumerate(PODS[1:5]):
        armed.contact(NOW + number * 1_500, "updates.example.net", "198.51.100.7", source=pod(pod_name=name))
    assert [one.severity for one in armed.found] == [Severity.INFO]


def test_unexpected_for_a_day(armed: Watching) -> None:
    """What was not seen for more than a day is no longer listed."""
    armed.deny(NOW, "198.51.100.66")
    armed.contact(NOW + 24 * HOUR)
    assert armed.listed()
    armed.contact(NOW + 26 * HOUR)
    assert not armed.listed()


@pytest.mark.parametrize(
    ("known", "address", "news"),
    [
        ("198.51.100.1", "198.51.100.2", ["address"]),
        ("198.51.100.1", "198.51.101.1", ["address", "network"]),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", ["address"]),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", ["address", "network"]),
        ("2001:db8:1:2::1", "2001:db8:1:2::1", []),
    ],
)
def test_networks(armed: Watching, known: str, address: str, news: list[str]) -> None:
    """A network is a /24 of IPv4, and a /48 of IPv6."""
    taken: list[Sighting] = []
    armed.judging.detector.take = taken.extend  # type: ignore[method-assign, assignment]
    armed.connect(NOW, address)
    (sighting,) = taken
    rows = {destination_mark("443/tcp", known): seen(at(0))}
    assert [*news_of_address(sighting, Remembered(rows))] == news


def test_doubt_behind_a_gap() -> None:
    """Behind a gap there is doubt for as long as it was, the start-up window at least and a day at most."""
    attendance = Attendance(Recall(MemoryStore(), KnownSettings(), Steady()), 600)
    for seconds, doubted in ((1, 600), (5_000, 5_000), (9 * DAY, DAY)):
        attendance.missed(Missed("node-1", seconds, at(0)))
        assert attendance.doubts("node-1", at(doubted))
        assert not attendance.doubts("node-1", at(doubted + 1))
    assert not attendance.is_long("node-1", at(600))
    assert attendance.is_long("node-1", at(601))
    attendance.missed(Missed("node-1", 1, at(9_000)))
    assert not attendance.is_long("node-1", at(9_600))


def test_pod_that_was_there_before() -> None:
    """A start does not count when somebody else had seen the pod before."""
    names = ("cart-0 1", "cart-1 2")
    rows = {Mark(What.START, name): seen(at(100)) for name in names}
    rows |= {Mark(What.POD, names[0]): seen(at(99)), Mark(What.POD, names[1]): seen(at(100))}
    assert len(Remembered(rows).learnt("cart").starts) == 1


def test_clock_that_leaps_while_nothing_is_seen() -> None:
    """Nothing is forgotten in the hour in which the wall clock was set, though the flows say the same time."""
    watching = Watching()
    old = Fact(CART, Mark(What.DESTINATION, "443/tcp old.example"), seen(at(0)))
    watching.store.merge([old, Fact(CART, Mark(What.WORKLOAD), seen(at(0)))])
    watching.judging._clocks = watching.judging._clocks._replace(wall_ns=lambda: at(900 * DAY))
    watching.steady.seconds = 4_000
    watching.connect(899 * DAY)
    assert old.mark in watching.store.load(CART)
    watching.judging._clocks = watching.judging._clocks._replace(wall_ns=lambda: at(900 * DAY + HOUR))
    watching.steady.seconds = 7_700
    watching.connect(899 * DAY + HOUR)
    assert old.mark not in watching.store.load(CART)
