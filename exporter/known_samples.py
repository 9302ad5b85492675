"""What the memory of destinations says of itself, as samples of its families."""

from collections import Counter
from itertools import product

from exporter.detectors.survey import Surveyed
from exporter.detectors.unexpected import Where
from exporter.findings.delivery import Findings
from exporter.findings.interface import Detector
from exporter.findings.outcomes import Outcome
from exporter.judging import Judging, Memory
from exporter.known.interface import Row
from exporter.metrics import families, labels
from exporter.metrics.families import Family

Samples = dict[tuple[str, ...], float]
_SECOND = 1e9


def known_samples(judging: Judging, findings: Findings) -> dict[Family, Samples]:
    """Gauges of workloads and unexpected destinations, how the store does, and what became of findings."""
    memory = judging.memory
    return {
        **_of_workloads(memory.workloads, judging.settings.workloads),
        **_of_unexpected(memory.unexpected),
        **_of_store(memory, judging),
        families.FINDINGS: _of_findings(findings),
    }


def _of_workloads(workloads: tuple[Surveyed, ...], most: int) -> dict[Family, Samples]:
    """By workload for those that reach most; of the others the destinations add up, and the widest fan-out stands."""
    states: Counter[tuple[str, ...]] = Counter((one.state.value,) for one in workloads)
    known: Samples = {}
    fanout: Samples = {}
    for number, one in enumerate(sorted(workloads, key=lambda one: (-one.fanout, -one.known, one.workload))):
        values = (one.workload.namespace, one.workload.name) if number < most else (labels.FOLDED, labels.FOLDED)
        known[values] = known.get(values, 0) + one.known
        fanout[values] = max(fanout.get(values, 0), one.fanout)
    return {
        families.WORKLOADS: dict(states),
        families.NAMELESS_WORKLOADS: {(): sum(one.nameless for one in workloads)},
        families.KNOWN_DESTINATIONS: known,
        families.FANOUT: fanout,
    }


def _of_unexpected(listed: tuple[tuple[Where, Row], ...]) -> dict[Family, Samples]:
    first, since, last = Samples(), Samples(), Samples()
    for (workload, *where), row in listed:
        values = (workload.namespace, workload.name, *map(str, where))
        # Workloads of several clusters may have one name.
        first[values] = min(first.get(values, row.first_ns / _SECOND), row.first_ns / _SECOND)
        since[values] = max(since.get(values, 0), row.since_ns / _SECOND)
        last[values] = max(last.get(values, 0), row.last_ns / _SECOND)
    return {
        families.UNEXPECTED_FIRST_SEEN: first,
        families.UNEXPECTED_ACTIVE_SINCE: since,
        families.UNEXPECTED_LAST_SEEN: last,
    }


def _of_store(memory: Memory, judging: Judging) -> dict[Family, Samples]:
    return {
        families.STORE_ENTRIES: {(): memory.entries},
        families.STORE_ENTRIES_LIMIT: {(): memory.limit},
        families.STORE_STORED: {(): memory.size.entries},
        families.STORE_BYTES: {(): memory.size.bytes},
        families.STORE_WRITES: {(): memory.writes},
        families.STORE_ERRORS: {(reason,): number for reason, number in memory.errors},
        families.STORE_DEGRADED: {(): float(memory.degraded)},
        families.STORE_QUEUE: {(): memory.waiting},
        families.STORE_QUEUE_LIMIT: {(): judging.inbox.most},
        families.STORE_EVICTED: {(): memory.evicted},
        families.STORE_REFUSED: {(): memory.refused},
        families.UNEXPECTED_REFUSED: {(): memory.unexpected_refused},
    }


def _of_findings(findings: Findings) -> Samples:
    """All that can become of a finding where findings go, from the start."""
    zeros = product(Detector, findings.sinks, Outcome)
    counts = {**dict.fromkeys(zeros, 0), **findings.counts}
    return {(detector.value, sink.value, outcome.value): number for (detector, sink, outcome), number in counts.items()}
