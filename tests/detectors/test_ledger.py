"""Evidence by workload: counted together, with its first and last flow, and never more than its bound."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.interface import WorkloadName
from exporter.detectors.interface import Key, Kind
from exporter.detectors.ledger import Ledger, Tally
from exporter.window import WindowStats
from tests.flows import SECOND, at, drop

WEB, CART = WorkloadName("shop", "web"), WorkloadName("shop", "cart")
MISSING = Key(Kind.NXDOMAIN, name="a.example.com")


def _is(key: Key, tally: Tally) -> bool:
    return tally.key == key


def _key(number: int) -> Key:
    return MISSING._replace(name=f"{number}.example.com")


def test_counted_together() -> None:
    """Pieces of the same kind are one, with the earliest and the latest flow, in whatever order they come."""
    ledger = Ledger(10, 10, 5)
    for seconds in (5, 3, 9, 7):
        ledger.add(WEB, MISSING, drop(time_ns=at(seconds), weight=2))
    (tally,) = ledger.of(WEB).values()
    assert (tally.count, tally.first.time_ns, tally.last.time_ns) == (8, at(3), at(9))
    assert ledger.of(CART) == {}
    assert list(ledger.workloads) == [WEB]


def test_frequent() -> None:
    """So many within the window are frequent; one less, or spread over more, are not."""
    tally = Tally(MISSING, drop(), 3)
    window = 10 * SECOND
    for seconds, frequent in ((0, False), (20, False), (25, False), (30, True), (41, False)):
        tally.add(drop(time_ns=at(seconds)))
        assert tally.is_frequent(window) == frequent, seconds


def test_an_aggregated_line_stands_for_many() -> None:
    """A line with a weight is as frequent as the flows that it stands for."""
    tally = Tally(MISSING, drop(), 3)
    tally.add(drop(weight=3))
    assert tally.is_frequent(SECOND)


def test_bound_of_all() -> None:
    """When there is no room, what was quiet for longest leaves, whoever's it is, and is counted."""
    ledger = Ledger(3, 10, 5)
    for number in range(3):
        ledger.add(WEB, _key(number), drop(time_ns=at(number)))
    ledger.add(WEB, _key(0), drop(time_ns=at(4)))
    ledger.add(CART, MISSING, drop(time_ns=at(5)))
    assert set(ledger.of(WEB)) == {_key(0), _key(2)}
    assert ledger.stats() == WindowStats(3, 3, 1)


def test_bound_of_one() -> None:
    """A workload with many failing names pushes out its own evidence, and nobody else's."""
    ledger = Ledger(100, 2, 5)
    ledger.add(CART, MISSING, drop(time_ns=at(0)))
    for number in range(50):
        ledger.add(WEB, _key(number), drop(time_ns=at(number)))
    assert set(ledger.of(WEB)) == {_key(48), _key(49)}
    assert set(ledger.of(CART)) == {MISSING}
    assert ledger.stats() == WindowStats(3, 100, 48)


def test_expiry() -> None:
    """What was last seen before is forgotten, and its workload is to be looked at again."""
    ledger = Ledger(10, 10, 5)
    ledger.add(WEB, MISSING, drop(time_ns=at(0)))
    ledger.add(CART, MISSING, drop(time_ns=at(5)))
    ledger.changed.clear()
    ledger.expire(at(5))
    assert list(ledger.workloads) == [CART]
    assert list(ledger.changed) == [WEB]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("add", "forget", "expire")),
            st.sampled_from((WEB, CART)),
            st.integers(0, 6),
            st.integers(0, 9),
        ),
        max_size=60,
    )
)
def test_property_its_two_tables_agree(steps: list[tuple[str, WorkloadName, int, int]]) -> None:
    """Whatever happens, what the workloads have is what the whole has, within both bounds, and no workload is empty."""
    ledger = Ledger(5, 3, 2)
    for act, workload, number, seconds in steps:
        match act:
            case "add":
                ledger.add(workload, _key(number), drop(time_ns=at(seconds)))
                assert _key(number) in ledger.of(workload), "what came last is there"
            case "forget":
                ledger.forget(workload, partial(_is, _key(number)))
                assert _key(number) not in ledger.of(workload)
            case _:
                ledger.expire(at(seconds))
        of_one = [len(ledger.of(one)) for one in ledger.workloads]
        assert sum(of_one) == ledger.stats().entries <= 5
        assert all(0 < number <= 3 for number in of_one)
