"""The product families as text, against prometheus_client's parsers and its own renderer."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Self

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from exporter.metrics import labels
from exporter.metrics.exposition import Exposition
from exporter.metrics.families import PRODUCT, WORLD_STARTS, Family
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store

AWKWARD = Family(
    "hubble_egress_awkward_total",
    "counter",
    'Help with a \\ and a "\nand a line.',
    (labels.POLICY_NAMESPACE, labels.POLICY),
    ((labels.POLICY_NAMESPACE, labels.POLICY),),
)
FAMILIES = (AWKWARD, WORLD_STARTS)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Oracle(Collector):
    """The same series, rendered by prometheus_client."""

    def __init__(self, values: dict[Family, dict[tuple[str, ...], int]]) -> None:
        self._values = values

    def collect(self) -> Iterator[Metric]:
        """One family each, in the order of birth."""
        for family in FAMILIES:
            metric = CounterMetricFamily(family.name, family.help, labels=[label.name for label in family.labels])
            for values, value in self._values[family].items():
                metric.add_metric(values, value)
            yield metric


def _parse_openmetrics(text: str) -> list[Metric]:
    return list(openmetrics_parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call] # untyped in the library


def _store(families: Sequence[Family] = FAMILIES) -> Store:
    return Store(families, MetricsSettings())


def _text(store: Store, *, openmetrics: bool) -> str:
    return "".join(Exposition(store).render(nullcontext(), openmetrics=openmetrics))


def _samples(families: Iterable[Metric]) -> Samples:
    samples: Samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, "a series twice"
            samples[key] = sample.value
    return samples


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ('"', "\\", "\n", "\\n", '\\"', "a,b", "{}", "=", " ", "#", "é", "名", "🐟", "\r", "\u2028", "\t", "\\\\n", "x\\")
)


@given(
    st.dictionaries(st.tuples(VALUES, VALUES), st.integers(0, 2**53), max_size=8),
    st.dictionaries(st.tuples(VALUES), st.integers(0, 2**53), max_size=3),
)
def test_exposition_property(awkward: dict[tuple[str, ...], int], starts: dict[tuple[str, ...], int]) -> None:
    """Both formats hold the same samples, families and types as prometheus_client's own text, whatever the labels."""
    store = _store()
    for family, values in ((AWKWARD, awkward), (WORLD_STARTS, starts)):
        for label_values, value in values.items():
            store.add(family, label_values, value)
    registry = CollectorRegistry()
    registry.register(Oracle({AWKWARD: awkward, WORLD_STARTS: starts}))

    ours = _text(store, openmetrics=False)
    oracle = generate_latest(registry).decode()
    assert _samples(parse_text(ours)) == _samples(parse_text(oracle))
    assert _headers(ours) == _headers(oracle)

    ours = _text(store, openmetrics=True) + "# EOF\n"
    oracle = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call] # untyped in the library
    assert _samples(_parse_openmetrics(ours)) == _samples(_parse_openmetrics(oracle))
    assert _headers(ours) == _headers(oracle)


def test_text() -> None:
    """The text is what it is: two comment lines per family, one line per series in the order of birth."""
    store = _store()
    store.add(AWKWARD, ('say "hi"\\', "a\nb"), 3)
    store.add(WORLD_STARTS, ("node-1",), 0)
    assert _text(store, openmetrics=False) == (
        '# HELP hubble_egress_awkward_total Help with a \\\\ and a "\\nand a line.\n'
        "# TYPE hubble_egress_awkward_total counter\n"
        'hubble_egress_awkward_total{policy_namespace="say \\"hi\\"\\\\",policy="a\\nb"} 3\n'
        f"# HELP hubble_egress_world_connection_starts_total {WORLD_STARTS.help}\n"
        "# TYPE hubble_egress_world_connection_starts_total counter\n"
        'hubble_egress_world_connection_starts_total{node_name="node-1"} 0\n'
    )


def test_openmetrics_family_names() -> None:
    """OpenMetrics names a counter's family without `_total`, and its samples with it."""
    store = _store((WORLD_STARTS,))
    store.add(WORLD_STARTS, ("node-1",), 0)
    assert _text(store, openmetrics=True).splitlines() == [
        f"# HELP hubble_egress_world_connection_starts {WORLD_STARTS.help}",
        "# TYPE hubble_egress_world_connection_starts counter",
        'hubble_egress_world_connection_starts_total{node_name="node-1"} 0',
    ]


def test_empty() -> None:
    """A family without series has its header, in both formats."""
    store = _store(PRODUCT)
    assert [family.name for family in parse_text(_text(store, openmetrics=False))] == [
        family.name.removesuffix("_total") for family in PRODUCT
    ]
    assert len(_parse_openmetrics(_text(store, openmetrics=True) + "# EOF\n")) == len(PRODUCT)


class GrowingLock:
    """A lock under which another thread adds a series and counts, the first `times` that it is taken."""

    def __init__(self, store: Store, times: int) -> None:
        self._store, self._times, self.taken = store, times, 0

    def __enter__(self) -> Self:
        assert self.taken < 100, "this scrape never ends"
        if self.taken >= self._times:
            self.taken += 1
            return self
        self._store.add(WORLD_STARTS, (f"late-{self.taken}",), 1)
        self._store.add(WORLD_STARTS, ("node-0",), 1)
        self.taken += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""


def test_slices() -> None:
    """A scrape takes the lock once per slice, and series that are born in between break neither text nor order."""
    store = _store((WORLD_STARTS,))
    for number in range(2100):
        store.add(WORLD_STARTS, (f"node-{number}",), number)
    lock = GrowingLock(store, 4)
    text = "".join(Exposition(store).render(lock, openmetrics=False))
    samples = {
        labels_["node_name"]: value
        for (_, pairs), value in _samples(parse_text(text)).items()
        for labels_ in [dict(pairs)]
    }
    assert {samples[f"node-{number}"] for number in range(1, 2100)} == set(range(1, 2100))
    assert samples["node-0"] == 2, "counted when they were listed, and before its slice was read"
    assert lock.taken > 4, "no slice is so long that it holds up the stream"
    assert len(samples) <= 2100 + lock.taken
    assert {name for name in samples if name.startswith("late")} == {"late-0"}, "the others are the next scrape's"


class LeavingLock:
    """A lock under which all idle series leave when it is taken for the third time."""

    def __init__(self, store: Store) -> None:
        self._store, self._taken = store, 0

    def __enter__(self) -> None:
        self._taken += 1
        if self._taken == 3:
            for second in range(4000, 4070):
                self._store.tick(second * 1_000_000_000)

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""


def test_series_that_leave_meanwhile() -> None:
    """They shift nobody else out of the scrape: what lived when it began is in it once."""
    store = _store((WORLD_STARTS,))
    store.tick(1_000_000_000)
    for number in range(2100):
        store.add(WORLD_STARTS, (f"node-{number}",), 1)
    text = "".join(Exposition(store).render(LeavingLock(store), openmetrics=False))
    assert len(_samples(parse_text(text))) == 2100
    assert store.ceiling.used == 0


def test_scrape_ends() -> None:
    """A scrape ends although a series is born each time that it takes the lock."""
    store = _store((WORLD_STARTS,))
    lock = GrowingLock(store, 1000)
    text = "".join(Exposition(store).render(lock, openmetrics=False))
    assert 'node_name="late-0"' in text


def _headers(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("# HELP", "# TYPE"))]
