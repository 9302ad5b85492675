"""A finding as one sentence for people."""

from exporter.destinations.interface import DestinationKind
from exporter.documents.faults import printable
from exporter.expectations.interface import Expectation
from exporter.findings.interface import Finding, Novelty

DROPPED = "dropped"
_NAMELESS = (DestinationKind.WORLD, DestinationKind.CIDR)
_NEWS = {
    Novelty.DESTINATION: " for the first time",
    Novelty.PORT: ", on this port for the first time",
    Novelty.ADDRESS_REUSED: ", a new name of an address that it knew",
}
_ANSWERS: dict[str, str] = {
    Expectation.EXPECTED: "it is expected",
    Expectation.EXPECTED_WIDE: "only a rule as wide as the world expects it",
    Expectation.UNDECIDED: "whether it is expected cannot be told",
    Expectation.UNEXPECTED: "it is unexpected",
    Expectation.NOT_COVERED: "nobody has declared what this workload may reach",
}


def summary(finding: Finding) -> str:
    """Who went where, what is new about it and whether it was expected; always one line."""
    verb = "was kept from" if finding.verdict == DROPPED else "reached"
    reason = f" ({finding.reason})" if finding.verdict == DROPPED and finding.reason else ""
    news = _NEWS[finding.novelty] if finding.novelty else ""
    said = f"{_who(finding)} {verb} {_where(finding)}{reason}{news}"
    answer = _ANSWERS.get(finding.expectation, "")
    doubt = "the memory did not answer, so it may be known" if finding.degraded else ""
    return printable("; ".join(part for part in (said, answer, doubt) if part) + ".")


def _who(finding: Finding) -> str:
    return "/".join(part for part in (finding.source_namespace, finding.source_workload) if part) or "something"


def name_of(finding: Finding) -> str:
    """Where it went, by the name that says most: the label, unless it is a range, or what was folded."""
    is_name = finding.destination_kind not in _NAMELESS and not finding.destination.startswith("~")
    name = finding.destination if is_name else finding.known_as
    return name or finding.address or finding.destination or "somewhere"


def _where(finding: Finding) -> str:
    name = name_of(finding)
    address = f" ({finding.address})" if finding.address and finding.address != name else ""
    way = "/".join(part for part in (finding.destination_port, finding.protocol) if part)
    return f"{name}{address}{f' at {way}' if way else ''}"
