"""What the landing page and the API say of new and unexpected destinations."""

import json
import re
from typing import Any

import pytest

from exporter.detectors.survey import Surveyed
from exporter.detectors.unexpected import Where
from exporter.findings.interface import Context, Detector, Finding, Novelty, Severity
from exporter.flow import Policy
from exporter.judging import Memory
from exporter.known.interface import Row, Size, WorkloadKey
from exporter.known.learning import State
from exporter.triage.health import Health
from exporter.triage.interface import NOTHING_SEEN
from exporter.web.destinations import MOST_WORKLOADS, DestinationsReport, destinations_report, to_json
from exporter.web.page import landing
from tests.detectors.watching import DAY, Watching
from tests.findings.examples import AT_NS, finding
from tests.flows import at
from tests.programs import ROOT
from tests.statuses import full
from tests.web.test_page import Outline

CART, WEB = WorkloadKey("east", "shop", "cart"), WorkloadKey("east", "shop", "web")
LEAK = Where(CART, "fqdn", "public", "leak.example.net", "443", "tcp", "forwarded")
QUERY = Where(WEB, "fqdn", "public", "evil.example", "", "udp", "dropped")
ROW = Row(at(0), at(7200), at(3600))
MEMORY = Memory(
    entries=34,
    size=Size(40, 4096),
    waiting=2,
    errors=(("unreachable", 12), ("busy", 1)),
    workloads=(
        Surveyed(WEB, State.LEARNING, 0, ("1 of 2 pod starts seen",), 3, 1, nameless=False),
        Surveyed(CART, State.ARMED, at(0), (), 7, 5, nameless=True),
    ),
    unexpected=((LEAK, ROW),),
    listed=((QUERY, ROW), (LEAK, ROW._replace(last_ns=at(7201)))),
)
_ROW = re.compile(r"^\| (?P<fields>`[^|]+`) \| (?P<type>[a-z ]+) \| .+ \|$", re.MULTILINE)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": (str, type(None)),
    "time": (str, type(None)),
    "number": int,
    "bool": bool,
    "map": dict,
    "list of text": list,
    "list of object": list,
}


def said(memory: Memory = MEMORY, *findings: Finding) -> Any:  # noqa: ANN401, JSON
    """What the API answers."""
    return json.loads(to_json(destinations_report(memory, findings)))


def section(report: DestinationsReport) -> str:
    """What the section of the page says."""
    page = landing(full(), NOTHING_SEEN, Health(()), report)
    return Outline(page).texts["New and unexpected destinations"]


