"""Workloads whose facts are held: those in use as objects, the others packed, in a tenth of the memory.

All that is packed was unused for longer than what is not; of both the one that was unused for longest goes first.
"""

import marshal
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exporter.known.interface import Mark, Row, What, WorkloadKey
from exporter.known.workload import Remembered

_AT_HAND = 12_000
"""Facts (about 800 B each) that are not packed: a contact goes on every five minutes, so most workloads rest."""
_AT_LEAST = 16
"""Workloads that are not packed however many facts they have: to pack ten thousand for each contact takes too long."""
_KINDS = {what.value: what for what in What}
_FASTEST = 1


class _Packed(NamedTuple):
    facts: int
    data: bytes


class Held:
    """The facts of workloads, at most `most` of them; used by one thread."""

    def __init__(self, most: int, at_hand: int = _AT_HAND, at_least: int = _AT_LEAST) -> None:
        """`at_hand` facts are not packed, nor are those of the `at_least` workloads that were used last."""
        self._most, self._most_at_hand, self._at_least = most, at_hand, at_least
        self._packed: OrderedDict[WorkloadKey, _Packed] = OrderedDict()
        self._at_hand: OrderedDict[WorkloadKey, Remembered] = OrderedDict()
        self._facts_packed, self._facts_at_hand = 0, 0

    def __contains__(self, workload: object) -> bool:
        return workload in self._at_hand or workload in self._packed

    def __iter__(self) -> Iterator[WorkloadKey]:
        yield from self._packed
        yield from self._at_hand

    def __len__(self) -> int:
        return len(self._packed) + len(self._at_hand)

    @property
    def facts(self) -> int:
        """How many there are of all workloads."""
        return self._facts_packed + self._facts_at_hand

    def use(self, workload: WorkloadKey) -> Remembered | None:
        """The facts of a workload, which is in use from now on."""
        known = self._at_hand.get(workload)
        if known is not None:
            self._at_hand.move_to_end(workload)
        elif (packed := self._packed.pop(workload, None)) is not None:
            self._facts_packed -= packed.facts
            known = self.hold(workload, Remembered(_unpacked(packed.data)))
        return known

    def peek(self, workload: WorkloadKey) -> Remembered | None:
        """The facts of a workload to look at: what rests goes on to, and is not changed."""
        known = self._at_hand.get(workload)
        if known is None and (packed := self._packed.get(workload)) is not None:
            known = Remembered(_unpacked(packed.data))
        return known

    def hold(self, workload: WorkloadKey, known: Remembered) -> Remembered:
        """Hold a workload that was not, and that is in use."""
        self._at_hand[workload] = known
        self.grew(len(known.rows))
        return known

    def grew(self, number: int) -> None:
        """The workload in use has so many facts more, or less."""
        self._facts_at_hand += number
        while self._facts_at_hand > self._most_at_hand and len(self._at_hand) > self._at_least:
            workload, known = self._at_hand.popitem(last=False)
            self._packed[workload] = packed = _Packed(len(known.rows), _packed(known.rows))
            self._facts_at_hand -= packed.facts
            self._facts_packed += packed.facts

    def let_go(self, workload: WorkloadKey) -> int:
        """Hold a workload no longer; returns how many facts of it there were."""
        known = self._at_hand.pop(workload, None)
        if known is not None:
            self._facts_at_hand -= len(known.rows)
            return len(known.rows)
        facts = self._packed.pop(workload).facts
        self._facts_packed -= facts
        return facts

    def surplus(self) -> WorkloadKey | None:
        """While there are too many facts, the workload that was unused for longest; never the last one."""
        return next(iter(self)) if self.facts > self._most and len(self) > 1 else None


def _packed(rows: Mapping[Mark, Row]) -> bytes:
    return zlib.compress(marshal.dumps([(mark.what.value, mark.name, *row) for mark, row in rows.items()]), _FASTEST)


def _unpacked(data: bytes) -> dict[Mark, Row]:
    # Nobody else's bytes: they were packed by this process.
    facts = marshal.loads(zlib.decompress(data))  # noqa: S302
    return {Mark(_KINDS[what], name): Row(*row) for what, name, *row in facts}
