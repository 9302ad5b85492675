"""Lint of names, labels and annotations: what a person reads, and what they click."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from tests.rules.catalogue import TARGET, Catalogue
from tests.rules.promql import alternatives
from tests.rules.reading import ROOT, Rule
from tests.rules.shape import labels_of

RUNBOOK_URL = "https://github.com/hubble-egress-exporter/hubble-egress-exporter/blob/main/deploy/runbooks/"
SEVERITIES = ("critical", "warning", "info")
DASHBOARDS = frozenset({"hubble-egress-overview", "hubble-egress-workload", "hubble-egress-exporter"})
VARIABLES = frozenset({"datasource", "cluster", "source_namespace", "source_workload"})
SUBJECTS = ("source_namespace", "source_workload", "destination", "destination_port", "cause", "node_name")
"""Labels that say what an alert is about: a description names all that its alert has."""


def alert_name(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """CamelCase with the prefix that all alerts share."""
    if rule.alert and not re.fullmatch(r"HubbleEgress([A-Z][a-z]+|DNS)+", rule.alert):
        yield "its name is no HubbleEgressCamelCase"


def severity(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """One of the closed list."""
    if rule.alert and rule.labels.get("severity") not in SEVERITIES:
        yield f"severity is none of {', '.join(SEVERITIES)}"


def static_labels(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """A label that changes makes another alert each time, so labels hold no templates, `$value` least of all."""
    for name, value in rule.labels.items():
        if "{{" in value or "$" in value:
            yield f"label {name} is templated"
        if name in TARGET:
            yield f"label {name} hides the one of the target"


def summary(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """One static sentence: capital, full stop, no template."""
    text = rule.annotations.get("summary", "")
    if rule.alert and not re.fullmatch(r"[A-Z][^\n{}]+\.", text.strip()):
        yield "summary is no static sentence with a capital and a full stop"


def description(rule: Rule, known: Catalogue) -> Iterator[str]:
    """Names, by template, everything that tells what the alert is about; ends as a sentence does."""
    text = rule.annotations.get("description", "").strip()
    if rule.alert and not re.search(r"\.(\s*\{\{-?\s*end\s*-?\}\})*$", text):
        yield "description is missing or does not end in a full stop"
    # Of several ways to fire only some may tell the workload.
    ways = [labels_of(way, known) for way in alternatives(rule.expression)] if rule.alert else []
    for name in SUBJECTS:
        if ways and all(name in labels for labels in ways) and f"$labels.{name}" not in text:
            yield f"description does not name $labels.{name}"


def templates(rule: Rule, known: Catalogue) -> Iterator[str]:
    """A template names labels that the alert has; any other would be empty."""
    labels = labels_of(rule.expression, known) | frozenset(rule.labels)
    for where, text in rule.annotations.items():
        for name in sorted(set(re.findall(r"\$labels\.(\w+)", text)) - labels):
            yield f"{where} names $labels.{name}, which the alert does not have"
        if re.search(r"\{\{[^}]*(\.(Values|Release|Chart|Files|Capabilities)|\binclude)\b", text):
            yield f"{where} looks like a template of Helm"


def runbook_url(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """Ends in the runbook of the alert; another test holds that it exists."""
    if rule.alert and rule.annotations.get("runbook_url") != f"{RUNBOOK_URL}{rule.alert}.md":
        yield f"runbook_url is not {RUNBOOK_URL}{rule.alert}.md"


def dashboards() -> frozenset[str]:
    """Uids of the dashboards that are there; the names that were agreed on while there is none."""
    files = (ROOT / "dashboards").glob("*.json")
    return frozenset(json.loads(path.read_text())["uid"] for path in files) or DASHBOARDS


def dashboard_url(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """A path below Grafana to a dashboard that exists, with variables that it has; values are quoted for a URL."""
    if not rule.alert:
        return
    text = rule.annotations.get("dashboard_url", "")
    # Templates hold characters that would end the parts of a URL; some only say which parts are there.
    text = re.sub(r"\{\{-?\s*(with|if|else|end)\b.*?\}\}", "", text)
    values = re.findall(r"\{\{(.*?)\}\}", text)
    url = urlsplit(re.sub(r"\{\{.*?\}\}", "x", text))
    if url.scheme or url.netloc or url.path.removeprefix("/d/") not in dashboards():
        yield f"dashboard_url {text!r} leads to none of {', '.join(sorted(dashboards()))}"
    for name, _ in parse_qsl(url.query, keep_blank_values=True):
        if name.removeprefix("var-") not in VARIABLES or not name.startswith("var-"):
            yield f"dashboard_url sets {name}, which no dashboard has"
    for value in values:
        if not re.search(r"\|\s*urlquery\s*$", value):
            yield f"dashboard_url has {value.strip()} without urlquery"


LINTS = (alert_name, severity, static_labels, summary, description, templates, runbook_url, dashboard_url)