def documented() -> dict[str, str]:
    """The fields of API.md's table, with their types."""
    document = (ROOT / "API.md").read_text()
    chapter = document.partition("\n## New and unexpected destinations as JSON\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for row in _ROW.finditer(chapter):
        first, *others = re.findall(r"`([^`]+)`", row["fields"])
        found |= dict.fromkeys([first, *(f"{first.rpartition('.')[0]}{other}" for other in others)], row["type"])
    return found


def test_documented_fields_are_the_served_ones() -> None:
    """Every field is in API.md with its type, and every one in API.md is served."""
    served = {}
    for key, value in said(MEMORY, finding()).items():
        if key in documented():
            served[key] = value
        else:
            rows = value if isinstance(value, list) else [value]
            prefix = f"{key}[]" if isinstance(value, list) else key
            served |= {f"{prefix}.{name}": entry for row in rows for name, entry in row.items()}
    assert served.keys() == documented().keys()
    for path, value in served.items():
        assert isinstance(value, _TYPES[documented()[path]]), path


def test_workloads() -> None:
    """The workload that reaches most comes first, with its state and what it lacks; all are in the counts."""
    document = said()
    assert document["counts"] == {"learning": 1, "armed": 1, "open_ended": 0, "nameless": 1}
    assert [one["workload"] for one in document["workloads"]] == ["cart", "web"]
    assert document["workloads"][0] == {
        "cluster": "east",
        "namespace": "shop",
        "workload": "cart",
        "state": "armed",
        "since": "2027-01-15T08:00:00.000Z",
        "missing": [],
        "known": 7,
        "fanout": 5,
        "nameless": True,
    }
    assert (document["workloads"][1]["since"], document["workloads"][1]["missing"]) == (
        None,
        ["1 of 2 pod starts seen"],
    )


def test_workloads_are_bounded() -> None:
    """Of many workloads there are a thousand, and all of them in the counts."""
    many = tuple(
        Surveyed(CART._replace(name=f"w{number}"), State.ARMED, at(0), (), 1, 0, nameless=False)
        for number in range(MOST_WORKLOADS + 1)
    )
    document = said(Memory(workloads=many))
    assert (len(document["workloads"]), document["counts"]["armed"]) == (1_000, 1_001)


def test_unexpected() -> None:
    """What learning workloads do is there too, and is told apart: it is not exported."""
    rows = said()["unexpected"]
    assert [(row["workload"], row["exported"]) for row in rows] == [("cart", True), ("web", False)]
    assert rows[1] == {
        "cluster": "east",
        "namespace": "shop",
        "workload": "web",
        "kind": "fqdn",
        "scope": "public",
        "destination": "evil.example",
        "port": None,
        "protocol": "udp",
        "verdict": "dropped",
        "first_seen": "2027-01-15T08:00:00.000Z",
        "active_since": "2027-01-15T09:00:00.000Z",
        "last_seen": "2027-01-15T10:00:00.000Z",
        "exported": False,
    }


def test_findings() -> None:
    """The newest finding comes first, as the document that every receiver gets."""
    document = said(Memory(), finding(), finding(at_ns=AT_NS + 10**9))
    assert [one["at"] for one in document["findings"]] == ["2025-10-09T08:53:21.123Z", "2025-10-09T08:53:20.123Z"]
    assert document["findings"][1]["summary"].startswith("shop/checkout reached api.example.com (203.0.113.10)")


def test_store() -> None:
    """How the store does."""
    assert said()["store"] == {
        "degraded": False,
        "entries": 34,
        "waiting": 2,
        "errors": {"unreachable": 12, "busy": 1},
    }


def test_what_is_published() -> None:
    """A workload that is learning is listed with what nobody allowed, and not among what is exported."""
    watching = Watching()
    watching.contact(0)
    watching.deny(5)
    assert not watching.listed()
    ((where, row),) = watching.judging.memory.listed
    assert (where.workload.name, where.verdict, row.first_ns) == ("cart", "dropped", at(5))
    watching = Watching()
    watching.learn()
    watching.deny(16 * DAY)
    assert watching.listed() == dict(watching.judging.memory.listed)


def test_a_finding_is_a_row() -> None:
    """When, who, where and what, and in small the evidence: address, context, pod, node, rule, coverage."""
    text = section(destinations_report(Memory(), [finding(allowed_by=())]))
    assert (
        "2025-10-09 08:53:20 shop/checkout api.example.com:443/tcp 203.0.113.10 new destination warning, steady, "
        "not_covered checkout-5d8f9c7b6d-abcde on node-1; coverage 75%"
    ) in text


def test_an_unexpected_row() -> None:
    """What was kept from going, by which policy, and what could not be known."""
    denied = finding(
        detector=Detector.UNEXPECTED_DESTINATION,
        severity=Severity.INFO,
        destination_kind="world",
        destination="world",
        known_as="203.0.113.10",
        verdict="dropped",
        reason="policy_deny",
        novelty=Novelty.PORT,
        context=Context.ROLLOUT,
        revision="5d8f9c7b6d",
        expectation="unexpected",
        allowed_by=(),
        denied_by=("CiliumNetworkPolicy shop/out",),
        rule="Allowlist team (allow.yaml:3)",
        name_confidence="stale",
        coverage=None,
        degraded=True,
    )
    text = section(destinations_report(Memory(), [denied]))
    assert (
        "203.0.113.10:443/tcp stale name unexpected, new port info, rollout 5d8f9c7b6d, dropped policy_deny "
        "checkout-5d8f9c7b6d-abcde on node-1; denied by CiliumNetworkPolicy shop/out; Allowlist team (allow.yaml:3); "
        "coverage not measured; the memory did not answer"
    ) in text


def test_what_has_no_port() -> None:
    """A name that was refused has no port, and nothing stands where it would."""
    refused = finding(destination_port="", protocol="udp", address="", pod_name="", node_name="", novelty=None)
    assert " api.example.com warning" in section(destinations_report(Memory(), [refused])).replace("  ", " ")


def test_more_than_fits() -> None:
    """The page has twenty findings, the newest, and says how many there are."""
    many = [finding(source_workload=f"w{number}", at_ns=AT_NS + number) for number in range(25)]
    text = section(destinations_report(Memory(), many))
    assert "shop/w24" in text
    assert "shop/w5 " in text
    assert "shop/w4 " not in text
    assert "20 of the last 25 findings, 5 of a workload at most." in text


def test_one_that_scans() -> None:
    """One workload that goes everywhere does not push the others out of view: five of it are shown."""
    one = finding(source_workload="quiet", at_ns=AT_NS)
    many = [finding(destination=f"n{number}.example", at_ns=AT_NS + number) for number in range(1, 40)]
    text = section(destinations_report(Memory(), [one, *many]))
    assert "shop/quiet" in text
    assert "n35.example" in text
    assert "n34.example" not in text
    assert "6 of the last 40 findings" in text


def test_how_far_workloads_have_learnt() -> None:
    """Without a finding it says so, and how many workloads would be the subject of one."""
    text = section(destinations_report(MEMORY, ()))
    assert text == (
        "Nothing was announced since the start. Workloads: 1 learning, 1 armed, 0 open-ended. "
        "Of 1 the names are not seen: addresses are counted only."
    )
    assert section(destinations_report(Memory(), ())).endswith("No workload is known yet.")


def test_a_store_that_does_not_work_is_said_first() -> None:
    """Before anything else, and loudly."""
    report = destinations_report(MEMORY._replace(degraded=True), ())
    assert section(report).startswith(
        "The memory does not work (busy \N{MULTIPLICATION SIGN}1, unreachable \N{MULTIPLICATION SIGN}12): what is "
        "known may be announced as new. 2 facts wait for it."
    )
    page = Outline(landing(full(), NOTHING_SEEN, Health(()), report))
    assert {"class": "loud"} in page.named("p")


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "\ud800", "\x1b[31m"])
def test_names_are_text(evil: str) -> None:
    """Whoever makes up a name cannot write into the page or break the JSON with it."""
    where = LEAK._replace(label=evil, workload=WorkloadKey(evil, evil, evil))
    hostile = finding(source_workload=evil, destination=evil, known_as=evil, pod_name=evil, rule=evil, address=evil)
    report = destinations_report(Memory(listed=((where, ROW),)), [hostile])
    assert json.loads(to_json(report).decode("ascii"))["unexpected"][0]["destination"] == evil
    assert "<script" not in landing(full(), NOTHING_SEEN, Health(()), report)


def test_policies_are_named() -> None:
    """A policy that the flow itself names is part of the evidence."""
    watching = Watching()
    watching.learn()
    policy = Policy(kind="CiliumNetworkPolicy", namespace="shop", name="out")
    watching.contact(16 * DAY, "leak.example.net", "198.51.100.7", egress_allowed_by=(policy,))
    text = section(destinations_report(watching.judging.memory, watching.found))
    assert "on east/node-1; allowed by CiliumNetworkPolicy/shop/out; coverage not measured" in text
