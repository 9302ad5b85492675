"""Unexpected destinations with the timestamps that alerts need: first seen, active since, last seen.

PromQL cannot remember, so this table does. It is bounded: whoever makes up names must not push out what goes on.
"""

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


class Unexpected:
    """At most `most` rows, those with the longest episodes. Used by one thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        self.rows: dict[Where, Row] = {}

    def saw(self, where: Where, row: Row) -> None:
        """It is unexpected, and this is known of it."""
        known = self.rows.get(where)
        if known is None and len(self.rows) >= self.most and not self._makes_room_for(row):
            return
        self.rows[where] = row if known is None else merged(known, row)

    def is_expected(self, where: Where) -> None:
        """It is no longer unexpected: somebody has allowed it, and what was dropped before is of the past."""
        for verdict in VERDICTS if self.rows else ():
            self.rows.pop(where._replace(verdict=verdict), None)

    def forget(self, workload: WorkloadKey) -> None:
        """Drop everything of a workload."""
        for where in [where for where in self.rows if where.workload == workload]:
            del self.rows[where]

    def expire(self, now_ns: int) -> None:
        """Drop what was not seen for more than a day."""
        for where in [where for where, row in self.rows.items() if now_ns - row.last_ns > _SHOWN_NS]:
            del self.rows[where]

    def _makes_room_for(self, row: Row) -> bool:
        """Let the shortest episode go if this one is longer; either way one is refused."""
        self.refused += 1
        shortest = min(self.rows, key=lambda where: _rank(self.rows[where]))
        if _rank(self.rows[shortest]) >= _rank(row):
            return False
        del self.rows[shortest]
        return True


def oldest_shown(now_ns: int) -> int:
    """What was seen last before that time is not in the table."""
    return now_ns - _SHOWN_NS


def _rank(row: Row) -> tuple[int, int]:
    return row.last_ns - row.since_ns, row.last_ns
