"""Panels of Exporter health about what comes in, what is remembered, and what is announced."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, timeseries

from dashboards import colours
from dashboards.panels import bars, graph
from dashboards.queries import line, of_cluster, rate, value, within_range

_E: Final = "hubble_egress_exporter_"


def flows() -> timeseries.Panel:
    """What becomes of the flows."""
    return graph(
        "Flows by outcome",
        "Every flow that arrives has one outcome; METRICS.md explains each. All at 0 while the cluster is busy: nothing"
        " arrives. Much direction_unknown or reply_unknown: the server leaves fields out.",
        [line(f"sum by (outcome) ({rate(of_cluster(f'{_E}flows_total'))}) > 0", "{{outcome}}")],
        unit="cps",
        empty="No flows arrive",
        stacked=True,
    )


def lost() -> timeseries.Panel:
    """Where events are lost."""
    return graph(
        "Events lost, by where",
        "perf_event_ring_buffer: the agent was too slow for the kernel; observer_events_queue: Hubble's queue was full;"
        " hubble_ring_buffer: we or Relay read too slowly. estimated is the upper bound for agents before 1.19, which"
        " say only that they lost something.",
        [
            line(f"sum by (source) ({rate(of_cluster(f'{_E}lost_events_total'))})", "{{source}}"),
            line(f"sum({rate(of_cluster(f'{_E}lost_events_estimated_total'))})", "estimated", "B"),
        ],
        unit="cps",
        fixed={
            "perf_event_ring_buffer": colours.ORANGE,
            "observer_events_queue": colours.BLUE,
            "hubble_ring_buffer": colours.PURPLE,
            "unknown_lost_event_source": colours.GREY,
            "estimated": colours.SKY,
        },
    )


def nodes() -> timeseries.Panel:
    """In which state the nodes are."""
    return graph(
        "Nodes by state",
        "connected: flows can come; silent: its agent sees flows and none arrives; unavailable, error, gone: Relay"
        " cannot reach its agent. What is not connected is not seen.",
        [line(f"max by (state) ({of_cluster(f'{_E}nodes')}) > 0", "{{state}}")],
        unit="short",
        empty="No node is known",
        stacked=True,
        fixed={
            "connected": colours.BLUE,
            "silent": colours.VERMILION,
            "unavailable": colours.ORANGE,
            "error": colours.PURPLE,
            "gone": colours.GREY,
            "unknown": colours.SKY,
        },
    )


def connects() -> timeseries.Panel:
    """How often streams begin and end, and why."""
    return graph(
        "Connections to Hubble, attempts and ends",
        "By gRPC status and reason, a second. OK connected now and then is well; anything that repeats says why the"
        " stream breaks.",
        [line(f"sum by (code, reason) ({rate(of_cluster(f'{_E}connects_total'))})", "{{code}}: {{reason}}")],
        unit="cps",
    )


def store() -> timeseries.Panel:
    """What is in the memory."""
    return graph(
        "Store: facts, and what waits",
        "Facts of the workloads in use (in memory), facts in the store itself, and sightings that wait to be written.",
        [
            line(f"sum({of_cluster(f'{_E}store_entries')})", "in memory"),
            line(f"max({of_cluster(f'{_E}store_stored_entries')})", "in the store", "B"),
            line(f"sum({of_cluster(f'{_E}store_queue')})", "waiting", "C"),
        ],
        unit="short",
        fixed={"in memory": colours.BLUE, "in the store": colours.SKY, "waiting": colours.VERMILION},
    )


def troubles() -> timeseries.Panel:
    """What went wrong with flows and facts."""
    counters = {
        "store: {{reason}}": f"sum by (reason) ({rate(of_cluster(f'{_E}store_errors_total'))})",
        "undecodable: {{reason}}": f"sum by (reason) ({rate(of_cluster(f'{_E}decode_errors_total'))})",
        "sightings refused": f"sum({rate(of_cluster(f'{_E}store_refused_total'))})",
        "unexpected table full": f"sum({rate(of_cluster(f'{_E}unexpected_destinations_refused_total'))})",
        "scrapes refused": f"sum({rate(of_cluster(f'{_E}scrapes_refused_total'))})",
    }
    return graph(
        "Errors",
        "Errors of the store, messages that could not be read, sightings and unexpected destinations without room, and"
        " scrapes that were refused, a second. Each has an alert with a runbook.",
        [line(f"{expr} > 0", legend, ref) for (legend, expr), ref in zip(counters.items(), "ABCDE", strict=True)],
        unit="cps",
        empty="No errors",
    )


def findings() -> bargauge.Panel:
    """What became of the findings."""
    told = within_range(of_cluster(f"{_E}findings_total"))
    return bars(
        "Findings in the time shown, by sink and outcome",
        "delivered is well; suppressed: the workload had its share of this hour; dropped and failed are lost: look at"
        " the file or the webhook.",
        [value(f"sum by (sink, outcome) ({told})", "{{sink}}: {{outcome}}")],
        unit="locale",
        empty="No findings yet",
    ).decimals(0)


def evaluations() -> bargauge.Panel:
    """How contacts are answered by the expectations."""
    answers = within_range(of_cluster(f"{_E}expectation_evaluations_total"))
    return bars(
        "New contacts, looked up in the expectations",
        "By answer, in the time shown. A contact is looked up once until the expectations change: 0 unexpected says"
        " that none is new; what is in the table of unexpected destinations may go on. Much undecided: names, labels or"
        " fields are missing; much not_covered: nobody declared anything for these workloads.",
        [value(f"sum by (answer) ({answers})", "{{answer}}")],
        unit="locale",
    ).decimals(0)
