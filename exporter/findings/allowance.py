"""How many findings of one workload are announced in an hour, so that one that goes wild does not hide the others."""

from collections import OrderedDict
from dataclasses import dataclass

from exporter.findings.interface import Finding, Severity

HOUR_NS = 3600 * 1_000_000_000
MOST_WORKLOADS = 10_000


@dataclass(slots=True)
class _Announced:
    """How many were let through in one hour."""

    all: int = 0
    infos: int = 0


class Allowance:
    """Counts by the findings' own times, so that a backlog is limited as live findings are. Used by one thread.

    Hours are those of the clock (UTC): findings that come out of order, or by clocks that differ, fall into their own.
    """

    def __init__(self, per_workload: int, most_workloads: int = MOST_WORKLOADS) -> None:
        self._most = per_workload
        # What is for the record only must leave room for what somebody should look at.
        self._most_infos = per_workload // 2
        self._most_workloads = most_workloads
        self._announced: OrderedDict[tuple[str, str, str, int], _Announced] = OrderedDict()

    def admit(self, finding: Finding) -> bool:
        """Whether it may be announced; if so it has used its part of the allowance."""
        announced, is_info = self._of(finding), finding.severity is Severity.INFO
        if announced.all >= self._most or (is_info and announced.infos >= self._most_infos):
            return False
        announced.all += 1
        announced.infos += is_info
        return True

    def _of(self, finding: Finding) -> _Announced:
        """What its workload has used in its hour; the one that was asked for longest ago is forgotten."""
        workload = (finding.cluster, finding.source_namespace, finding.source_workload)
        key = (*workload, finding.at_ns // HOUR_NS)
        announced = self._announced.setdefault(key, _Announced())
        self._announced.move_to_end(key)
        if len(self._announced) > self._most_workloads:
            self._announced.popitem(last=False)
        return announced
