"""What a contact adds to the memory of its workload. Pure functions."""

import json
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted

from exporter.detectors.novelty import Judged
from exporter.expectations.interface import Answer, RuleRef
from exporter.findings.interface import Context
from exporter.known.interface import Fact, Mark, Row, What, seen
from exporter.known.learning import SPAN_NS
from exporter.known.revisions import revision_of
from exporter.known.sighting import Sighting
from exporter.known.workload import Remembered, address_mark, destination_mark

_HOUR_NS = 3600 * 1_000_000_000
_ITSELF, _DNS = Mark(What.WORKLOAD), Mark(What.DNS)


def mark_of(sighting: Sighting, judged: Judged) -> Mark:
    """The mark of the destination itself."""
    return destination_mark(sighting.service, judged.known_as, denied=sighting.denied)


def facts_of_source(sighting: Sighting, known: Remembered, *, is_watched: bool) -> list[Fact]:
    """The workload, its pod, and what the pod's first flow shows: its start, if its node was watched long enough."""
    now_ns, rows = sighting.flow.time_ns, known.rows
    marks = [mark for mark in _marks_of_source(sighting) if _is_due(rows.get(mark), now_ns)]
    if marks and is_watched and sighting.starts:
        marks += [Mark(What.START, mark.name) for mark in marks if mark.what is What.POD and mark not in rows]
    return [Fact(sighting.workload, mark, seen(now_ns)) for mark in marks]


def facts_of_destination(
    sighting: Sighting, judged: Judged, mark: Mark, known: Remembered, context: Context
) -> list[Fact]:
    """The destination, with the evidence of its first and last sighting, and the address that its name has."""
    now_ns, rows = sighting.flow.time_ns, known.rows
    began = "" if mark in rows else _began(sighting, judged, context)
    facts = [Fact(sighting.workload, mark, seen(now_ns, began, _latest(sighting, judged)))]
    if sighting.address and sighting.is_named:
        address = address_mark(sighting.address, judged.known_as)
        if _is_due(rows.get(address), now_ns):
            facts.append(Fact(sighting.workload, address, seen(now_ns)))
    return facts


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


def _marks_of_source(sighting: Sighting) -> list[Mark]:
    marks = [_ITSELF]
    if sighting.sees_dns or sighting.is_named:
        marks.append(_DNS)
    if sighting.is_owned and (pod := sighting.pod):
        marks.append(Mark(What.POD, pod))
    if revision := revision_of(sighting.flow.source.pod_name, sighting.workload.name):
        marks.append(Mark(What.REVISION, revision))
    return marks


def _is_due(row: Row | None, now_ns: int) -> bool:
    """Whether it is to be written: it is new, or was not seen for an hour, or earlier than was known."""
    return row is None or now_ns - row.last_ns >= _HOUR_NS or now_ns < row.first_ns


def _latest(sighting: Sighting, judged: Judged) -> str:
    destination = sighting.destination
    return _written(
        (
            ("kind", destination.kind),
            ("scope", destination.scope),
            ("label", destination.label),
            ("confidence", judged.confidence),
            ("address", sighting.address),
            ("verdict", sighting.verdict),
            ("expectation", sighting.answer.expectation),
        )
    )


def _began(sighting: Sighting, judged: Judged, context: Context) -> str:
    return _written(
        (
            ("context", context),
            ("pod", sighting.flow.source.pod_name),
            ("node", sighting.flow.node_name),
            ("address", sighting.address),
            ("confidence", judged.confidence),
            ("verdict", sighting.verdict),
            ("reason", sighting.reason),
            ("expectation", sighting.answer.expectation),
            ("rule", rule_of(sighting.answer)),
        )
    )


def _written(said: Iterable[tuple[str, str]]) -> str:
    # The same as of `json.dumps`, which makes an encoder for each text: that takes longer than to write it.
    return "{" + ",".join([f'"{key}":{quoted(value)}' for key, value in said if value]) + "}"


def _read(text: str) -> dict[str, str]:
    try:
        said = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
