"""Panels of Exporter health about room and cost: series, caches, CPU and memory."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, timeseries

from dashboards import colours
from dashboards.panels import bars, graph, number
from dashboards.queries import line, of_cluster, rate, value

_E: Final = "hubble_egress_exporter_"
_OURS: Final = f" and on (cluster, job, instance) {of_cluster(f'{_E}build_info')}"
# Each budget as a share of its limit, of every exporter.
_SHARES: Final = {
    "series": f"sum without (family) ({of_cluster(f'{_E}series')}) / {of_cluster(f'{_E}series_limit')}",
    "retained series": (
        f"sum without (family) ({of_cluster(f'{_E}retained_series')}) / {of_cluster(f'{_E}retained_series_limit')}"
    ),
    "store entries": f"{of_cluster(f'{_E}store_entries')} / {of_cluster(f'{_E}store_entries_limit')}",
    "store queue": f"{of_cluster(f'{_E}store_queue')} / {of_cluster(f'{_E}store_queue_limit')}",
}


def fullest() -> stat.Panel:
    """How full the fullest budget is."""
    named = (f'label_replace(max({share}), "budget", "{name}", "", "")' for name, share in _SHARES.items())
    return number(
        "Fullest budget",
        "Series, retained series, store entries and store queue against their limits; the one of all exporters that is"
        " fullest. At 100 % new series are counted under ~other, entries leave memory, or sightings are refused.",
        [value(f"topk(1, {' or '.join(named)})", "{{budget}}")],
        unit="percentunit",
        limits=colours.steps(colours.PLAIN, (0.8, colours.WARNING), (1, colours.BAD)),
    ).decimals(0)


def series() -> timeseries.Panel:
    """Budgets over time."""
    return graph(
        "Budgets, share of their limits",
        "The fullest exporter's share of each limit (metrics.series, metrics.retained-series, known.entries, and the"
        " queue of the store). What grows towards 100 % needs a higher limit or fewer labels.",
        [line(f"max({share})", name, ref) for (name, share), ref in zip(_SHARES.items(), "ABCD", strict=True)],
        unit="percentunit",
        fixed=dict(zip(_SHARES, (colours.BLUE, colours.SKY, colours.ORANGE, colours.VERMILION), strict=True)),
    )


def folded() -> timeseries.Panel:
    """What found no room."""
    return graph(
        "Folded and refused",
        "folded: counted under ~other a second because a budget was used up, by label. refused: new series that found"
        " no room at all and were folded, by family. Steady folding hides destinations: raise the budget or coarsen a"
        " label.",
        [
            line(f"sum by (label) ({rate(of_cluster(f'{_E}folded_total'))}) > 0", "folded: {{label}}"),
            line(f"sum by (family) ({rate(of_cluster(f'{_E}series_refused_total'))}) > 0", "refused: {{family}}", "B"),
        ],
        unit="cps",
        empty="Nothing folded or refused",
    )


def caches() -> bargauge.Panel:
    """How full caches and windows are."""
    share = f"max by (cache) ({of_cluster(f'{_E}cache_entries')} / {of_cluster(f'{_E}cache_limit')})"
    return bars(
        "Fullest caches and windows",
        "The eight fullest. A full one starts over or lets its oldest go: more work, or connections and names that are"
        " forgotten early.",
        [value(f"topk(8, {share})", "{{cache}}")],
        unit="percentunit",
        limits=colours.steps(colours.SKY, (0.9, colours.WARNING)),
        full=1,
    )


def cpu() -> timeseries.Panel:
    """CPU of each exporter."""
    return graph(
        "CPU",
        "Cores that each exporter uses. It works in one thread: near 1 it does not keep up, lag grows and events are"
        " lost. Run one for each node's agent then, or leave out what you do not need.",
        [line(rate(of_cluster("process_cpu_seconds_total")) + _OURS, "{{instance}}")],
        unit="none",
    )


def memory() -> timeseries.Panel:
    """Memory of each exporter."""
    return graph(
        "Memory",
        "Resident memory of each exporter. It grows with series and what is remembered, and is bounded by their"
        " limits.",
        [line(of_cluster("process_resident_memory_bytes") + _OURS, "{{instance}}")],
        unit="bytes",
    )
