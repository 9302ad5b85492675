"""Names whose resolution fails, by workload: what metrics must not hold, for the page and the API."""

from dataclasses import dataclass
from datetime import datetime

from exporter.pipeline import Pipeline
from exporter.triage.report import moment

MOST_NAMES = 10
MOST_WORKLOADS = 100


@dataclass(frozen=True, slots=True)
class FailingName:
    """One name, how often it failed, why, and when it did so last."""

    name: str
    failures: int
    why: tuple[str, ...]
    last: datetime | None


@dataclass(frozen=True, slots=True)
class FailingNames:
    """The names of one workload that failed most, and how many there are in all."""

    namespace: str
    workload: str
    dns_visible: bool
    failing: int
    names: tuple[FailingName, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The workloads with the most failures first, at most a hundred."""

    workloads: tuple[FailingNames, ...]


def health(pipeline: Pipeline) -> Health:
    """Failing names of all workloads, as long as there is evidence of them; expansions never."""
    with pipeline.lock:
        now_ns = pipeline.stream.current_ns
        suspects = pipeline.dns.workloads
    found = []
    for one in suspects:
        with pipeline.lock:
            failures = pipeline.dns.failures(one)
            visible = pipeline.sees_dns_of(one, now_ns)
        names = sorted(
            (FailingName(name, fails.number, fails.why, moment(fails.last_ns)) for name, fails in failures.items()),
            key=lambda fails: (-fails.failures, fails.name),
        )
        if names:
            found.append(FailingNames(one.namespace, one.name, visible, len(names), tuple(names[:MOST_NAMES])))
    found.sort(key=lambda one: (-sum(name.failures for name in one.names), one.namespace, one.workload))
    return Health(tuple(found[:MOST_WORKLOADS]))
