"""The PrometheusRule is the tested rule files; only what an installation chooses is another."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.helm import CHART
from tests.chart.rendering import objects, only
from tests.programs import required
from tests.rules.reading import read_groups

_FILES = ("records", "exfiltration", "dns", "policy", "internet", "exporter")
_GRAFANA = "https://grafana.example"


def rendered(**values: object) -> list[dict[str, Any]]:
    """The groups of the PrometheusRule."""
    groups: list[dict[str, Any]] = only(objects({"prometheusRule": {"enabled": True, **values}}), "PrometheusRule")[
        "spec"
    ]["groups"]
    return groups


def written(file: str) -> list[dict[str, Any]]:
    """The groups of a rule file."""
    groups: list[dict[str, Any]] = yaml.safe_load((CHART / "rules" / f"{file}.yaml").read_text(encoding="utf-8"))[
        "groups"
    ]
    return groups


def test_every_rule_file_is_in_it() -> None:
    """A new one is forgotten by nobody."""
    assert {path.stem for path in (CHART / "rules").glob("*.yaml")} == {*_FILES, "thresholds"}


def test_rules_are_those_of_the_files() -> None:
    """Records and alerts, each in its group and order, with every label and annotation."""
    assert rendered()[1:] == [group for file in _FILES for group in written(file)]


def test_thresholds_are_those_of_the_file() -> None:
    """The same names with the same values, from values.yaml."""
    (group,), (ours, *_) = written("thresholds"), rendered()
    by_name = {rule["record"]: rule["expr"] for rule in ours["rules"]}
    assert by_name == {rule["record"]: rule["expr"] for rule in group["rules"]}
    assert (ours["name"], ours["interval"]) == (group["name"], group["interval"])


@pytest.mark.parametrize(
    ("given", "other"),
    [
        (None, {}),
        ({"fanout": None}, {}),
        ({"fanout": None, "drops": 7}, {"drops": "vector(7)"}),
        ({"drops": 0}, {"drops": "vector(0)"}),
    ],
)
def test_a_threshold_that_is_not_given_has_its_default(given: object, other: dict[str, str]) -> None:
    """Without its record an alert could never fire; 0 is given, and stays."""
    wanted = {rule["record"]: rule["expr"] for rule in written("thresholds")[0]["rules"]}
    wanted |= {f"hubble_egress:threshold_{name}": expr for name, expr in other.items()}
    assert {rule["record"]: rule["expr"] for rule in rendered(thresholds=given)[0]["rules"]} == wanted


def test_a_blank_address_leaves_the_alert_its_own() -> None:
    """Its runbook is that of its file, its dashboard is a path, and it has the labels of its file."""
    groups = rendered(grafanaUrl=None, runbookBaseUrl=None, alertLabels=None)
    assert groups[1:] == [group for file in _FILES for group in written(file)]


def test_a_blank_interval_is_that_of_your_prometheus() -> None:
    """So is the time that a scrape may take: the monitor says nothing of them."""
    values = {
        "monitor": {"enabled": True, "interval": None, "scrapeTimeout": None},
        "prometheusRule": {"enabled": True},
    }
    (endpoint,) = only(objects(values), "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint == {"port": "http", "path": "/metrics", "scheme": "http"}


def test_a_threshold_is_a_value() -> None:
    """Large, small and whole numbers are what PromQL reads."""
    chosen = {"seen_seconds": 5_000_000, "fallen_ratio": 0.0005, "fanout": 7}
    rules = {rule["record"]: rule["expr"] for rule in rendered(thresholds=chosen)[0]["rules"]}
    wanted = {"seen_seconds": "vector(5000000)", "fallen_ratio": "vector(0.0005)", "fanout": "vector(7)"}
    assert {name: rules[f"hubble_egress:threshold_{name}"] for name in chosen} == wanted


def test_addresses_are_put_before_the_paths() -> None:
    """Grafana's before the path of a dashboard, that of the runbooks before the name of one."""
    alerts = [
        rule
        for group in rendered(grafanaUrl=f"{_GRAFANA}/", runbookBaseUrl="https://wiki.example/runbooks")
        for rule in group["rules"]
        if "alert" in rule
    ]
    before = {
        rule["alert"]: rule for file in _FILES for group in written(file) for rule in group["rules"] if "alert" in rule
    }
    assert len(alerts) == len(before)
    for alert in alerts:
        notes, old = alert["annotations"], before[alert["alert"]]["annotations"]
        assert notes["dashboard_url"] == _GRAFANA + old["dashboard_url"]
        assert notes["runbook_url"] == f"https://wiki.example/runbooks/{alert['alert']}.md"
        assert {**notes, "dashboard_url": "", "runbook_url": ""} == {**old, "dashboard_url": "", "runbook_url": ""}


def test_an_alert_can_be_left_out_and_all_can_have_a_label() -> None:
    """By its name; a label never hides one that the alert has."""
    groups = rendered(disabledAlerts=["HubbleEgressFanOut"], alertLabels={"team": "network"})
    alerts = {rule["alert"]: rule["labels"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert "HubbleEgressFanOut" not in alerts
    assert all(labels["team"] == "network" and labels["severity"] for labels in alerts.values())


def test_promtool_takes_the_rendered_rules(tmp_path: Path) -> None:
    """As Prometheus reads them from the operator."""
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": rendered(grafanaUrl=_GRAFANA)}))
    assert read_groups("rules.yaml", file.read_text())
    ended = subprocess.run(
        [required("promtool"), "check", "rules", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("mode", ["relay", "node"])
def test_no_label_of_the_target_keeps_exporters_apart(mode: str) -> None:
    """A monitor adds nothing by itself: rules add up by leaving out `instance` and `pod`, and `node` would stay."""
    monitor = only(
        objects({"mode": mode, "monitor": {"enabled": True}}), "ServiceMonitor" if mode == "relay" else "PodMonitor"
    )
    assert monitor["spec"].keys() == {
        "jobLabel",
        "selector",
        "endpoints" if mode == "relay" else "podMetricsEndpoints",
    }
    assert "node" not in str(monitor["spec"])
