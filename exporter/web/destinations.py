"""What `/api/v1/destinations` and the landing page say of new and unexpected destinations, and how it is taken.

The names of these fields are the API: API.md lists them, and they stay.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from exporter.detectors.survey import Surveyed
from exporter.detectors.unexpected import Where
from exporter.findings.document import document
from exporter.findings.interface import Finding
from exporter.judging import Memory
from exporter.known.interface import Row
from exporter.known.learning import State
from exporter.triage.written import plain
from exporter.web.words import moment

MOST_WORKLOADS = 1_000


@dataclass(frozen=True, slots=True)
class LearningWorkload:
    """A workload, how far it has learnt, and how much it reaches."""

    cluster: str
    namespace: str
    workload: str
    state: str
    since: datetime | None
    missing: tuple[str, ...]
    known: int
    fanout: int
    nameless: bool


@dataclass(frozen=True, slots=True)
class UnexpectedDestination:
    """Where a workload goes, or tries to go, that nobody allowed."""

    cluster: str
    namespace: str
    workload: str
    kind: str | None
    scope: str | None
    destination: str
    port: str | None
    protocol: str
    verdict: str | None
    first_seen: datetime | None
    active_since: datetime | None
    last_seen: datetime | None
    exported: bool


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the memory does."""

    degraded: bool
    entries: int
    waiting: int
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DestinationsReport:
    """Everything, at one moment; `counts` has all workloads, by state, and those whose names are not seen."""

    counts: Mapping[str, int]
    workloads: tuple[LearningWorkload, ...]
    unexpected: tuple[UnexpectedDestination, ...]
    findings: tuple[Finding, ...]
    store: StoreState


def destinations_report(memory: Memory, findings: Iterable[Finding]) -> DestinationsReport:
    """Workloads that reach most first, then what was seen last first."""
    exported = {where for where, _ in memory.unexpected}
    workloads = sorted(memory.workloads, key=lambda one: (-one.fanout, -one.known, one.workload))
    listed = sorted(memory.listed, key=lambda one: (-one[1].last_ns, one[0]))
    return DestinationsReport(
        _counts(memory.workloads),
        tuple(map(_workload, workloads[:MOST_WORKLOADS])),
        tuple(_unexpected(where, row, exported=where in exported) for where, row in listed),
        tuple(findings)[::-1],
        StoreState(memory.degraded, memory.entries, memory.waiting, dict(memory.errors)),
    )


def to_json(report: DestinationsReport) -> bytes:
    """As one JSON object: times RFC 3339 in UTC, what is not known null; findings as everybody gets them."""
    said: dict[str, object] = {field.name: getattr(report, field.name) for field in fields(report)}
    said["findings"] = tuple(map(document, report.findings))
    return json.dumps(plain(said), ensure_ascii=True, indent=2).encode() + b"\n"


def _counts(workloads: Iterable[Surveyed]) -> dict[str, int]:
    counts = Counter(dict.fromkeys((*(state.value for state in State), "nameless"), 0))
    for one in workloads:
        counts[one.state.value] += 1
        counts["nameless"] += one.nameless
    return dict(counts)


def _workload(one: Surveyed) -> LearningWorkload:
    cluster, namespace, name = one.workload
    since = moment(one.since_ns)
    return LearningWorkload(
        cluster, namespace, name, one.state.value, since, one.missing, one.known, one.fanout, one.nameless
    )


def _unexpected(where: Where, row: Row, *, exported: bool) -> UnexpectedDestination:
    (cluster, namespace, name), kind, scope, label, port, protocol, verdict = where
    return UnexpectedDestination(
        cluster=cluster,
        namespace=namespace,
        workload=name,
        kind=kind or None,
        scope=scope or None,
        destination=label,
        port=port or None,
        protocol=protocol,
        verdict=verdict or None,
        first_seen=moment(row.first_ns),
        active_since=moment(row.since_ns),
        last_seen=moment(row.last_ns),
        exported=exported,
    )
