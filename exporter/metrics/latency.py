"""How long DNS takes, by namespace: a histogram with a bound on its namespaces."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from exporter.metrics.labels import FOLDED
from exporter.window import WindowStats

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds: a cached answer takes one millisecond, a client asks again after five seconds."""


class Histogram(NamedTuple):
    """Counts per bucket (the last one is above all bounds) and the sum of what was observed."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Latency:
    """Not thread-safe: the pipeline owns it."""

    def __init__(self, most_namespaces: int) -> None:
        self._most = most_namespaces
        self._counts: dict[str, list[int]] = {}
        self._totals: dict[str, float] = {}
        self.folded = 0
        """Observations of namespaces that found no room."""

    def observe(self, namespace: str, seconds: float) -> None:
        """Count one query and its response."""
        if namespace not in self._counts:
            if len(self._counts) >= self._most:
                namespace, self.folded = FOLDED, self.folded + 1
            self._counts.setdefault(namespace, [0] * (len(BUCKETS) + 1))
            self._totals.setdefault(namespace, 0.0)
        self._counts[namespace][bisect_left(BUCKETS, seconds)] += 1
        self._totals[namespace] += seconds

    def stats(self) -> WindowStats:
        """For the exporter's own metrics; evicted are those that were counted under `~other`."""
        return WindowStats(len(self._counts.keys() - {FOLDED}), self._most, self.folded)

    @property
    def histograms(self) -> Mapping[tuple[str, ...], Histogram]:
        """By namespace."""
        return {(name,): Histogram(BUCKETS, tuple(counts), self._totals[name]) for name, counts in self._counts.items()}
