"""The memory as it is used: what is held, what is written when, and what happens while the store does not work."""

from collections.abc import Iterable, Sequence

import pytest
from structlog.testing import capture_logs

from exporter.known.interface import Fact, Fault, Mark, Row, Size, What, WorkloadKey
from exporter.known.recall import JITTER, Jitter, Recall
from exporter.known.settings import KnownSettings
from tests.detectors.watching import Steady
from tests.known.faulty import Faulty
from tests.known.stores import API, CART, ITSELF, MAIL, WEB, fact

HOUR = 3600 * 1_000_000_000
MOST = 1_000
"""The least that `known.entries` may be."""


class Recalling:
    """A memory over a store and a clock that a test has in its hands."""

    def __init__(self, *, shared: bool = False, entries: int = MOST, jitter: Jitter = max) -> None:
        self.store, self.steady = Faulty(shared=shared), Steady()
        self.recall = Recall(self.store, KnownSettings(entries=entries, refresh=60), self.steady, jitter)

    def stored(self, workload: WorkloadKey = WEB) -> dict[Mark, Row]:
        """What the store knows of a workload."""
        return self.store.inner.load(workload)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.steady.seconds += seconds


@pytest.fixture
def one() -> Recalling:
    """A memory whose store is nobody else's."""
    return Recalling()


def many(workload: WorkloadKey, number: int) -> list[Fact]:
    """Facts of one workload."""
    return [fact(Mark(What.POD, f"pod-{place}"), 1, workload) for place in range(number)]


def _marks(facts: Iterable[Fact]) -> set[Mark]:
    return {each.mark for each in facts}


def test_read_once(one: Recalling) -> None:
    """A workload is read from the store when it is asked for first, and held from then on."""
    one.store.inner.merge([fact(API, 1)])
    assert one.recall.of(WEB).rows == {API: Row(1, 1, 1)}
    one.recall.of(WEB)
    assert one.store.asked["load"] == 1
    assert (one.recall.entries, list(one.recall.workloads)) == (1, [WEB])


def test_peek_asks_nobody(one: Recalling) -> None:
    """What is held can be looked at without the store being asked."""
    assert one.recall.peek(WEB) is None
    assert not one.recall.is_sure(WEB)
    known = one.recall.of(WEB)
    assert one.recall.peek(WEB) is known
    assert one.recall.is_sure(WEB)
    assert one.store.asked.total() == 1


def test_new_is_written_at_once(one: Recalling) -> None:
    """What is new is in the store when `note` returns, which says that nobody knew it."""
    assert one.recall.note((fact(API, 1), fact(MAIL, 1))) == {API: None, MAIL: None}
    assert one.stored() == {API: Row(1, 1, 1), MAIL: Row(1, 1, 1)}
    assert (one.recall.writes, one.recall.waiting, one.store.asked["merge"]) == (2, 0, 1)


def test_known_is_written_later(one: Recalling) -> None:
    """That something known was seen again waits until a flush is due, and is one write however often it was seen."""
    one.recall.note((fact(API, 1),))
    one.later(59.9)
    for at_ns in (2, 3, 4):
        assert one.recall.note((fact(API, at_ns),)) == {}
    one.recall.flush()
    assert one.recall.of(WEB).rows == {API: Row(1, 4, 1)}
    assert (one.recall.waiting, one.stored()) == (1, {API: Row(1, 1, 1)})
    one.later(0.1)
    one.recall.flush()
    assert (one.recall.waiting, one.stored(), one.recall.writes) == (0, {API: Row(1, 4, 1)}, 2)
    one.recall.refresh(fact(API, 5))
    one.later(59.9)
    one.recall.flush()
    assert one.recall.waiting == 1
    one.later(0.1)
    one.recall.flush()
    assert one.stored() == {API: Row(1, 5, 1)}


def test_much_does_not_wait() -> None:
    """When so much waits that it takes memory, it is written before its time."""
    recalling = Recalling(entries=4 * MOST)
    facts = many(WEB, 2_000)
    recalling.recall.note(facts)
    recalling.recall.note(facts[1:])
    recalling.recall.flush()
    assert recalling.recall.waiting == 1_999
    recalling.recall.note(facts[:1])
    recalling.recall.flush()
    assert recalling.recall.waiting == 0


def test_nothing_is_written_when_nothing_waits(one: Recalling) -> None:
    """A flush of nothing does not ask the store."""
    one.later(1_000)
    one.recall.flush(now=True)
    assert one.store.asked.total() == 0


