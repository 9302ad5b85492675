"""The ceiling on all product series, which holds at every moment, and who may use how much of it.

The room is divided once: a part is reserved for what everything can be folded into at last, a tenth is for unexpected
destinations, the rest for expected ones. Within a part, what is folded further may go nearer to its end, so that a
workload that finds no room for a destination still finds it for `~other`.
"""

from collections.abc import Sequence

from exporter.metrics.families import Family
from exporter.metrics.series import FamilySeries, reserve

EXPECTED, UNEXPECTED, RESERVED = "expected", "unexpected", "reserved"
_UNEXPECTED_SHARE = 0.1
_UNFOLDED_SHARE = 0.8


class Ceiling:
    """Counts series; nothing is born without its word."""

    def __init__(self, families: Sequence[Family], most: int, most_per_family: int) -> None:
        """At most `most` series in all.

        Raises:
            ValueError: when that is less than what has to be reserved.
        """
        self.most = most
        self._per_family = most_per_family
        free = most - sum(map(reserve, families))
        if free <= 0:
            raise ValueError(f"{most} series are too few: {most - free} are reserved for what is folded")
        unexpected = int(free * _UNEXPECTED_SHARE)
        self._room = {EXPECTED: free - unexpected, UNEXPECTED: unexpected}
        self._easy = {pool: int(room * _UNFOLDED_SHARE) for pool, room in self._room.items()}
        self._easy_per_family = int(most_per_family * _UNFOLDED_SHARE)
        self._used = {EXPECTED: 0, UNEXPECTED: 0, RESERVED: 0}

    @property
    def used(self) -> int:
        """Series that live now."""
        return sum(self._used.values())

    def refuses(self, series: FamilySeries, step: int, pool: str) -> str:
        """Why no series may be born that is folded by so many steps: the setting that forbids it, or an empty text."""
        if self._used[pool] < self._easy[pool] and series.in_pool[pool] < self._easy_per_family:
            # Far from every limit, as it is nearly always, there is nothing to work out.
            return ""
        last = len(series.family.folds)
        if step == last:
            return ""
        share = 1.0 if last == 1 else _UNFOLDED_SHARE + (1 - _UNFOLDED_SHARE) * step / (last - 1)
        if self._used[pool] >= int(self._room[pool] * share):
            return "metrics.series"
        if pool == EXPECTED and series.in_pool[pool] >= int(self._per_family * share):
            return "metrics.series-per-family"
        return ""

    def born(self, series: FamilySeries, pool: str) -> None:
        """A series lives from now on."""
        self._used[pool] += 1
        series.in_pool[pool] += 1

    def gone(self, series: FamilySeries, pool: str) -> None:
        """A series has left."""
        self._used[pool] -= 1
        series.in_pool[pool] -= 1
