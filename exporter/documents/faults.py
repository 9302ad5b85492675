"""What is wrong with something written: one fault per line, each with its place and the way out."""

from collections.abc import Iterable
from typing import NamedTuple

MASK = "**********"
_LONGEST = 60


class Place(NamedTuple):
    """Where something was written: a file with line and column, a variable or a flag."""

    name: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.line}:{self.column}" if self.line else self.name


class Fault(NamedTuple):
    """One thing that is wrong; `path` is the setting or field it is about, where one is known."""

    place: Place
    text: str
    path: str = ""

    def __str__(self) -> str:
        # A variable or a flag names its setting already; a line of a file does not.
        parts = (str(self.place), self.path, self.text) if self.place.line else (str(self.place), self.text)
        line = " ".join(": ".join(part for part in parts if part).splitlines())
        return line.encode(errors="backslashreplace").decode()


class DocumentError(Exception):
    """A document cannot be used; its text is the whole message, one line per fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        # Stable: faults of files in the order of their lines, then those of variables and flags.
        self.faults = tuple(sorted(faults, key=lambda fault: (not fault.place.line, fault.place[1:])))
        super().__init__("\n".join(map(str, self.faults)))


def shown(value: object) -> str:
    """`value` quoted for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def printable(text: str) -> str:
    """The text as one line: whatever would begin another, or move the cursor, is written as its escape."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def named(text: str) -> str:
    """`text` as a name in a message: bare where it reads as one, quoted otherwise."""
    return text if text.isprintable() and " " not in text and 0 < len(text) <= _LONGEST else shown(text)
