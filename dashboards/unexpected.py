"""Panels about what nobody expected, and what is new; they stand on more than one dashboard."""

from dataclasses import replace
from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries

from dashboards import colours
from dashboards.panels import graph, number
from dashboards.queries import DESTINATION, WORKLOAD, line, of_workloads, or_zero, rows, threshold, value
from dashboards.tables import CLUSTER, NAMESPACE, PORT, PROTOCOL, SCOPE, VERDICT, Column, listing
from dashboards.tables import DESTINATION as TO
from dashboards.tables import WORKLOAD as FROM

NEWS: Final = "workload_novelty:hubble_egress_new_destinations:increase10m"
BYPASS: Final = "workload_transport:hubble_egress_dns_bypass:increase10m"
# Here what passes is the bad news, and what is dropped the good.
_VERDICT: Final = replace(
    VERDICT,
    words=(
        colours.alarming(
            {
                "forwarded": ("passed", colours.BAD),
                "redirected": ("passed, proxy", colours.BAD),
                "audited": ("audit only", colours.BAD),
                "dropped": ("dropped", colours.PLAIN),
            }
        ),
    ),
)
_UNEXPECTED: Final = "hubble_egress_unexpected_destination_%s_timestamp_seconds"


def _active(verdict: str) -> str:
    seen = f"max by ({WORKLOAD}, {DESTINATION}) ({of_workloads(_UNEXPECTED % 'last_seen', verdict)})"
    return or_zero(f"count(time() - {seen} < {threshold('active_seconds', 900)})")


def active() -> stat.Panel:
    """How many unexpected destinations there are at this moment."""
    return number(
        "Unexpected now",
        "Destinations that nothing allows and that were seen in the last quarter of an hour: those that policy lets"
        " pass, and those that it drops. What passes needs somebody; the table of unexpected destinations says where"
        " to.",
        [
            value(_active('verdict!="dropped"'), "passing"),
            value(_active('verdict="dropped"'), "dropped", "B"),
        ],
        unit="short",
        limits=colours.bad_from(1),
    )


def destinations(*, with_workload: bool) -> table.Panel:
    """Every unexpected destination with its times."""
    labels = f"{WORKLOAD}, {DESTINATION}"
    first, since, last = (of_workloads(_UNEXPECTED % name) for name in ("first_seen", "active_since", "last_seen"))
    where = (CLUSTER, NAMESPACE, FROM)
    columns = (
        *(where if with_workload else ()),
        TO,
        SCOPE,
        PORT,
        *((PROTOCOL,) if with_workload else ()),
        _VERDICT,
        Column("Value #A", "First seen", *(("dateTimeAsIso", 165) if with_workload else ("dateTimeFromNow", 120))),
        Column("Value #B", "Active for", "dtdurations", width=95),
        Column("Value #C", "Last seen", "dateTimeFromNow", width=145),
    )
    return listing(
        "Unexpected destinations",
        "Where workloads went that nothing allows: for a day after they were seen last, while the workload is not"
        " learning. First seen is ever; active for is the present episode, which ends after two hours of silence."
        " Dropped means that policy stopped it. Ask the owner; allow it (known accept), or find out which process it"
        " is.",
        [
            rows(f"1000 * min by ({labels}) ({first})"),
            rows(f"max by ({labels}) ({last}) - max by ({labels}) ({since})", "B"),
            rows(f"1000 * max by ({labels}) ({last})", "C"),
        ],
        columns,
        hidden=("destination_kind", *(() if with_workload else (PROTOCOL.source, *(one.source for one in where)))),
        empty="Nothing unexpected",
        # What passes comes before what is dropped.
        sort={"Verdict": True, "Last seen": True},
    )


def news() -> timeseries.Panel:
    """How many destinations are new, and under which circumstances."""
    return graph(
        "New destinations (in ten minutes)",
        "First sightings by what was going on: steady is the one to look at; rollout and startup come with a"
        " deployment, after_gap may be old news, learning is expected. Read from a recording rule, which sees the"
        " first event too; without our rules there is nothing here.",
        [line(f"sum by (context) ({of_workloads(NEWS)})", "{{context}}")],
        unit="short",
        empty="Nothing new, or the recording rules are not loaded",
        stacked=True,
        fixed={
            "steady": colours.VERMILION,
            "after_gap": colours.PURPLE,
            "rollout": colours.ORANGE,
            "startup": colours.SKY,
            "learning": colours.GREY,
        },
    )


def bypass() -> timeseries.Panel:
    """Who asks for names where nobody sees it."""
    return graph(
        "DNS past the resolver (in ten minutes)",
        "Contacts with resolvers that are not the cluster's: dns is port 53, dot port 853, doh a known resolver for"
        " HTTPS. Names asked there are seen by nobody, and answers do not fill toFQDNs rules. Some programs do it by"
        " default; else ask why. Read from a recording rule.",
        [line(f"sum by (transport) ({of_workloads(BYPASS)})", "{{transport}}")],
        unit="short",
        empty="None, or the recording rules are not loaded",
        fixed={"dns": colours.BLUE, "dot": colours.ORANGE, "doh": colours.PURPLE},
    )
