"""Times of facts as text, to the nanosecond, and back."""

import re
from datetime import UTC, datetime

from exporter.documents.faults import shown

_SECOND = 1_000_000_000
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, after which RFC 3339 has no times."""
_LEAST_NS, _MOST_NS = -(2**63), 10**20 - 1
"""What every store can keep."""
_TEXT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", re.ASCII)


def time_text(time_ns: int) -> str | int:
    """RFC 3339 in UTC with nanoseconds; the number itself where no calendar has the time: clocks may be wrong."""
    seconds, rest = divmod(time_ns, _SECOND)
    if not 0 <= seconds <= _LAST_SECOND:
        return time_ns
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def time_from(value: object) -> int:
    """The time that such a text, or number, says.

    Raises:
        ValueError: when it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and _LEAST_NS <= value <= _MOST_NS:
        return value
    found = _TEXT.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is not None:
            moment = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
            return int(moment.timestamp()) * _SECOND + int(found[2])
    except ValueError:
        pass
    raise ValueError(f"{shown(value)} is no time such as 2027-01-15T08:00:00.000000000Z")
