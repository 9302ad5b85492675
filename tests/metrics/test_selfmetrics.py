"""Metrics about the exporter itself."""

import platform
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from exporter.counting import Outcome
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.selfmetrics import Histogram, SelfMetrics, Snapshot, registry_of
from exporter.stream import LAG_BUCKETS
from exporter.window import WindowStats

EMPTY = Snapshot(
    {}, {families.LAG: {(): Histogram(LAG_BUCKETS, (0,) * (len(LAG_BUCKETS) + 1), 0.0)}, families.DNS_LATENCY: {}}, {}
)


def _metrics(snapshot: Snapshot) -> dict[str, Metric]:
    return {metric.name: metric for metric in SelfMetrics(lambda: snapshot).collect()}


def _samples(snapshot: Snapshot, family: Family) -> dict[tuple[str, ...], float]:
    metric = _metrics(snapshot)[family.name.removesuffix("_total")]
    return {tuple(sample.labels.values()): sample.value for sample in metric.samples}


@pytest.mark.parametrize("family", [*families.READ, *families.EXPORTER], ids=lambda family: family.name)
def test_families(family: Family) -> None:
    """Each family is there from the start, with its type and its help."""
    metric = _metrics(EMPTY)[family.name.removesuffix("_total")]
    assert (metric.type, metric.documentation) == (family.kind, family.help)


@pytest.mark.parametrize(
    "family",
    [family for family in families.EXPORTER if len(family.labels) == 1 and family.labels[0].values],
    ids=lambda family: family.name,
)
def test_bounded_labels_exist_at_0(family: Family) -> None:
    """A closed list of label values is complete from the start, at 0."""
    assert _samples(EMPTY, family) == {(value,): 0.0 for value in family.labels[0].values}


@pytest.mark.parametrize(
    "family",
    [family for family in families.EXPORTER if not family.labels and family.kind != "histogram"],
    ids=lambda family: family.name,
)
def test_single_series_exist_at_0(family: Family) -> None:
    """A family without labels is one series from the start, at 0."""
    assert _samples(EMPTY, family) == {(): 0.0}


def test_all_outcomes() -> None:
    """Every outcome that a flow can have is a series from the start."""
    assert {labels[0] for labels in _samples(EMPTY, families.FLOWS)} == {outcome.value for outcome in Outcome}


def test_counted() -> None:
    """What the snapshot says stands beside the zeros; a value outside the list is shown too."""
    snapshot = EMPTY._replace(samples={families.LOST_EVENTS: {("hubble_ring_buffer",): 4.0, ("source_9",): 2.0}})
    assert _samples(snapshot, families.LOST_EVENTS) == {
        ("perf_event_ring_buffer",): 0.0,
        ("observer_events_queue",): 0.0,
        ("hubble_ring_buffer",): 4.0,
        ("unknown_lost_event_source",): 0.0,
        ("source_9",): 2.0,
    }


def test_connects() -> None:
    """Connections are counted by code and reason, none of them before it happened."""
    assert _samples(EMPTY, families.CONNECTS) == {}
    snapshot = EMPTY._replace(samples={families.CONNECTS: {("OK", "connected"): 2.0, ("UNAVAILABLE", "tls"): 1.0}})
    assert _samples(snapshot, families.CONNECTS) == {("OK", "connected"): 2.0, ("UNAVAILABLE", "tls"): 1.0}


def test_caches() -> None:
    """Each cache has its entries, its limit and its evictions."""
    snapshot = EMPTY._replace(caches={"pods": WindowStats(3, 100, 7), "nodes": WindowStats(1, 2, 0)})
    assert _samples(snapshot, families.CACHE_ENTRIES) == {("pods",): 3, ("nodes",): 1}
    assert _samples(snapshot, families.CACHE_LIMIT) == {("pods",): 100, ("nodes",): 2}
    assert _samples(snapshot, families.CACHE_EVICTIONS) == {("pods",): 7, ("nodes",): 0}


def test_build_info() -> None:
    """The build is in labels, with the value 1."""
    metric = _metrics(EMPTY)["hubble_egress_exporter_build_info"]
    (sample,) = metric.samples
    assert sample.value == 1
    assert list(sample.labels) == ["version", "python", "commit"]
    assert sample.labels["python"] == platform.python_version()


def test_lag() -> None:
    """Buckets of the lag are cumulative, the last one is everything, and the sum is the sum."""
    histogram = Histogram((0.05, 1.0, 10.0), (1, 2, 0, 4), 123.5)
    metric = _metrics(EMPTY._replace(histograms={**EMPTY.histograms, families.LAG: {(): histogram}}))[
        "hubble_egress_exporter_lag_seconds"
    ]
    samples = [(sample.name.rpartition("_")[2], sample.labels.get("le"), sample.value) for sample in metric.samples]
    assert samples == [
        ("bucket", "0.05", 1.0),
        ("bucket", "1.0", 3.0),
        ("bucket", "10.0", 3.0),
        ("bucket", "+Inf", 7.0),
        ("count", None, 7.0),
        ("sum", None, 123.5),
    ]


def test_registering_takes_no_snapshot() -> None:
    """Registering asks nothing of a service that does not run yet; each scrape asks once."""
    asked = []

    def take() -> Snapshot:
        asked.append(1)
        return EMPTY

    registry = registry_of(take)
    assert asked == []
    names = [metric.name for metric in _collected(registry)]
    assert len(asked) == 1
    assert {"process_cpu_seconds", "python_gc_collections", "python_info"} <= set(names)
    assert len(names) == len(set(names))


def _collected(registry: CollectorRegistry) -> Iterator[Metric]:
    yield from registry.collect()
