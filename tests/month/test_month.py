"""The exporter lives through the month: every attack is found, and hardly anything else wakes anybody.

`python -m tests.month --seeds 10` prints the same for more months. Other seeds must pass as well: ten are played
when EXPORTER_PROOF says so.
"""

import os
import sys
from collections.abc import Iterator

import pytest

from tests.month.engine import Exporter
from tests.month.harness import Result, play, table
from tests.month.simulator import Month

SEEDS = range(10 if os.environ.get("EXPORTER_PROOF") == "yes" else 1)


@pytest.fixture(autouse=True)
def _untraced() -> Iterator[None]:
    """Whoever measures coverage makes a month five times as long; what it runs through other tests run through too."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)


def checked(result: Result) -> Result:
    """The result, if it holds what is promised."""
    assert result.passes, table([result])
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_month(seed: int) -> None:
    """All five attacks are found; at most two notifications are of no attack, and none of these is critical."""
    assert not checked(play(Month(seed), Exporter)).missed


@pytest.mark.parametrize("seed", SEEDS)
def test_month_without_dns(seed: int) -> None:
    """Nobody sees a name, and the exporter restarts in the middle: there is no more noise than with names."""
    checked(play(Month(seed, dns=False), Exporter, restart=True))


def test_month_with_a_restart() -> None:
    """The exporter restarts in the middle of the month: it finds what it found before."""
    assert not checked(play(Month(1), Exporter, restart=True)).missed
