"""The part of the landing page that says what is broken, and which names fail."""

from exporter.triage.health import Health
from exporter.triage.interface import FindingReport, Report
from exporter.web.html import Column, Html, element, joined, table
from exporter.web.sections import when
from exporter.web.status import Status

_MOST_FINDINGS = 20
_MOST_NAMES = 20
_COLUMNS = (
    Column("Workload", "workload"),
    Column("Cause"),
    Column("Since", "time"),
    Column("Flows", "number"),
    Column("What", "destination"),
)
_NAME_COLUMNS = (
    Column("Workload", "workload"),
    Column("Name", "destination"),
    Column("Why"),
    Column("Failures", "number"),
)


def findings(status: Status, report: Report) -> Html:
    """What triage says, in rows; the advice and the policies stand in its JSON and in the command."""
    rows = [
        (
            _workload(workload.namespace, workload.workload),
            joined((element("span", finding.cause), " ", element("small", finding.confidence))),
            when(finding.since, status.at),
            f"{finding.count:,}",
            _what(finding),
        )
        for workload in report.workloads
        for finding in workload.findings
    ]
    said: list[Html] = []
    if rows:
        said.append(table("What is broken", _COLUMNS, rows[:_MOST_FINDINGS], narrow="cards"))
        if len(rows) > _MOST_FINDINGS:
            said.append(element("p", f"{_MOST_FINDINGS} of {len(rows):,} findings.", class_="more"))
        said.append(element("p", "Evidence and what to do: `hubble-egress-exporter triage`, or the JSON above."))
    elif status.counts.flows:
        said.append(element("p", "Nothing is broken, as far as can be seen."))
    else:
        said.append(element("p", "No flow has arrived: nothing is known."))
    if report.intended_blocks:
        meant = f"{report.intended_blocks:,} drops and refusals were meant by the policies that were read."
        said.append(element("p", meant))
    return joined(said)


def failing_names(health: Health) -> Html:
    """The names that fail most."""
    rows = [
        (_workload(one.namespace, one.workload), name.name, ", ".join(name.why), f"{name.failures:,}")
        for one in health.workloads
        for name in one.names
    ]
    if not rows:
        return Html("")
    shown = [table("Failing names", _NAME_COLUMNS, rows[:_MOST_NAMES], narrow="cards")]
    total = sum(one.failing for one in health.workloads)
    if total > min(len(rows), _MOST_NAMES):
        shown.append(element("p", f"{min(len(rows), _MOST_NAMES)} of {total:,} names.", class_="more"))
    return joined(shown)


def _what(finding: FindingReport) -> Html:
    what = ", ".join(finding.names or finding.destinations)
    return element("span", what or finding.evidence[0].what)


def _workload(namespace: str, name: str) -> Html:
    """A long name breaks after its namespace, where there is no room for both."""
    return joined((f"{namespace}/", element("wbr"), name)) if namespace else joined((name,))
