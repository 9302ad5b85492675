"""Unexpected destinations with the timestamps that alerts need: first seen, active since, last seen.

PromQL cannot remember, so this table does. It is bounded: whoever makes up names must not push out what goes on.
"""

from collections import Counter
from typing import NamedTuple

from exporter.known.interface import Row, WorkloadKey, merged

VERDICTS = ("forwarded", "redirected", "audited", "dropped")
_SHOWN_NS = 25 * 3600 * 1_000_000_000
"""A little longer than a day: `seen in the last 24 h` must not end because the series did."""


class Where(NamedTuple):
    """One row: whose destination, and the labels of its series."""

    workload: WorkloadKey
    kind: str
    scope: str
    label: str
    port: str
    protocol: str
    verdict: str


Place = tuple[WorkloadKey, str, str, str, str, str]


class Unexpected:
    """At most `most` rows, those with the longest episodes. Used by one thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        self._learning: set[Where] = set()
        """Rows of workloads that are learning, which nobody is shown yet."""
        self.rows: dict[Where, Row] = {}
        self._places: Counter[Place] = Counter()
        """How many rows there are of a destination, whatever became of it."""

    def saw(self, where: Where, row: Row, *, learning: bool = False) -> None:
        """It is unexpected, and this is known of it."""
        (self._learning.add if learning else self._learning.discard)(where)
        known = self.rows.get(where)
        if known is None and len(self.rows) >= self.most and not self._makes_room_for(where, row):
            self._learning.discard(where)
            return
        if known is None:
            self._places[_place(where)] += 1
        self.rows[where] = row if known is None else merged(known, row)

    def is_expected(self, where: Where) -> None:
        """It is no longer unexpected: somebody has allowed it, and what was dropped before is of the past."""
        # Nearly all that is expected was never anything else.
        for verdict in VERDICTS if _place(where) in self._places else ():
            self._drop(where._replace(verdict=verdict))

    def expire(self, now_ns: int) -> None:
        """Drop what was not seen for more than a day."""
        for where in [where for where, row in self.rows.items() if now_ns - row.last_ns > _SHOWN_NS]:
            self._drop(where)

    def _makes_room_for(self, where: Where, row: Row) -> bool:
        """Let the shortest episode go if this one is longer; either way one is refused."""
        self.refused += 1
        shortest = min(self.rows, key=lambda one: self._rank(one, self.rows[one]))
        if self._rank(shortest, self.rows[shortest]) >= self._rank(where, row):
            return False
        self._drop(shortest)
        return True

    def _rank(self, where: Where, row: Row) -> tuple[bool, int, int]:
        """What is shown stays before what is not, and then the longest episode."""
        return where not in self._learning, row.last_ns - row.since_ns, row.last_ns

    def _drop(self, where: Where) -> None:
        if self.rows.pop(where, None) is None:
            return
        self._learning.discard(where)
        place = _place(where)
        self._places[place] -= 1
        if not self._places[place]:
            del self._places[place]


def _place(where: Where) -> Place:
    """A row without its verdict."""
    return where[:-1]


def oldest_shown(now_ns: int) -> int:
    """What was seen last before that time is not in the table."""
    return now_ns - _SHOWN_NS
