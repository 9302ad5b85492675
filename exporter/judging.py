"""The memory at work: a thread of its own takes what was seen from the inbox, asks the store, and announces.

Nothing here runs under the pipeline's lock. What others read of it is replaced as a whole.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from exporter.detectors.announcing import Announcing
from exporter.detectors.destinations import DestinationsDetector
from exporter.detectors.listing import Listing
from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.detectors.survey import Survey, Surveyed
from exporter.detectors.unexpected import Where
from exporter.findings.interface import Finding
from exporter.known.inbox import Inbox
from exporter.known.interface import Row, Size, Store, WorkloadKey
from exporter.known.learning import State
from exporter.known.recall import JITTER, Jitter, Recall
from exporter.known.settings import KnownSettings
from exporter.log import logger

_BATCH = 500
_PAUSE_SECONDS = 1.0
_GATHER_SECONDS = 0.05
"""What arrives within so long is judged together: to wake for each note costs more than to judge it."""
_EXPIRE_SECONDS = 3600.0
_STEP_SECONDS = 3600.0
"""A wall clock that moves against the steady one by more than this was set, and is not believed for an hour."""


class Clocks(NamedTuple):
    """Wall time (ns since the epoch), a clock that nobody sets (seconds), and what keeps exporters out of step."""

    wall_ns: Callable[[], int] = time.time_ns
    steady: Callable[[], float] = time.monotonic
    jitter: Jitter = JITTER


class Memory(NamedTuple):
    """What metrics and pages read; all of one moment."""

    entries: int = 0
    size: Size = Size(0, 0)
    limit: int = 0
    waiting: int = 0
    writes: int = 0
    refused: int = 0
    evicted: int = 0
    degraded: bool = False
    errors: tuple[tuple[str, int], ...] = ()
    workloads: tuple[Surveyed, ...] = ()
    unexpected: tuple[tuple[Where, Row], ...] = ()
    """Those of armed workloads, which are exported."""
    listed: tuple[tuple[Where, Row], ...] = ()
    """Those of all workloads."""
    unexpected_refused: int = 0


class Judging:
    """Owns the memory and the detector of destinations."""

    def __init__(
        self,
        store: Store,
        known: KnownSettings,
        detector: DestinationsDetectorSettings,
        announce: Callable[[Finding], None],
        clocks: Clocks | None = None,
    ) -> None:
        self.settings = known
        self._clocks = clocks or Clocks()
        self.inbox = Inbox(known.queue)
        self._recall = Recall(store, known, self._clocks.steady, self._clocks.jitter)
        self.announcing = Announcing(self._recall, detector, known.learning.startup_window, announce)
        self._listing = Listing(self._recall, known.unexpected, known.entries)
        self.detector = DestinationsDetector(self._recall, known, self.announcing, self._listing)
        self._survey = Survey(self._recall, self.detector, known.fanout_window)
        self._now_ns = 0
        self._size, self._sized_at = Size(0, 0), -_EXPIRE_SECONDS
        self._expire_at = self._next_expiry()
        self._offset = self._wall_minus_steady()
        self._published_at = -_PAUSE_SECONDS
        self._is_restored = False
        self._busy = threading.Lock()
        self.memory = Memory(limit=known.entries)

    def work(self, stopping: Callable[[], bool]) -> None:
        """Step until it is time to stop, then write what waits."""
        while not stopping():
            if self.inbox.arrived.wait(_PAUSE_SECONDS):
                time.sleep(_GATHER_SECONDS)
            self.step()
        self.finish()
        self.close()

    def step(self) -> None:
        """Judge what waits, and do what is due."""
        with self._busy:
            if not self._is_restored:
                self._restore()
            self._recall.try_again()
            while notes := self.inbox.take(_BATCH):
                self._now_ns = max(self._now_ns, *(note.time_ns for note in notes))
                self.detector.take(notes)
            self._recall.flush()
            self._expire()
            if self._clocks.steady() - self._published_at >= _PAUSE_SECONDS:
                self._publish()

    def finish(self) -> None:
        """The input has ended: judge what waits, and look at everything once more."""
        self.step()
        with self._busy:
            self._recall.flush(now=True)
            self._publish(every=True)

    def close(self) -> None:
        """Write what waits and close the store."""
        with self._busy:
            self._recall.close()

    def _restore(self) -> None:
        """List the unexpected destinations of the last day again, which alerts go on about after a restart.

        Of a shared store that is done for each workload when it is seen: thousands of exporters need not list all.
        """
        self._is_restored = self._recall.store.shared or self._listing.restore(self._clocks.wall_ns())
        for workload in {where.workload for where in self._listing.unexpected.rows}:
            # Only what is held is surveyed, and only what is surveyed as armed is shown.
            self._recall.of(workload)

    def _expire(self) -> None:
        if self._clocks.steady() < self._expire_at:
            return
        self._expire_at = self._next_expiry()
        offset = self._wall_minus_steady()
        stepped, self._offset = abs(offset - self._offset) > _STEP_SECONDS, offset
        if stepped:
            logger().warning("clock_stepped", hint="nothing is forgotten for an hour: check the time of this host")
            return
        now_ns = min(self._clocks.wall_ns(), self._now_ns or self._clocks.wall_ns())
        self._recall.expire(now_ns - int(self.settings.expire * 1e9))

    def _next_expiry(self) -> float:
        # All that waits is written then: not by all exporters that began together.
        return self._clocks.steady() + _EXPIRE_SECONDS * self._clocks.jitter(0.5, 1.0)

    def _wall_minus_steady(self) -> float:
        return self._clocks.wall_ns() / 1e9 - self._clocks.steady()

    def _publish(self, *, every: bool = False) -> None:
        self._published_at = steady = self._clocks.steady()
        # Before the first flow the memory of the process before is shown as it is now.
        self._survey.step(self._now_ns or self._clocks.wall_ns(), every=every)
        self._listing.unexpected.expire(self._now_ns)
        recall = self._recall
        if steady - self._sized_at >= 60 or every:  # noqa: PLR2004, a minute: it may cost a look at the whole store
            self._sized_at, self._size = steady, recall.size() or self._size
        self.memory = Memory(
            entries=recall.entries,
            size=self._size,
            limit=self.settings.entries,
            waiting=recall.waiting + len(self.inbox),
            writes=recall.writes,
            refused=self.inbox.refused + self.detector.refused + recall.refused,
            evicted=recall.evicted + recall.store.evicted,
            degraded=recall.degraded,
            errors=tuple(recall.errors.items()),
            workloads=self._survey.seen,
            unexpected=self._shown(),
            listed=tuple(self._listing.unexpected.rows.items()),
            unexpected_refused=self._listing.unexpected.refused,
        )

    def _shown(self) -> tuple[tuple[Where, Row], ...]:
        """Those of all but learning workloads: what is seen while one learns is listed, and nobody is woken."""
        rows = self._listing.unexpected.rows
        states = {one.workload: one.state for one in self._survey.seen}
        learning = {key for key in {where.workload for where in rows} if self._state_of(key, states) is State.LEARNING}
        return tuple((where, row) for where, row in rows.items() if where.workload not in learning)

    def _state_of(self, workload: WorkloadKey, surveyed: Mapping[WorkloadKey, State]) -> State:
        if workload in surveyed:
            return surveyed[workload]
        # Of one that is silent nothing may be held, after a restart or what was forgotten: nobody surveys it.
        self._recall.of(workload)
        return self.detector.progress_of(workload, self._now_ns or self._clocks.wall_ns()).state
