"""What is known of all workloads in use, for gauges and pages: a few of them each second, so that it costs little."""

from collections import Counter
from sys import intern
from typing import NamedTuple

from exporter.detectors.destinations import DestinationsDetector
from exporter.detectors.novelty import has_names
from exporter.known.interface import WorkloadKey
from exporter.known.learning import State
from exporter.known.recall import Recall
from exporter.known.workload import split

_ROUND = 30
"""Each workload is looked at once in so many steps, or more often while they have few facts."""
_FEW_FACTS = 300


class Surveyed(NamedTuple):
    """One workload at the time it was looked at."""

    workload: WorkloadKey
    state: State
    since_ns: int
    missing: tuple[str, ...]
    known: int
    """Destinations that it knows."""
    fanout: int
    """Those of them outside the cluster that it went to, or tried to, within the window."""
    nameless: bool
    """It goes outside the cluster, and the names that it asks for are not seen."""


class Survey:
    """Used by the detector's thread; `seen` is replaced as a whole and may be read by others."""

    def __init__(self, recall: Recall, detector: DestinationsDetector, window: float) -> None:
        self._recall, self._detector, self._window_ns = recall, detector, int(window * 1e9)
        self._looked: dict[WorkloadKey, Surveyed] = {}
        self._round: list[WorkloadKey] = []
        self.seen: tuple[Surveyed, ...] = ()

    def step(self, now_ns: int, *, every: bool = False) -> None:
        """Look at some workloads, or at all of them."""
        number = len(self._recall.workloads)
        if every:
            # A round that was begun has left out what came since.
            self._round.clear()
        turns, facts = number if every else number // _ROUND + 1, 0
        while number > 0 and (turns > 0 or facts < _FEW_FACTS):
            if not self._round:
                held = self._recall.workloads
                self._looked = {key: one for key, one in self._looked.items() if key in held}
                self._round = [*held]
            facts += self._look(self._round.pop(), now_ns)
            turns, number = turns - 1, number - 1
        self.seen = tuple(self._looked.values())

    @property
    def states(self) -> Counter[str]:
        """How many workloads are in each state."""
        return Counter(one.state.value for one in self.seen)

    def _look(self, workload: WorkloadKey, now_ns: int) -> int:
        """Look at one workload; returns how many facts there are of it."""
        known = self._recall.peek(workload)
        if known is None or not known.services:
            # A node, or a workload that went nowhere yet.
            return 0
        at = self._detector.progress_of(workload, now_ns, known)
        recent = {split(mark.name)[1] for mark in known.outside if now_ns - known.rows[mark].last_ns <= self._window_ns}
        # Of most workloads the same is missing: they share its text.
        missing = tuple(map(intern, at.missing))
        nameless = bool(known.outside) and not has_names(known, now_ns)
        self._looked[workload] = Surveyed(
            workload, at.state, at.since_ns, missing, known.destinations, len(recent), nameless
        )
        return len(known.rows)
