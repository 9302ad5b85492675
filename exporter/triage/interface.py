"""What triage says: the shapes of its JSON, whose schema is in `schema.json` beside this file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """One flow that shows it."""

    time: datetime | None
    source: str
    destination: str
    protocol: str
    what: str
    node_name: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Pieces of evidence that were counted together."""

    what: str
    name: str
    name_confidence: str
    asked_as: str
    destination: str
    port: int | None
    protocol: str
    reason: str
    first: datetime | None
    last: datetime | None
    count: int
    notes: tuple[str, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy that would mend it, as YAML. `checked`: it was asked, allows what was denied, and nothing wider."""

    kind: str
    yaml: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to do; policies are for somebody to review."""

    advice: str
    policies: tuple[PolicyText, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingReport:
    """One cause."""

    cause: str
    since: datetime | None
    last: datetime | None
    count: int
    names: tuple[str, ...]
    destinations: tuple[str, ...]
    confidence: str
    evidence: tuple[Piece, ...]
    suggestion: Suggestion


@dataclass(frozen=True, slots=True)
class WorkloadReport:
    """One workload and everything that is broken of it."""

    namespace: str
    workload: str
    dns_visible: bool
    findings: tuple[FindingReport, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """How much could be seen: `ratio` is null where the server does not tell, `from_` and `to` are of the flows."""

    state: str
    ratio: float | None
    flows: int
    from_: datetime | None
    to: datetime | None
    lost_events: Mapping[str, int]
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found."""

    coverage: Seen
    intended_blocks: int
    workloads: tuple[WorkloadReport, ...]


NOTHING_SEEN = Report(Seen("not_measured", None, 0, None, None, {}, {}), 0, ())
