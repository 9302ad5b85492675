"""Which metrics a dashboard may read, with their labels: ours, recorded ones, and those of every scrape."""

from functools import cache
from pathlib import Path

import yaml
from promql_parser import parse

from exporter.metrics.families import EXPORTER, PRODUCT, READ
from tests.rules.promql import selectors

RULES = Path(__file__).resolve().parents[2] / "deploy" / "chart" / "rules"
TARGET = frozenset({"cluster", "namespace", "job", "instance", "pod"})
_ALERT = frozenset(
    {"alertname", "alertstate", "severity", "destination", "cause", "source_namespace", "source_workload"}
)
_OTHERS = {
    "ALERTS": _ALERT,
    "ALERTS_FOR_STATE": _ALERT - {"alertstate"},
    "process_cpu_seconds_total": frozenset[str](),
    "process_resident_memory_bytes": frozenset[str](),
}


@cache
def known() -> dict[str, frozenset[str]]:
    """Labels of every metric, without those that Prometheus gives."""
    metrics = dict(_OTHERS)
    for family in (*PRODUCT, *READ, *EXPORTER):
        labels = frozenset(label.name for label in family.labels)
        metrics |= {f"{family.name}_bucket": labels | {"le"}} if family.kind == "histogram" else {family.name: labels}
    for name, expression in _recorded().items():
        metrics[name] = frozenset[str]().union(*(metrics.get(read, frozenset()) for read in _read(expression)))
    return metrics


def labels_of(metric: str) -> frozenset[str]:
    """Labels that its series may have."""
    return known().get(metric, frozenset()) | TARGET


def _recorded() -> dict[str, str]:
    groups = (yaml.safe_load(path.read_text(encoding="utf-8"))["groups"] for path in sorted(RULES.glob("*.yaml")))
    return {
        rule["record"]: rule["expr"]
        for listed in groups
        for group in listed
        for rule in group["rules"]
        if "record" in rule
    }


def _read(expression: str) -> list[str]:
    return [selector.name for selector in selectors(parse(expression)) if selector.name]
