"""The status in words: the sentence that sums it up, times and how long ago they were."""

from datetime import UTC, datetime

from exporter.web.status import Coverage, State, Stream

_LOW_COVERAGE = 0.99
"""Below it the page says so; a loss now and then is how rings work."""


def headline(stream: Stream, at: datetime, dead_thread: str = "") -> str:
    """The answer to "is it working", as a sentence."""
    match stream.state:
        case State.WORKING:
            return "Working: flows arrive"
        case State.CATCHING_UP:
            return f"Catching up: the flows that arrive are from {ago(stream.newest_flow, at)}"
        case State.SILENT:
            return f"Connected, but the last flow came {ago(stream.newest_arrival, at) or 'before that'}"
        case State.WAITING:
            return "Connected, waiting for the first flow"
        case State.CONNECTING:
            return "Connecting"
        case State.DISCONNECTED:
            return f"Not connected: {stream.last_fault.hint if stream.last_fault else 'trying again'}"
        case State.READING:
            return "Reading a recording"
        case State.FINISHED:
            return "The recording is read to its end"
        case State.DEAD:
            return f"Broken: the {dead_thread} thread is dead, the process ends"


def remarks(stream: Stream, coverage: Coverage) -> tuple[str, ...]:
    """What the headline must not let one overlook: silence is not safety."""
    found = []
    if lost := sum(coverage.lost_events.values()):
        found.append(f"Hubble lost {lost:,} events since the start: what was in them was not seen.")
    if coverage.ratio is not None and coverage.ratio < _LOW_COVERAGE:
        found.append(f"Only {coverage.ratio:.0%} of what the agents saw in the last five minutes could reach us.")
    if coverage.lacks_traces:
        found.append("The agents see flows and send no trace events: forwarded connections are not seen.")
    away = sum(number for state, number in stream.nodes.items() if state != "connected")
    if away:
        found.append(f"{away:,} of {sum(stream.nodes.values()):,} nodes are not connected: their flows are missing.")
    return tuple(found)


def moment(time_ns: int) -> datetime | None:
    """A time in ns since the epoch, None for none or one that no calendar has."""
    try:
        return datetime.fromtimestamp(time_ns / 1e9, UTC) if time_ns > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


_UNITS = ((86400, "day"), (3600, "h"), (60, "min"), (1, "s"))


def ago(then: datetime | None, now: datetime) -> str:
    """`12 s ago`, in the largest unit that fits; empty for no time."""
    if then is None:
        return ""
    seconds = int((now - then).total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            number = seconds // size
            return f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''} ago"
    return "just now"


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
