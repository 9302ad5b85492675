"""What is measured, what it must reach, and the table that says whether it did."""

from collections.abc import Mapping
from typing import NamedTuple

Figures = Mapping[str, float]

MOST_FLOOR = 12.0
"""µs per flow of a raw reader above which the server, not the client, was what took the time."""


class Measure(NamedTuple):
    """One line of the table; `key` is its name in the JSON object."""

    key: str
    what: str
    form: str
    at_most: float | None = None
    at_least: float | None = None

    def target(self) -> str:
        """What it must reach, for people."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else "reported"

    def verdict(self, value: float) -> str:
        """Whether `value` reaches it."""
        if self.at_most is None and self.at_least is None:
            return ""
        low = self.at_least is not None and value < self.at_least
        high = self.at_most is not None and value > self.at_most
        return "NOT REACHED" if low or high else "ok"


def _of_a_node(store: str) -> tuple[Measure, ...]:
    return (
        Measure(f"node_{store}_start_mib", f"node, {store}: resident memory before the first flow, MiB", "{:.0f}"),
        Measure(f"node_{store}_quiet_mib", "  after three hours at 10 flows/s", "{:.0f}"),
        Measure(f"node_{store}_end_mib", "  after another three minutes at 500", "{:.0f}"),
        Measure(f"node_{store}_end_pss_mib", "  the same without what is shared with others, MiB", "{:.0f}"),
        Measure(f"node_{store}_peak_mib", "  the most that it ever was", "{:.0f}"),
        Measure(f"node_{store}_idle_ms", "  CPU of a second without flows, ms", "{:.1f}"),
        Measure(f"node_{store}_quiet_ms", "  CPU of a second with 10 flows, ms", "{:.1f}"),
        Measure(f"node_{store}_busy_ms", "  CPU of a second with 500 flows, ms", "{:.1f}"),
        Measure(f"node_{store}_series", "  series", "{:.0f}"),
    )


MEASURES = (
    Measure("cpu_ratio_full", "CPU of `run` ÷ floor, full flows", "{:.2f}", at_most=2.3),
    Measure("cpu_us_per_flow_full", "  the same in µs per flow", "{:.1f}"),
    Measure("floor_us_per_flow_full", "  the floor in µs per flow", "{:.1f}", at_most=MOST_FLOOR),
    Measure("cpu_ratio_masked", "CPU of `run` ÷ floor, masked flows", "{:.2f}", at_most=2.5),
    Measure("scrape_throughput_ratio", "flows/s while 50,000 series are scraped ÷ without", "{:.2f}", at_least=0.8),
    Measure("scrape_cpu_s_50k", "CPU seconds of a scrape of 50,000 series", "{:.3f}", at_most=0.3),
    Measure("rss_mib_end", "resident memory at the end, MiB", "{:.0f}", at_most=250),
    Measure("rss_growth_last_half", "  its growth over the last half", "{:.3f}", at_most=0.02),
    Measure("visible_ms_p99", "from write to response, p99, beside idle, ms", "{:.0f}", at_most=100),
    Measure("ready_s", "`demo`, start to ready, seconds", "{:.2f}", at_most=1.5),
    Measure("filtered_share", "share that our request keeps off the wire", "{:.3f}"),
    Measure("expectations_stream_ratio", "CPU per flow with 5,000 policies ÷ without", "{:.2f}", at_most=1.1),
    Measure("expectations_read_s", "  reading 5,000 policies, CPU seconds", "{:.2f}"),
    Measure("expectations_mib", "  their memory, MiB", "{:.0f}"),
    Measure("expectations_first_us", "  a question not asked before (100,000 of them), µs", "{:.1f}"),
    Measure("expectations_again_us", "  the same question again, µs", "{:.2f}"),
    Measure("expectations_answers_mib", "  memory of 100,000 answers, MiB", "{:.0f}"),
    Measure("cluster_list_s", "listing 5,000 policies and services of an API server, CPU seconds", "{:.2f}"),
    Measure("cluster_read_s", "  reading them for the first time, CPU seconds", "{:.2f}"),
    Measure("cluster_change_s", "  when one of them changes, CPU seconds", "{:.3f}"),
    Measure("cluster_held_mib", "  memory of the client and of what it holds, MiB", "{:.0f}"),
    Measure("cluster_mib", "  the same with the rules, MiB", "{:.0f}"),
    Measure("nodes_commands_per_exporter_minute", "node mode: commands of an exporter in a minute", "{:.1f}"),
    Measure("nodes_merges_per_exporter_minute", "  workloads merged", "{:.1f}"),
    Measure("nodes_facts_per_exporter_minute", "  facts merged", "{:.0f}"),
    Measure("nodes_server_ms_per_exporter_minute", "  CPU of the server, ms", "{:.2f}"),
    Measure("nodes_received_kib_per_exporter_minute", "  received by it, KiB", "{:.1f}"),
    Measure("nodes_sent_kib_per_exporter_minute", "  sent by it, KiB", "{:.1f}"),
    Measure("nodes_commands_per_s", "  commands per second in this run", "{:.0f}"),
    Measure("nodes_server_us_per_command", "  CPU of the server for each, µs", "{:.0f}"),
    Measure("nodes_server_us_per_fact", "  CPU of the server for a fact that is merged, µs", "{:.1f}"),
    Measure("nodes_facts", "  facts of all", "{:.0f}"),
    Measure("nodes_server_bytes_per_fact", "  memory of the server for a fact, B", "{:.0f}"),
    Measure("nodes_connections_per_exporter", "  connections of an exporter", "{:.2f}"),
    Measure("nodes_server_kib_per_connection", "  memory of the server for one, KiB", "{:.0f}"),
    Measure("nodes_merge_ms_p50", "  a merge, p50, ms", "{:.1f}"),
    Measure("nodes_merge_ms_p99", "  a merge, p99, ms", "{:.1f}"),
    Measure("nodes_start_reads", "  workloads that an exporter reads when it starts", "{:.0f}"),
    Measure("nodes_start_kib", "  sent by the server for that, KiB", "{:.0f}"),
    Measure("nodes_start_ms", "  waited for that, ms", "{:.1f}"),
    Measure("nodes_start_server_ms", "  CPU of the server for a stop and a start, of 50 at once, ms", "{:.2f}"),
    Measure("nodes_storm_s", "  until all 50 have stopped, started and judged what they see, seconds", "{:.1f}"),
    Measure("nodes_storm_load_ms_p99", "  reading a workload meanwhile, p99, ms", "{:.1f}"),
    Measure("nodes_reconnect_server_ms", "  CPU of the server for a connection made anew, ms", "{:.3f}"),
    Measure("nodes_expire_s_per_100k", "  the hourly look at all facts, seconds for 100,000", "{:.2f}"),
    Measure("nodes_large_load_ms", "  reading a workload of 10,000 facts, ms", "{:.0f}"),
    Measure("nodes_large_load_server_ms", "  CPU of the server for that, ms", "{:.1f}"),
    Measure("nodes_large_load_kib", "  sent by it for that, KiB", "{:.0f}"),
    *_of_a_node("sqlite"),
    *_of_a_node("valkey"),
)


def table(figures: Figures) -> str:
    """The measures that were taken, in the order of `MEASURES`."""
    rows = [("measure", "value", "must reach", "")]
    for measure in MEASURES:
        if measure.key in figures:
            value = figures[measure.key]
            rows.append((measure.what, measure.form.format(value), measure.target(), measure.verdict(value)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        f"{what:<{widths[0]}}  {value:>{widths[1]}}  {target:<{widths[2]}}  {verdict}".rstrip()
        for what, value, target, verdict in rows
    )


def invalid(figures: Figures) -> str:
    """Why the figures mean nothing, or an empty text."""
    floor = figures.get("floor_us_per_flow_full", 0.0)
    if floor > MOST_FLOOR:
        return f"the server was the bottleneck: a raw reader took {floor:.1f} µs per flow"
    return ""
