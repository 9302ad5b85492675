"""Where a finding goes, and what became of it there: the values of metric labels."""

from collections.abc import Callable
from enum import StrEnum

from exporter.findings.interface import Detector


class Sink(StrEnum):
    """Where a finding goes."""

    LOG = "log"
    FILE = "file"
    WEBHOOK = "webhook"

    __hash__ = str.__hash__


class Outcome(StrEnum):
    """What became of a finding in one sink."""

    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    """Its workload has had its findings for this hour."""
    DROPPED = "dropped"
    """It was never tried: the queue was full, or the end came first."""
    FAILED = "failed"

    __hash__ = str.__hash__


SINKS = tuple(Sink)
OUTCOMES = tuple(Outcome)

CountKey = tuple[Detector, Sink, Outcome]
Count = Callable[[Detector, Outcome], None]
"""Called by a sink when it knows what became of a finding, in a thread of its own."""
