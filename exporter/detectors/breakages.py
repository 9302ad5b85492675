"""Causes that are active now, and how often each has begun."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from exporter.destinations.interface import WorkloadName
from exporter.detectors.interface import Cause


class Breakages:
    """What `hubble_egress_dns_breakage` shows."""

    def __init__(self) -> None:
        self._active: dict[WorkloadName, frozenset[Cause]] = {}

    def update(self, workload: WorkloadName, causes: AbstractSet[Cause]) -> Iterable[tuple[WorkloadName, Cause]]:
        """These are its causes now; returns those that have begun."""
        before = self._active.pop(workload, frozenset[Cause]())
        if causes:
            self._active[workload] = frozenset(causes)
        return [(workload, cause) for cause in sorted(causes - before)]

    def __iter__(self) -> Iterator[tuple[WorkloadName, Cause]]:
        return ((workload, cause) for workload, causes in self._active.items() for cause in sorted(causes))
