"""A report for a terminal: at most 100 columns, the answer first, then each workload with what to do."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap

from exporter.documents.faults import printable
from exporter.triage.interface import FindingReport, Piece, PolicyText, Report, Sample, Seen, WorkloadReport

WIDTH = 100
_MOST_PIECES = 5
"""Kinds of evidence of one finding that are shown; JSON has them all."""


def table(report: Report) -> Iterator[str]:
    """Lines. Names come from flows that anybody may have caused: nothing in them reaches the terminal as it is."""
    # What was wrapped is printable already: escapes are longer than what they stand for.
    return map(printable, _lines(report))


def to_table(report: Report) -> str:
    """The same as one text."""
    return "".join(f"{line}\n" for line in table(report))


def _lines(report: Report) -> Iterator[str]:
    findings = sum(len(one.findings) for one in report.workloads)
    if findings:
        yield f"{_number(findings, 'finding')} in {_number(len(report.workloads), 'workload')}"
    else:
        yield "Nothing is broken, as far as could be seen"
    yield from _wrapped(_seen(report.coverage), "  ")
    if report.intended_blocks:
        yield from _wrapped(
            f"{report.intended_blocks:,} drops and refusals were meant by the policies that were read: no finding", "  "
        )
    for workload in report.workloads:
        yield ""
        yield from _workload(workload)


def _seen(seen: Seen) -> str:
    if not seen.flows:
        return "no flow was seen: this says nothing"
    share = "not measured" if seen.ratio is None else f"{seen.ratio:.1%}"
    lost = sum(seen.lost_events.values())
    span = f"{seen.flows:,} flows from {_time(seen.from_)} to {_time(seen.to)}, coverage {share}"
    missing = [f"{lost:,} events lost"] if lost else []
    missing += [f"{sum(seen.skipped.values()):,} unreadable"] if seen.skipped else []
    return ", ".join([span, *missing])


def _workload(report: WorkloadReport) -> Iterator[str]:
    name = f"{report.namespace}/{report.workload}" if report.namespace else report.workload
    unseen = "" if report.dns_visible else " (its DNS does not pass the proxy: names are not known)"
    yield from _wrapped(f"{name}{unseen}", "", "  ")
    for finding in report.findings:
        yield from _finding(finding)


def _finding(finding: FindingReport) -> Iterator[str]:
    yield (
        f"  {finding.cause}, {finding.confidence}: {_number(finding.count, 'flow')} from {_time(finding.since)} "
        f"to {_time(finding.last)}"
    )
    for piece in finding.evidence[:_MOST_PIECES]:
        yield from _piece(piece)
    if len(finding.evidence) > _MOST_PIECES:
        yield f"    and {_number(len(finding.evidence) - _MOST_PIECES, 'more')}"
    yield from _wrapped(f"what to do: {finding.suggestion.advice}", "    ")
    for policy in finding.suggestion.policies:
        yield from _policy(policy)


def _piece(piece: Piece) -> Iterator[str]:
    yield from _wrapped(f"{piece.count:,} x {piece.what}{_target(piece)}", "    - ", "      ")
    for note in piece.notes:
        yield from _wrapped(note, "      ")
    for sample in piece.samples:
        yield from _wrapped(_sample(sample), "      ", "        ")


def _target(piece: Piece) -> str:
    doubt = f" ({piece.name_confidence} name)" if piece.name_confidence in ("stale", "ambiguous") else ""
    name = piece.name and f" {piece.name}{doubt}"
    form = f" (asked as {piece.asked_as})" if piece.asked_as else ""
    where = f" to {piece.destination}" if piece.destination and piece.destination != piece.name else ""
    port = f" {piece.port}/{piece.protocol}" if piece.port else ""
    reason = f", {piece.reason}" if piece.reason else ""
    return f":{name}{form}{where}{port}{reason}" if name or where else ""


def _sample(sample: Sample) -> str:
    node = f" on {sample.node_name}" if sample.node_name else ""
    return f"{_time(sample.time)} {sample.source} -> {sample.destination} {sample.protocol} {sample.what}{node}"


def _policy(policy: PolicyText) -> Iterator[str]:
    checked = "checked: it allows what was denied, and no more" if policy.checked else "NOT checked, it may be wider"
    yield f"    # a suggestion to review; {checked}"
    # Policies are lines to copy: what is too long stays whole.
    yield from (f"    {line}" for line in policy.yaml.rstrip("\n").split("\n"))


def _wrapped(text: str, first: str, further: str | None = None) -> list[str]:
    """Long words are cut: a name of 253 characters has no place to break."""
    rest = first if further is None else further
    return wrap(printable(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 or what == "more" else f"{number:,} {what}s"


def _time(time: datetime | None) -> str:
    return "an unknown time" if time is None else time.strftime("%Y-%m-%d %H:%M:%S")
