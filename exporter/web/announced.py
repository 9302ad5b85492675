"""The part of the landing page that says which destinations are new or unexpected, with the evidence."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from exporter.findings.interface import Detector, Finding, Novelty
from exporter.findings.summary import name_of
from exporter.web.destinations import DestinationsReport, StoreState
from exporter.web.html import Column, Html, element, joined, table
from exporter.web.sections import clock, named, workload
from exporter.web.status import Status
from exporter.web.words import moment

_MOST, _MOST_OF_ONE = 20, 5
_COLUMNS = (
    Column("Time (UTC)", "time"),
    Column("Workload", "workload"),
    Column("Destination", "destination"),
    Column("What", "reason"),
    Column("Evidence", "evidence"),
)
_NEWS = {
    Novelty.DESTINATION: "new destination",
    Novelty.PORT: "new port",
    Novelty.ADDRESS_REUSED: "new name of a known address",
}
_DOUBTFUL = ("stale", "ambiguous")
_STATES = (("learning", "learning"), ("armed", "armed"), ("open_ended", "open-ended"))


def announced(status: Status, report: DestinationsReport) -> Html:
    """The last findings, the newest first, and how many workloads have learnt enough for there to be some."""
    said = [degraded(report.store)] if report.store.degraded else []
    rows = [_row(finding, status.at) for finding in _shown(report.findings)]
    if rows:
        said.append(table("Last findings, the newest first", _COLUMNS, rows, narrow="cards"))
        if len(report.findings) > len(rows):
            more = f"{len(rows)} of the last {len(report.findings):,} findings, {_MOST_OF_ONE} of a workload at most."
            said.append(element("p", more, class_="more"))
    elif status.counts.flows:
        said.append(element("p", "Nothing was announced since the start."))
    else:
        said.append(element("p", "No flow has arrived: nothing is known."))
    said.append(element("p", _learnt(report)))
    return joined(said)


def degraded(store: StoreState) -> Html:
    """That the memory does not work, so that nobody overlooks it."""
    reasons = ", ".join(
        f"{reason} \N{MULTIPLICATION SIGN}{number:,}" for reason, number in sorted(store.errors.items())
    )
    why = f" ({reasons})" if reasons else ""
    text = f"The memory does not work{why}: what is known may be announced as new. {store.waiting:,} facts wait for it."
    return element("p", element("strong", text), class_="loud")


def _shown(findings: Iterable[Finding]) -> list[Finding]:
    """A workload that scans ports must not push all others out of view."""
    numbers: Counter[tuple[str, str, str]] = Counter()
    shown = []
    for finding in findings:
        who = (finding.cluster, finding.source_namespace, finding.source_workload)
        numbers[who] += 1
        if numbers[who] <= _MOST_OF_ONE:
            shown.append(finding)
    return shown[:_MOST]


def _learnt(report: DestinationsReport) -> str:
    counts = report.counts
    total = sum(counts[state] for state, _ in _STATES)
    if not total:
        return "No workload is known yet."
    states = ", ".join(f"{counts[state]:,} {words}" for state, words in _STATES)
    nameless = f" Of {counts['nameless']:,} the names are not seen: addresses are counted only."
    return f"Workloads: {states}.{nameless if counts['nameless'] else ''}"


def _row(finding: Finding, now: datetime) -> tuple[Html, ...]:
    name = name_of(finding)
    way = "/".join(part for part in (finding.destination_port, finding.protocol) if part)
    return (
        clock(moment(finding.at_ns), now),
        workload(finding.source_namespace, finding.source_workload),
        # It breaks before its port, where there is no room for both.
        named(joined((name, element("wbr"), f":{way}")) if finding.destination_port else name, _address(finding, name)),
        named(_what(finding), ", ".join(_circumstances(finding))),
        element("small", "; ".join(_evidence(finding))),
    )


def _address(finding: Finding, name: str) -> str:
    """The address, where the name does not say it, and how sure the name is, where it is not."""
    address = finding.address if finding.address != name else ""
    doubt = f"{finding.name_confidence} name" if finding.name_confidence in _DOUBTFUL else ""
    return ", ".join(part for part in (address, doubt) if part)


def _what(finding: Finding) -> str:
    unexpected = "unexpected" if finding.detector is Detector.UNEXPECTED_DESTINATION else ""
    return ", ".join(part for part in (unexpected, _NEWS[finding.novelty] if finding.novelty else "") if part)


def _circumstances(finding: Finding) -> Iterator[str]:
    yield finding.severity.value
    yield f"{finding.context.value} {finding.revision}".strip()
    if finding.verdict != "forwarded":
        yield " ".join(part for part in (finding.verdict, finding.reason) if part)
    if finding.detector is not Detector.UNEXPECTED_DESTINATION:
        yield finding.expectation


def _evidence(finding: Finding) -> Iterator[str]:
    """Who did it, by which policy or rule, and how much was seen at that time."""
    where = f" on {finding.node_name}" if finding.node_name else ""
    yield f"{finding.pod_name or 'no pod'}{where}"
    for words, policies in (("denied by", finding.denied_by), ("allowed by", finding.allowed_by)):
        if policies:
            yield f"{words} {', '.join(policies)}"
    # The rule is often the policy that the flow names itself.
    if finding.rule.replace(" ", "/", 1) not in ("", *finding.denied_by, *finding.allowed_by):
        yield finding.rule
    yield "coverage not measured" if finding.coverage is None else f"coverage {finding.coverage:.0%}"
    if finding.degraded:
        yield "the memory did not answer"
