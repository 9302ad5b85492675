"""A finding as one event of the log: flat keys, named as the labels of the metrics are."""

from dataclasses import fields

from exporter.documents.faults import printable
from exporter.findings.document import finding_id, rfc3339
from exporter.findings.interface import Finding, Severity
from exporter.findings.summary import summary
from exporter.log import logger

_ELSEWHERE = frozenset({"severity", "at_ns", "flow"})
"""The level, `at`, and what only the document has."""


def log_finding(finding: Finding) -> None:
    """Write the event; what is not known is left out."""
    values = {field.name: getattr(finding, field.name) for field in fields(finding) if field.name not in _ELSEWHERE}
    keys = {name: _written(value) for name, value in values.items() if value not in ("", None, ())}
    write = logger().warning if finding.severity is Severity.WARNING else logger().info
    write("finding", id=finding_id(finding), at=rfc3339(finding.at_ns), summary=summary(finding), **keys)


def _written(value: object) -> object:
    """Names come from flows that anybody may have caused: nothing in them reaches a terminal as it is."""
    match value:
        case str():
            return printable(value)
        case tuple():
            return [printable(str(entry)) for entry in value]
        case _:
            return value
