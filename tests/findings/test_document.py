"""A finding as a document: what receivers read, and that it is always one line of JSON."""

import json
import math
from dataclasses import fields
from datetime import date
from typing import Any, get_type_hints

import jsonschema  # type: ignore[import-untyped] # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.destinations.interface import DestinationKind, NameConfidence
from exporter.destinations.scopes import Scope
from exporter.expectations.interface import Expectation
from exporter.findings.document import document, finding_id, to_line
from exporter.findings.interface import Context, Detector, Finding, Novelty, Severity
from exporter.findings.log import log_finding
from exporter.findings.summary import summary
from tests.findings.examples import EXAMPLE, finding
from tests.programs import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "exporter" / "findings" / "schema.json").read_text())
PARTS = SCHEMA["properties"]
# Surrogates too: a name of a flow may hold half of a character.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
TEXT_FIELDS = [name for name, kind in get_type_hints(Finding).items() if kind is str]
CLOSED = {
    *("destination_kind", "scope", "name_confidence", "verdict", "expectation", "state"),
}
"""Texts of which the schema knows every value."""


def test_everything() -> None:
    """Every field has its key."""
    assert document(EXAMPLE) == {
        "schema_version": 1,
        # printf of the JSON list of its parts, through sha256sum.
        "id": "3ad98cd0220c9da2",
        "at": "2025-10-09T08:53:20.123Z",
        "detector": "new_destination",
        "severity": "warning",
        "summary": "shop/checkout reached api.example.com (203.0.113.10) at 443/tcp for the first time; "
        "nobody has declared what this workload may reach.",
        "source": {
            "cluster": "blue",
            "namespace": "shop",
            "workload": "checkout",
            "pod": "checkout-5d8f9c7b6d-abcde",
            "node": "node-1",
        },
        "destination": {
            "kind": "fqdn",
            "scope": "public",
            "label": "api.example.com",
            "known_as": "example.com",
            "address": "203.0.113.10",
            "port": 443,
            "protocol": "tcp",
            "name_confidence": "observed",
        },
        "verdict": "forwarded",
        "reason": None,
        "novelty": "destination",
        "context": "steady",
        "revision": None,
        "expectation": {
            "answer": "not_covered",
            "rule": None,
            "allowed_by": ["CiliumNetworkPolicy shop/out"],
            "denied_by": [],
        },
        "state": "armed",
        "coverage": 0.75,
        "degraded": False,
        "flow": {"source_port": 40_000, "flags": ["SYN"]},
    }


def test_unknown_is_null() -> None:
    """What is not known is null; lists are empty."""
    texts = dict.fromkeys(TEXT_FIELDS, "")
    unknown = document(finding(**texts, at_ns=0, novelty=None, coverage=None, allowed_by=(), flow={}))
    assert unknown["at"] is unknown["novelty"] is unknown["coverage"] is unknown["verdict"] is unknown["state"] is None
    assert unknown["source"] == dict.fromkeys(("cluster", "namespace", "workload", "pod", "node"))
    assert unknown["destination"] == dict.fromkeys(PARTS["destination"]["required"])
    assert unknown["expectation"] == {"answer": None, "rule": None, "allowed_by": [], "denied_by": []}
    assert unknown["summary"] == "something reached somewhere."
    jsonschema.validate(unknown, SCHEMA)


@pytest.mark.parametrize(
    ("at_ns", "at"),
    [
        (1, "1970-01-01T00:00:00.000Z"),
        (999_999, "1970-01-01T00:00:00.000Z"),
        (1_760_000_000_999_999_999, "2025-10-09T08:53:20.999Z"),
        (253_402_300_799_999_999_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000_000_000, None),
        (-1, None),
    ],
)
def test_times(at_ns: int, at: str | None) -> None:
    """Times are cut to milliseconds, never rounded into the next second; those that RFC 3339 lacks are unknown."""
    assert document(finding(at_ns=at_ns))["at"] == at


@pytest.mark.parametrize(
    ("text", "port"), [("1", 1), ("65535", 65535), ("65536", None), ("0", None), ("~other", None), ("²", None)]
)
def test_ports(text: str, port: int | None) -> None:
    """A port is a number that a port can be, or unknown."""
    destination = document(finding(destination_port=text))["destination"]
    assert isinstance(destination, dict)
    assert destination["port"] == port


