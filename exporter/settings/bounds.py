"""What keeps memory bounded: every setting whose description says of what it is the largest number."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.settings.fields import SettingField

# The description is the only place where the size of an entry stands, so that text and table cannot disagree.
_BOUND = re.compile(r"\((?P<unit>entries|bytes)(?:, about (?P<size>\d+(?:\.\d+)?) (?P<scale>B|KiB|MiB) each)?\)")
_SCALES = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024}


class Bound(NamedTuple):
    """A setting that bounds memory."""

    path: str
    unit: str
    default: int
    bytes_each: int

    @property
    def mebibytes(self) -> float:
        """What it takes when it is full, at the default."""
        return self.default * self.bytes_each / _SCALES["MiB"]


def bounds(known: Iterable[SettingField]) -> list[Bound]:
    """The bounds among `known`."""
    found = []
    for field in known:
        if match := _BOUND.search(field.description):
            size = float(match["size"] or 1) * _SCALES[match["scale"] or "B"]
            found.append(Bound(field.path, match["unit"], int(field.default), int(size)))
    return found
