"""Facts that are held: those in use as they are, the others packed, and which of them go first."""

import pytest

from exporter.known.held import Held
from exporter.known.interface import Mark, Row, What, WorkloadKey, seen
from exporter.known.workload import Remembered

MAIL, SHOP, WEB = (WorkloadKey("east", "shop", name) for name in ("mail", "shop", "web"))


def remembered(number: int) -> Remembered:
    """So many facts."""
    return Remembered({Mark(What.POD, f"pod-{place}"): seen(place) for place in range(number)})


@pytest.fixture
def held() -> Held:
    """Three workloads of four facts, of which there is room for one as it is."""
    held = Held(most=12, at_hand=4, at_least=1)
    for workload in (MAIL, SHOP, WEB):
        held.hold(workload, remembered(4))
    return held


def test_who_rests(held: Held) -> None:
    """What was unused for longest is packed, and all of it is held: in the order in which it was used."""
    assert (held.facts, len(held), [*held]) == (12, 3, [MAIL, SHOP, WEB])
    assert held.peek(WEB) is held.peek(WEB), "it is at hand"
    assert held.peek(MAIL) is not held.peek(MAIL), "each look unpacks it"
    assert all(workload in held for workload in (MAIL, SHOP, WEB))


def test_a_look_is_no_use(held: Held) -> None:
    """What is looked at goes on to rest, and rests where it did."""
    known = held.peek(MAIL)
    assert known is not None
    assert known.rows == remembered(4).rows
    assert [*held] == [MAIL, SHOP, WEB]


def test_what_is_used_is_at_hand(held: Held) -> None:
    """Whoever rests and is used is at hand with all its facts, and another one rests."""
    known = held.use(MAIL)
    assert known is not None
    assert known.rows == remembered(4).rows
    assert held.use(MAIL) is held.peek(MAIL) is known
    assert held.peek(WEB) is not held.peek(WEB)
    assert (held.facts, [*held]) == (12, [SHOP, WEB, MAIL])


def test_what_has_changed_is_packed(held: Held) -> None:
    """What was learnt and forgotten while it was at hand is known when it has rested."""
    known = held.use(SHOP)
    assert known is not None
    known.put(Mark(What.DENIED, "443/tcp api.example"), Row(1, 2, 1, "began", "latest"))
    known.forget({Mark(What.POD, "pod-0"), Mark(What.POD, "pod-1")})
    held.grew(-1)
    held.use(WEB)
    assert held.facts == 11
    again = held.use(SHOP)
    assert again is not None
    assert again is not known
    assert again.rows == known.rows
    assert again.services == {"api.example": ("443/tcp",)}


def test_every_kind_and_text_is_packed() -> None:
    """Facts come back as they were: all kinds, any text, and times that no calendar has."""
    rows = {Mark(what, f"name\ud800 \0 {what}"): Row(-(2**63), 10**20 - 1, 0, "é\udfff", '{"a":1}') for what in What}
    held = Held(most=100, at_hand=1, at_least=1)
    held.hold(MAIL, Remembered(rows))
    held.hold(WEB, Remembered({}))
    held.grew(0)
    known = held.peek(MAIL)
    assert known is not held.peek(MAIL), "it rests"
    assert known is not None
    assert known.rows == rows
    assert [*known.rows] == [*rows], "in their order"


def test_the_last_one_stays_at_hand() -> None:
    """A workload that is larger than the room stays as it is while it is used: somebody goes on with it."""
    held = Held(most=100, at_hand=4, at_least=1)
    known = held.hold(WEB, remembered(9))
    assert held.use(WEB) is known


def test_the_last_ones_stay_at_hand() -> None:
    """Some workloads stay as they are however large they are: two that are used in turns are not packed each time."""
    held = Held(most=100, at_hand=4, at_least=2)
    first, second = held.hold(MAIL, remembered(9)), held.hold(WEB, remembered(9))
    assert (held.use(MAIL), held.use(WEB)) == (first, second)
    held.hold(SHOP, remembered(1))
    assert held.use(WEB) is second
    assert held.use(MAIL) is not first


def test_surplus(held: Held) -> None:
    """Beyond the bound the one that was unused for longest is to go, resting or not, and never the last one."""
    assert held.surplus() is None
    held.hold(WorkloadKey("east", "shop", "new"), remembered(2))
    assert held.surplus() == MAIL
    assert held.let_go(MAIL) == 4
    assert (held.facts, held.surplus(), MAIL in held) == (10, None, False)
    alone = Held(most=4, at_hand=4, at_least=1)
    alone.hold(WEB, remembered(9))
    assert alone.surplus() is None


def test_let_go(held: Held) -> None:
    """What is let go is not held, whether it rests or is at hand."""
    assert [held.let_go(workload) for workload in (MAIL, WEB, SHOP)] == [4, 4, 4]
    assert (held.facts, len(held), held.use(WEB), held.peek(MAIL)) == (0, 0, None, None)


def test_packed_is_small() -> None:
    """A hundred destinations with their evidence take less than a tenth of the memory that they take at hand."""
    text = '{"kind":"fqdn","scope":"public","label":"%s","confidence":"observed","address":"203.0.113.%d"}'
    marks = {place: Mark(What.DESTINATION, f"443/tcp destination-{place}.example") for place in range(100)}
    rows = {mark: seen(place, text % (mark.name, place), text % (mark.name, place)) for place, mark in marks.items()}
    held = Held(most=1_000, at_hand=1, at_least=1)
    held.hold(MAIL, Remembered(rows))
    held.hold(WEB, remembered(1))
    assert len(held._packed[MAIL].data) < 100 * 50
