"""Label values and increments of the product families."""

import pytest

from exporter.destinations.interface import Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.flow import Dns, Flow, Http, Kafka, Policy, TcpFlags, Verdict
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.recorder import Recorder, is_carried_to_world
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store
from tests.flows import ACK, SYN_ACK, denied_verdict, dns_query, drop, flow, http_request, icmp, policy_verdict, udp

CART = WorkloadName("shop", "cart")
API = Destination(DestinationKind.FQDN, "api.example.com", Scope.PUBLIC, external=True)
TO_API = ("shop", "cart", "fqdn", "public", "api.example.com")


class Recorded:
    """A recorder and what it recorded."""

    def __init__(self, most: int = 50) -> None:
        self.store = Store(families.PRODUCT, MetricsSettings(destinations_per_workload=most))
        self.recorder = Recorder(self.store)

    def of(self, family: Family) -> dict[tuple[str, ...], int]:
        """Label values and values of a family."""
        return {values: series.value for values, series in self.store.families[family].live.items()}


@pytest.mark.parametrize(
    ("event", "port", "protocol", "verdict", "value"),
    [
        (flow(), "443", "tcp", "forwarded", 1),
        (policy_verdict(verdict=Verdict.REDIRECTED), "443", "tcp", "redirected", 1),
        (policy_verdict(verdict=Verdict.AUDIT), "443", "tcp", "audited", 1),
        (udp(), "443", "udp", "forwarded", 1),
        (icmp(), "", "icmp", "forwarded", 1),
        (flow(verdict=99), "443", "tcp", "forwarded", 1),
        (flow(weight=12, aggregated=True, source_port=0), "443", "tcp", "forwarded", 12),
    ],
)
def test_connections(event: Flow, port: str, protocol: str, verdict: str, value: int) -> None:
    """A connection says from where, to where, on which port, and how it passed; the port is empty without one."""
    recorded = Recorded()
    recorded.recorder.connection(event, CART, API)
    assert recorded.of(families.CONNECTIONS) == {(*TO_API, port, protocol, verdict): value}


def test_named_connections() -> None:
    """Connections to the outside count by how sure their name is, each at 0 before; entities have no part."""
    recorded = Recorded()
    assert recorded.of(families.NAMED_CONNECTIONS) == {
        ("observed",): 0,
        ("joined",): 0,
        ("stale",): 0,
        ("ambiguous",): 0,
        ("none",): 0,
    }
    for destination in (
        API._replace(confidence=NameConfidence.JOINED),
        API._replace(confidence=NameConfidence.STALE),
        Destination(DestinationKind.WORLD, "world", Scope.CLUSTER_RANGE, external=True),
        Destination(DestinationKind.ENTITY, "kube-apiserver", Scope.PUBLIC, external=True),
        Destination(DestinationKind.IDENTITY, "data/db", Scope.CLUSTER),
    ):
        recorded.recorder.connection(flow(weight=3, aggregated=True), CART, destination)
    assert recorded.of(families.NAMED_CONNECTIONS) == {
        ("observed",): 0,
        ("joined",): 3,
        ("stale",): 3,
        ("ambiguous",): 0,
        ("none",): 3,
    }


@pytest.mark.parametrize(
    ("event", "port", "protocol", "reason"),
    [
        (drop(), "443", "tcp", "policy_denied"),
        (drop(drop_reason=181), "443", "tcp", "policy_deny"),
        (drop(drop_reason=189), "443", "tcp", "auth_required"),
        (drop(drop_reason=194), "443", "tcp", "no_egress_gateway"),
        (drop(drop_reason=205), "443", "tcp", "drop_punt_proxy"),
        (drop(drop_reason=0), "443", "tcp", "drop_reason_unknown"),
        (drop(drop_reason=159), "443", "tcp", "reason_159"),
        (drop(drop_reason=250), "443", "tcp", "reason_250"),
        (drop(drop_reason=99_999), "443", "tcp", "reason_99999"),
        (drop(tcp_flags=ACK), "~other", "tcp", "policy_denied"),
        (drop(tcp_flags=SYN_ACK), "~other", "tcp", "policy_denied"),
        (drop(tcp_flags=TcpFlags.RST), "~other", "tcp", "policy_denied"),
        (drop(tcp_flags=0), "~other", "tcp", "policy_denied"),
        (drop(protocol="udp", tcp_flags=0, destination_port=53), "53", "udp", "policy_denied"),
        (drop(protocol="icmpv6", tcp_flags=0, destination_port=0), "", "icmpv6", "policy_denied"),
    ],
)
def test_drops(event: Flow, port: str, protocol: str, reason: str) -> None:
    """A drop has Hubble's reason, or its number; inside a TCP connection its port says nothing and is `~other`."""
    recorded = Recorded()
    recorded.recorder.drop(event, CART, API)
    recorded.recorder.drop(event, CART, API)
    assert recorded.of(families.DROPS) == {(*TO_API, port, protocol, reason): 2}


