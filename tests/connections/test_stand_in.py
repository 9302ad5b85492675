"""Verdicts stand in for the drops of a node that sends none, and never beside them."""

import pytest

from exporter.connections.stand_in import StandIn
from tests.flows import at


def test_after_ten_minutes_without_a_drop() -> None:
    """Denied verdicts that keep coming for ten minutes count from then on, and the node is told once."""
    stand_in = StandIn(10)
    seconds = [0, 100, 599.999, 600, 601, 1100]
    assert [stand_in.denied("n", at(second)) for second in seconds] == [False, False, False, True, True, True]
    assert stand_in.nodes == {"n"}
    assert (stand_in.take_new(), stand_in.take_new()) == (["n"], [])


def test_one_drop_is_enough() -> None:
    """A node that sends drops has its verdicts left out, at once and from the beginning again."""
    stand_in = StandIn(10)
    for second in range(0, 700, 100):
        stand_in.denied("n", at(second))
    assert stand_in.dropped("n"), "its packet was counted at the verdict before"
    assert not stand_in.dropped("n")
    assert stand_in.nodes == set()
    assert [stand_in.denied("n", at(second)) for second in (700, 1299, 1300)] == [False, False, True]


def test_verdicts_that_do_not_keep_coming() -> None:
    """A pause of more than ten minutes begins anew: two verdicts in a day say nothing."""
    stand_in = StandIn(10)
    assert not stand_in.denied("n", at(0))
    assert not stand_in.denied("n", at(600.001))


def test_nodes_are_apart_and_bounded() -> None:
    """Each node is judged by itself; beyond the bound none stands in."""
    stand_in = StandIn(1)
    stand_in.denied("a", at(0))
    stand_in.denied("b", at(0))
    assert not stand_in.dropped("b")
    assert stand_in.denied("a", at(600))
    assert not stand_in.denied("b", at(600))


@pytest.mark.parametrize("late", [0, 300])
def test_out_of_order(late: float) -> None:
    """A late verdict neither shortens nor restarts the time."""
    stand_in = StandIn(10)
    for second in (0, 500, late):
        stand_in.denied("n", at(second))
    assert stand_in.denied("n", at(600))
