"""Workloads and destinations for a terminal. Nothing in a name reaches it as it is: anybody may have caused flows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from textwrap import wrap

from exporter.documents.faults import printable
from exporter.knowing.reports import Known, KnownWorkload, Shown

_WIDTH = 100
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def workloads(found: Sequence[KnownWorkload], now: datetime) -> Iterator[str]:
    """A line for each workload; its cluster only where there are several."""
    heads = ("CLUSTER", "WORKLOAD", "STATE", "AGE", "DESTINATIONS", "LAST SEEN")
    rows = [heads, *(_workload(one, now) for one in found)]
    has_clusters = len({one.cluster for one in found}) > 1
    yield from _columns(rows if has_clusters else [row[1:] for row in rows])


def destinations(shown: Shown) -> Iterator[str]:
    """The workload, why it is in its state, and where it goes."""
    about = shown.about
    since = f" since {_time(about.since)}" if about.since else ""
    yield f"{printable(about.title)} in cluster {printable(about.cluster)}: {about.state}{since}"
    if about.missing:
        yield f"  still learning: {'; '.join(about.missing)}"
    names = "names are seen" if about.names_seen else "its names are not seen"
    yield f"  known since {_time(about.first_seen)}, last seen {_time(about.last_seen)}"
    numbers = ((about.known, "destination"), (about.pods, "pod"), (about.starts, "start"))
    yield f"  {', '.join(_count(*one) for one in numbers)}, {names}"
    if shown.destinations:
        yield ""
        yield from _of(shown)


def _workload(one: KnownWorkload, now: datetime) -> tuple[str, ...]:
    age, last = _age(one.first_seen, now), _time(one.last_seen)
    return one.cluster, one.title, one.state, age, str(one.known), last


def _of(shown: Shown) -> Iterator[str]:
    """One line for each port; the addresses of a name are below the last of them."""
    heads = ("DESTINATION", "PORT", "KIND", "FIRST SEEN", "LAST SEEN", "EXPECTATION", "VERDICT")
    lines = _columns([heads, *map(_row, shown.destinations)])
    yield next(lines)
    for destination, group in groupby(shown.destinations, lambda one: one.destination):
        for _ in group:
            yield next(lines)
        addresses = ", ".join(map(printable, shown.addresses.get(destination, ())))
        yield from wrap(addresses, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def _row(one: Known) -> tuple[str, ...]:
    port = f"{one.port or ''}/{one.protocol}" if one.port else one.protocol
    # Who asked for a name has not said which port it wanted.
    port = "(query)" if one.port is None and one.protocol == "udp" else port
    said = (one.kind or "?", _time(one.first_seen), _time(one.last_seen), one.expectation or "?", one.verdict or "?")
    return (one.destination, port, *said)


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    written = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*written, strict=True)]
    for row in written:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _age(since: datetime | None, now: datetime) -> str:
    if since is None:
        return "?"
    seconds = max(0, int((now - since).total_seconds()))
    return next((f"{seconds // size}{unit}" for size, unit in _UNITS if seconds >= size), "0s")


def _time(time: datetime | None) -> str:
    return "?" if time is None else f"{time:%Y-%m-%d %H:%M:%S}"
