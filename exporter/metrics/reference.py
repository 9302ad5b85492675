"""METRICS.md, made from the families."""

from collections.abc import Iterable

from exporter.counting import OUTCOME_MEANING
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.labels import Label

_HEAD = """\
# Metrics

Made by `hubble-egress-exporter reference metrics`; do not edit.

Product metrics begin with `hubble_egress_`, metrics about the exporter itself with `hubble_egress_exporter_`; beside
them stand the usual `process_*`, `python_gc_*` and `python_info`. The agent's own metrics begin with `hubble_` too, and
none of ours has one of their names. There are no `_created` series.

Each label has a cost: **fine** (a closed list, or as many values as the cluster has namespaces), **careful** (grows
with workloads, nodes, or what they reach, up to the budgets of `metrics.*`), **avoid** (grows with pods or addresses;
no product family has such a label). `metrics.labels` turns open labels off or coarsens them, family by family.

A series in which nothing was counted for `metrics.ttl` leaves the exposition. Its value is kept for
`metrics.retained-for`, and the series goes on from it when it comes back, so that `increase()` over a day sees a daily
event. What finds no room under the budgets is counted under `~other`, never dropped; what was counted is never moved.

Counters of connections and drops are born with their first event. `increase()` does not see that first one: it knows
only the difference between two samples. Counters whose labels are a closed list exist at 0 from the start, and
`hubble_egress_world_connections_answered_total` from its node's first connection on.

"""
_OUTCOMES = """
## Outcomes

Every flow that arrives has exactly one `outcome`; their sum is the number of flows received.

| outcome | what it means |
|---|---|
"""


def metrics_markdown() -> str:
    """The text of METRICS.md."""
    outcomes = "".join(f"| `{outcome}` | {meaning} |\n" for outcome, meaning in OUTCOME_MEANING.items())
    return (
        f"{_HEAD}## Product metrics\n\n{_chapters((*families.PRODUCT, *families.READ))}"
        f"## Metrics about the exporter\n\n{_chapters(families.EXPORTER)}".rstrip("\n")
        + f"\n{_OUTCOMES}{outcomes}"
    )


def _chapters(listed: Iterable[Family]) -> str:
    return "".join(_chapter(family) for family in listed)


def _chapter(family: Family) -> str:
    text = f"### `{family.name}`\n\n{family.kind.capitalize()}. {family.help}\n\n"
    if family.labels:
        rows = "".join(
            f"| `{label.name}` | {label.meaning} | {_values(label)} | {label.cost} |\n" for label in family.labels
        )
        text += f"| label | meaning | values | cost |\n|---|---|---|---|\n{rows}\n"
    return text


def _values(label: Label) -> str:
    return ", ".join(f"`{value}`" for value in label.values) or "open"
