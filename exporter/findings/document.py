"""A finding as the document that receivers read: stable keys, times RFC 3339 in UTC, what is not known null."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

from exporter.findings.interface import Finding
from exporter.findings.summary import summary

SCHEMA_VERSION = 1
"""Goes up when a key changes its meaning or leaves; a new key is no new version."""

_ID_LENGTH = 16
_LAST_PORT = 65_535
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, after which RFC 3339 has no times."""


def document(finding: Finding) -> dict[str, object]:
    """As `schema.json` says; half characters are replaced, so that every reader of JSON takes it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "id": finding_id(finding),
        "at": rfc3339(finding.at_ns),
        "detector": finding.detector.value,
        "severity": finding.severity.value,
        "summary": _known(summary(finding)),
        "source": _source(finding),
        "destination": _destination(finding),
        "verdict": _known(finding.verdict),
        "reason": _known(finding.reason),
        "novelty": finding.novelty.value if finding.novelty else None,
        "context": finding.context.value,
        "revision": _known(finding.revision),
        "expectation": _expectation(finding),
        "state": _known(finding.state),
        "coverage": _plain(finding.coverage),
        "degraded": finding.degraded,
        "flow": _plain(finding.flow),
    }


def to_line(finding: Finding) -> str:
    """The document as one line without its end; what is not ASCII is escaped, for it goes to terminals too."""
    return json.dumps(document(finding), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def finding_id(finding: Finding) -> str:
    """The same for the same finding, whoever announces it, so that receivers can leave out repetitions.

    It is made of `known_as`, for the label depends on how many names an exporter has folded.
    """
    parts = (
        *(finding.detector.value, finding.cluster, finding.source_namespace, finding.source_workload),
        *(finding.known_as or finding.destination, finding.destination_port, finding.protocol, finding.at_ns),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_ID_LENGTH]


def rfc3339(at_ns: int) -> str | None:
    """The time in milliseconds; None when it is not known."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    if at_ns <= 0 or seconds > _LAST_SECOND:
        return None
    # A float would not hold the milliseconds of all these times.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"


def _source(finding: Finding) -> dict[str, object]:
    return {
        "cluster": _known(finding.cluster),
        "namespace": _known(finding.source_namespace),
        "workload": _known(finding.source_workload),
        "pod": _known(finding.pod_name),
        "node": _known(finding.node_name),
    }


def _destination(finding: Finding) -> dict[str, object]:
    return {
        "kind": _known(finding.destination_kind),
        "scope": _known(finding.scope),
        "label": _known(finding.destination),
        "known_as": _known(finding.known_as),
        "address": _known(finding.address),
        "port": _port(finding.destination_port),
        "protocol": _known(finding.protocol),
        "name_confidence": _known(finding.name_confidence),
    }


def _expectation(finding: Finding) -> dict[str, object]:
    return {
        "answer": _known(finding.expectation),
        "rule": _known(finding.rule),
        "allowed_by": _plain(finding.allowed_by),
        "denied_by": _plain(finding.denied_by),
    }


def _port(text: str) -> int | None:
    """`~other` is no port."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(_LAST_PORT))
    return int(text) if is_number and 0 < int(text) <= _LAST_PORT else None


def _known(text: str) -> str | None:
    return _text(text) or None


def _text(text: str) -> str:
    """Two halves of one character become that character, a half alone the sign for what cannot be read."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _plain(value: object) -> object:
    match value:
        case str():
            return _text(value)
        case None | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_text(str(key)): _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case _:
            return _text(str(value))
