"""A store in the memory of the process, for the demo, recordings and tests: it ends with it."""

from collections.abc import Collection, Iterator, Sequence

from exporter.known.interface import Fact, Mark, Row, Size, What, WorkloadKey, expires, merged


class MemoryStore:
    """Keeps facts in dictionaries."""

    shared = False
    evicted = 0

    def __init__(self) -> None:
        self._rows: dict[WorkloadKey, dict[Mark, Row]] = {}

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """All that is known of a workload."""
        return dict(self._rows.get(workload, {}))

    def merge(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Merge facts; returns what stood there before each."""
        before = []
        for workload, mark, row in facts:
            rows = self._rows.setdefault(workload, {})
            known = rows.get(mark)
            before.append(known)
            rows[mark] = row if known is None else merged(known, row)
        return before

    def workloads(self) -> list[WorkloadKey]:
        """Of whom something is known."""
        return sorted(self._rows)

    def facts(self, last_since_ns: int = 0) -> Iterator[Fact]:
        """All facts that were seen last at that time or later."""
        for workload, rows in self._rows.items():
            for mark, row in rows.items():
                if row.last_ns >= last_since_ns:
                    yield Fact(workload, mark, row)

    def forget(self, workload: WorkloadKey, marks: Collection[Mark] | None = None) -> int:
        """Forget marks of a workload, or all of it."""
        rows = self._rows.get(workload, {})
        gone = [mark for mark in dict.fromkeys(rows if marks is None else marks) if mark in rows]
        for mark in gone:
            del rows[mark]
        if not rows:
            self._rows.pop(workload, None)
        return len(gone)

    def expire(self, before_ns: int) -> int:
        """Forget what was seen last before that time."""
        number = 0
        for workload, rows in list(self._rows.items()):
            itself = rows.get(Mark(What.WORKLOAD))
            gone = [mark for mark, row in rows.items() if expires(mark, row, itself, before_ns)]
            number += self.forget(workload, gone) if gone else 0
        return number

    def size(self) -> Size:
        """How many facts there are."""
        return Size(sum(map(len, self._rows.values())), 0)

    def close(self) -> None:
        """Nothing is open."""