def test_coverage_that_was_not_measured() -> None:
    """NaN, which is no JSON, is null, wherever it stands."""
    assert '"coverage":null' in to_line(finding(coverage=math.nan))
    assert '"flow":{"lag":null}' in to_line(finding(flow={"lag": math.inf}))


def test_what_json_has_no_words_for() -> None:
    """A value of another kind is its text, so that no flow makes a finding that cannot be written."""
    assert '"flow":{"1":"2025-10-09","raw":"b\'\\\\xff\'"}' in to_line(
        finding(flow={1: date(2025, 10, 9), "raw": b"\xff"})
    )


def test_half_characters() -> None:
    """Two halves become their character, a single half the sign for what cannot be read."""
    source = document(finding(source_namespace="\ud83d\ude00", source_workload="a\udc80b", pod_name="\ud800"))["source"]
    assert isinstance(source, dict)
    assert (source["namespace"], source["workload"], source["pod"]) == ("\U0001f600", "a\ufffdb", "\ufffd")


@given(st.fixed_dictionaries({name: TEXT for name in TEXT_FIELDS if name not in CLOSED}), TEXT)
def test_property_one_line_that_reads_back(texts: dict[str, str], text: str) -> None:
    """Whatever text is in any field, the line is one line, says what the document says, and keeps the schema."""
    odd = finding(**texts, allowed_by=(text,), denied_by=(text, ""), flow={"names": (text,), text: {"deep": text}})
    line = to_line(odd)
    assert line.isascii()
    assert line.splitlines() == [line]
    assert json.loads(line) == document(odd)
    line.encode().decode("utf-8")
    # A reader that takes no half characters takes it too.
    json.dumps(json.loads(line), ensure_ascii=False).encode()
    jsonschema.validate(json.loads(line), SCHEMA)


@given(st.fixed_dictionaries(dict.fromkeys(TEXT_FIELDS, TEXT)), st.integers())
def test_property_nothing_raises(texts: dict[str, str], at_ns: int) -> None:
    """Even texts and times that no finding has make a line."""
    assert json.loads(to_line(finding(**texts, at_ns=at_ns)))["schema_version"] == 1


def test_the_schema_is_strict() -> None:
    """It knows every value and refuses what it does not know."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document(EXAMPLE), SCHEMA)
    enums = {
        "detector": [*Detector],
        "severity": [*Severity],
        "novelty": [*Novelty, None],
        "context": [*Context],
    }
    assert {name: PARTS[name]["enum"] for name in enums} == enums
    destination = PARTS["destination"]["properties"]
    assert destination["kind"]["enum"] == [*DestinationKind, None]
    assert destination["scope"]["enum"] == [*Scope, None]
    assert destination["name_confidence"]["enum"] == [*NameConfidence, None]
    assert PARTS["expectation"]["properties"]["answer"]["enum"] == [*Expectation, None]
    objects = [SCHEMA, *(part for part in PARTS.values() if "properties" in part)]
    assert len(objects) == 4
    assert all(part["additionalProperties"] is False for part in objects)
    assert all(set(part["required"]) == set(part["properties"]) for part in objects)
    for wrong in ({"at": "yesterday"}, {"id": "short"}, {"verdict": "lost"}, {"more": 1}, {"coverage": 2}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document(EXAMPLE) | wrong, SCHEMA)


@pytest.mark.parametrize(
    "changes",
    [
        {"detector": Detector.UNEXPECTED_DESTINATION},
        {"cluster": "green"},
        {"source_namespace": "store"},
        {"source_workload": "cart"},
        {"known_as": "example.org"},
        {"destination_port": "8443"},
        {"protocol": "udp"},
        {"at_ns": 1_760_000_000_123_456_790},
    ],
)
def test_another_finding_has_another_id(changes: dict[str, Any]) -> None:
    """Detector, source, destination, port, protocol and time tell findings apart."""
    assert finding_id(finding(**changes)) != finding_id(EXAMPLE)


def test_the_same_finding_has_the_same_id() -> None:
    """Another exporter may have folded the name, or have seen another share of the node's flows."""
    assert finding_id(finding(destination="*.example.com", coverage=1.0, degraded=True)) == finding_id(EXAMPLE)


def test_id_keeps_its_parts_apart() -> None:
    """What moves from the end of one part to the beginning of the next makes another id."""
    one = finding(source_namespace="shop", source_workload="a")
    assert finding_id(one) != finding_id(finding(source_namespace="sho", source_workload="pa"))


