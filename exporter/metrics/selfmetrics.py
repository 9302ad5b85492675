"""What the exporter says of itself and of what it found, read at scrape time and rendered by prometheus_client."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from exporter.build import build
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.latency import Histogram as Histogram  # noqa: PLC0414, offered here too
from exporter.window import WindowStats

Samples = Mapping[tuple[str, ...], float]


class Snapshot(NamedTuple):
    """All values at one moment: samples by family, histograms by family, and the caches."""

    samples: Mapping[Family, Samples]
    histograms: Mapping[Family, Mapping[tuple[str, ...], Histogram]]
    caches: Mapping[str, WindowStats]


class Snapshotter(Protocol):
    """Whatever can take a snapshot."""

    def __call__(self) -> Snapshot:
        """Take it now."""
        ...


class SelfMetrics(Collector):
    """The families of `families.EXPORTER` and `families.READ`; bounded label sets are complete from the start."""

    def __init__(self, take: Snapshotter) -> None:
        self._take = take

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not take a snapshot of a service that does not run yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One metric per family."""
        snapshot = self._take()
        caches = _cache_samples(snapshot.caches)
        for family in (*families.READ, *families.EXPORTER):
            if family.kind == "histogram":
                yield _histogram(family, snapshot.histograms[family])
            else:
                yield _metric(family, {**_zeros(family), **snapshot.samples.get(family, {}), **caches.get(family, {})})


def registry_of(take: Snapshotter) -> CollectorRegistry:
    """A registry with our own families, `process_*`, `python_gc_*` and `python_info`."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(SelfMetrics(take))
    return registry


def _zeros(family: Family) -> dict[tuple[str, ...], float]:
    if not family.labels:
        return {(): 0.0}
    if len(family.labels) == 1:
        return {(value,): 0.0 for value in family.labels[0].values}
    if family is families.BUILD_INFO:
        return {build(): 1.0}
    return {}


def _cache_samples(caches: Mapping[str, WindowStats]) -> dict[Family, Samples]:
    return {
        families.CACHE_ENTRIES: {(name,): stats.entries for name, stats in caches.items()},
        families.CACHE_LIMIT: {(name,): stats.bound for name, stats in caches.items()},
        families.CACHE_EVICTIONS: {(name,): stats.evicted for name, stats in caches.items()},
    }


def _metric(family: Family, samples: Samples) -> Metric:
    make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = make(family.name, family.help, labels=[label.name for label in family.labels])
    for values, value in sorted(samples.items()):
        metric.add_metric(values, value)
    return metric


def _histogram(family: Family, histograms: Mapping[tuple[str, ...], Histogram]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=[label.name for label in family.labels])
    for values, (bounds, counts, total) in sorted(histograms.items()):
        names = [str(floatToGoString(bound)) for bound in bounds] + ["+Inf"]  # type: ignore[no-untyped-call] # untyped in the library
        metric.add_metric(values, list(zip(names, map(float, accumulate(counts)), strict=True)), total)
    return metric
