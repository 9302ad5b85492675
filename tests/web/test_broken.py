"""What the landing page and the API say of broken name resolution and of failing names."""

import json

import pytest

from exporter.triage.health import MOST_NAMES, health
from exporter.triage.report import report
from exporter.triage.written import to_json
from exporter.web.page import landing
from tests.flows import DNS_IP, at, changed, dns_answer, dns_query, dns_response, drop, flow, pod, remote_pod
from tests.statuses import CONNECTED, NOTHING_REMEMBERED, Shown
from tests.web.test_page import Outline

RESOLVER = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104, labels=("k8s:k8s-app=kube-dns",))
BLOCKED = changed(
    drop(destination=RESOLVER, destination_ip=DNS_IP, destination_port=53), protocol="udp", tcp_flags=0, time_ns=at(0)
)


def _text(shown: Shown) -> str:
    pipeline = shown.pipeline
    return Outline(landing(shown.view.take(), report(pipeline), health(pipeline), NOTHING_REMEMBERED)).texts[
        "Name resolution"
    ]


def test_a_finding_is_a_row() -> None:
    """Workload, cause with its confidence, since when, how many flows, and what of: the rest is the command's."""
    shown = Shown()
    shown.take(CONNECTED, BLOCKED, changed(BLOCKED, time_ns=at(5)))
    text = _text(shown)
    assert "08:00:00 shop/cart kube-system/coredns dns_blocked inferred \N{MULTIPLICATION SIGN}2" in text
    assert text.endswith("hubble-egress-exporter triage , or triage as JSON above.")


def test_nothing_is_broken() -> None:
    """With flows and without a finding it says so; without flows it says that nothing is known."""
    shown = Shown()
    shown.take(CONNECTED)
    assert "No flow has arrived: nothing is known." in _text(shown)
    shown.take(flow())
    assert "Nothing is broken, as far as can be seen." in _text(shown)


def test_more_findings_than_fit() -> None:
    """A table that does not hold everything says how much there is."""
    shown = Shown()
    shown.take(CONNECTED, *(changed(BLOCKED, source=pod(f"w{number}")) for number in range(25)))
    assert "20 of 25 findings." in _text(shown)


def test_failing_names() -> None:
    """Under a heading, each failing name, why and how often, the most frequent first, and no expansion among them."""
    shown = Shown()
    shown.take(
        CONNECTED,
        dns_response("a.example.com.", 3, time_ns=at(0)),
        dns_response("b.example.com.", 2, time_ns=at(1)),
        dns_response("b.example.com.", 2, time_ns=at(2)),
        dns_response("c.example.com.cluster.local.", 3, time_ns=at(3)),
    )
    text = _text(shown)
    assert (
        "08:00:02 shop/cart b.example.com the server answered SERVFAIL \N{MULTIPLICATION SIGN}2 "
        "08:00:00 shop/cart a.example.com the server answered NXDOMAIN"
    ) in text
    assert "c.example.com" not in text
    # Once to be seen, once for who hears the page.
    assert "Failing names Failing names Last (UTC) Workload Name Why" in text


def test_at_most_ten_names_of_a_workload() -> None:
    """The API has the ten names that fail most, and says how many there are."""
    shown = Shown()
    for number in range(15):
        shown.take(*(dns_response(f"n{number}.example.com.", 3, time_ns=at(0)) for _ in range(number + 1)))
    (workload,) = json.loads(to_json(health(shown.pipeline)))["workloads"]
    assert (workload["workload"], workload["failing"], workload["dns_visible"]) == ("cart", 15, True)
    assert [name["name"] for name in workload["names"]] == [
        f"n{14 - number}.example.com" for number in range(MOST_NAMES)
    ]
    assert workload["names"][0] == {
        "name": "n14.example.com",
        "failures": 15,
        "why": ["the server answered NXDOMAIN"],
        "last": "2027-01-15T08:00:00.000Z",
    }


def test_dns_that_is_not_seen() -> None:
    """Of a workload whose DNS does not pass the proxy the page does not say that it asks nothing."""
    shown = Shown()
    status = shown.take(
        CONNECTED,
        flow(),
        changed(dns_query(source=pod("web")), time_ns=at(0)),
        flow(source=pod("web"), source_port=40_001),
    )
    assert {row.workload: row.dns_visible for row in status.top_workloads} == {"cart": False, "web": True}


@pytest.mark.parametrize("name", ["<script>alert(1)</script>.example.com.", "\x1b[31m.example.com."])
def test_names_are_text(name: str) -> None:
    """Whoever asks for a name cannot write into the page with it."""
    shown = Shown()
    shown.take(CONNECTED, dns_response(name, 3), dns_answer("a.example.com.", "192.0.2.1"))
    page = landing(shown.view.take(), report(shown.pipeline), health(shown.pipeline), NOTHING_REMEMBERED)
    assert "<script" not in page
