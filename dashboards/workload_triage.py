"""Workload triage: one workload, and all that somebody on call needs to know of it on one screen."""

from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import colours, shared, triage_names, unexpected
from dashboards.board import RUNBOOKS, Line, board, with_lines, with_variables
from dashboards.panels import graph, note, number
from dashboards.queries import WORKLOAD, line, of_workloads, or_zero, rate, rows, value, within_range
from dashboards.tables import DESTINATION, PORT, PROTOCOL, SCOPE, VERDICT, Column, listing

_CONNECTIONS: Final = of_workloads("hubble_egress_connections_total")
_DROPS: Final = of_workloads("hubble_egress_drops_total")
_AUDITED: Final = "workload_destination:hubble_egress_audited_connections:increase10m"
_HERE: Final = "${datasource:queryparam}&${cluster:queryparam}&${__url_time_range}"
_COMMAND: Final = f"""\
```
hubble-egress-exporter triage --since 15m \\
  --hubble.address localhost:4245 \\
  --namespace ${{source_namespace:text}} --workload ${{source_workload:text}}
```
[Runbooks]({RUNBOOKS}) · [Overview](/d/hubble-egress-overview?{_HERE}) · \
[Exporter](/d/hubble-egress-exporter?{_HERE}) · choose one namespace and workload first
"""


def _drops() -> stat.Panel:
    return number(
        "Drops",
        "Dropped egress packets and refused queries a second; a retransmission is another drop.",
        [value(or_zero(f"sum({rate(_DROPS)})"))],
        unit="cps",
    )


def _audited() -> stat.Panel:
    return number(
        "Audit only",
        "Connections of the last ten minutes that pass in audit mode only, and would be dropped if it ended. Allow them"
        " before you end it. Read from a recording rule.",
        [value(or_zero(f"sum({of_workloads(_AUDITED)})"))],
        unit="short",
        limits=colours.bad_from(1),
    ).decimals(0)


def _reach() -> stat.Panel:
    fanout, known = (
        f"max by ({WORKLOAD}) ({of_workloads(f'hubble_egress_{name}')})"
        for name in ("destination_fanout", "known_destinations")
    )
    return number(
        "Destinations",
        "How many it went to lately (fan-out, within known.fanout-window, outside the cluster) and how many are known"
        " of it. Fan-out far above its past is a scan, or a new version; of several workloads the sum.",
        [value(f"sum({fanout})", "lately"), value(f"sum({known})", "known", "B")],
        unit="short",
        empty="Nothing known",
    )


def _fanout() -> timeseries.Panel:
    fanout = of_workloads("hubble_egress_destination_fanout")
    return graph(
        "Fan-out",
        "Different destinations outside the cluster within known.fanout-window; names of one registered domain are one."
        " A step up after a new version is usual, a slope without one is a scan: look at what is new, and at drops.",
        [line(f"max by ({WORKLOAD}) ({fanout})", "{{source_namespace}}/{{source_workload}}")],
        unit="short",
        empty="Nothing known",
    )


def _connections() -> timeseries.Panel:
    busiest = f"topk(8, sum by (destination) ({rate(_CONNECTIONS)}))"
    return graph(
        "Connections by destination",
        "Connections a second that policy let pass, to the eight busiest destinations of each moment. A destination"
        " that fell to nothing while the others go on is where to look. The first connection of a new series is not"
        " in a rate.",
        [line(busiest, "{{destination}}")],
        unit="cps",
        empty="No connections",
    )


def _dropped_to() -> table.Panel:
    labels = "reason, destination, scope, destination_port, protocol"
    return listing(
        "Drops by destination",
        "What was dropped in the time shown, where to and why. policy_denied: no rule allows it; policy_deny: a rule"
        " forbids it; dns_denied: no DNS rule has the name. The first drop of a new series is not in the number: 0 is"
        " one.",
        [rows(f"topk(50, sum by ({labels}) ({within_range(_DROPS)}))")],
        (
            Column("reason", "Reason", width=115),
            DESTINATION,
            PORT,
            PROTOCOL,
            Column("Value", "Drops", "locale", width=75, decimals=0),
        ),
        hidden=("scope",),
        empty="No drops in this time",
        sort={"Drops": True},
    )


def _reached() -> table.Panel:
    labels = "destination_kind, destination, scope, destination_port, protocol, verdict"
    return listing(
        "Where it goes",
        "Connections of the time shown by destination. The first connection of a new series is not in the number: 0 is"
        " one contact, or none in this time.",
        [rows(f"topk(100, sum by ({labels}) ({within_range(_CONNECTIONS)}))")],
        (
            DESTINATION,
            Column("destination_kind", "Kind", width=80),
            SCOPE,
            PORT,
            PROTOCOL,
            VERDICT,
            Column("Value", "Connections", "locale", width=110, decimals=0),
        ),
        empty="No connections in this time",
        sort={"Connections": True},
    )


def build() -> Dashboard:
    """The whole dashboard."""
    meaning = "One workload: can it resolve and reach what it needs, what is dropped, and what is new or unexpected?"
    stats = (
        *(shared.firing(), shared.coverage(), triage_names.broken(), triage_names.nxdomain()),
        *(_drops(), unexpected.active(), _audited(), _reach()),
    )
    what_next = note("What to do next", "The command that says why, and where the runbooks are.", _COMMAND)
    lines: list[Line] = [
        (4, [(3, panel) for panel in stats]),
        (5, [(9, triage_names.causes()), (8, shared.alerts(with_workload=False)), (7, what_next)]),
        (5, [(8, triage_names.dns()), (8, shared.drops_by_reason()), (8, _connections())]),
        (5, [(15, unexpected.destinations(with_workload=False)), (9, _dropped_to())]),
        (7, [(14, _reached()), (10, unexpected.news())]),
        (6, [(8, triage_names.latency()), (8, unexpected.bypass()), (8, _fanout())]),
    ]
    new = board("hubble-egress-workload", "Workload triage", meaning)
    return with_lines(with_variables(new, several=False), lines)
