"""Egress overview: where the cluster goes, what becomes of it, and what nobody expected."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import colours, shared, unexpected
from dashboards.board import Line, board, with_lines, with_variables
from dashboards.overview_news import broken_names, internet_answers, names, new_destinations, states
from dashboards.panels import bars, graph, number
from dashboards.queries import WORKLOAD, line, of_workloads, or_zero, rate, rows, value, within_range
from dashboards.tables import CLUSTER, DESTINATION, NAMESPACE, PORT, SCOPE, VERDICT, Column, listing
from dashboards.tables import WORKLOAD as FROM

_CONNECTIONS: Final = of_workloads("hubble_egress_connections_total")
_DROPS: Final = of_workloads("hubble_egress_drops_total")
_FIRST: Final = " Rates do not know the first connection of a new series; the panels of new destinations do."


def _connections() -> stat.Panel:
    return number(
        "Connections",
        "Egress connections a second that policy let pass, each counted once." + _FIRST,
        [value(or_zero(f"sum({rate(_CONNECTIONS)})"))],
        unit="cps",
    )


def _drops() -> stat.Panel:
    return number(
        "Drops",
        "Dropped egress packets and refused queries a second; a retransmission is another drop. The graph of reasons"
        " below says whether policy meant it.",
        [value(or_zero(f"sum({rate(_DROPS)})"))],
        unit="cps",
    )


def _by_kind() -> timeseries.Panel:
    return graph(
        "Connections by kind of destination",
        "identity: another workload of the cluster; fqdn: a name; cidr: a configured range; entity: host,"
        " kube-apiserver and the like; world: an address of which nothing is known. Much of world means that"
        " names are not seen: give the workloads an egress rule with rules.dns." + _FIRST,
        [line(f"sum by (destination_kind) ({rate(_CONNECTIONS)})", "{{destination_kind}}")],
        unit="cps",
        stacked=True,
        fixed={
            "identity": colours.BLUE,
            "fqdn": colours.SKY,
            "cidr": colours.PURPLE,
            "entity": colours.GREY,
            "world": colours.ORANGE,
        },
    )


def _by_scope() -> timeseries.Panel:
    return graph(
        "Connections by scope",
        "Which part of the address space they go to: public is the Internet. metadata is the cloud's instance metadata:"
        " any there that you did not plan for deserves a look." + _FIRST,
        [line(f"sum by (scope) ({rate(_CONNECTIONS)})", "{{scope}}")],
        unit="cps",
        stacked=True,
        fixed={
            "cluster": colours.BLUE,
            "public": colours.ORANGE,
            "private": colours.SKY,
            "metadata": colours.VERMILION,
            "cluster_range": colours.PURPLE,
            "link_local": colours.TEAL,
            "multicast": colours.GREY,
        },
    )


def _top_workloads() -> bargauge.Panel:
    return bars(
        "Workloads with most connections",
        "Connections in the time shown, of the ten workloads that made most. A workload that is new here, or stands far"
        " above its usual place, is worth opening in Workload triage.",
        [
            value(
                f"topk(10, sum by ({WORKLOAD}) ({within_range(_CONNECTIONS)}))",
                "{{source_namespace}}/{{source_workload}}",
            )
        ],
        unit="locale",
    ).decimals(0)


def _top_destinations() -> table.Panel:
    labels = f"{WORKLOAD}, destination, scope, destination_port, verdict"
    return listing(
        "Top destinations",
        "The fifty pairs of workload and destination with most connections in the time shown. The first connection of a"
        " new pair is not in the number. ~other is what found no room under the budgets of metrics.*.",
        [rows(f"topk(50, sum by ({labels}) ({within_range(_CONNECTIONS)}))")],
        (CLUSTER, NAMESPACE, FROM, DESTINATION, SCOPE, PORT, VERDICT, _count("Connections")),
        empty="No connections in this time",
        sort={"Connections": True},
    )


def _count(title: str) -> Column:
    return Column("Value", title, "locale", width=120, decimals=0)


def _denied_by_policy() -> table.Panel:
    labels = f"{WORKLOAD}, policy_namespace, policy, match"
    denied = of_workloads("hubble_egress_policy_verdicts_total", 'action="denied"')
    columns = (
        CLUSTER,
        NAMESPACE,
        FROM,
        Column("policy_namespace", "Policy's namespace", width=160),
        Column("policy", "Policy", empty="none (default deny)"),
        Column("match", "Match", width=90),
        _count("Denied"),
    )
    return listing(
        "Denied by policy",
        "Denied verdicts in the time shown, with the policy where Hubble names one. No policy is named where nothing"
        " allows it (default deny). The first verdict of a new series is not in the number.",
        [rows(f"topk(50, sum by ({labels}) ({within_range(denied)}))")],
        columns,
        empty="Nothing denied in this time",
        sort={"Denied": True},
    )


def build() -> Dashboard:
    """The whole dashboard."""
    meaning = "Where the cluster's egress goes, what became of it, and what is new or was not expected."
    stats = (shared.firing(), unexpected.active(), _connections(), _drops(), broken_names(), shared.coverage())
    lines: list[Line] = [
        (4, [(4, panel) for panel in stats]),
        (9, [(24, shared.alerts(with_workload=True))]),
        (9, [(24, unexpected.destinations(with_workload=True))]),
        (8, [(8, _by_kind()), (8, _by_scope()), (8, _top_workloads())]),
        (9, [(14, _top_destinations()), (10, unexpected.news())]),
        (8, [(8, shared.drops_by_reason()), (16, _denied_by_policy())]),
        (8, [(14, new_destinations()), (10, states())]),
        (8, [(8, internet_answers()), (8, names()), (8, unexpected.bypass())]),
    ]
    new = board("hubble-egress-overview", "Egress overview", meaning)
    return with_lines(with_variables(new), lines)
