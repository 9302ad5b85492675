"""The memory as it is used: the workloads in use are held here, and everything goes to the store.

What is new is written at once; that something known was seen again, now and then. While the store does not work, what
there is to write waits, the stream goes on, and whoever asks is told that the answer may be wrong.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from exporter.known.held import Held
from exporter.known.interface import Fact, Fault, Mark, Row, Size, Store, StoreError, WorkloadKey, merged
from exporter.known.settings import KnownSettings
from exporter.known.workload import Remembered
from exporter.log import logger

_T = TypeVar("_T")
_FIRST_DELAY, _LONGEST_DELAY = 1.0, 30.0
_MUCH = 2_000
"""So many facts (some 600 B each) do not wait until it is time, and are written together."""
Jitter = Callable[[float, float], float]
"""Any number between two. Without it all exporters of a cluster would ask a shared store at the same moments."""
JITTER: Jitter = random.SystemRandom().uniform
_STILL_READ = (Fault.FULL, Fault.READ_ONLY)
"""Faults of stores that take no writes: what they know is read all the same, or all would seem to begin anew."""
_STALE_SECONDS = 60.0
"""What others wrote to a shared store is read again after so long, when it matters."""


class Recall:
    """Holds the facts of at most `entries`; used by one thread."""

    def __init__(
        self,
        store: Store,
        settings: KnownSettings,
        steady: Callable[[], float] = time.monotonic,
        jitter: Jitter = JITTER,
    ) -> None:
        self.store, self._settings, self._steady, self._jitter = store, settings, steady, jitter
        self._held = Held(settings.entries)
        self._read_at: dict[WorkloadKey, float] = {}
        """When the store was read for a workload; those that it could not be asked for are missing."""
        self._waiting: dict[tuple[WorkloadKey, Mark], Row] = {}
        self._retry_at, self._delay = 0.0, _FIRST_DELAY
        # Many begin together, in a rollout: the first time is any within the interval.
        self._flush_at = steady() + settings.refresh * jitter(0.0, 1.0)
        self.degraded = False
        """Whether the store did not work when it was last asked."""
        self._is_readable = False
        """Whether it may be read all the same: it takes no writes, and no read has failed since."""
        self.writes, self.evicted, self.refused = 0, 0, 0
        self.errors: Counter[str] = Counter()

    def of(self, workload: WorkloadKey, *, fresh: bool = False) -> Remembered:
        """What is known of a workload; `fresh` with what other exporters have written lately."""
        # Used before the store is read, which may let go of the one that was unused for longest.
        known = self._held.use(workload)
        if known is None or workload not in self._read_at or (fresh and self.is_stale(workload)):
            known = self._read(workload, known)
        return known

    def is_stale(self, workload: WorkloadKey) -> bool:
        """Whether other exporters may have written something since the store was read."""
        if not self.store.shared:
            return False
        read_at = self._read_at.get(workload)
        return read_at is not None and self._steady() - read_at > _STALE_SECONDS

    def peek(self, workload: WorkloadKey) -> Remembered | None:
        """What is held of a workload, without asking for it."""
        return self._held.peek(workload)

    def is_sure(self, workload: WorkloadKey) -> bool:
        """Whether the store was asked about the workload."""
        return workload in self._read_at

    @property
    def workloads(self) -> Collection[WorkloadKey]:
        """Those that are held."""
        return self._held

    @property
    def waiting(self) -> int:
        """Facts that are not in the store yet."""
        return len(self._waiting)

    @property
    def entries(self) -> int:
        """Facts that are held."""
        return self._held.facts

    def note(self, facts: Sequence[Fact]) -> dict[Mark, Row | None]:
        """Write what is new at once, the rest later; returns what others knew of the new marks. All of one workload."""
        if not facts:
            return {}
        new, known = list[Fact](), self.of(facts[0].workload)
        for fact in facts:
            if fact.mark in known.rows:
                known.put(fact.mark, fact.row)
                self._wait_with(fact)
            else:
                new.append(fact)
        if not new:
            return {}
        return {fact.mark: row for fact, row in zip(new, self.add(new), strict=True)}

    def add(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Write new facts at once; returns what was known of each before, here when the store does not answer."""
        here = [self._put(fact) for fact in facts]
        before = self._try(lambda: self.store.merge(facts))
        if before is None:
            for fact in facts:
                self._wait_with(fact)
            return here
        self.writes += len(facts)
        for fact, row in zip(facts, before, strict=True):
            if row is not None:
                self._put(fact._replace(row=row))
        return before

    def refresh(self, fact: Fact) -> None:
        """Something known was seen again: it is written with the next flush."""
        self._put(fact)
        self._wait_with(fact)

    def forget(self, workload: WorkloadKey, marks: Collection[Mark]) -> None:
        """Forget facts here and in the store."""
        known = self._held.use(workload)
        if known is not None:
            before = len(known.rows)
            known.forget(frozenset(marks))
            self._held.grew(len(known.rows) - before)
        for mark in marks:
            self._waiting.pop((workload, mark), None)
        self._try(lambda: self.store.forget(workload, marks))

    def flush(self, *, now: bool = False) -> None:
        """Write what waits, if it is time, or much."""
        if not now and len(self._waiting) < _MUCH and self._steady() < self._flush_at:
            return
        if not self._waiting:
            return
        # In parts, each done with when it is written: a server that is busy must not be sent all of it again.
        while facts := [Fact(*of, row) for of, row in islice(self._waiting.items(), _MUCH)]:
            if self._try(partial(self.store.merge, facts)) is None:
                return
            self.writes += len(facts)
            for workload, mark, _ in facts:
                del self._waiting[workload, mark]
        self._flush_at = self._steady() + self._settings.refresh * self._jitter(0.8, 1.0)

    def try_again(self) -> None:
        """Ask a store that did not work, when it is time: what waits is written, and then it works."""
        if self.degraded and self._steady() >= self._retry_at:
            self.flush(now=True)
            if not self._waiting:
                self._try(self.store.size)

    def expire(self, before_ns: int) -> int:
        """Forget what was unseen for too long, in the store and here."""
        # What waits keeps its workload here, and what the store has forgotten of that would come back.
        self.flush(now=True)
        gone = self._try(lambda: self.store.expire(before_ns))
        if gone:
            # They are read again when they are needed, without what is gone.
            needed = {workload for workload, _ in self._waiting}
            for workload in [key for key in self._held if key not in needed]:
                self._let_go(workload)
        return gone or 0

    def size(self) -> Size | None:
        """How much the store holds; None while it does not work."""
        return self._try(self.store.size)

    def listed(self, last_since_ns: int) -> list[Fact] | None:
        """Facts of the store that were seen last at that time or later; None while it does not work."""
        return self._try(lambda: list(self.store.facts(last_since_ns)))

    def close(self) -> None:
        """Write what waits and close the store."""
        self._retry_at = 0.0
        self.flush(now=True)
        self.store.close()

    def _read(self, workload: WorkloadKey, known: Remembered | None) -> Remembered:
        rows = self._try(lambda: self.store.load(workload), reads=True)
        if rows is not None:
            self._read_at[workload] = self._steady()
        if known is None:
            known = self._held.hold(workload, Remembered({}))
        before = len(known.rows)
        known.merge(rows or {})
        self._held.grew(len(known.rows) - before)
        self._make_room()
        return known

    def _put(self, fact: Fact) -> Row | None:
        before = self.of(fact.workload).put(fact.mark, fact.row)
        if before is None:
            self._held.grew(1)
            self._make_room()
        return before

    def _make_room(self) -> None:
        """Let go of the workload that was unused for longest; the store has it."""
        while (workload := self._held.surplus()) is not None:
            self.evicted += self._let_go(workload)

    def _let_go(self, workload: WorkloadKey) -> int:
        self._read_at.pop(workload, None)
        return self._held.let_go(workload)

    def _wait_with(self, fact: Fact) -> None:
        workload, mark, row = fact
        waiting = self._waiting.get((workload, mark))
        if waiting is not None:
            row = merged(waiting, row)
        elif len(self._waiting) >= self._settings.entries:
            self.refused += 1
            return
        self._waiting[workload, mark] = row

    def _try(self, work: Callable[[], _T], *, reads: bool = False) -> _T | None:
        """What the store answers; None while it does not work, and without asking it until it is time again."""
        beside = reads and self.degraded and self._is_readable
        if self.degraded and not beside and self._steady() < self._retry_at:
            return None
        try:
            answer = work()
        except StoreError as error:
            self.errors[error.fault.value] += 1
            # A file that may not be written may be one that cannot be opened: then reads wait as well.
            self._is_readable = error.fault in _STILL_READ and not reads
            if not beside:
                # Reads are many: were they to move the time of the next attempt, it would never come.
                self._failed(error)
            return None
        if self.degraded and not beside:
            self.degraded, self._delay = False, _FIRST_DELAY
            # Whoever found out that it works: what has waited is due.
            self._flush_at = -math.inf
            logger().info("store_works_again")
        return answer

    def _failed(self, error: StoreError) -> None:
        if not self.degraded:
            logger().error("store_degraded", reason=error.fault.value, detail=error.detail)
        self.degraded = True
        self._retry_at = self._steady() + self._delay * self._jitter(0.5, 1.0)
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
