"""Names that Hubble does not give, or gives several of: what the pod asked for decides, and how sure that is."""

import pytest

from exporter.destinations.directory import Destinations
from exporter.destinations.interface import Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.settings import DestinationsSettings
from exporter.endpoint import Endpoint
from exporter.flow import Dns, Flow
from tests.flows import POD_IP, WORLD_IP, at, dns_answer, dns_of, flow, host, labelled, pod, remote_pod, world

A, B, C = "a.example.com", "b.example.com", "c.example.com"
OBSERVED, JOINED, STALE, AMBIGUOUS, NONE = NameConfidence
CART = WorkloadName("shop", "cart")
TO_WORLD = world()
BY_LABEL = labelled("reserved:world", "fqdn:b.example.com.", identity=(1 << 24) + 1)


def tell(
    destinations: Destinations, name: str, *, seconds: float = 0, ttl: int = 30, asker: Endpoint | None = None
) -> None:
    """The pod is told that the name has the address of the outside."""
    answer = dns_answer(f"{name}.", WORLD_IP, ttl=ttl, time_ns=at(seconds), destination=asker or pod())
    destinations.dns.answered(answer, dns_of(answer), destinations.asker_of(answer))


def named(destinations: Destinations, event: Flow) -> tuple[str, NameConfidence]:
    """What the destination is called, and how sure that is."""
    found = destinations.destination_of(event, destinations.source_of(event))
    return found.label, found.confidence


@pytest.mark.parametrize(
    ("hubble", "told", "label", "confidence"),
    [
        # Hubble gives one name: nothing else is asked.
        ((A,), {}, A, OBSERVED),
        ((A,), {B: 0}, A, OBSERVED),
        (("A.Example.com.", A), {B: 0}, A, OBSERVED),
        # Hubble gives several: the one that was asked last, alone if no other was seen asked.
        ((A, B), {B: 0}, B, JOINED),
        ((A, B), {B: 0, A: -1}, B, AMBIGUOUS),
        ((A, B), {B: -1, A: 0}, A, AMBIGUOUS),
        ((A, B), {B: 0, C: -1}, B, AMBIGUOUS),
        ((A, B), {C: 0, B: -1}, B, AMBIGUOUS),
        ((A, B), {B: -100}, B, AMBIGUOUS),
        ((A, B), {B: -100, A: 0}, A, AMBIGUOUS),
        ((A, B), {C: 0}, A, AMBIGUOUS),
        ((A, B), {}, A, AMBIGUOUS),
        # Hubble gives none: what the pod asked.
        ((), {A: 0}, A, JOINED),
        ((), {A: -100}, A, STALE),
        ((), {A: 0, B: -100}, A, JOINED),
        ((), {A: 0, B: -1}, A, AMBIGUOUS),
        ((), {A: -100, B: -101}, A, AMBIGUOUS),
        ((), {}, "world", NONE),
    ],
)
def test_confidence(hubble: tuple[str, ...], told: dict[str, float], label: str, confidence: NameConfidence) -> None:
    """One row for what Hubble gives and when (s) the pod was told what, with a TTL of 30 s; the flow is 10 s later."""
    destinations = Destinations(DestinationsSettings())
    for name, seconds in told.items():
        tell(destinations, name, seconds=seconds)
    event = flow(destination=TO_WORLD, destination_names=hubble, time_ns=at(10))
    assert named(destinations, event) == (label, confidence)


@pytest.mark.parametrize(
    ("hubble", "told", "label", "confidence"),
    [
        ((), {}, B, STALE),
        ((), {A: 0}, A, JOINED),
        ((), {A: -100}, A, STALE),
        ((A, B), {}, B, AMBIGUOUS),
        ((A, B), {A: 0}, A, JOINED),
    ],
)
def test_labels_come_last(
    hubble: tuple[str, ...], told: dict[str, float], label: str, confidence: NameConfidence
) -> None:
    """The name of an `fqdn:` label decides only where the pod was not seen to ask."""
    destinations = Destinations(DestinationsSettings())
    for name, seconds in told.items():
        tell(destinations, name, seconds=seconds)
    event = flow(destination=BY_LABEL, destination_names=hubble, time_ns=at(10))
    assert named(destinations, event) == (label, confidence)


def test_a_name_grows_old_between_two_flows() -> None:
    """The class of a destination is not kept beyond the TTL of its name, nor beyond the next answer."""
    destinations = Destinations(DestinationsSettings())
    tell(destinations, A)
    events = [flow(time_ns=at(seconds)) for seconds in (30, 31, 41)]
    assert [named(destinations, event) for event in events[:2]] == [(A, JOINED), (A, STALE)]
    tell(destinations, B, seconds=40)
    assert named(destinations, events[2]) == (B, JOINED)


def test_only_for_the_pod_that_asked() -> None:
    """What one pod was told names nothing for another, not even of the same workload."""
    destinations = Destinations(DestinationsSettings())
    tell(destinations, A)
    other = pod(pod_name="cart-7bf8c9648f-vwxyz")
    assert named(destinations, flow(source=other)) == ("world", NONE)
    assert named(destinations, flow(source=other, source_ip=POD_IP)) == ("world", NONE), "an address can be used again"


