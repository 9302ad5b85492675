"""Stores the product families and renders them, in slices, so that a scrape never holds up the stream.

prometheus_client takes a second of CPU for 50,000 series, holding the interpreter all the while; sample prefixes that
are escaped once, when the series is born, render the same in a tenth of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice

from exporter.metrics.families import Family

_SLICE = 500
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Series:
    """One counter of a family; `prefix` is its sample line up to the value."""

    __slots__ = ("prefix", "value")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.value = 0


class Exposition:
    """The series of the product families. Not thread-safe by itself: rendering takes the owner's lock per slice."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = {family: dict[tuple[str, ...], Series]() for family in families}

    def series(self, family: Family, values: tuple[str, ...]) -> Series:
        """The series with these label values, in the order of the family's labels; born at 0."""
        table = self._families[family]
        series = table.get(values)
        if series is None:
            series = table[values] = Series(_prefix(family, values))
        return series

    def render(self, lock: AbstractContextManager[object], *, openmetrics: bool) -> Iterator[str]:
        """The exposition text of all product families, without OpenMetrics' `# EOF`."""
        for family, table in self._families.items():
            yield _header(family, openmetrics=openmetrics)
            start, more = 0, True
            while more:
                # Series are only ever added, at the end: a position in the table stays valid between slices.
                with lock:
                    part = [(series.prefix, series.value) for series in islice(table.values(), start, start + _SLICE)]
                start += len(part)
                # A short slice is the last one: what is born while we render cannot keep a scrape from ending.
                more = len(part) == _SLICE
                yield "".join(f"{prefix}{value}\n" for prefix, value in part)

    def rows(self, family: Family, lock: AbstractContextManager[object]) -> Iterator[tuple[tuple[str, ...], int]]:
        """Label values and value of every series of a family; the lock is taken once per slice, as in `render`."""
        table, done = self._families[family], 0
        while True:
            with lock:
                part = [(values, series.value) for values, series in islice(table.items(), done, done + _SLICE)]
            if not part:
                return
            done += len(part)
            yield from part

    def total(self, family: Family) -> int:
        """Sum of all series of a family."""
        return sum(series.value for series in self._families[family].values())

    @property
    def size(self) -> int:
        """Series in use."""
        return sum(len(table) for table in self._families.values())


def _prefix(family: Family, values: tuple[str, ...]) -> str:
    pairs = ",".join(
        f'{label.name}="{value.translate(_ESCAPES)}"' for label, value in zip(family.labels, values, strict=True)
    )
    return f"{family.name}{{{pairs}}} "


def _header(family: Family, *, openmetrics: bool) -> str:
    # OpenMetrics names a counter family without `_total`, which is part of its sample names only.
    name = family.name.removesuffix("_total") if openmetrics else family.name
    text = family.help.translate(_ESCAPES if openmetrics else _HELP_ESCAPES)
    return f"# HELP {name} {text}\n# TYPE {name} {family.kind}\n"
