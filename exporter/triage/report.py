"""Everything that was found, as plain values: taken from the pipeline, workload by workload, under its lock."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from exporter.destinations.interface import WorkloadName
from exporter.detectors.interface import Evidence, Finding
from exporter.flow import Dns, EventType, Flow, Verdict
from exporter.hubble.drop_reasons import drop_reason_name
from exporter.pipeline import Pipeline
from exporter.triage.advice import ADVICE
from exporter.triage.interface import FindingReport, Piece, Report, Sample, Seen, Suggestion, WorkloadReport
from exporter.triage.suggestion import Suggestions

_MOST_NAMES = 10
_VERDICTS = {int(one): one.name.lower() for one in Verdict}


def report(pipeline: Pipeline, *, namespace: str = "", workload: str = "", brief: bool = False) -> Report:
    """What is broken now; of one namespace or of workloads of one name when these are given.

    `brief` leaves the suggestions out, whose checks cost most of the time.
    """
    with pipeline.lock:
        seen, now_ns = _seen(pipeline), pipeline.stream.current_ns
        suspects = [one for one in pipeline.dns.workloads if _is_asked(one, namespace, workload)]
        suggest = _advise if brief else Suggestions(pipeline.resolver_labels).of
    blocks, reports = 0, []
    for one in suspects:
        with pipeline.lock:
            diagnosis = pipeline.dns.diagnosis(one, now_ns)
            visible = pipeline.sees_dns_of(one, now_ns)
        blocks += diagnosis.intended_blocks
        if diagnosis.findings:
            findings = tuple(_finding(finding, suggest) for finding in diagnosis.findings)
            reports.append(WorkloadReport(one.namespace, one.name, visible, findings))
    return Report(seen, blocks, tuple(reports))


def _is_asked(one: WorkloadName, namespace: str, workload: str) -> bool:
    return namespace in ("", one.namespace) and workload in ("", one.name)


def _seen(pipeline: Pipeline) -> Seen:
    stream = pipeline.stream
    share = stream.coverage.of_cluster
    known = not math.isnan(share)
    return Seen(
        "measured" if known else "not_measured",
        share if known else None,
        sum(pipeline.outcomes.values()),
        moment(stream.first_flow_ns),
        moment(stream.last_flow_ns),
        dict(stream.lost),
        dict(stream.decode_errors),
    )


def _advise(finding: Finding) -> Suggestion:
    return Suggestion(ADVICE[finding.cause])


def _finding(finding: Finding, suggest: Callable[[Finding], Suggestion]) -> FindingReport:
    names: Counter[str] = Counter()
    destinations: Counter[str] = Counter()
    for one in finding.evidence:
        names[one.key.name] += one.number
        destinations[one.key.destination] += one.number
    return FindingReport(
        finding.cause.value,
        moment(finding.since_ns),
        moment(finding.last_ns),
        finding.number,
        _top(names),
        _top(destinations),
        finding.confidence.value,
        tuple(map(_piece, finding.evidence)),
        suggest(finding),
    )


def _piece(one: Evidence) -> Piece:
    key = one.key
    flows = [one.first] if one.first is one.last else [one.first, one.last]
    return Piece(
        key.kind.value,
        key.name,
        key.name_confidence or ("observed" if key.name else "none"),
        key.asked_as,
        key.destination,
        key.port or None,
        key.protocol,
        key.reason,
        moment(one.first.time_ns),
        moment(one.last.time_ns),
        one.number,
        one.notes,
        tuple(map(_sample, flows)),
    )


def _sample(flow: Flow) -> Sample:
    return Sample(
        moment(flow.time_ns),
        _end(flow.source.home, flow.source.pod_name, flow.source_ip, flow.source_port),
        _end(flow.destination.home, flow.destination.pod_name, flow.destination_ip, flow.destination_port),
        flow.kind.protocol,
        _what(flow),
        flow.node_name,
    )


def _end(namespace: str, pod_name: str, address: str, port: int) -> str:
    place = f"[{address}]" if ":" in address else address
    name = f"{namespace}/{pod_name} " if pod_name else ""
    return f"{name}{place}:{port}" if port else f"{name}{place}"


def _what(flow: Flow) -> str:
    verdict = _VERDICTS.get(flow.kind.verdict, str(flow.kind.verdict))
    if flow.l7 is not None and isinstance(flow.l7.record, Dns):
        record = flow.l7.record
        rcode = f" rcode {record.rcode}" if record.rcode else ""
        return f"dns {verdict} {record.query} {','.join(record.qtypes)}{rcode}".rstrip()
    reason = f" {drop_reason_name(flow.drop_reason)}" if flow.kind.event_type == EventType.DROP else ""
    return f"{verdict}{reason}"


def _top(counted: Counter[str]) -> tuple[str, ...]:
    ordered = sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(name for name, _ in ordered if name)[:_MOST_NAMES]


def moment(time_ns: int) -> datetime | None:
    """A time, None when it is not known."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC) if time_ns else None