def test_what_others_knew() -> None:
    """Of new facts it is said what others have written meanwhile, and that is known here then."""
    one = Recalling(shared=True)
    one.recall.of(WEB)
    one.store.inner.merge([fact(API, 5, began="theirs")])
    assert one.recall.note((fact(API, 9), fact(MAIL, 9))) == {API: Row(5, 5, 5, "theirs"), MAIL: None}
    assert one.recall.of(WEB).rows[API] == Row(5, 9, 5, "theirs")


@pytest.mark.parametrize(("shared", "seconds", "is_read"), [(True, 60, False), (True, 60.1, True), (False, 99, False)])
def test_fresh(shared: bool, seconds: float, is_read: bool) -> None:
    """What others wrote is read again when it matters and the last reading is a minute old; alone, never."""
    one = Recalling(shared=shared)
    one.recall.of(WEB)
    one.store.inner.merge([fact(API, 5)])
    one.later(seconds)
    assert one.recall.of(WEB).rows == {}
    assert (API in one.recall.of(WEB, fresh=True).rows) is is_read
    one.recall.of(WEB, fresh=True)
    assert one.store.asked["load"] == 1 + is_read


def test_room_for_others(one: Recalling) -> None:
    """Beyond the bound the workload that was unused for longest is let go; the store has it, and it is read again."""
    one.recall.note(many(WEB, 400))
    one.recall.note(many(CART, 400))
    one.recall.of(WEB)
    third = WorkloadKey("default", "shop", "third")
    one.store.inner.merge(many(third, 400))
    one.recall.of(third)
    assert [*one.recall.workloads] == [WEB, third]
    assert (one.recall.entries, one.recall.evicted) == (800, 400)
    assert not one.recall.is_sure(CART)
    assert len(one.recall.of(CART).rows) == 400
    assert [*one.recall.workloads] == [third, CART]


def test_room_for_what_grows(one: Recalling) -> None:
    """A workload that grows makes the others go, too."""
    one.recall.note(many(WEB, 400))
    one.recall.note(many(CART, 700))
    assert [*one.recall.workloads] == [CART]
    assert (one.recall.entries, one.recall.evicted) == (700, 400)


def test_larger_than_the_bound(one: Recalling) -> None:
    """A workload that alone is larger than the bound is held whole."""
    one.recall.note(many(WEB, MOST + 5))
    assert one.recall.entries == MOST + 5
    assert _marks(many(WEB, MOST + 5)) == one.recall.of(WEB).rows.keys()


def test_read_again_when_there_is_no_room() -> None:
    """The workload that was unused for longest may be the one that is read again: others make room for it then."""
    one = Recalling(shared=True)
    one.recall.note(many(WEB, 10))
    one.recall.note(many(CART, MOST - 10))
    one.later(61)
    one.store.inner.merge(many(WEB, 20))
    assert len(one.recall.of(WEB, fresh=True).rows) == 20
    assert [*one.recall.workloads] == [WEB]


def test_back_off(one: Recalling) -> None:
    """A store that does not work is asked again after 1 s, 2 s and so on, 30 s at most; in between nobody asks it."""
    one.store.broken = True
    attempts: list[float] = []
    for _ in range(1_300):
        before = one.store.asked.total()
        one.recall.try_again() if one.recall.degraded else one.recall.of(WEB)
        one.recall.size()
        one.recall.of(CART)
        if one.store.asked.total() > before:
            attempts.append(one.steady())
        one.later(0.125)
    assert attempts == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151]
    assert one.recall.errors == {"unreachable": 10}
    one.store.broken = False
    one.later(30)
    before = one.store.asked.total()
    one.recall.try_again()
    one.recall.try_again()
    assert one.store.asked.total() == before + 1, "it works"
    one.store.broken = True
    before = one.store.asked["size"]
    one.recall.size()
    one.later(0.9)
    one.recall.size()
    assert one.store.asked["size"] - before == 1, "the first delay again"
    one.later(0.1)
    one.recall.size()
    assert one.store.asked["size"] - before == 2


def test_out_of_step_when_it_fails() -> None:
    """Of many that lose their store at once each waits for any time from half of the delay up to the whole."""
    one = Recalling(jitter=min)
    one.store.broken = True
    attempts: list[float] = []
    for _ in range(400):
        before = one.store.asked.total()
        one.recall.size()
        if one.store.asked.total() > before:
            attempts.append(one.steady())
        one.later(0.125)
    assert attempts == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5]


def test_out_of_step_when_it_writes() -> None:
    """Many that began together write first at any time within the interval, then up to a fifth before it ends."""
    one = Recalling(jitter=min)
    one.recall.note((fact(API, 1),))
    one.recall.refresh(fact(API, 2))
    one.recall.flush()
    assert one.recall.waiting == 0, "the earliest first time is at once"
    one.recall.refresh(fact(API, 3))
    one.later(47.9)
    one.recall.flush()
    assert one.recall.waiting == 1
    one.later(0.1)
    one.recall.flush()
    assert one.recall.waiting == 0