UNEXPECTED = ("shop", "cart", "fqdn", "public")


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        (flow(weight=3, aggregated=True), {UNEXPECTED: 3}),
        (udp(), {UNEXPECTED: 1}),
        (icmp(), {}),
        (icmp(protocol="icmpv6"), {}),
    ],
)
def test_unexpected_connections(event: Flow, counts: dict[tuple[str, ...], int]) -> None:
    """Connections that nobody declared count once more by scope; ICMP does not, for nothing is announced of it."""
    recorded = Recorded()
    recorded.recorder.connection(event, CART, API, unexpected=True)
    assert recorded.of(families.UNEXPECTED_CONNECTIONS) == counts
    assert sum(recorded.of(families.CONNECTIONS).values()) == event.weight


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        (drop(weight=3), {UNEXPECTED: 3}),
        (denied_verdict(tcp_flags=ACK), {UNEXPECTED: 1}),
        (drop(protocol="udp", tcp_flags=0, destination_port=53), {UNEXPECTED: 1}),
        (dns_query(verdict=Verdict.DROPPED), {UNEXPECTED: 1}),
        (drop(tcp_flags=ACK), {}),
        (drop(tcp_flags=SYN_ACK), {}),
        (drop(protocol="icmp", tcp_flags=0, destination_port=0), {}),
        (drop(protocol="icmpv6", tcp_flags=0, destination_port=0), {}),
    ],
)
def test_unexpected_drops(event: Flow, counts: dict[tuple[str, ...], int]) -> None:
    """The same of drops; one inside a connection is no attempt to reach anything."""
    recorded = Recorded()
    recorded.recorder.drop(event, CART, API, unexpected=True)
    assert recorded.of(families.UNEXPECTED_DROPS) == counts
    assert sum(recorded.of(families.DROPS).values()) == event.weight


def test_expected_contacts_are_not_unexpected() -> None:
    """What is expected is in neither family."""
    recorded = Recorded()
    recorded.recorder.connection(flow(), CART, API)
    recorded.recorder.drop(drop(), CART, API)
    assert not recorded.of(families.UNEXPECTED_CONNECTIONS)
    assert not recorded.of(families.UNEXPECTED_DROPS)


def test_refusals_of_the_proxy() -> None:
    """A refused query is `dns_denied`, any other refusal `l7_denied`."""
    recorded = Recorded()
    recorded.recorder.drop(dns_query(verdict=Verdict.DROPPED), CART, API)
    recorded.recorder.drop(http_request(verdict=Verdict.DROPPED), CART, API)
    assert recorded.of(families.DROPS) == {
        (*TO_API, "53", "udp", "dns_denied"): 1,
        (*TO_API, "80", "tcp", "l7_denied"): 1,
    }


A, B = Policy("allow-a", "shop", "CiliumNetworkPolicy"), Policy("allow-b", "shop", "CiliumNetworkPolicy")
WIDE, SAME_NAME = Policy("allow-a", "", "CiliumClusterwideNetworkPolicy"), Policy("allow-a", "data", "")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (policy_verdict(policy_match_type=0), ("allowed", "none", "", "")),
        (policy_verdict(policy_match_type=1), ("allowed", "l3-only", "", "")),
        (policy_verdict(policy_match_type=2), ("allowed", "l3-l4", "", "")),
        (policy_verdict(policy_match_type=3), ("allowed", "l4-only", "", "")),
        (policy_verdict(policy_match_type=4), ("allowed", "all", "", "")),
        (policy_verdict(policy_match_type=5), ("allowed", "l3-proto", "", "")),
        (policy_verdict(policy_match_type=6), ("allowed", "proto-only", "", "")),
        (policy_verdict(policy_match_type=7), ("allowed", "other", "", "")),
        (policy_verdict(verdict=Verdict.AUDIT), ("audited", "l3-only", "", "")),
        (policy_verdict(verdict=Verdict.REDIRECTED), ("redirected", "l3-only", "", "")),
        (policy_verdict(egress_allowed_by=(A,)), ("allowed", "l3-only", "shop", "allow-a")),
        (policy_verdict(egress_allowed_by=(A, A)), ("allowed", "l3-only", "shop", "allow-a")),
        (policy_verdict(egress_allowed_by=(WIDE,)), ("allowed", "l3-only", "", "allow-a")),
        (policy_verdict(egress_allowed_by=(A, B)), ("allowed", "l3-only", "shop", "~multiple")),
        (policy_verdict(egress_allowed_by=(A, SAME_NAME)), ("allowed", "l3-only", "~multiple", "~multiple")),
        (denied_verdict(), ("denied", "l3-only", "", "")),
        (denied_verdict(egress_denied_by=(B,)), ("denied", "l3-only", "shop", "allow-b")),
        (denied_verdict(egress_allowed_by=(A,)), ("denied", "l3-only", "", "")),
        (policy_verdict(egress_denied_by=(A,)), ("allowed", "l3-only", "", "")),
    ],
)
def test_policy_verdicts(event: Flow, expected: tuple[str, ...]) -> None:
    """A verdict says what the policy did, which part of it matched, and which policy it was where Hubble names one."""
    recorded = Recorded()
    recorded.recorder.policy_verdict(event, CART, API)
    assert recorded.of(families.POLICY_VERDICTS) == {("shop", "cart", "fqdn", *expected): 1}


