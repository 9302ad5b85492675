"""What keeps one workload from filling Prometheus: a cap on the distinct destinations of each."""

from exporter.destinations.interface import WorkloadName
from exporter.metrics.labels import FOLDED


class DestinationBudget:
    """At most `most` values of the label `destination` per source workload; what comes later is folded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used: dict[WorkloadName, set[str]] = {}
        self.folded = 0
        """Increments that were folded."""

    def label(self, source: WorkloadName, destination: str) -> str:
        """The value to use for this destination of this workload. First come, first served, and for good."""
        used = self._used.setdefault(source, set())
        if destination in used:
            return destination
        if len(used) < self._most:
            used.add(destination)
            return destination
        self.folded += 1
        return FOLDED
