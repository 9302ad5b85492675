"""Logging: one structured line per event, console on a terminal, JSON otherwise, repeated faults rate-limited."""

import logging
import sys
import time
from collections.abc import Callable
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


class RateLimit:
    """Lets a fault through once per `interval` seconds and key, and says how many were held back since."""

    def __init__(
        self, interval: float = 60.0, most_keys: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval, self._most_keys, self._clock = interval, most_keys, clock
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def admit(self, key: str) -> int | None:
        """Number of held-back repeats when the fault may be logged now, else None."""
        now = self._clock()
        if now < self._next.get(key, now):
            self._held[key] += 1
            return None
        if key not in self._next and len(self._next) >= self._most_keys:
            # A fault that invents keys must not grow this table: start over, at worst a line is repeated.
            self._next.clear()
            self._held.clear()
        held = self._held.get(key, 0)
        self._next[key], self._held[key] = now + self._interval, 0
        return held
