"""Panels of the overview about what is new, what has a name, and what is answered."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries

from dashboards import colours
from dashboards.panels import bars, graph, number
from dashboards.queries import WORKLOAD, line, of_cluster, of_workloads, or_zero, rate, rows, value
from dashboards.tables import CLUSTER, NAMESPACE, Column, listing
from dashboards.tables import WORKLOAD as FROM
from dashboards.unexpected import NEWS

_NOVELTY: Final = colours.texts(
    {"destination": "new destination", "port": "new port", "address_reused": "known address, new name"}
)
_EXPECTATION: Final = colours.alarming(
    {
        "unexpected": ("unexpected", colours.BAD),
        "not_covered": ("not covered", colours.WARNING),
        "undecided": ("undecided", colours.WARNING),
        "expected_wide": ("expected (wide rule)", colours.PLAIN),
        "expected": ("expected", colours.PLAIN),
    }
)


def broken_names() -> stat.Panel:
    """How many workloads cannot resolve or reach names."""
    broken = of_workloads("hubble_egress_dns_breakage", 'cause!="nxdomain"')
    return number(
        "Broken names",
        "Workloads that cannot resolve or reach names now. NXDOMAIN alone is not among them: many ask for names that do"
        " not exist. Open Workload triage for the cause.",
        [value(or_zero(f"count(count by ({WORKLOAD}) ({broken} == 1))"))],
        unit="short",
        limits=colours.bad_from(1),
    )


def new_destinations() -> table.Panel:
    """Who goes somewhere new, and whether that was declared."""
    labels = f"{WORKLOAD}, novelty, context, expectation"
    most = f"sum by ({labels}) (max_over_time({of_workloads(NEWS)}[$__range])) > 0"
    columns = (
        CLUSTER,
        NAMESPACE,
        FROM,
        Column("novelty", "What is new", words=(_NOVELTY,)),
        Column("context", "When", width=100),
        Column("expectation", "Expectation", width=160, words=(_EXPECTATION,), coloured=True),
        Column("Value", "Most in 10 min", "locale", width=130, decimals=0),
    )
    return listing(
        "New destinations by novelty, context and expectation",
        "Who went, or tried to go, somewhere for the first time in the time shown. Steady and unexpected, or steady and"
        " not covered, is what findings and alerts are made of. The number is the highest that ten minutes had. known"
        " show NAMESPACE/WORKLOAD lists the destinations themselves.",
        [rows(most)],
        columns,
        empty="Nothing new, or the recording rules are not loaded",
        sort={"Most in 10 min": True},
    )


def internet_answers() -> timeseries.Panel:
    """Whether the Internet answers, by node."""
    answered = rate(of_cluster("hubble_egress_world_connections_answered_total"))
    started = rate(of_cluster("hubble_egress_world_connection_starts_total"))
    return graph(
        "Answered connections to the outside, by node",
        "Share of the connections to addresses outside the cluster that were answered. A node near 0 has lost the"
        " Internet, all of them together point at the gateway. No line: nothing was started there. Of the chosen"
        " clusters, whatever workload is chosen.",
        [line(f"sum by (node_name) ({answered}) / sum by (node_name) ({started})", "{{node_name}}")],
        unit="percentunit",
        empty="Nothing was started to the outside",
    ).max(1)


def names() -> timeseries.Panel:
    """How sure the names of destinations are."""
    return graph(
        "How sure the names are",
        "Connections to the outside a second, by how their name is known. observed and joined are sure; none means that"
        " the workload's DNS is not seen: give it an egress rule with rules.dns. Of the chosen clusters.",
        [
            line(
                f"sum by (name_confidence) ({rate(of_cluster('hubble_egress_named_connections_total'))})",
                "{{name_confidence}}",
            )
        ],
        unit="cps",
        stacked=True,
        fixed={
            "observed": colours.BLUE,
            "joined": colours.SKY,
            "stale": colours.PURPLE,
            "ambiguous": colours.ORANGE,
            "none": colours.GREY,
        },
    )


def states() -> bargauge.Panel:
    """How many workloads are armed, learning or open-ended."""
    return bars(
        "Workloads by what is known of them",
        "armed: new destinations are announced; learning: not yet, so nothing new is found there; open_ended: goes"
        " somewhere new all the time, and is counted only. Silence of a workload that is learning proves nothing."
        " names not seen: their DNS does not pass the proxy, and new addresses of theirs are counted only. Of the"
        " chosen clusters, whatever workload is chosen; one that two exporters see counts twice.",
        [
            value(f"sum by (state) ({of_cluster('hubble_egress_workloads')})", "{{state}}"),
            value(f"sum({of_cluster('hubble_egress_nameless_workloads')})", "names not seen", "B"),
        ],
        unit="short",
    )
