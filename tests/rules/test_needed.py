"""A unit test of one alert is run with the rules that this alert needs, and with no others."""

from pathlib import Path

import yaml

from tests.rules.needed import asked, laid_out, needed
from tests.rules.reading import RULES

WATCHED = "instance:hubble_egress_exporter_watched:bool"
STARTED = "hubble_egress:threshold_started_seconds"
BYPASS = "workload_transport:hubble_egress_dns_bypass:increase10m"


def test_what_is_needed_is_found() -> None:
    """A recorded metric needs those that it is made from."""
    assert needed([BYPASS, "hubble_egress:threshold_fanout", "up"]) == {
        BYPASS,
        WATCHED,
        STARTED,
        "hubble_egress:threshold_fanout",
    }


def test_it_is_laid_out_as_here(tmp_path: Path) -> None:
    """The paths from the test to its rules stay as they are, the rules keep their order, and files without any go."""
    test = tmp_path / "here" / "tests" / "rules" / "A.yaml"
    test.parent.mkdir(parents=True)
    test.write_text(f"tests: [{{promql_expr_test: [{{expr: 'max by () ({BYPASS}) > 0'}}]}}]")
    assert asked(test) == {BYPASS}
    rules = tmp_path / "here" / RULES.relative_to(RULES.parent.parent.parent)
    rules.mkdir(parents=True)
    for path in RULES.glob("*.yaml"):
        (rules / path.name).write_text(path.read_text())
    copy = laid_out(test, rules, tmp_path / "there")
    assert copy.read_text() == test.read_text()
    found = {path.name: path for path in (copy.parent / "../../deploy/chart/rules").resolve().iterdir()}
    groups = {name: yaml.safe_load(path.read_text())["groups"][0] for name, path in found.items()}
    records = {name: [rule["record"] for rule in group["rules"]] for name, group in groups.items()}
    assert records == {"records.yaml": [WATCHED, BYPASS], "thresholds.yaml": [STARTED]}
