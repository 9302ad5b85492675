"""Every cause that the detector tells is in one alert by workload, or an exception whose reason the rules give."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from exporter.detectors.interface import Cause
from tests.programs import ROOT

FILE = ROOT / "deploy/chart/rules/dns.yaml"
EXCEPTIONS = {Cause.NXDOMAIN}
"""Causes that alert nobody."""
OF_ALL = "HubbleEgressResolverCutOff"
"""Adds up what the others tell of each workload."""
_SELECTED = re.compile(r'\bcause=~?"([^"]*)"')
_SPELT_OUT = re.compile(r'eq \$labels\.cause "([^"]*)"')


def _alerts() -> Iterator[dict[str, str]]:
    for group in yaml.safe_load(FILE.read_text())["groups"]:
        for rule in group["rules"]:
            yield {"name": rule["alert"], "expr": rule["expr"], "description": rule["annotations"]["description"]}


def _selected(alert: dict[str, str]) -> list[str]:
    return [cause for selector in _SELECTED.findall(alert["expr"]) for cause in selector.split("|")]


BY_WORKLOAD = [alert for alert in _alerts() if alert["name"] != OF_ALL]


def test_every_cause_is_in_one_alert_by_workload() -> None:
    """No cause is forgotten when the detector learns a new one, and none alerts twice."""
    selected = Counter(cause for alert in BY_WORKLOAD for cause in _selected(alert))
    assert selected == Counter(set(Cause) - EXCEPTIONS)


def test_an_exception_has_its_reason() -> None:
    """What has no alert stands in the comment at the head of the file, which says why."""
    head = FILE.read_text().partition("groups:")[0]
    assert set(re.findall(r"^#   (\w+): no alert\. \w", head, re.MULTILINE)) == EXCEPTIONS


@pytest.mark.parametrize("alert", list(_alerts()), ids=lambda alert: alert["name"])
def test_the_text_speaks_of_each_cause(alert: dict[str, str]) -> None:
    """The description has a sentence for each cause that the alert selects, and for no other."""
    spelt_out = _SPELT_OUT.findall(alert["description"])
    told = _selected(alert)
    if alert["name"] == OF_ALL:
        # What the proxy could not forward is without an answer too.
        told.remove(Cause.PROXY_ERROR)
    # Where there is one only, the whole text is its sentence.
    assert sorted(spelt_out) == (sorted(told) if len(told) > 1 else [])


def test_the_alert_that_wakes_adds_up_what_others_tell() -> None:
    """What is critical of all workloads at once is a warning of each: a few are told, and wake nobody."""
    (of_all,) = (alert for alert in _alerts() if alert["name"] == OF_ALL)
    assert set(_selected(of_all)) < {cause for alert in BY_WORKLOAD for cause in _selected(alert)}
