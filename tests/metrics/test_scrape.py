"""One scrape: which format, and the whole text of it."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.metrics import families
from exporter.metrics.exposition import Exposition
from exporter.metrics.scrape import exposition, wants_openmetrics
from exporter.metrics.selfmetrics import Histogram, Snapshot, registry_of
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store
from exporter.window import WindowStats

PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize(
    "accept",
    [
        # Prometheus 2 of several ages, with native histograms and without, then the same of Prometheus 3.
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ),
        (
            f"{PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        ),
        (
            f"{PROTOBUF};escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        ),
        "application/openmetrics-text",
        "Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.9 , text/plain ; q=0.2",
    ],
)
def test_openmetrics(accept: str) -> None:
    """Prometheus gets OpenMetrics, in every release that asks for it first."""
    assert wants_openmetrics(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/plain",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "text/plain;version=0.0.4;q=0.6,*/*;q=0.5",  # Prometheus with scrape_protocols: [PrometheusText0.0.4]
        "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.4",
        "text/plain,application/openmetrics-text",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.0,*/*;q=0.1",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=much",
        "application/openmetrics-textual",
        PROTOBUF,
        ";;;,,,q=",
    ],
)
def test_plain_text(accept: str) -> None:
    """Whoever does not prefer OpenMetrics gets the text format, browsers, curl and garbage included."""
    assert not wants_openmetrics(accept)


@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(("application/openmetrics-text", "text/plain", "*/*", ";", ",", "q=", "0.5", "1e999", "nan"))
    ).map("".join)
)
def test_negotiation_property(accept: str) -> None:
    """No header makes it fail, and OpenMetrics is never sent to who did not name it."""
    assert wants_openmetrics(accept) in (True, False)
    if "application/openmetrics-text" not in accept.lower():
        assert not wants_openmetrics(accept)


def _snapshot() -> Snapshot:
    histograms: dict[families.Family, dict[tuple[str, ...], Histogram]] = {
        families.LAG: {(): Histogram((0.1, 1.0), (1, 2, 3), 4.5)},
        families.DNS_LATENCY: {},
    }
    return Snapshot({}, histograms, {"pods": WindowStats(1, 2, 3)})


def _registry() -> CollectorRegistry:
    return registry_of(_snapshot)


@pytest.mark.parametrize("as_openmetrics", [False, True])
def test_whole_text(as_openmetrics: bool) -> None:
    """A scrape is all product families and all our own, each once, parseable as a whole, and the lock is free again."""
    store, lock = Store(families.PRODUCT, MetricsSettings()), threading.Lock()
    store.add(families.WORLD_STARTS, ('no"de',), 2)
    body = exposition(Exposition(store), lock, _registry(), as_openmetrics=as_openmetrics).decode()
    parse = parse_openmetrics if as_openmetrics else parse_text
    names = [family.name for family in parse(body)]
    ours = [family.name.removesuffix("_total") for family in (*families.PRODUCT, *families.READ, *families.EXPORTER)]
    assert sorted(name for name in names if name.startswith("hubble_")) == sorted(ours)
    assert len(names) == len(set(names))
    assert {"process_cpu_seconds", "python_info", "python_gc_collections"} <= set(names)
    assert (body.count("# EOF"), body.endswith("# EOF\n")) == ((1, True) if as_openmetrics else (0, False))
    assert "_created" not in body
    assert not lock.locked()


def test_broken_text_is_replaced() -> None:
    """A label that cannot be encoded costs its characters, not the scrape."""
    store = Store(families.PRODUCT, MetricsSettings())
    store.add(families.WORLD_STARTS, ("a\ud800b",), 0)
    body = exposition(Exposition(store), threading.Lock(), CollectorRegistry(), as_openmetrics=False)
    assert b'node_name="a?b"' in body
