"""The product families as text, against prometheus_client's parsers and its own renderer."""

from collections.abc import Iterable, Iterator
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

AWKWARD = Family(
    "hubble_egress_awkward_total", "counter", 'Help with a \\ and a "\nand a line.', (labels.DESTINATION, labels.POLICY)
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


def _text(exposition: Exposition, *, openmetrics: bool) -> str:
    return "".join(exposition.render(nullcontext(), openmetrics=openmetrics))


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
    exposition = Exposition(FAMILIES)
    for family, values in ((AWKWARD, awkward), (WORLD_STARTS, starts)):
        for label_values, value in values.items():
            exposition.series(family, label_values).value += value
    registry = CollectorRegistry()
    registry.register(Oracle({AWKWARD: awkward, WORLD_STARTS: starts}))

    ours = _text(exposition, openmetrics=False)
    oracle = generate_latest(registry).decode()
    assert _samples(parse_text(ours)) == _samples(parse_text(oracle))
    assert _headers(ours) == _headers(oracle)

    ours = _text(exposition, openmetrics=True) + "# EOF\n"
    oracle = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call] # untyped in the library
    assert _samples(_parse_openmetrics(ours)) == _samples(_parse_openmetrics(oracle))
    assert _headers(ours) == _headers(oracle)


def test_text() -> None:
    """The text is what it is: two comment lines per family, one line per series in the order of birth."""
    exposition = Exposition(FAMILIES)
    exposition.series(AWKWARD, ('say "hi"\\', "a\nb")).value += 3
    exposition.series(WORLD_STARTS, ("node-1",))
    assert _text(exposition, openmetrics=False) == (
        '# HELP hubble_egress_awkward_total Help with a \\\\ and a "\\nand a line.\n'
        "# TYPE hubble_egress_awkward_total counter\n"
        'hubble_egress_awkward_total{destination="say \\"hi\\"\\\\",policy="a\\nb"} 3\n'
        f"# HELP hubble_egress_world_connection_starts_total {WORLD_STARTS.help}\n"
        "# TYPE hubble_egress_world_connection_starts_total counter\n"
        'hubble_egress_world_connection_starts_total{node_name="node-1"} 0\n'
    )


def test_openmetrics_family_names() -> None:
    """OpenMetrics names a counter's family without `_total`, and its samples with it."""
    exposition = Exposition((WORLD_STARTS,))
    exposition.series(WORLD_STARTS, ("node-1",))
    assert _text(exposition, openmetrics=True).splitlines() == [
        f"# HELP hubble_egress_world_connection_starts {WORLD_STARTS.help}",
        "# TYPE hubble_egress_world_connection_starts counter",
        'hubble_egress_world_connection_starts_total{node_name="node-1"} 0',
    ]


def test_empty() -> None:
    """A family without series has its header, in both formats."""
    exposition = Exposition(PRODUCT)
    assert [family.name for family in parse_text(_text(exposition, openmetrics=False))] == [
        family.name.removesuffix("_total") for family in PRODUCT
    ]
    assert len(_parse_openmetrics(_text(exposition, openmetrics=True) + "# EOF\n")) == len(PRODUCT)


def test_series_is_born_once() -> None:
    """The same label values are the same series, born at 0; sizes and totals add up."""
    exposition = Exposition(FAMILIES)
    series = exposition.series(AWKWARD, ("a", "b"))
    assert series.value == 0
    assert exposition.series(AWKWARD, ("a", "b")) is series
    assert exposition.series(AWKWARD, ("b", "a")) is not series
    series.value += 5
    exposition.series(AWKWARD, ("b", "a")).value += 2
    exposition.series(WORLD_STARTS, ("n",)).value += 9
    assert exposition.size == 3
    assert exposition.total(AWKWARD) == 7


class GrowingLock:
    """A lock under which another thread adds a series and counts, the first `times` that it is taken."""

    def __init__(self, exposition: Exposition, times: int) -> None:
        self._exposition, self._times, self.taken = exposition, times, 0

    def __enter__(self) -> Self:
        assert self.taken < 100, "this scrape never ends"
        if self.taken >= self._times:
            self.taken += 1
            return self
        self._exposition.series(WORLD_STARTS, (f"late-{self.taken}",)).value += 1
        self._exposition.series(WORLD_STARTS, ("node-0",)).value += 1
        self.taken += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""


def test_slices() -> None:
    """A scrape takes the lock once per slice, and series that are born in between break neither text nor order."""
    exposition = Exposition((WORLD_STARTS,))
    for number in range(2100):
        exposition.series(WORLD_STARTS, (f"node-{number}",)).value += number
    lock = GrowingLock(exposition, 4)
    text = "".join(exposition.render(lock, openmetrics=False))
    samples = {
        labels_["node_name"]: value
        for (_, pairs), value in _samples(parse_text(text)).items()
        for labels_ in [dict(pairs)]
    }
    assert {samples[f"node-{number}"] for number in range(1, 2100)} == set(range(1, 2100))
    assert samples["node-0"] == 1, "read in the first slice"
    assert lock.taken > 4, "no slice is so long that it holds up the stream"
    assert len(samples) <= 2100 + lock.taken
    assert {name for name in samples if name.startswith("late")} >= {"late-0", "late-1"}


def test_scrape_ends() -> None:
    """A scrape ends although a series is born each time that it takes the lock."""
    exposition = Exposition((WORLD_STARTS,))
    lock = GrowingLock(exposition, 1000)
    text = "".join(exposition.render(lock, openmetrics=False))
    assert 'node_name="late-0"' in text


def _headers(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("# HELP", "# TYPE"))]
