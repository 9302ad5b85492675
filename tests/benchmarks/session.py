"""One run of the benchmarks: its folder, its rounds, and what it says on the way."""

import statistics
import sys
import time
from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from pathlib import Path

from tests.benchmarks.mix import Mix
from tests.benchmarks.reels import Reel, write_reels

ROUNDS = 5
SEED = 4
WORKLOADS = 500
WARM_UP = 30_000
"""Flows that are read before anything is measured: start-up and habits are no part of the cost of a flow."""
MEASURED = 100_000
_AHEAD_NS = 300 * 1_000_000_000
"""The flows' times lie so far ahead that they are no backlog when they are read, and not so far as to be refused."""


class InvalidMeasurementError(Exception):
    """What was measured is not what should have been measured."""


class Session:
    """What the rows share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def mix(self) -> tuple[Reel, Reel]:
        """The mix, full and masked; each flow of it is read once per round."""
        say("writing the mix ...")
        flows = Mix(SEED, WORKLOADS, per_second=20_000).flows(soon())
        full, masked = write_reels(self.folder, "mix", islice(flows, WARM_UP + MEASURED))
        say(f"{full.count} flows of {full.mean_size:.0f} bytes, masked {masked.mean_size:.0f}")
        return full, masked


def soon() -> int:
    """The time of the first flow of a reel that is written now, in ns since the epoch."""
    return time.time_ns() + _AHEAD_NS


def say(what: str) -> None:
    """Tell the person who waits."""
    print(f"  {what}", file=sys.stderr, flush=True)  # noqa: T201, it is a command


def median(values: Iterable[float]) -> float:
    """The middle one of the rounds."""
    return statistics.median(values)
