"""What a contact adds to the memory of its workload. Pure functions."""

import json
from collections.abc import Iterator

from exporter.detectors.novelty import Judged
from exporter.expectations.interface import Answer, RuleRef
from exporter.findings.interface import Context
from exporter.known.interface import Fact, Mark, Row, What, seen
from exporter.known.learning import SPAN_NS
from exporter.known.revisions import revision_of
from exporter.known.sighting import Sighting
from exporter.known.workload import Remembered, address_mark, destination_mark

_HOUR_NS = 3600 * 1_000_000_000


def mark_of(sighting: Sighting, judged: Judged) -> Mark:
    """The mark of the destination itself."""
    return destination_mark(sighting.service, judged.known_as, denied=sighting.denied)


def facts_of_source(sighting: Sighting, known: Remembered, *, is_watched: bool) -> Iterator[Fact]:
    """The workload, its pod, and what the pod's first flow shows: its start, if its node was watched long enough."""
    now_ns, pod_name = sighting.time_ns, sighting.flow.source.pod_name
    yield from _unless_fresh(sighting, known, Mark(What.WORKLOAD), _HOUR_NS)
    if sighting.sees_dns or sighting.is_named:
        yield from _unless_fresh(sighting, known, Mark(What.DNS), _HOUR_NS)
    if sighting.is_owned and sighting.pod:
        pod = Mark(What.POD, sighting.pod)
        if pod not in known.rows and is_watched and sighting.starts:
            yield Fact(sighting.workload, pod._replace(what=What.START), seen(now_ns))
        yield from _unless_fresh(sighting, known, pod, _HOUR_NS)
    revision = revision_of(pod_name, sighting.workload.name)
    if revision:
        yield from _unless_fresh(sighting, known, Mark(What.REVISION, revision), _HOUR_NS)


def facts_of_destination(sighting: Sighting, judged: Judged, known: Remembered, context: Context) -> Iterator[Fact]:
    """The destination, with the evidence of its first and last sighting, and the address that its name has."""
    mark = mark_of(sighting, judged)
    began = "" if mark in known.rows else _began(sighting, judged, context)
    yield Fact(sighting.workload, mark, seen(sighting.time_ns, began, _latest(sighting, judged)))
    if sighting.is_named and sighting.address:
        yield from _unless_fresh(sighting, known, address_mark(sighting.address, judged.known_as), _HOUR_NS)


def fact_of_news(sighting: Sighting) -> Fact:
    """That something new was seen in this span of time."""
    span = str(sighting.time_ns // SPAN_NS)
    return Fact(sighting.workload, Mark(What.NOVELTY, span), seen(sighting.time_ns))


def rule_of(answer: Answer) -> str:
    """What an answer rests on, as text: the rule, or the policies that cover the workload."""
    refs: tuple[object, ...] = (answer.rule,) if isinstance(answer.rule, RuleRef) else answer.policies
    return ", ".join(map(str, refs))


def latest_of(row: Row) -> dict[str, str]:
    """What the last sighting of a destination was like; empty when it cannot be read."""
    return _read(row.latest)


def began_of(row: Row) -> dict[str, str]:
    """What the first sighting was like."""
    return _read(row.began)


def _unless_fresh(sighting: Sighting, known: Remembered, mark: Mark, step_ns: int) -> Iterator[Fact]:
    row = known.rows.get(mark)
    if row is None or sighting.time_ns - row.last_ns >= step_ns or sighting.time_ns < row.first_ns:
        yield Fact(sighting.workload, mark, seen(sighting.time_ns))


def _latest(sighting: Sighting, judged: Judged) -> str:
    destination = sighting.destination
    said = {
        "kind": destination.kind.value,
        "scope": destination.scope.value,
        "label": destination.label,
        "confidence": judged.confidence.value,
        "address": sighting.address,
        "verdict": sighting.verdict,
        "expectation": sighting.answer.expectation.value,
    }
    return _written(said)


def _began(sighting: Sighting, judged: Judged, context: Context) -> str:
    said = {
        "context": context.value,
        "pod": sighting.flow.source.pod_name,
        "node": sighting.flow.node_name,
        "address": sighting.address,
        "confidence": judged.confidence.value,
        "verdict": sighting.verdict,
        "reason": sighting.reason,
        "expectation": sighting.answer.expectation.value,
        "rule": rule_of(sighting.answer),
    }
    return _written(said)


def _written(said: dict[str, str]) -> str:
    return json.dumps({key: value for key, value in said.items() if value}, separators=(",", ":"))


def _read(text: str) -> dict[str, str]:
    try:
        said = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
