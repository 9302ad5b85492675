"""Scenarios: each folder is one sentence of behaviour, replayed and compared with what was worked out by hand.

By hand: `hubble-egress-exporter replay --once --config.file NAME/settings.yaml NAME/flows.jsonl`.
"""

import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.cli import main

FOLDER = Path(__file__).parent
SCENARIOS = sorted(folder.name for folder in FOLDER.iterdir() if (folder / "flows.jsonl").exists())
FEWEST = 25

Samples = dict[str, float]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The product families are exactly those of `metrics.prom`, and so is each metric of the exporter named there."""
    for variable in [variable for variable in os.environ if variable.startswith("HUBBLE_EGRESS_")]:
        monkeypatch.delenv(variable)
    folder = FOLDER / name
    expected = _samples((folder / "metrics.prom").read_text())
    code = main(["replay", "--once", "--config.file", str(folder / "settings.yaml"), str(folder / "flows.jsonl")])
    found = {
        sample: value
        for sample, value in _samples(capsys.readouterr().out).items()
        if not sample.startswith("hubble_egress_exporter_") or sample in expected
    }
    assert code == 0
    assert found == expected, _sentence(name)


def test_scenarios_are_complete() -> None:
    """Each has its flows, its settings, its metrics, and a sentence that no other has."""
    sentences = [_sentence(name) for name in SCENARIOS]
    assert len(SCENARIOS) >= FEWEST
    assert len(set(sentences)) == len(sentences)
    for name, sentence in zip(SCENARIOS, sentences, strict=True):
        assert {path.name for path in (FOLDER / name).iterdir()} == {"flows.jsonl", "settings.yaml", "metrics.prom"}
        assert sentence.endswith("."), name


def _sentence(name: str) -> str:
    first = (FOLDER / name / "metrics.prom").read_text().partition("\n")[0]
    return first.removeprefix("# ")


def _samples(text: str) -> Samples:
    """Every sample of our own families, as it is written, with its labels in order."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("hubble_egress_"):
                labels = ",".join(f"{name}={value!r}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found
