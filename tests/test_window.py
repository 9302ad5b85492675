"""Bounded memory by flow time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.window import Window, WindowStats
from tests.flows import at


def test_remembers_for_its_span() -> None:
    """A key is known up to the end of the span after it was seen, and not a moment longer."""
    window = Window(10, 5.0)
    window.add(1, at(0))
    assert window.has(1, at(0))
    assert window.has(1, at(5))
    assert not window.has(1, at(5) + 1)
    assert not window.has(2, at(0))


def test_seen_again() -> None:
    """A key that is seen again is known from then on."""
    window = Window(10, 5.0)
    window.add(1, at(0))
    window.add(1, at(4))
    assert window.has(1, at(9))


def test_out_of_order() -> None:
    """An older event that arrives late never shortens the window, and finds the key that was seen after it."""
    window = Window(10, 5.0)
    window.add(1, at(10))
    window.add(1, at(7))
    assert window.has(1, at(15))
    assert window.has(1, at(6))
    assert not window.has(1, at(4))


def test_expiry() -> None:
    """What is older than the span leaves, what is not stays."""
    window = Window(10, 5.0)
    window.add(1, at(0))
    window.add(2, at(3))
    window.expire(at(5))
    assert window.stats().entries == 2
    window.expire(at(5) + 1)
    assert window.stats() == WindowStats(1, 10, 0)
    assert window.has(2, at(8))


def test_bound() -> None:
    """A full window drops the key unseen for longest; only one that had time left counts as evicted."""
    window = Window(2, 5.0)
    window.add(1, at(0))
    window.add(2, at(1))
    window.add(1, at(2))
    window.add(3, at(3))
    assert window.has(1, at(3))
    assert not window.has(2, at(3))
    assert window.stats() == WindowStats(2, 2, 1)
    window.add(4, at(60))
    window.add(5, at(60))
    assert window.stats() == WindowStats(2, 2, 1)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.booleans()), max_size=60), st.integers(1, 6))
def test_window_property(steps: list[tuple[int, int, bool]], bound: int) -> None:
    """With time in order a window knows the `bound` keys seen last, as long as their span lasts, expired or not."""
    window = Window(bound, 10.0)
    seen: dict[int, int] = {}
    now = 0
    for key, pause, expires in steps:
        now += pause
        if expires:
            window.expire(at(now))
        seen.pop(key, None)
        seen[key] = now
        seen = dict(list(seen.items())[-bound:])
        window.add(key, at(now))
        assert window.stats().entries <= bound
        for other in range(6):
            assert window.has(other, at(now)) == (other in seen and now - seen[other] <= 10)


@pytest.mark.parametrize("span", [0.5, 300.0])
def test_spans_are_seconds(span: float) -> None:
    """A span is in seconds, fractions included."""
    window = Window(1, span)
    window.add(1, at(0))
    assert window.has(1, at(span))
    assert not window.has(1, at(span) + 1)
