"""How long the flows of a node were watched without a gap."""

import pytest

from exporter.known.attendance import Attendance
from exporter.known.interface import Mark, Row, What, node_key
from exporter.known.recall import Recall
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Missed, Watched
from tests.detectors.watching import Steady
from tests.flows import at
from tests.known.faulty import Faulty

WINDOW = 600.0
NODE = "east/node-1"


@pytest.fixture
def store() -> Faulty:
    """What the process before, or none, has left."""
    return Faulty()


def attending(store: Faulty) -> Attendance:
    """The attendance of a process that has just started."""
    return Attendance(Recall(store, KnownSettings(), Steady()), WINDOW)


def _left(store: Faulty, since: float, until: float) -> None:
    """A process that has watched the node, and written so."""
    recall = Recall(store, KnownSettings(), Steady())
    attendance = Attendance(recall, WINDOW)
    attendance.watched(Watched((NODE,), at(since)))
    attendance.watched(Watched((NODE,), at(until)))
    recall.flush(now=True)


def test_the_first_flow_of_a_node(store: Faulty) -> None:
    """A node is watched from its first flow; for longer than pods take to start up only after that time."""
    attendance = attending(store)
    assert not attendance.is_long(NODE, at(10_000)), "nothing was seen of it"
    attendance.saw(NODE, at(0))
    attendance.saw(NODE, at(500))
    assert not attendance.is_long(NODE, at(600))
    assert attendance.is_long(NODE, at(600.001))
    assert not attendance.doubts(NODE, at(1)), "it never was watched before"


def test_written(store: Faulty) -> None:
    """That a node is watched is noted with the time since when, for the process that comes after this one."""
    _left(store, 0, 1_000)
    row = store.inner.load(node_key(NODE))[Mark(What.NODE)]
    assert row == Row(at(0), at(1_000), at(0), "", str(at(0)))


def test_short_restart(store: Faulty) -> None:
    """A restart that takes two minutes at most is no gap: the node is watched for as long as before."""
    _left(store, 0, 1_000)
    attendance = attending(store)
    attendance.saw(NODE, at(1_120))
    assert attendance.is_long(NODE, at(1_120))
    assert not attendance.doubts(NODE, at(1_120))


def test_long_restart(store: Faulty) -> None:
    """After a longer one the node is watched anew, and what seems new may have been missed, for as long as it took."""
    _left(store, 0, 1_000)
    attendance = attending(store)
    attendance.saw(NODE, at(3_000))
    assert not attendance.is_long(NODE, at(3_600))
    assert attendance.is_long(NODE, at(3_601))
    assert attendance.doubts(NODE, at(5_000))
    assert not attendance.doubts(NODE, at(5_000.001))
    assert not attendance.doubts("east/node-2", at(3_000))


@pytest.mark.parametrize(("seconds", "doubted"), [(1, 600), (700, 700), (90_000, 86_400)])
def test_missed(store: Faulty, seconds: float, doubted: float) -> None:
    """Behind a gap there is doubt for as long as it was, but for the start-up window at least and a day at most."""
    attendance = attending(store)
    attendance.saw(NODE, at(0))
    attendance.missed(Missed(NODE, seconds, at(100_000)))
    assert not attendance.is_long(NODE, at(100_600))
    assert attendance.is_long(NODE, at(100_601))
    assert attendance.doubts(NODE, at(100_000 + doubted))
    assert not attendance.doubts(NODE, at(100_000 + doubted + 0.001))


def test_watched_after_a_gap(store: Faulty) -> None:
    """What is noted then is that the node is watched since the gap."""
    recall = Recall(store, KnownSettings(), Steady())
    attendance = Attendance(recall, WINDOW)
    attendance.watched(Watched((NODE, "east/node-2"), at(0)))
    attendance.missed(Missed(NODE, 30, at(500)))
    attendance.watched(Watched((NODE, "east/node-2"), at(560)))
    recall.flush(now=True)
    rows = [store.inner.load(node_key(name))[Mark(What.NODE)] for name in (NODE, "east/node-2")]
    assert [(row.last_ns, row.latest) for row in rows] == [(at(560), str(at(500))), (at(560), str(at(0)))]
