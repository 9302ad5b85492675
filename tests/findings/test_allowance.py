"""How many findings of a workload pass in an hour of their own times."""

from exporter.findings.allowance import Allowance
from exporter.findings.interface import Severity
from tests.findings.examples import AT_NS, finding

MINUTE = 60 * 1_000_000_000
NINE = AT_NS + 400 * 1_000_000_000 - 123_456_789
"""09:00:00 of that day."""
WARNING, INFO = Severity.WARNING, Severity.INFO


def _admitted(allowance: Allowance, minute: float, severity: Severity = WARNING, workload: str = "checkout") -> bool:
    at_ns = NINE + int(minute * MINUTE)
    return allowance.admit(finding(at_ns=at_ns, severity=severity, source_workload=workload))


def test_so_many_in_an_hour() -> None:
    """Of three an hour the fourth is held back; the next hour has three again."""
    allowance = Allowance(3)
    assert [_admitted(allowance, minute) for minute in (0, 10, 20, 30, 59.9)] == [True, True, True, False, False]
    assert [_admitted(allowance, minute) for minute in (60, 61, 70, 75)] == [True, True, True, False]


def test_each_workload_has_its_own() -> None:
    """A workload that goes wild holds back its own findings only; clusters and namespaces tell workloads apart."""
    allowance = Allowance(1)
    assert _admitted(allowance, 0)
    assert not _admitted(allowance, 0)
    assert _admitted(allowance, 0, workload="cart")
    assert allowance.admit(finding(source_namespace="store", at_ns=NINE))
    assert allowance.admit(finding(cluster="green", at_ns=NINE))


def test_infos_get_half() -> None:
    """Of six an hour three may be infos, so that three warnings pass at least."""
    allowance = Allowance(6)
    assert [_admitted(allowance, 0, INFO) for _ in range(5)] == [True, True, True, False, False]
    assert [_admitted(allowance, 1, WARNING) for _ in range(4)] == [True, True, True, False]


def test_warnings_may_take_all() -> None:
    """What warnings have used is not there for infos."""
    allowance = Allowance(6)
    assert [_admitted(allowance, 0, WARNING) for _ in range(5)] == [True] * 5
    assert [_admitted(allowance, 1, INFO) for _ in range(2)] == [True, False]
    assert not _admitted(allowance, 2, WARNING)


def test_half_of_an_odd_number() -> None:
    """Half of three is one; half of one is none, for a single info must not hold back a warning."""
    allowance = Allowance(3)
    assert [_admitted(allowance, 0, INFO) for _ in range(2)] == [True, False]
    allowance = Allowance(1)
    assert not _admitted(allowance, 0, INFO)
    assert _admitted(allowance, 0, WARNING)


def test_infos_come_back_after_an_hour() -> None:
    """The half of the infos is that of an hour too."""
    allowance = Allowance(2)
    assert [_admitted(allowance, minute, INFO) for minute in (0, 59, 60)] == [True, False, True]


def test_clocks_that_differ() -> None:
    """Findings that come out of order, or of a node whose clock is a day ahead, count in the hour of their time."""
    allowance = Allowance(2)
    minutes = (0, 24 * 60, -1, 1, 24 * 60 + 1, -2)
    assert [_admitted(allowance, minute) for minute in minutes] == [True] * 6
    assert [_admitted(allowance, minute) for minute in minutes] == [False] * 6


def test_workloads_that_are_remembered() -> None:
    """Beyond as many as may be the one whose last finding is oldest is forgotten; one held back counts as one."""
    allowance = Allowance(1, most_workloads=2)
    assert _admitted(allowance, 0, workload="a")
    assert _admitted(allowance, 1, workload="b")
    assert not _admitted(allowance, 2, workload="a")
    assert _admitted(allowance, 3, workload="c")
    assert not _admitted(allowance, 4, workload="a")
    assert _admitted(allowance, 5, workload="b")
    assert len(allowance._announced) == 2
