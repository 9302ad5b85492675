"""Durations as Prometheus writes them: `500ms`, `60s`, `5m`, `1h30m`; seconds as float inside."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_LONGEST = 32
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")


def parse_duration(value: object) -> float:
    """Seconds of `value`, a number or a text such as `1h30m`.

    Raises:
        ValueError: for anything else; pydantic turns it into a settings error.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and 0 < len(value) <= _LONGEST and _PART.sub("", value) == "":
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    raise ValueError(f"{value!r} is no duration; write 500ms, 60s, 5m or 1h30m")


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back as `seconds`."""
    for unit in ("w", "d", "h", "m", "s", "ms"):
        number = seconds / _UNITS[unit]
        if number >= 1 and number == int(number):
            return f"{int(number)}{unit}"
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


Duration = Annotated[float, BeforeValidator(parse_duration)]