def test_out_of_step_by_itself() -> None:
    """Nobody has to choose the times: they differ between exporters."""
    assert len({JITTER(0.5, 1.0) for _ in range(100)}) > 90
    assert all(0.5 <= JITTER(0.5, 1.0) <= 1 for _ in range(100))


def test_written_in_parts() -> None:
    """What was written before the store failed again is not sent once more: a busy server gets on with it."""
    one = Recalling(entries=5_000)
    one.store.broken = True
    one.recall.note(many(WEB, 4_500))
    one.store.broken, merge, sizes = False, one.store.merge, list[int]()

    def merge_once(facts: Sequence[Fact]) -> list[Row | None]:
        sizes.append(len(facts))
        one.store.broken = len(sizes) == 2
        return merge(facts)

    one.store.merge = merge_once  # type: ignore[method-assign] # the second one fails
    one.later(1)
    one.recall.try_again()
    assert (one.recall.degraded, one.recall.waiting, len(one.stored())) == (True, 2_500, 2_000)
    one.store.broken = False
    one.later(2)
    one.recall.try_again()
    assert (one.recall.degraded, one.recall.waiting, len(one.stored())) == (False, 0, 4_500)
    assert sizes == [2_000, 2_000, 2_000, 500]


def test_says_it_once(one: Recalling) -> None:
    """One line says that the store does not work, why and what to do, and one that it works again."""
    one.store.broken = True
    with capture_logs() as lines:
        for _ in range(5):
            one.recall.size()
            one.later(40)
        one.store.broken = False
        assert one.recall.size() == Size(0, 0)
        one.recall.size()
    assert lines == [
        {"event": "store_degraded", "log_level": "error", "reason": "unreachable", "detail": "it is gone; wait"},
        {"event": "store_works_again", "log_level": "info"},
    ]


def test_waits_for_the_store(one: Recalling) -> None:
    """What is new while the store does not work is known here, waits, and is written when it works again."""
    one.recall.note((fact(API, 1),))
    one.store.broken = True
    assert one.recall.note((fact(MAIL, 2), fact(API, 2))) == {MAIL: None}
    assert one.recall.add((fact(MAIL, 3),)) == [Row(2, 2, 2)], "as far as it is known here"
    assert (one.recall.degraded, one.recall.waiting, one.recall.writes) == (True, 2, 1)
    one.store.broken = False
    one.recall.try_again()
    assert one.recall.waiting == 2, "it is not time yet"
    one.later(1)
    one.recall.try_again()
    assert (one.recall.degraded, one.recall.waiting, one.recall.writes) == (False, 0, 3)
    assert one.stored() == {API: Row(1, 2, 1), MAIL: Row(2, 3, 2)}


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.READ_ONLY])
def test_read_though_it_takes_no_writes(one: Recalling, fault: Fault) -> None:
    """A store that is full or read-only is read at any time, and is degraded until it takes a write."""
    one.store.inner.merge([fact(MAIL, 1, CART)])
    one.store.refuses = fault
    one.recall.note((fact(API, 1),))
    assert (one.recall.degraded, one.recall.waiting) == (True, 1)
    assert one.recall.of(CART).rows == {MAIL: Row(1, 1, 1)}
    assert (one.recall.is_sure(CART), one.recall.degraded, one.recall.waiting) == (True, True, 1)
    one.store.refuses = None
    one.later(1)
    one.recall.try_again()
    assert (one.recall.degraded, one.recall.waiting, one.stored()) == (False, 0, {API: Row(1, 1, 1)})


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.READ_ONLY])
def test_back_off_when_it_cannot_be_read_either(one: Recalling, fault: Fault) -> None:
    """As without a volume, where the file can be neither made nor opened: lookups do not ask more often than others."""
    one.store.broken, one.store.fault = True, fault
    attempts: list[float] = []
    for _ in range(1_280):
        before = one.store.asked.total()
        one.recall.of(WEB)
        attempts += [one.steady()] * (one.store.asked.total() - before)
        one.later(1 / 128)
    assert attempts == [0, 1, 3, 7]
    assert one.recall.errors == {fault.value: 4}


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.READ_ONLY])
def test_reads_that_fail_do_not_put_off_writes(one: Recalling, fault: Fault) -> None:
    """After each write that fails one read is tried; that it fails too does not move the next write."""
    one.recall.of(WEB)
    one.store.broken, one.store.fault = True, fault
    one.recall.note((fact(API, 1),))
    assert one.store.asked == {"load": 1, "merge": 1}
    attempts: dict[str, list[float]] = {"load": [], "merge": []}
    for _ in range(1_280):
        before = one.store.asked.copy()
        one.recall.try_again()
        one.recall.of(CART)
        for what in (one.store.asked - before).elements():
            attempts[what].append(one.steady())
        one.later(1 / 128)
    assert attempts == {"load": [0, 1, 3, 7], "merge": [1, 3, 7]}
    one.store.broken = False
    one.later(5)
    one.recall.try_again()
    assert (one.recall.degraded, one.recall.waiting, one.stored()) == (False, 0, {API: Row(1, 1, 1)})
    one.recall.of(CART)
    assert one.recall.is_sure(CART)


