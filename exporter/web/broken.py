"""The part of the landing page that says what is broken, and which names fail."""

from exporter.triage.health import Health
from exporter.triage.interface import FindingReport, Report
from exporter.web.html import Column, Html, element, joined, table
from exporter.web.sections import clock, named, workload
from exporter.web.status import Status

_MOST_FINDINGS = 20
_MOST_NAMES = 20
_COLUMNS = (
    Column("Since (UTC)", "time"),
    Column("Workload", "workload"),
    Column("What", "destination"),
    Column("Cause", "reason"),
)
_NAME_COLUMNS = (
    Column("Last (UTC)", "time"),
    Column("Workload", "workload"),
    Column("Name", "destination"),
    Column("Why", "reason"),
)


def findings(status: Status, report: Report) -> Html:
    """What triage says, in rows; the advice and the policies stand in its JSON and in the command."""
    rows = [
        (
            clock(finding.since, status.at),
            workload(one.namespace, one.workload),
            _what(finding),
            named(finding.cause, f"{finding.confidence} {_times(finding.count)}".rstrip()),
        )
        for one in report.workloads
        for finding in one.findings
    ]
    said: list[Html] = []
    if rows:
        said.append(table("What is broken", _COLUMNS, rows[:_MOST_FINDINGS], narrow="cards"))
        if len(rows) > _MOST_FINDINGS:
            said.append(element("p", f"{_MOST_FINDINGS} of {len(rows):,} findings.", class_="more"))
        command = element("code", "hubble-egress-exporter triage")
        said.append(element("p", "Evidence and what to do: ", command, ", or triage as JSON above."))
    elif status.counts.flows:
        said.append(element("p", "Nothing is broken, as far as can be seen."))
    else:
        said.append(element("p", "No flow has arrived: nothing is known."))
    if report.intended_blocks:
        meant = f"{report.intended_blocks:,} drops and refusals were meant by the policies that were read."
        said.append(element("p", meant))
    return joined(said)


def failing_names(status: Status, health: Health) -> Html:
    """The names that fail most."""
    rows = [
        (
            clock(name.last, status.at),
            workload(one.namespace, one.workload),
            name.name,
            named(", ".join(name.why), _times(name.failures)),
        )
        for one in health.workloads
        for name in one.names
    ]
    if not rows:
        return Html("")
    shown = [
        element("h3", "Failing names"),
        table("Failing names", _NAME_COLUMNS, rows[:_MOST_NAMES], narrow="cards"),
    ]
    total = sum(one.failing for one in health.workloads)
    if total > min(len(rows), _MOST_NAMES):
        shown.append(element("p", f"{min(len(rows), _MOST_NAMES)} of {total:,} names.", class_="more"))
    return joined(shown)


def _what(finding: FindingReport) -> Html:
    what = ", ".join(finding.names or finding.destinations)
    return element("span", what or finding.evidence[0].what)


def _times(number: int) -> str:
    return f"\N{MULTIPLICATION SIGN}{number:,}" if number > 1 else ""