@pytest.mark.parametrize(
    ("qtypes", "qtype"),
    [(("A",), "A"), (("AAAA",), "AAAA"), (("HTTPS",), "HTTPS"), (("AXFR",), "other"), ((), "other"), (("a",), "other")],
)
def test_dns_queries(qtypes: tuple[str, ...], qtype: str) -> None:
    """A query has its type; an uncommon one is `other`."""
    recorded = Recorded()
    recorded.recorder.dns_query(dns_query(weight=3), CART, Dns("a.", qtypes, 0))
    assert recorded.of(families.DNS_QUERIES) == {("shop", "cart", qtype): 3}


@pytest.mark.parametrize(
    ("rcode", "name"),
    [(0, "NOERROR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (16, "BADVERS"), (12, "other"), (4095, "other")],
)
@pytest.mark.parametrize("expansion", [True, False])
def test_dns_responses(rcode: int, name: str, expansion: bool) -> None:
    """A response has its code by name, and says whether the name was a search-suffix expansion."""
    recorded = Recorded()
    recorded.recorder.dns_response(dns_query(), CART, Dns("a.", ("A",), rcode), expansion=expansion)
    assert recorded.of(families.DNS_RESPONSES) == {("shop", "cart", name, "true" if expansion else "false"): 1}


@pytest.mark.parametrize(
    ("record", "verdict", "expected"),
    [
        (Http("GET", 200), Verdict.FORWARDED, ("http", "GET", "200", "forwarded")),
        (Http("GET", 0), Verdict.ERROR, ("http", "GET", "", "error")),
        (Http("POST", 403), Verdict.DROPPED, ("http", "POST", "403", "dropped")),
        (Http("BREW", 418), Verdict.REDIRECTED, ("http", "other", "418", "redirected")),
        (Http("get", 999), Verdict.AUDIT, ("http", "other", "other", "audited")),
        (Http("", 123456), 99, ("http", "other", "other", "other")),
        (Kafka("produce", 0), Verdict.FORWARDED, ("kafka", "produce", "0", "forwarded")),
        (Kafka("fetch", -1), Verdict.FORWARDED, ("kafka", "fetch", "-1", "forwarded")),
        (Kafka("joingroup", 3), Verdict.FORWARDED, ("kafka", "other", "3", "forwarded")),
        (Kafka("fetch", 30_000), Verdict.FORWARDED, ("kafka", "fetch", "other", "forwarded")),
    ],
)
def test_l7_requests(record: Http | Kafka, verdict: int, expected: tuple[str, ...]) -> None:
    """An exchange has its method, its status and what the proxy did; what is not listed is `other`."""
    recorded = Recorded()
    recorded.recorder.l7_request(flow(verdict=verdict), CART, API, record)
    assert recorded.of(families.L7_REQUESTS) == {(*TO_API, *expected): 1}


def test_world_answers() -> None:
    """Both series of a node exist from its first start on, and add up by weight."""
    recorded = Recorded()
    recorded.recorder.world_start(flow(node_name="n"))
    assert recorded.of(families.WORLD_STARTS) == {("n",): 1}
    assert recorded.of(families.WORLD_ANSWERED) == {("n",): 0}
    recorded.recorder.world_start(flow(node_name="n", weight=4))
    recorded.recorder.world_answer("n", 2)
    assert recorded.of(families.WORLD_STARTS) == {("n",): 5}
    assert recorded.of(families.WORLD_ANSWERED) == {("n",): 2}


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("external", [True, False])
@pytest.mark.parametrize("verdict", [Verdict.FORWARDED, Verdict.AUDIT, Verdict.REDIRECTED])
def test_carried_to_world(scope: Scope, external: bool, verdict: Verdict) -> None:
    """Answers are awaited from public and private addresses outside, not from the proxy."""
    destination = API._replace(scope=scope, external=external)
    expected = external and scope in (Scope.PUBLIC, Scope.PRIVATE) and verdict is not Verdict.REDIRECTED
    assert is_carried_to_world(policy_verdict(verdict=verdict), destination) is expected


def test_one_cap_for_all_families() -> None:
    """A workload's cap holds over connections, drops and requests together."""
    recorded = Recorded(most=1)
    other = API._replace(label="other.example.com")
    recorded.recorder.connection(flow(), CART, API)
    recorded.recorder.drop(drop(), CART, other)
    recorded.recorder.l7_request(flow(), CART, other, Http("GET", 200))
    recorded.recorder.drop(drop(), CART, API)
    assert {values[4] for values in recorded.of(families.DROPS)} == {"~other", "api.example.com"}
    assert {values[4] for values in recorded.of(families.L7_REQUESTS)} == {"~other"}
    assert recorded.store.families[families.DROPS].folded == {"destination": 1}
    assert recorded.store.families[families.L7_REQUESTS].folded == {"destination": 1}
