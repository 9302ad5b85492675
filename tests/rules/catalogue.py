"""Which metrics there are for rules and runbooks: ours, those of every scrape, and the recorded ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.metrics.families import EXPORTER, PRODUCT, READ, WORLD_ANSWERED, Family
from tests.rules.promql import metric_names
from tests.rules.reading import Rule
from tests.rules.shape import labels_of

TARGET = frozenset({"cluster", "namespace", "job", "instance", "pod", "container", "service", "endpoint"})
"""Labels that Prometheus gives to what it scrapes. `cluster` is often not there, and is empty then."""

ANY: tuple[str, ...] = ()
_ALERT = ("alertname", "alertstate", "severity", "source_namespace", "source_workload", "destination", "cause")


@dataclass(frozen=True)
class Metric:
    """A metric as a rule sees it; `labels` has all values of a label, or none when they are open."""

    kind: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    late: bool = False
    """Whether its series are not there before their first event."""
    is_recorded: bool = False


OTHERS = {
    "up": Metric("gauge"),
    "process_start_time_seconds": Metric("gauge"),
    "process_cpu_seconds_total": Metric("counter"),
    "process_resident_memory_bytes": Metric("gauge"),
    "scrape_duration_seconds": Metric("gauge"),
    "ALERTS": Metric("gauge", dict.fromkeys(_ALERT, ANY)),
}
"""What is there beside our own families: from the scrape, from every Python process, and from Prometheus' rules."""


def exported() -> dict[str, Metric]:
    """What a scrape of the exporter gives."""
    metrics = dict(OTHERS)
    for family in (*PRODUCT, *READ, *EXPORTER):
        metrics |= _of(family)
    return metrics


def _of(family: Family) -> dict[str, Metric]:
    labels = {label.name: label.values for label in family.labels}
    if family.kind == "histogram":
        parts = {f"{family.name}{part}": Metric("counter", labels) for part in ("_sum", "_count")}
        return {**parts, f"{family.name}_bucket": Metric("counter", {**labels, "le": ANY})}
    # One of the answered is there from its node's first connection on.
    late = family.kind == "counter" and not all(labels.values()) and family is not WORLD_ANSWERED
    return {family.name: Metric(family.kind, labels, late)}


class Catalogue:
    """Metrics by name."""

    def __init__(self, metrics: Mapping[str, Metric], recorded: Iterable[Rule] = ()) -> None:
        self._metrics = dict(metrics)
        self._add(rule for rule in recorded if rule.record)

    def _add(self, rules: Iterable[Rule]) -> None:
        waiting = list(rules)
        while waiting:
            # A recorded metric may be read by another one that is recorded before it.
            names = {rule.record for rule in waiting}
            ready = [rule for rule in waiting if not metric_names(rule.expression) & names] or waiting
            for rule in ready:
                labels = {name: self.values(rule, name) for name in labels_of(rule.expression, self) - TARGET}
                targets = labels_of(rule.expression, self) & TARGET
                before = self._metrics.get(rule.record)
                both = {**(before.labels if before else {}), **labels, **dict.fromkeys((*targets, *rule.labels), ANY)}
                self._metrics[rule.record] = Metric("gauge", both, is_recorded=True)
            waiting = [rule for rule in waiting if rule not in ready]

    def values(self, rule: Rule, label: str) -> tuple[str, ...]:
        """The closed list of a label, when all metrics that an expression reads agree on it."""
        lists = {self[name].labels[label] for name in metric_names(rule.expression) if label in self.labels(name)}
        return lists.pop() if len(lists) == 1 else ANY

    def __contains__(self, name: str) -> bool:
        return name in self._metrics

    def names(self) -> list[str]:
        """All of them."""
        return list(self._metrics)

    def __getitem__(self, name: str) -> Metric:
        return self._metrics.get(name) or Metric("unknown")

    def labels(self, name: str) -> frozenset[str]:
        """The labels that series of this metric may have."""
        metric = self[name]
        return frozenset(metric.labels) | (frozenset() if metric.is_recorded else TARGET)
