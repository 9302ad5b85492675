"""Every alert is tested, both ways, and has a runbook; every threshold is used; nothing is left over."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import ROOT
from tests.rules.catalogue import exported
from tests.rules.completeness import RULE_FILES, differences, unit_tests
from tests.rules.lint_alerts import THRESHOLD
from tests.rules.pages import runbooks
from tests.rules.promql import metric_names
from tests.rules.reading import alerts, rules_of, shipped
from tests.rules.test_promtool import FILES

# What is recorded and alerted on by nobody has tests of its own.
OF_ALERTS = [path for path in FILES if not path.stem.endswith("-records")]
GROUP = {
    "name": "A sentence.",
    "interval": "30s",
    "input_series": [{"series": "up", "values": "1"}],
    "alert_rule_test": [{"eval_time": "5m", "alertname": "A", "exp_alerts": [{}]}],
}
SILENT = {**GROUP, "alert_rule_test": [{"eval_time": "5m", "alertname": "A", "exp_alerts": []}]}


def test_every_alert_has_unit_tests() -> None:
    """There is one file of promtool tests for each alert, and none for anything else."""
    assert differences(alerts(), (path.stem for path in OF_ALERTS), "unit test") == []


@pytest.mark.parametrize("path", OF_ALERTS, ids=lambda path: path.stem)
def test_unit_tests_are_complete(path: Path) -> None:
    """The alert fires in one group of its file and stays silent in another; what each shows is a sentence."""
    assert list(unit_tests(path.stem, yaml.safe_load(path.read_text()))) == []


def test_every_alert_has_a_runbook() -> None:
    """There is one runbook for each alert, and none for anything else."""
    assert differences(alerts(), runbooks(), "runbook") == []


def test_readme_lists_every_alert() -> None:
    """With its severity, its summary and the way to its runbook."""
    readme = (ROOT / "README.md").read_text()
    missing = [
        alert
        for alert, rule in alerts().items()
        if f"| [`{alert}`](deploy/runbooks/{alert}.md) | {rule.labels['severity']} | {rule.annotations['summary']} |"
        not in readme
    ]
    assert missing == []


def test_every_threshold_is_used() -> None:
    """A limit that somebody may set is one that something is compared with."""
    rules = rules_of(shipped())
    used = {name for rule in rules for name in metric_names(rule.expression)}
    assert {rule.record for rule in rules if rule.record.startswith(THRESHOLD)} - used == set()


def test_recorded_names_are_not_exported() -> None:
    """No recorded metric has the name of one of ours."""
    assert {rule.record for rule in rules_of(shipped())} & set(exported()) == set()


def test_alerts_on_exfiltration_are_honest() -> None:
    """Their texts say that Hubble does not count bytes."""
    silent = [
        rule.alert
        for rule in alerts().values()
        if rule.group == "hubble-egress.exfiltration" and "byte" not in rule.annotations.get("description", "")
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([GROUP], "stays silent"),
        ([SILENT], "fires"),
        ([{**GROUP, "alert_rule_test": [*GROUP["alert_rule_test"], *SILENT["alert_rule_test"]]}], "stays silent"),
        ([GROUP, {**SILENT, "name": "a name"}], "no sentence"),
        ([GROUP, {**SILENT, "name": ""}], "no sentence"),
        ([GROUP, {**SILENT, "interval": "5m"}], "longer"),
        ([GROUP, {**SILENT, "input_series": []}], "nothing to look at"),
        ([{**GROUP, "alert_rule_test": [{"alertname": "B", "exp_alerts": [{}]}]}, SILENT], "fires"),
    ],
)
def test_what_is_missing_is_told(groups: list[dict[str, Any]], said: str) -> None:
    """A file of unit tests that shows one side only is not complete."""
    found = list(unit_tests("A", {"rule_files": RULE_FILES, "tests": groups}))
    assert [fault for fault in found if said not in fault] == []
    assert found


def test_a_complete_file() -> None:
    """A file that shows both sides is; one with other rules than the shipped ones is not."""
    assert list(unit_tests("A", {"rule_files": RULE_FILES, "tests": [GROUP, SILENT]})) == []
    assert list(unit_tests("A", {"rule_files": ["a.yaml"], "tests": [GROUP, SILENT]}))


def test_differences_are_told() -> None:
    """Both what is missing and what is left over."""
    assert differences(["A", "B"], ["B", "C"], "runbook") == [
        "A has no runbook",
        "there is a runbook C, and no such alert",
    ]