def test_works_again_whoever_asks(one: Recalling) -> None:
    """When another question finds that the store works, what has waited is written with the next flush."""
    one.store.broken = True
    one.recall.note((fact(API, 1),))
    one.store.broken = False
    one.later(1)
    assert one.recall.listed(0) == []
    one.recall.flush()
    assert (one.recall.waiting, one.stored()) == (0, {API: Row(1, 1, 1)})
    one.recall.refresh(fact(API, 2))
    one.recall.flush()
    assert one.recall.waiting == 1


def test_not_sure(one: Recalling) -> None:
    """Of a workload that the store could not be asked about that is said, and it is read as soon as it can be."""
    one.store.inner.merge([fact(API, 1)])
    one.store.broken = True
    one.recall.refresh(fact(MAIL, 5))
    assert not one.recall.is_sure(WEB)
    one.store.broken = False
    one.later(1)
    assert one.recall.of(WEB).rows == {API: Row(1, 1, 1), MAIL: Row(5, 5, 5)}
    assert one.recall.is_sure(WEB)
    assert one.recall.entries == 2


def test_waiting_is_bounded(one: Recalling) -> None:
    """No more facts wait than may be held; those that find no room are counted, those that wait can be seen again."""
    one.store.broken = True
    one.recall.note(many(WEB, MOST + 7))
    assert (one.recall.waiting, one.recall.refused) == (MOST, 7)
    one.recall.refresh(Fact(WEB, Mark(What.POD, "pod-0"), Row(9, 9, 9)))
    assert (one.recall.waiting, one.recall.refused) == (MOST, 7)


def test_forget(one: Recalling) -> None:
    """What is forgotten is gone here and in the store, and is not written again by what waits."""
    one.recall.note((fact(API, 1), fact(MAIL, 1)))
    one.recall.note((fact(API, 2), fact(MAIL, 2)))
    one.recall.forget(WEB, [API])
    one.recall.flush(now=True)
    assert one.stored() == {MAIL: Row(1, 2, 1)}
    assert one.recall.of(WEB).rows.keys() == {MAIL}
    assert one.recall.entries == 1
    one.recall.forget(CART, [API])
    assert one.recall.entries == 1


def test_expire(one: Recalling) -> None:
    """What is expired is gone here too; what waits is written before, and is read again when it is needed."""
    one.recall.note((fact(ITSELF, 1), fact(API, 1), fact(MAIL, HOUR)))
    one.recall.note((fact(API, 1, CART), fact(MAIL, HOUR, CART)))
    one.recall.note((fact(MAIL, 2 * HOUR, CART),))
    assert one.recall.expire(HOUR) == 3
    assert not one.recall.workloads
    assert one.recall.of(WEB).rows.keys() == {MAIL}
    assert one.recall.entries == 1
    assert one.stored(CART) == {MAIL: Row(HOUR, 2 * HOUR, HOUR)}


def test_expire_of_nothing(one: Recalling) -> None:
    """When nothing is expired, or the store does not work, everything is held as before."""
    one.recall.note((fact(API, 5),))
    assert one.recall.expire(1) == 0
    one.store.broken = True
    assert one.recall.expire(HOUR) == 0
    assert one.recall.peek(WEB) is not None


def test_listed(one: Recalling) -> None:
    """Facts of the store since a time; None while it does not work, which is something else than none."""
    one.store.inner.merge([fact(API, 1), fact(MAIL, 5)])
    assert one.recall.listed(5) == [fact(MAIL, 5)]
    assert one.recall.listed(6) == []
    one.store.broken = True
    assert one.recall.listed(0) is None
    assert one.recall.size() is None


def test_close(one: Recalling) -> None:
    """At the end what waits is written, although it is neither due nor time to ask the store again."""
    one.store.broken = True
    one.recall.note((fact(API, 1),))
    one.store.broken = False
    one.recall.close()
    assert one.stored() == {API: Row(1, 1, 1)}
    assert one.store.closed


def test_close_without_the_store(one: Recalling) -> None:
    """A store that does not work is closed all the same."""
    one.store.broken = True
    one.recall.note((fact(API, 1),))
    one.recall.close()
    assert one.store.closed
