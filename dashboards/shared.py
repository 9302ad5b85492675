"""Panels that stand on more than one dashboard."""

from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardRegexMapOptions,
    RegexMap,
    SpecialValueMatch,
    ValueMappingResult,
)

from dashboards import colours
from dashboards.board import RUNBOOK
from dashboards.panels import graph, number
from dashboards.queries import (
    WORKLOAD,
    line,
    of_cluster,
    of_workloads,
    or_zero,
    rows,
    value,
)
from dashboards.tables import CLUSTER, NAMESPACE, Column, listing
from dashboards.tables import DESTINATION as TO
from dashboards.tables import WORKLOAD as FROM

_OURS: Final = 'alertname=~"HubbleEgress.*"'
_FIRING: Final = ('alertstate="firing"', _OURS)
# Without the first word, which all of them have.
_NAME: Final = RegexMap(DashboardRegexMapOptions("^HubbleEgress(.*)$", ValueMappingResult(text="$1", index=0)))
_RUNBOOK: Final = {"title": "Runbook", "url": RUNBOOK % "${__value.raw}", "targetBlank": True}
# Numbers, because the words are in the order of the alphabet and what wakes people must stand first.
_RANKS: Final = {"critical": "1", "warning": "2", "info": "3"}
_SEVERITY: Final = colours.alarming(
    {"1": ("critical", colours.BAD), "2": ("warning", colours.WARNING), "3": ("info", colours.PLAIN)}
)


def firing() -> stat.Panel:
    """How many alerts there are."""
    return number(
        "Firing alerts",
        "Alerts of this exporter that fire now for what is chosen above. The table beside says which; each has a"
        " runbook.",
        [value(or_zero(f"count({of_workloads('ALERTS', *_FIRING)})"))],
        unit="short",
        limits=colours.bad_from(1),
    )


def alerts(*, with_workload: bool) -> table.Panel:
    """Which alerts there are, and since when."""
    labels = f"alertname, severity{f', {WORKLOAD}, destination, cause' if with_workload else ''}"
    since = (
        f"min by ({labels}) (1000 * {of_workloads('ALERTS_FOR_STATE', _OURS)}"
        f" and ignoring (alertstate) {of_workloads('ALERTS', *_FIRING)})"
    )
    columns = (
        Column("alertname", "Alert", words=(_NAME,), link=_RUNBOOK),
        Column("severity", "Severity", width=75, words=(_SEVERITY,), coloured=True),
        *((CLUSTER, NAMESPACE, FROM, TO, Column("cause", "Cause")) if with_workload else ()),
        Column("Value", "Since", "dateTimeFromNow", width=135),
    )
    return listing(
        "What fires, and since when" if with_workload else "Firing alerts of this workload",
        "What fires now, and since when; the name leads to the runbook. Nothing here means something"
        " only while coverage is high and the rules are loaded.",
        [rows(_ranked(since))],
        columns,
        empty="Nothing fires",
        sort={"Severity": False, "Since": True},
    )


def _ranked(alerts: str) -> str:
    for severity, rank in _RANKS.items():
        alerts = f'label_replace({alerts}, "severity", "{rank}", "severity", "{severity}")'
    return alerts


def coverage() -> stat.Panel:
    """How much could be seen at all."""
    return number(
        "Coverage",
        "Share of what the agents saw in the last five minutes that could reach the exporter; the worst exporter"
        " counts. Silence is not safety: below 90 % quiet panels prove little. Exporter health says which node and"
        " why.",
        [value(f"min({of_cluster('hubble_egress_exporter_cluster_coverage_ratio')})", "coverage")],
        unit="percentunit",
        limits=colours.bad_below(0.9, 0.5),
        words=(colours.special(SpecialValueMatch.NA_N, "not known"),),
    ).decimals(1)


def drops_by_reason() -> timeseries.Panel:
    """Why packets are dropped."""
    return graph(
        "Drops by reason",
        "Dropped egress packets and refused queries a second; a retransmission is another drop. policy_denied is"
        " default deny, policy_deny a rule that says so, dns_denied a name that no rule covers. Anything else is no"
        " policy, and points at the data path. The first drop of a new series is not in a rate.",
        [line(f"sum by (reason) (rate({of_workloads('hubble_egress_drops_total')}[$__rate_interval]))", "{{reason}}")],
        unit="cps",
        empty="No drops",
        fixed={
            "policy_denied": colours.BLUE,
            "policy_deny": colours.VERMILION,
            "dns_denied": colours.ORANGE,
            "l7_denied": colours.PURPLE,
        },
    )
