"""Exporter health: does it see everything, and has it room for it?"""

from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import colours, exporter_budgets, exporter_store, shared
from dashboards.board import Line, board, with_lines, with_variables
from dashboards.panels import graph, number
from dashboards.queries import line, of_cluster, or_zero, rate, rows, value, within_range
from dashboards.tables import Column, listing

_E: Final = "hubble_egress_exporter_"
_YES: Final = colours.alarming({"1": ("yes", colours.PLAIN), "0": ("no", colours.BAD)})
_NO: Final = colours.alarming({"0": ("no", colours.PLAIN), "1": ("yes", colours.BAD)})
_LAG: Final = rate(of_cluster(f"{_E}lag_seconds_bucket"))


def _connected() -> stat.Panel:
    connected = of_cluster(f"{_E}connected")
    return number(
        "Not connected",
        "Exporters that have no open stream of flows: they see nothing, and say nothing. Look at the graph of attempts"
        " for the reason, then at Hubble Relay.",
        [value(or_zero(f"count({connected} == 0)"))],
        unit="short",
        limits=colours.bad_from(1, colours.BAD),
    )


def _lost() -> stat.Panel:
    # A rate would say 0 beside the graph whose peak was a minute ago.
    lost = f"sum({within_range(of_cluster(f'{_E}lost_events_total'))})"
    return number(
        "Events lost",
        "Events that Hubble says it lost before they reached us, in the time shown; the graph says when and where."
        " More than now and then: raise the ring buffer of the agents (hubble.eventBufferCapacity) or the CPU of the"
        " exporter.",
        [value(or_zero(lost))],
        unit="short",
        limits=colours.bad_from(1),
    ).decimals(0)


def _lag_now() -> stat.Panel:
    return number(
        "Lag, 99 of 100",
        "From the time that a flow carries to its arrival here, for 99 of 100 flows. Above some seconds the exporter or"
        " Relay does not keep up, or clocks differ. Five minutes is the most that is measured.",
        [value(f"histogram_quantile(0.99, sum by (le) ({_LAG}))")],
        unit="s",
        empty="No live flows",
        limits=colours.bad_from(10),
    )


def _certificate() -> stat.Panel:
    left = f"min by (certificate) ({of_cluster(f'{_E}tls_certificate_expiry_timestamp_seconds')}) - time()"
    return number(
        "Certificates end in",
        "Time left of the certificates for Hubble. Replace them two weeks before; files that change are read again"
        " without a restart.",
        [value(left, "{{certificate}}")],
        unit="dtdurations",
        empty="No TLS",
        limits=colours.bad_below(1209600, 86400),
    )


def _exporters() -> table.Panel:
    one = "cluster, instance"
    gauges = (
        f"max by ({one}, version) ({of_cluster(f'{_E}build_info')})",
        f"min by ({one}) ({of_cluster(f'{_E}connected')})",
        f"1000 * max by ({one}) ({of_cluster(f'{_E}last_flow_timestamp_seconds')})",
        f"min by ({one}) ({of_cluster(f'{_E}cluster_coverage_ratio')})",
        f"max by ({one}) ({of_cluster(f'{_E}store_degraded')})",
        f"min by ({one}) ({of_cluster(f'{_E}config_last_reload_successful')})",
        f"min by ({one}) ({of_cluster(f'{_E}expectation_last_reload_successful')})",
        f"min by ({one}) ({of_cluster(f'{_E}position_saved')})",
        f"sum by ({one}) ({within_range(of_cluster(f'{_E}gap_seconds_total'))})",
    )
    columns = (
        Column("cluster", "Cluster", width=110),
        Column("instance", "Exporter"),
        Column("version", "Version", width=110),
        Column("Value #B", "Connected", width=100, words=(_YES,), coloured=True),
        Column("Value #C", "Newest flow", "dateTimeFromNow", width=145),
        Column("Value #D", "Coverage", "percentunit", width=100, decimals=1),
        Column("Value #I", "Missed", "dtdurations", width=110),
        Column("Value #E", "Store degraded", width=130, words=(_NO,), coloured=True),
        Column("Value #F", "Settings read", width=120, words=(_YES,), coloured=True),
        Column("Value #G", "Expectations read", width=150, words=(_YES,), coloured=True),
        Column("Value #H", "Position saved", width=130, words=(colours.texts({"1": "yes", "0": "no"}),)),
    )
    return listing(
        "Exporters",
        "One row an exporter. Missed is the time that rings had forgotten when we came back, summed over nodes. A"
        " degraded store repeats findings and keeps workloads learning. Settings or expectations that were not read"
        " again are still those of before: the log says which line is wrong. Without a saved position a restart has a"
        " gap.",
        [rows(expr, ref) for expr, ref in zip(gauges, "ABCDEFGHI", strict=True)],
        columns,
        hidden=("Value #A",),
        empty="No data: is the exporter scraped?",
    )


def _coverage() -> timeseries.Panel:
    return graph(
        "Coverage by node",
        "Share of what each node's agent saw in the last five minutes that could reach us. A gap: not known. A node"
        " below the others loses events, or its agent is cut off from Relay.",
        [line(f"min by (node_name) ({of_cluster(f'{_E}coverage_ratio')})", "{{node_name}}")],
        unit="percentunit",
        empty="Not known: the server counts no flows",
    ).max(1)


def _lag() -> timeseries.Panel:
    quantiles = ((0.5, "median", "A"), (0.95, "95 %", "B"), (0.99, "99 %", "C"))
    return graph(
        "Lag",
        "From the time that a flow carries to its arrival here; live streams only. Growing lag: the exporter or Relay"
        " does not keep up, and rings will overflow next.",
        [line(f"histogram_quantile({q}, sum by (le) ({_LAG}))", legend, ref) for q, legend, ref in quantiles],
        unit="s",
        empty="No live flows",
        fixed={"median": colours.BLUE, "95 %": colours.ORANGE, "99 %": colours.VERMILION},
    )


def build() -> Dashboard:
    """The whole dashboard."""
    meaning = "Whether the exporter sees everything, keeps up, and has room: what the other dashboards rest on."
    stats = (_connected(), shared.coverage(), _lag_now(), _lost(), exporter_budgets.fullest(), _certificate())
    lines: list[Line] = [
        (4, [(4, panel) for panel in stats]),
        (5, [(24, _exporters())]),
        "Does it see everything?",
        (7, [(8, _coverage()), (8, _lag()), (8, exporter_store.flows())]),
        (7, [(8, exporter_store.lost()), (8, exporter_store.nodes()), (8, exporter_store.connects())]),
        "Has it room?",
        (7, [(8, exporter_budgets.series()), (8, exporter_budgets.folded()), (8, exporter_budgets.caches())]),
        "Does it remember and announce?",
        (7, [(8, exporter_store.store()), (8, exporter_store.troubles()), (8, exporter_store.findings())]),
        "What does it cost?",
        (7, [(8, exporter_budgets.cpu()), (8, exporter_budgets.memory()), (8, exporter_store.evaluations())]),
    ]
    new = board("hubble-egress-exporter", "Exporter health", meaning)
    return with_lines(with_variables(new, hidden=True), lines)
