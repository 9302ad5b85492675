"""An entry of the allowlist as YAML, and until when it holds. Pure functions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import yaml

from exporter.duration import parse_duration

_DAY = 86_400.0
_ANY_WIDTH = 2**31


class Entry(NamedTuple):
    """Who may go where, who answers for it, why, and until when."""

    workload: str
    to: Sequence[Mapping[str, str]]
    port: str
    owner: str
    reason: str
    expires: date

    def lines(self, *, ascii_only: bool = False) -> Iterator[str]:
        """The item of the list `allow`, without indentation."""
        written = _Writer(ascii_only=ascii_only)
        yield f"- workloads: {written.of([self.workload])}"
        yield "  to:"
        for peer in self.to:
            yield from (f"    - {key}: {written.of(value)}" for key, value in peer.items())
        yield f"  ports: {written.of([self.port])}"
        yield f"  owner: {written.of(self.owner)}"
        yield f"  reason: {written.of(self.reason)}"
        yield f"  expires: {self.expires.isoformat()}"


class _Writer(NamedTuple):
    """Writes one value on one line."""

    ascii_only: bool

    def of(self, value: object) -> str:
        text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=not self.ascii_only, width=_ANY_WIDTH)
        # The end of a document with one bare value.
        return text.removesuffix("...\n").rstrip("\n")


def one_line(text: str, what: str) -> str:
    """The text, which must be one line for people.

    Raises:
        ValueError: when it is not.
    """
    text = text.strip()
    if not text or not text.isprintable():
        raise ValueError(f"{what} must be one line of text; it says who answers for the entry, and why")
    return text


def expires_from(text: str, today: date) -> date:
    """The day from which on it is no longer allowed: a date, or a duration from today on, in whole days.

    Raises:
        ValueError: when it is neither, or is over already.
    """
    try:
        expires = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        expires = _after(text, today)
    if expires <= today:
        raise ValueError(f"{text} is over: the entry would allow nothing")
    return expires


def _after(text: str, today: date) -> date:
    try:
        return today + timedelta(days=math.ceil(parse_duration(text) / _DAY))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no date such as 2027-03-01, and no duration such as 30d") from None
