"""Panels of Workload triage about names: why they fail, and how DNS does."""

from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import SpecialValueMatch

from dashboards import colours
from dashboards.panels import graph, number
from dashboards.queries import line, of_cluster, of_workloads, or_zero, rate, rows, value, within_range
from dashboards.tables import Column, listing

CAUSES: Final = {
    "dns_blocked": "Policy drops its queries to the resolver: allow 53/UDP and 53/TCP to it",
    "dns_tcp_blocked": "Queries pass by UDP and are dropped by TCP: allow 53/TCP, long answers need it",
    "resolver_ingress_blocked": "The resolver's own ingress policy drops its queries: allow 53 from all pods there",
    "query_refused": "The DNS proxy refuses the name: add it to rules.dns and to toFQDNs, if it is wanted",
    "upstream_refused": "The DNS server itself answers REFUSED: look at its configuration",
    "search_suffix_refused": "Only the name with a search suffix is asked, and refused: allow it, or add a dot to it",
    "egress_denied_after_dns": "The name is answered, and the connection dropped: add toFQDNs with its port, if wanted",
    "name_not_covered": "No toFQDNs rule covers the name that it asks for: add it, if it is wanted",
    "port_not_covered": "The rule for the name does not have the port: add it to its toPorts",
    "visibility_missing": "toFQDNs rules cannot match: its DNS does not pass the proxy. Add rules.dns",
    "cname_not_covered": "A rule has the CNAME's target: write the name that is asked",
    "autopath": "The resolver answers with the suffix (autopath): the agent knows the address under that name only",
    "stale_address": "It connects to an address whose time to live is over: it must ask again",
    "still_world": "Rule and answer are right, and the address still is world: look at the agent of the node",
    "nxdomain": "Names that do not exist: look for a typing error or a missing service",
    "servfail": "The DNS server fails (SERVFAIL): look at the resolver and what it asks",
    "unanswered": "Queries get no answer: look at the resolver's health and load",
    "proxy_error": "The DNS proxy cannot forward queries: look at the agent of the node",
    "upstream_blocked": "Policy drops what the resolver asks of others: allow its upstream servers",
    "infrastructure": "No policy drops it: connection tracking, NAT, routes or gateways",
}
_RESPONSES: Final = "hubble_egress_dns_responses_total"
_REAL: Final = 'expansion="false"'


def broken() -> stat.Panel:
    """How many causes there are."""
    return number(
        "DNS causes",
        "Causes for which names cannot be resolved or reached now; the table below says which, and what to change.",
        [value(or_zero(f"count({of_workloads('hubble_egress_dns_breakage')} == 1)"))],
        unit="short",
        limits=colours.bad_from(1),
    )


def nxdomain() -> stat.Panel:
    """How many answers say that there is no such name."""
    all_answers = within_range(of_workloads(_RESPONSES, _REAL))
    missing = within_range(of_workloads(_RESPONSES, _REAL, 'rcode="NXDOMAIN"'))
    return number(
        "NXDOMAIN",
        "Share of the answers in the time shown that say: no such name. Search-suffix expansions are left out. Below"
        " 5 % is usual; more is a wrong name in the configuration, or a guess at names.",
        [value(f"(sum({missing}) or 0 * sum({all_answers})) / sum({all_answers})")],
        unit="percentunit",
        empty="DNS not seen",
        limits=colours.bad_from(0.05),
        words=(colours.special(SpecialValueMatch.NA_N, "no answers"),),
    ).decimals(1)


def causes() -> table.Panel:
    """Why names fail now, in plain words."""
    return listing(
        "Why names fail now",
        "Causes that have evidence now, with what to do about each; one is gone when it had none for"
        " detectors.dns.quiet. The command at the right shows the evidence and the policy lines that would mend it.",
        [rows(f"max by (cause) ({of_workloads('hubble_egress_dns_breakage')}) == 1")],
        (Column("cause", "What is wrong, and what to do", words=(colours.texts(CAUSES),), wrapped=True),),
        hidden=("Value",),
        empty="No names fail",
    )


def dns() -> timeseries.Panel:
    """Queries, answers and failures."""
    queries = rate(of_workloads("hubble_egress_dns_queries_total"))
    answers = rate(of_workloads(_RESPONSES, _REAL))
    failures = rate(of_workloads("hubble_egress_dns_failures_total"))
    return graph(
        "DNS: queries, answers, failures",
        "Queries a second with search-suffix expansions, and answers by code without them. unanswered: no response in"
        " time; refused: by policy, in the proxy; proxy_error: not forwarded. Failures beside few answers: look at the"
        " causes above. Nothing at all: its DNS does not pass the proxy.",
        [
            line(f"sum({queries})", "queries"),
            line(f"sum by (rcode) ({answers})", "{{rcode}}", "B"),
            line(f"sum by (failure) ({failures})", "{{failure}}", "C"),
        ],
        unit="reqps",
        empty="DNS not seen: no egress rule with rules.dns?",
        fixed={
            "queries": colours.GREY,
            "NOERROR": colours.BLUE,
            "NXDOMAIN": colours.ORANGE,
            "SERVFAIL": colours.VERMILION,
            "REFUSED": colours.PURPLE,
            "refused": colours.PURPLE,
            "unanswered": colours.VERMILION,
            "proxy_error": colours.TEAL,
        },
    )


def latency() -> timeseries.Panel:
    """How long DNS takes in the namespace."""
    buckets = rate(of_cluster("hubble_egress_dns_latency_seconds_bucket", 'source_namespace=~"$source_namespace"'))
    return graph(
        "DNS latency of the namespace",
        "From query to response as the proxy saw them, half of them and 95 of 100; of the whole namespace, whatever"
        " workload is chosen. Seconds point at a resolver that is overloaded or asks a server that does not answer.",
        [
            line(f"histogram_quantile({share}, sum by (le) ({buckets}))", legend, ref)
            for share, legend, ref in ((0.5, "median", "A"), (0.95, "95 %", "B"))
        ],
        unit="s",
        empty="DNS not seen: no egress rule with rules.dns?",
        fixed={"median": colours.BLUE, "95 %": colours.ORANGE},
    )
