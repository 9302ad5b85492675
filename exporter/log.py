"""Logging: one structured line per event, console on a terminal, JSON otherwise, repeated faults rate-limited."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

import structlog
from pydantic import BaseModel, ConfigDict, Field


class Level(StrEnum):
    """Log levels, as Prometheus names them."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class Format(StrEnum):
    """Log formats; `auto` is console on a terminal and JSON otherwise."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogSettings(BaseModel):
    """What is logged, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Level = Field(default=Level.INFO, description="Lowest level that is written.")
    format: Format = Field(
        default=Format.AUTO, description="How a line is written; `auto` is console on a terminal, JSON otherwise."
    )
    flow_lines_per_second: int = Field(
        default=10, ge=0, description="At level `debug`, flows that get a line each; of the others only their number."
    )


_NUMBERS = {
    Level.DEBUG: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.WARN: logging.WARNING,
    Level.ERROR: logging.ERROR,
}


def configure(settings: LogSettings, stream: TextIO = sys.stderr) -> None:
    """Send every event of this process to `stream`, which is standard error unless a test says otherwise."""
    console = settings.format is Format.CONSOLE or (settings.format is Format.AUTO and stream.isatty())
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if console:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[settings.level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


def logger() -> structlog.typing.FilteringBoundLogger:
    """The logger of this process; event names are in `noun_verbed` form, values are keys."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log


@dataclass(slots=True)
class _Span:
    """What a key was let through in its present interval."""

    ends: float = 0.0
    lines: int = 0
    held: int = 0


class RateLimit:
    """Lets a fault through `most` times per `interval` seconds, and says how many were held back since.

    A fault is a kind and its details. Details may come from outside: a kind gets `most_lines` per interval at most,
    however many it invents.
    """

    def __init__(
        self,
        interval: float = 60.0,
        most_keys: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        most_lines: int = 20,
    ) -> None:
        self._interval, self._most_keys, self._clock, self._most_lines = interval, most_keys, clock, most_lines
        self._spans: dict[tuple[str, str], _Span] = {}
        self._kinds: dict[str, _Span] = {}

    def admit(self, kind: str, details: str = "", *, most: int = 1) -> int | None:
        """Number of held-back repeats when the fault may be logged now, else None."""
        now = self._clock()
        span = self._spans.get((kind, details))
        if span is None:
            if len(self._spans) >= self._most_keys:
                # A fault that invents details must not grow this table: start over; its kind is limited all the same.
                self._spans.clear()
            span = self._spans[kind, details] = _Span()
        kind_span = self._kinds.setdefault(kind, _Span())
        for each in (span, kind_span):
            if now >= each.ends:
                each.ends, each.lines = now + self._interval, 0
        if span.lines >= most or kind_span.lines >= self._most_lines:
            span.held += 1
            return None
        span.lines += 1
        kind_span.lines += 1
        held, span.held = span.held, 0
        return held


class Sampler:
    """Lets `per_second` of any number pass, spread over the second once they come faster than that."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._left, self._filled = float(per_second), clock()
        self._passed_by = 0

    def admit(self) -> int | None:
        """Number of those that did not pass since the last one that did, or None when this one does not either."""
        now = self._clock()
        self._left = min(self._per_second, self._left + (now - self._filled) * self._per_second)
        self._filled = now
        if self._left < 1:
            self._passed_by += 1
            return None
        self._left -= 1
        passed_by, self._passed_by = self._passed_by, 0
        return passed_by
