"""The sections of the landing page, each from the part of the status that it shows."""

from collections.abc import Mapping
from datetime import datetime

from exporter.web.html import Column, Html, element, joined, pairs, table, time
from exporter.web.status import Coverage, DropRow, State, Status
from exporter.web.words import ago

_TONES = {
    State.WORKING: ("good", "✔"),
    State.READING: ("good", "✔"),
    State.FINISHED: ("good", "✔"),
    State.DISCONNECTED: ("bad", "✖"),
    State.DEAD: ("bad", "✖"),
}
_WORKLOAD, _DESTINATION = Column("Workload", "workload"), Column("Destination", "destination")
_CONNECTIONS, _DROPS = Column("Connections", "number"), Column("Drops", "number")
_DROP_COLUMNS = (
    Column("Time (UTC)", "time"),
    _WORKLOAD,
    _DESTINATION,
    Column("Port", "port"),
    Column("Reason", "reason"),
    Column("Node", "node"),
)
_NEARLY_A_MINUTE = 58.0
_LITTLE = 10.0
"""Below this a rate has a decimal: 0.4 flows per second are not none."""


def answer(status: Status) -> Html:
    """The sentence that answers the question, and the numbers that prove it."""
    tone, sign = _TONES.get(status.stream.state, ("attention", "!"))
    counts = status.counts
    numbers = (
        (f"Flows/s, last {_span(status)}", _rate(status)),
        ("Flows", _number(counts.flows)),
        ("Connections", _number(counts.connections)),
        ("Drops", _number(counts.drops)),
        ("DNS queries", _number(counts.dns_queries)),
        ("L7 requests", _number(counts.l7_requests)),
    )
    return element(
        "section",
        element("h2", element("span", sign, class_="sign", aria_hidden="true"), element("span", status.headline)),
        *(element("p", remark) for remark in status.remarks),
        element("div", pairs(numbers), class_="numbers"),
        class_=f"answer {tone}",
    )


def stream(status: Status) -> Html:
    """Where flows come from, how that goes, and what is known to be missing."""
    now, source = status.at, status.stream
    entries: list[tuple[str, str]] = [("Source", source.source)]
    if source.live:
        connected = source.state not in (State.CONNECTING, State.DISCONNECTED)
        entries += [
            ("Connected since" if connected else "Not connected since", when(source.since, now, none="the start")),
            ("Hubble", source.server_version or ("did not say its version" if connected else "not known yet")),
        ]
    entries += [
        ("Newest flow", when(source.newest_flow, now, none="none yet")),
        ("Nodes", _by_name(source.nodes) or "none heard of yet"),
        ("Coverage", _coverage(status.coverage)),
        ("Lost events", _by_name(status.coverage.lost_events) or "none that Hubble admits"),
        ("Skipped", _by_name(status.coverage.skipped) or "no message was unreadable"),
        ("Series in use", _number(status.counts.series)),
    ]
    if source.last_fault:
        fault = source.last_fault
        told = joined((fault.reason, f" ({fault.code}), ", when(fault.at, now), f": {fault.hint}"))
        entries.append(("Last fault", joined((told, element("small", fault.detail)))))
    return element("div", pairs(entries), class_="facts")


def last_drops(status: Status) -> Html:
    """The last drops, the newest first."""
    if not status.last_drops:
        return _nothing(status, "No drop was seen yet.", "The recording has no drop.")
    rows = [
        (
            clock(drop.at, status.at),
            workload(drop.namespace, drop.workload),
            _target(drop),
            f"{drop.port}/{drop.protocol}" if drop.port else drop.protocol,
            named(drop.reason, f"\N{MULTIPLICATION SIGN}{_number(drop.times)}" if drop.times > 1 else ""),
            drop.node_name,
        )
        for drop in status.last_drops
    ]
    return table("Last drops, the newest first", _DROP_COLUMNS, rows, narrow="cards")


def reasons(status: Status) -> Html:
    """Drops by reason."""
    if not status.drops_by_reason:
        return _nothing(status, "No drop was seen yet.", "The recording has no drop.")
    rows = [(row.reason, _number(row.drops)) for row in status.drops_by_reason]
    return table("Drops by reason", (Column("Reason"), _DROPS), rows)


