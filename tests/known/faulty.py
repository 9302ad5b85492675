"""A store that does what a test says: it works or does not, is shared or not, and keeps count of what it is asked."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from exporter.known.interface import Fact, Fault, Mark, Row, Size, StoreError, WorkloadKey
from exporter.known.memory import MemoryStore

_T = TypeVar("_T")


class Faulty:
    """Every method but `close` fails while `broken`, with `fault`, and `merge` while it `refuses` to write."""

    evicted = 0

    def __init__(self, *, shared: bool = False) -> None:
        self.shared, self.broken, self.closed = shared, False, False
        self.fault = Fault.UNREACHABLE
        self.refuses: Fault | None = None
        self.inner = MemoryStore()
        self.asked: Counter[str] = Counter()
        self.expired: list[int] = []
        """The times that `expire` was asked with."""

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """Load."""
        return self._ask("load", lambda: self.inner.load(workload))

    def merge(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Merge."""
        if self.refuses:
            raise StoreError(self.refuses, "no; make room")
        return self._ask("merge", lambda: self.inner.merge(facts))

    def workloads(self) -> list[WorkloadKey]:
        """Workloads."""
        return self._ask("workloads", self.inner.workloads)

    def facts(self, last_since_ns: int = 0) -> Iterator[Fact]:
        """Facts."""
        return self._ask("facts", lambda: self.inner.facts(last_since_ns))

    def forget(self, workload: WorkloadKey, marks: Collection[Mark] | None = None) -> int:
        """Forget."""
        return self._ask("forget", lambda: self.inner.forget(workload, marks))

    def expire(self, before_ns: int) -> int:
        """Expire."""
        self.expired.append(before_ns)
        return self._ask("expire", lambda: self.inner.expire(before_ns))

    def size(self) -> Size:
        """Size."""
        return self._ask("size", self.inner.size)

    def close(self) -> None:
        """Close."""
        self.closed = True

    def _ask(self, what: str, work: Callable[[], _T]) -> _T:
        self.asked[what] += 1
        if self.broken:
            raise StoreError(self.fault, "it is gone; wait")
        return work()