def test_a_pod_with_two_addresses() -> None:
    """A pod asks at its IPv4 address and connects from its IPv6 address; the host is known by its address only."""
    destinations = Destinations(DestinationsSettings())
    tell(destinations, A)
    assert named(destinations, flow(source_ip="fd00:10::5")) == (A, JOINED)
    answer = dns_answer(f"{B}.", WORLD_IP, ttl=30, destination=host(), destination_ip="192.168.1.4")
    destinations.dns.answered(answer, dns_of(answer), destinations.asker_of(answer))
    assert named(destinations, flow(source=host(), source_ip="192.168.1.4")) == (B, JOINED)
    assert named(destinations, flow(source=host(), source_ip="192.168.1.5")) == ("world", NONE)


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("API.Example.com.", "api.example.com"),
        ("api.example.com.shop.svc.cluster.local.", "api.example.com"),
        ("api.example.com.corp.test.", "api.example.com"),
        ("db.data.svc.cluster.local.", "world"),
        ("db.", "world"),
        (".", "world"),
    ],
)
def test_names_are_joined_as_they_were_meant(query: str, label: str) -> None:
    """A search list is taken off (CoreDNS may complete the path itself); names of the cluster name nothing outside."""
    destinations = Destinations(DestinationsSettings(search_suffixes=("corp.test",)))
    tell(destinations, query.removesuffix("."))
    assert named(destinations, flow())[0] == label


def test_answers_that_say_nothing() -> None:
    """An error has no addresses that count, the root is no name, and a resolver is told what its clients asked."""
    destinations = Destinations(DestinationsSettings())
    failed = dns_answer(f"{A}.", WORLD_IP, rcode=2)
    destinations.dns.answered(failed, dns_of(failed), CART)
    resolver = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", labels=("k8s:k8s-app=kube-dns",))
    tell(destinations, A, asker=resolver)
    tell(destinations, "")
    assert destinations.stats()["dns_answers"].entries == 0
    assert named(destinations, flow(source=resolver)) == ("world", NONE)


@pytest.mark.parametrize(
    "endpoint",
    [
        labelled("reserved:kube-apiserver", "reserved:world", identity=(1 << 24) + 1),
        remote_pod("db", "data", identity=40_002),
        host(),
    ],
)
def test_entities_and_workloads_are_what_they_are(endpoint: Endpoint) -> None:
    """A name that a pod was told changes nothing for what is no plain outside."""
    told, untold = Destinations(DestinationsSettings()), Destinations(DestinationsSettings())
    tell(told, A)
    event = flow(destination=endpoint)

    def found(destinations: Destinations) -> Destination:
        return destinations.destination_of(event, CART)

    assert found(told) == found(untold)
    assert found(told).kind is not DestinationKind.FQDN


def test_cnames() -> None:
    """The CNAMEs behind a joined name can be told; they are no names."""
    destinations = Destinations(DestinationsSettings())
    answer = dns_answer(f"{A}.", WORLD_IP, cnames=("d1.cdn.example.net.",), ttl=30)
    destinations.dns.answered(answer, dns_of(answer), CART)
    assert named(destinations, flow()) == (A, JOINED)
    assert [given.cnames for given in destinations.dns.given(flow())] == [("d1.cdn.example.net.",)]


def test_learnt_expansions() -> None:
    """A suffix that was learnt explains a name that fails, and never renames one that is answered.

    The owner of a domain could otherwise have its names read as others'.
    """
    destinations, suffix = Destinations(DestinationsSettings()), "evil.example.net"
    for name in ("api.example.com", "www.example.org"):
        for query, rcode in ((f"{name}.{suffix}.", 3), (f"{name}.", 0)):
            answer = dns_answer(query, *(() if rcode else ("192.0.2.1",)), rcode=rcode)
            destinations.dns.answered(answer, dns_of(answer), CART)
    query = f"github.com.{suffix}."
    assert destinations.is_expansion(query, CART, fails=True)
    assert not destinations.is_expansion(query, CART)
    assert not destinations.is_expansion(f"git.{suffix}.", CART, fails=True), "a host of that domain"
    tell(destinations, query.removesuffix("."))
    assert named(destinations, flow()) == (f"github.com.{suffix}", JOINED)
    destinations.reconfigure(DestinationsSettings(search_suffixes=("corp.test",)))
    assert destinations.is_expansion(query, CART, fails=True), "what was learnt stays"


def test_known_suffixes_are_not_learnt() -> None:
    """What the settings say takes no room among what is learnt."""
    destinations = Destinations(DestinationsSettings(search_suffixes=("corp.test",)))
    for suffix in ("svc.cluster.local", "corp.test"):
        for name in ("api.example.com", "www.example.org"):
            for query, rcode in ((f"{name}.{suffix}.", 3), (f"{name}.", 0)):
                answer = dns_answer(query, rcode=rcode)
                destinations.dns.answered(answer, dns_of(answer), CART)
    assert destinations.stats()["dns_search_suffixes"].entries == 0


def test_whose_dns_is_seen() -> None:
    """A workload's DNS counts as seen for a day after its last record, by flow time; of others nothing is known."""
    destinations = Destinations(DestinationsSettings())
    destinations.dns.saw(CART, at(0))
    answer = dns_answer(f"{A}.", time_ns=at(100))
    destinations.dns.answered(answer, Dns(f"{A}.", ("A",), 0), CART)
    assert destinations.sees_dns_of(CART, at(86_500))
    assert not destinations.sees_dns_of(CART, at(86_501))
    assert not destinations.sees_dns_of(WorkloadName("shop", "web"), at(0))
    destinations.expire(at(86_501))
    assert destinations.stats()["dns_workloads"].entries == 0