def workloads(status: Status) -> Html:
    """The workloads with the most connections."""
    if not status.top_workloads:
        return _nothing(status, "No workload has egress yet.", "No workload in the recording has egress.")
    rows = [
        (
            named(workload(row.namespace, row.workload), "" if row.dns_visible else "DNS not seen"),
            _number(row.connections),
            _number(row.drops),
        )
        for row in status.top_workloads
    ]
    return joined(
        (
            table("Top workloads by connections", (_WORKLOAD, _CONNECTIONS, _DROPS), rows),
            _more(len(rows), status.counts.workloads, "workloads"),
        )
    )


def destinations(status: Status) -> Html:
    """The destinations with the most connections."""
    if not status.top_destinations:
        return _nothing(status, "No connection was counted yet.", "The recording has no egress connection.")
    rows = [
        (
            named(row.destination, f"{'no name' if row.kind == 'world' else row.kind}, {row.scope}"),
            _number(row.connections),
        )
        for row in status.top_destinations
    ]
    return joined(
        (
            table("Top destinations by connections", (_DESTINATION, _CONNECTIONS), rows),
            _more(len(rows), status.counts.destinations, "destinations"),
        )
    )


def settings(status: Status) -> Html:
    """What was set, and behind a click everything that is in effect."""
    columns = (Column("Setting"), Column("Value"))
    changed = [(row.path, row.value) for row in status.settings if row.changed]
    every = [(row.path, row.value) for row in status.settings]
    return joined(
        (
            table("Settings that differ from their default", columns, changed, narrow="stacked")
            if changed
            else element("p", "All settings have their defaults."),
            element(
                "details",
                element("summary", f"All {len(every)} settings in effect"),
                table("All settings in effect", columns, every, narrow="stacked"),
            ),
        )
    )


def when(time_: datetime | None, now: datetime | None = None, none: str = "at an unknown time") -> Html:
    """A moment in words, and how long ago it was."""
    if time_ is None:
        return joined((none,))
    text = time_.strftime("%Y-%m-%d %H:%M:%S UTC")
    return time(time_, f"{text} ({ago(time_, now)})" if now else text)


def clock(time_: datetime | None, now: datetime) -> Html:
    """A moment of today by its time alone."""
    if time_ is None:
        return joined(("unknown",))
    return time(time_, time_.strftime("%H:%M:%S" if time_.date() == now.date() else "%Y-%m-%d %H:%M:%S"))


def _target(drop: DropRow) -> Html:
    """The destination, and its address where the name does not say it."""
    return named(drop.destination, drop.address if drop.kind in ("fqdn", "cidr", "world") else "")


def workload(namespace: str, name: str) -> Html:
    """A long name breaks after its namespace, where there is no room for both."""
    return joined((f"{namespace}/", element("wbr"), name)) if namespace else joined((name,))


def named(name: str, further: str) -> Html:
    """What something is called, and in small what else is known of it."""
    return joined((element("span", name), " ", element("small", further) if further else ""))


def _coverage(coverage: Coverage) -> str:
    """`100 %` only when nothing at all is missing."""
    if coverage.ratio is None:
        return "not measured"
    share = coverage.ratio if coverage.ratio == 1 else min(coverage.ratio, 0.999)
    return f"{share:.1%} of the last five minutes".replace("100.0%", "100%")


def _by_name(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{_number(number)} {name}" for name, number in sorted(numbers.items()))


def _number(number: int) -> str:
    return f"{number:,}"


def _span(status: Status) -> str:
    """How much time the rate is about: a minute, or less after the start."""
    seconds = status.stream.rate_seconds
    return "minute" if seconds is None or seconds > _NEARLY_A_MINUTE else f"{seconds:.0f} s"


def _rate(status: Status) -> str:
    rate = status.stream.flows_per_second
    if rate is None:
        return "ended" if status.stream.state is State.FINISHED else "not yet"
    return f"{rate:,.1f}" if 0 < rate < _LITTLE else f"{rate:,.0f}"


def _more(shown: int, all_: int, what: str) -> Html:
    return element("p", f"{_number(shown)} of {_number(all_)} {what}.", class_="more") if all_ > shown else Html("")


def _nothing(status: Status, so_far: str, in_recording: str) -> Html:
    """Why there is nothing to show; silence is not safety."""
    state = status.stream.state
    if state is State.FINISHED:
        return element("p", in_recording)
    if status.counts.connections or status.counts.drops:
        # What was idle for the time-to-live of its series is counted, and shown no more.
        return element("p", "None lately: what was idle for metrics.ttl has left the tables.")
    if status.counts.flows:
        return element("p", so_far)
    return element("p", f"{so_far} {'Reading.' if state is State.READING else 'No flow has arrived.'}")