_AT = "api.example.com (203.0.113.10) at 443/tcp"
_REUSED = (
    "a new name of an address that it knew; whether it is expected cannot be told; "
    "the memory did not answer, so it may be known."
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"novelty": Novelty.PORT, "expectation": "unexpected"},
            f"shop/checkout reached {_AT}, on this port for the first time; it is unexpected.",
        ),
        (
            {"verdict": "dropped", "reason": "policy_denied", "novelty": None, "expectation": "unexpected"},
            f"shop/checkout was kept from {_AT} (policy_denied); it is unexpected.",
        ),
        (
            {"source_namespace": "", "source_workload": "~host", "expectation": "expected_wide"},
            f"~host reached {_AT} for the first time; only a rule as wide as the world expects it.",
        ),
        (
            {"destination_kind": "world", "destination": "world", "known_as": "203.0.113.10", "expectation": ""},
            "shop/checkout reached 203.0.113.10 at 443/tcp for the first time.",
        ),
        (
            {"destination": "~other", "destination_port": "", "protocol": "icmp", "expectation": "expected"},
            "shop/checkout reached example.com (203.0.113.10) at icmp for the first time; it is expected.",
        ),
        (
            {"novelty": Novelty.ADDRESS_REUSED, "expectation": "undecided", "degraded": True},
            f"shop/checkout reached {_AT}, {_REUSED}",
        ),
        (
            {"source_workload": "a\nb\x1b[2J", "expectation": ""},
            rf"shop/a\nb\x1b[2J reached {_AT} for the first time.",
        ),
    ],
    ids=["port", "dropped", "host", "address", "folded name", "degraded", "control characters"],
)
def test_summary(changes: dict[str, Any], sentence: str) -> None:
    """One sentence says who went where, what is new, and whether it was expected."""
    assert summary(finding(**changes)) == sentence


def test_summary_of_nothing() -> None:
    """A finding of which nothing is known has a sentence too."""
    assert summary(finding(**dict.fromkeys(TEXT_FIELDS, ""))) == "something reached somewhere for the first time."


def test_log_line() -> None:
    """A warning is one event with the evidence as flat keys; what is not known is left out, so is the flow."""
    with capture_logs() as lines:
        log_finding(finding(source_workload="a\x1b[2J"))
    (line,) = lines
    summary_of_it = str(line.pop("summary"))
    assert summary_of_it.startswith(r"shop/a\x1b[2J reached")
    assert line == {
        "event": "finding",
        "log_level": "warning",
        "id": finding_id(finding(source_workload="a\x1b[2J")),
        "at": "2025-10-09T08:53:20.123Z",
        "detector": "new_destination",
        "cluster": "blue",
        "source_namespace": "shop",
        "source_workload": r"a\x1b[2J",
        "destination_kind": "fqdn",
        "scope": "public",
        "destination": "api.example.com",
        "known_as": "example.com",
        "destination_port": "443",
        "protocol": "tcp",
        "verdict": "forwarded",
        "address": "203.0.113.10",
        "name_confidence": "observed",
        "novelty": "destination",
        "context": "steady",
        "expectation": "not_covered",
        "allowed_by": ["CiliumNetworkPolicy shop/out"],
        "node_name": "node-1",
        "pod_name": "checkout-5d8f9c7b6d-abcde",
        "state": "armed",
        "coverage": 0.75,
        "degraded": False,
    }


def test_log_level() -> None:
    """A finding for the record is at level info, and no coverage at all is not left out."""
    with capture_logs() as lines:
        log_finding(finding(severity=Severity.INFO, coverage=0.0))
    assert (lines[0]["log_level"], lines[0]["coverage"]) == ("info", 0.0)


def test_every_field_is_in_the_document() -> None:
    """Nothing that is known of a finding is missing where receivers look."""
    marks = {name: f"mark-{name}" for name in TEXT_FIELDS if name != "destination_port"}
    line = to_line(finding(**marks, denied_by=("mark-denied_by",)))
    assert [name for name in marks if f'"mark-{name}"' not in line] == []
    assert {field.name for field in fields(Finding)} - set(TEXT_FIELDS) == {
        *("detector", "severity", "at_ns", "novelty", "context", "allowed_by", "denied_by"),
        *("coverage", "degraded", "flow"),
    }
