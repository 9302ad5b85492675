"""A finding: what somebody should know about, with the evidence that it rests on."""

from dataclasses import dataclass
from enum import StrEnum


class Detector(StrEnum):
    """Who found it."""

    NEW_DESTINATION = "new_destination"
    UNEXPECTED_DESTINATION = "unexpected_destination"

    __hash__ = str.__hash__


class Severity(StrEnum):
    """`warning` is for somebody to look at; `info` is for the record only."""

    INFO = "info"
    WARNING = "warning"


class Novelty(StrEnum):
    """What is new about a destination."""

    DESTINATION = "destination"
    PORT = "port"
    ADDRESS_REUSED = "address_reused"

    __hash__ = str.__hash__


class Context(StrEnum):
    """What was going on when it was seen first; the first that holds."""

    LEARNING = "learning"
    AFTER_GAP = "after_gap"
    """Flows were missed before: it is new, or was missed."""
    ROLLOUT = "rollout"
    STARTUP = "startup"
    STEADY = "steady"

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Finding:
    """One destination of one workload. Times are the flows' own, in ns since the epoch.

    What is not known is an empty text, 0 or None. `destination` is the value of the metric label; `known_as` is how it
    is remembered: registered domain, address, or as the label. `coverage` is the share of the node's flows that were
    seen at that time.
    """

    detector: Detector
    severity: Severity
    at_ns: int
    cluster: str
    source_namespace: str
    source_workload: str
    destination_kind: str
    scope: str
    destination: str
    known_as: str
    destination_port: str
    protocol: str
    verdict: str
    """`forwarded`, `redirected`, `audited` or `dropped`."""
    reason: str
    """Drop reason, where it was dropped."""
    address: str
    name_confidence: str
    novelty: Novelty | None
    """None when the destination itself is not new."""
    context: Context
    revision: str
    """Template hash of the ReplicaSet that was rolled out."""
    expectation: str
    """One of the five answers."""
    rule: str
    """The rule or the policies that the answer rests on."""
    allowed_by: tuple[str, ...]
    denied_by: tuple[str, ...]
    """Policies that the flow itself names."""
    node_name: str
    pod_name: str
    state: str
    """Of the workload: `learning`, `armed` or `open_ended`."""
    coverage: float | None
    degraded: bool
    """The store did not answer: it may be known."""
    flow: dict[str, object]
    """The flow that showed it, as far as it was read."""
