"""Every folder here is one sentence of behaviour: recorded flows, settings, and the exposition they must lead to.

By hand: `cd tests/scenarios/NAME && hubble-egress-exporter replay --once --config.file settings.yaml flows.jsonl`.
The whole exposition of the product families is compared, what exists from the start only where it counts something; of
the exporter's own families only the samples that `metrics.prom` lists, and only those of `OWN_FAMILIES`, and of
`OF_THE_MEMORY` those that it lists.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.cli import main

Sample = tuple[str, frozenset[tuple[str, str]]]
Samples = dict[Sample, float]

FOLDERS = sorted(path for path in Path(__file__).parent.iterdir() if path.is_dir() and path.name != "__pycache__")
FILES = {"flows.jsonl", "settings.yaml", "metrics.prom"}
OWN_PREFIX = "hubble_egress_exporter_"
FROM_THE_START = {"hubble_egress_named_connections_total"}
OF_THE_MEMORY = {
    "hubble_egress_destination_fanout",
    "hubble_egress_known_destinations",
    "hubble_egress_nameless_news_total",
    "hubble_egress_nameless_workloads",
    "hubble_egress_new_destinations_total",
    "hubble_egress_workloads",
}
"""Said of every workload that goes anywhere: compared only where `metrics.prom` lists them."""
OWN_FAMILIES = {
    f"{OWN_PREFIX}flows_total",
    f"{OWN_PREFIX}lost_events_total",
    f"{OWN_PREFIX}nodes",
    f"{OWN_PREFIX}decode_errors_total",
}


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HUBBLE_EGRESS_"):
            monkeypatch.delenv(name)


def sentence_of(folder: Path) -> str:
    """The behaviour that the folder shows: the first line of its expectation."""
    return (folder / "metrics.prom").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def samples_of(exposition: str) -> Samples:
    """The exporter's samples in an exposition; no sample may stand in it twice."""
    samples: Samples = {}
    for sample in _samples(exposition):
        name, labels, value = sample
        assert (name, labels) not in samples, f"twice in one exposition: {written((name, labels), value)}"
        samples[name, labels] = value
    return samples


def _samples(exposition: str) -> Iterator[tuple[str, frozenset[tuple[str, str]], float]]:
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name.startswith("hubble_egress_"):
                yield sample.name, frozenset(sample.labels.items()), sample.value


def _is_own(name: str) -> bool:
    """Of the exporter itself, or a bucket, of which sum and count say enough here."""
    return name.startswith(OWN_PREFIX) or name.endswith("_bucket") or name in OF_THE_MEMORY


def written(sample: Sample, value: float) -> str:
    """One sample as a line that can be compared by eye."""
    name, labels = sample
    inside = ",".join(f'{key}="{text}"' for key, text in sorted(labels))
    return f"{name}{{{inside}}} {value:g}"


def difference(expected: Samples, exposed: Samples) -> str:
    """What must change for the exposition to be the expected one: - is missing, + is too much; empty when equal."""
    lines = [f"- {written(key, value)}" for key, value in expected.items() if exposed.get(key) != value]
    lines += [f"+ {written(key, value)}" for key, value in exposed.items() if expected.get(key) != value]
    return "\n".join(sorted(lines, key=lambda line: (line[2:], line[0])))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replaying the flows leads to exactly the expected samples."""
    code = main(["replay", "--once", "--config.file", str(folder / "settings.yaml"), str(folder / "flows.jsonl")])
    output, errors = capsys.readouterr()
    assert code == 0, f"{sentence_of(folder)}\n{errors}"
    expected = samples_of((folder / "metrics.prom").read_text(encoding="utf-8"))
    exposed = {
        key: value
        for key, value in samples_of(output).items()
        if key in expected or not (_is_own(key[0]) or (key[0] in FROM_THE_START and value == 0))
    }
    different = difference(expected, exposed)
    assert not different, f"{sentence_of(folder)}\n- expected, + exposed:\n{different}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario_is_complete(folder: Path) -> None:
    """A scenario has three files and one sentence, and expects nothing that is not compared."""
    assert {path.name for path in folder.iterdir()} == FILES
    assert re.fullmatch(r"# [A-Z].{20,}\.", (folder / "metrics.prom").read_text(encoding="utf-8").splitlines()[0])
    names = {name for name, _labels in samples_of((folder / "metrics.prom").read_text(encoding="utf-8"))}
    assert names
    assert {name for name in names if name.startswith(OWN_PREFIX)} <= OWN_FAMILIES
    assert 1 <= len((folder / "flows.jsonl").read_text(encoding="utf-8").splitlines()) <= 12


def test_there_are_enough_scenarios() -> None:
    """The specification does not shrink, and no two scenarios say the same."""
    assert len(FOLDERS) >= 25
    assert len({sentence_of(folder) for folder in FOLDERS}) == len(FOLDERS)


def test_a_difference_is_found() -> None:
    """A missing sample, one too many, another value and another label each show; equality shows nothing."""
    expected = samples_of('hubble_egress_a_total{x="1"} 1\nhubble_egress_b_total{x="1"} 2\n')
    assert difference(expected, dict(expected)) == ""
    exposed = samples_of('hubble_egress_a_total{x="2"} 1\nhubble_egress_b_total{x="1"} 3\n')
    assert difference(expected, exposed).splitlines() == [
        '- hubble_egress_a_total{x="1"} 1',
        '+ hubble_egress_a_total{x="2"} 1',
        '- hubble_egress_b_total{x="1"} 2',
        '+ hubble_egress_b_total{x="1"} 3',
    ]
