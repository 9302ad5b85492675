"""The story's findings as alerts: told by the demo, judged by a real Prometheus, delivered by a real Alertmanager."""

import os
import re

import pytest
import yaml

from tests.e2e.stack import Arrived, Stack
from tests.e2e.told import DEADLINE
from tests.e2e.wanted import HELD_BACK, MAY, MUST, Wanted, workload_of
from tests.programs import ROOT, eventually, get

pytestmark = pytest.mark.skipif(
    os.environ.get("CI") != "true" and "EXPORTER_E2E" not in os.environ, reason="takes minutes: `make e2e` runs it"
)
_RUN = 1800
"""Seconds: longer than all of it takes."""
_GROUPS = {
    group["name"]
    for file in (ROOT / "deploy" / "chart" / "rules").glob("*.yaml")
    for group in yaml.safe_load(file.read_text())["groups"]
}


@pytest.mark.parametrize("wanted", MUST, ids=str)
def test_what_must_arrive(stack: Stack, wanted: Wanted) -> None:
    """It arrives where the shipped routes lead, with its workload in the text, and the way to runbook and dashboard."""
    found: list[Arrived] = []

    def has_arrived() -> bool:
        stack.check_alive()
        found[:] = [one for one in stack.arrived() if wanted.is_told_by(one.labels)]
        return bool(found)

    eventually(has_arrived, f"the arrival of {wanted}", stack.left(DEADLINE))
    assert {one.receiver for one in found} == {wanted.receiver}
    for labels, said in ((one.labels, one.annotations) for one in found):
        assert labels["severity"] == wanted.severity
        assert wanted.workload in said["description"]
        assert wanted.words in said["description"]
        assert said["summary"]
        assert said["runbook_url"].endswith(f"/deploy/runbooks/{wanted.alert}.md")
        namespace, _, workload = wanted.workload.partition("/")
        assert f"var-source_namespace={namespace}" in said["dashboard_url"]
        assert f"var-source_workload={workload}" in said["dashboard_url"]


def test_what_is_held_back(told: Stack) -> None:
    """Of one contact the strongest alert arrives; the others fire, and Alertmanager keeps them back."""
    fired, arrived = told.prometheus.fired(_RUN), told.arrived()
    assert [one for one in HELD_BACK if not any(map(one.is_told_by, fired))] == []
    assert [one.labels for one in arrived if any(held.is_told_by(one.labels) for held in HELD_BACK)] == []


def test_what_must_not_arrive(told: Stack) -> None:
    """Nothing else fires, and so nothing else arrives: most of all nothing about what only looks alarming."""
    fired = told.prometheus.fired(_RUN)
    known = (*MUST, *HELD_BACK, *(one for one, _ in MAY))
    assert [labels for labels in fired if not any(one.is_told_by(labels) for one in known)] == []
    arrived = {(one.labels["alertname"], workload_of(one.labels)) for one in told.arrived()}
    assert arrived <= {(labels["alertname"], workload_of(labels)) for labels in fired}


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param('source_workload="recommender",destination=~".*images.*"', id="addresses of a CDN"),
        pytest.param('source_workload="ci-runner",alertname=~".*DNS.*|.*Name.*"', id="names that ndots expands"),
        pytest.param('alertname=~"HubbleEgress.*Internet.*"', id="the Internet, which is there"),
        pytest.param('alertname="HubbleEgressResolverCutOff"', id="the resolver, which answers"),
        pytest.param('alertname=~"HubbleEgressExporter.*"', id="a node that leaves and lost events, for moments"),
    ],
)
def test_what_is_no_fault(told: Stack, silent: str) -> None:
    """It was told twice, and no alert fired."""
    query = f'last_over_time(ALERTS{{alertstate="firing",{silent}}}[{_RUN}s])'
    assert told.prometheus.instant(query) == []


def test_how_the_rules_do(told: Stack) -> None:
    """Every rule of every file was evaluated, without an error, and Prometheus lost no notification."""
    groups = told.prometheus.groups()
    assert {group["name"] for group in groups} == _GROUPS
    rules = [rule for group in groups for rule in group["rules"]]
    assert [(rule["name"], rule["health"], rule.get("lastError", "")) for rule in rules if rule["health"] != "ok"] == []
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []
    itself = get(f"{told.prometheus.url}/metrics")[1]
    for counter in ("rule_evaluation_failures", "notifications_dropped", "notifications_errors"):
        values = re.findall(rf"^prometheus_{counter}_total\S* (\S+)$", itself, re.MULTILINE)
        assert set(values) == {"0"}, counter
