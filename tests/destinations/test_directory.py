"""The stage as a whole: what it learns, for how long, and what it makes of both ends of a flow."""

from dataclasses import replace

import pytest

from exporter.destinations.directory import Destinations
from exporter.destinations.interface import DestinationKind, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.destinations.settings import DestinationsSettings, ResolverSettings
from exporter.endpoint import Endpoint
from tests.flows import at, dns_answer, dns_of, dns_query, flow, host, labelled, pod, remote_pod, world

ADDRESS = "192.0.2.77"


def _scope(destinations: Destinations, seconds: float = 0, address: str = ADDRESS) -> Scope:
    event = flow(destination_ip=address, time_ns=at(seconds))
    return destinations.destination_of(event, destinations.source_of(event)).scope


@pytest.mark.parametrize(
    "endpoint",
    [
        pod(),
        remote_pod(),
        host(),
        labelled("reserved:remote-node", identity=6),
        labelled("reserved:health", identity=4),
        labelled("reserved:ingress", identity=8),
        labelled("node:zone=a", identity=(2 << 24) + 1),
        labelled("reserved:kube-apiserver", "reserved:remote-node", identity=7),
    ],
)
@pytest.mark.parametrize("as_source", [True, False])
def test_learns_addresses(endpoint: Endpoint, as_source: bool) -> None:
    """An address seen with an identity of the cluster is the cluster's own, so a world label on it is a mistake."""
    destinations = Destinations(DestinationsSettings())
    assert _scope(destinations) is Scope.PUBLIC
    if as_source:
        destinations.learn(flow(source=endpoint, source_ip=ADDRESS))
    else:
        destinations.learn(flow(destination=endpoint, destination_ip=ADDRESS))
    assert _scope(destinations) is Scope.CLUSTER_RANGE
    assert _scope(destinations, address="192.0.2.78") is Scope.PUBLIC, "never a prefix"


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint(),
        world(),
        labelled("reserved:kube-apiserver", "reserved:world", identity=(1 << 24) + 1),
        labelled("cidr:192.0.2.77/32", identity=(1 << 24) + 1),
        labelled("reserved:unmanaged", identity=3),
        labelled("reserved:init", identity=5),
    ],
)
def test_learns_nothing_from_others(endpoint: Endpoint) -> None:
    """What is outside, or not resolved yet, teaches no address."""
    destinations = Destinations(DestinationsSettings())
    destinations.learn(flow(destination=endpoint, destination_ip=ADDRESS))
    assert _scope(destinations) is Scope.PUBLIC


def test_learnt_for_a_time() -> None:
    """An address counts as the cluster's own for 15 min after it was last seen so, by flow time."""
    destinations = Destinations(DestinationsSettings())
    destinations.learn(flow(source_ip=ADDRESS))
    destinations.learn(flow(source_ip=ADDRESS, time_ns=at(100)))
    assert _scope(destinations, 1000) is Scope.CLUSTER_RANGE
    assert _scope(destinations, 1000.001) is Scope.PUBLIC
    destinations.expire(at(1000))
    assert destinations.stats()["learned_addresses"].entries == 1
    destinations.expire(at(1000.001))
    assert destinations.stats()["learned_addresses"].entries == 0


def test_entities_keep_their_scope() -> None:
    """An API server outside keeps the scope of its address, whatever was seen there."""
    destinations = Destinations(DestinationsSettings())
    destinations.learn(flow(source_ip=ADDRESS))
    event = flow(
        destination=labelled("reserved:kube-apiserver", "reserved:world", identity=(1 << 24) + 1),
        destination_ip=ADDRESS,
    )
    assert destinations.destination_of(event, destinations.source_of(event)).scope is Scope.PUBLIC


RESOLVER_POD = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", labels=("k8s:k8s-app=kube-dns",))


@pytest.mark.parametrize(
    ("source", "address", "name"),
    [
        (RESOLVER_POD, "10.0.9.9", WorkloadName("kube-system", "~resolver")),
        (remote_pod(labels=("k8s:k8s-app=coredns",)), "10.0.9.9", WorkloadName("shop", "~resolver")),
        (remote_pod(labels=("k8s:k8s-app=node-local-dns",)), "10.0.9.9", WorkloadName("shop", "~resolver")),
        (
            remote_pod(labels=("k8s:dns.operator.openshift.io/daemonset-dns=default",)),
            "10.0.9.9",
            WorkloadName("shop", "~resolver"),
        ),
        (host(), "169.254.20.10", WorkloadName("", "~resolver")),
        (host(), "10.0.0.4", WorkloadName("", "~host")),
        (pod(), "10.0.1.5", WorkloadName("shop", "cart")),
    ],
)
def test_resolvers(source: Endpoint, address: str, name: WorkloadName) -> None:
    """The queries of a resolver are those of its clients: their workload is `~resolver`."""
    destinations = Destinations(DestinationsSettings())
    assert destinations.source_of(dns_query(source=source, source_ip=address)) == name


def test_resolver_connections() -> None:
    """What a resolver does beside asking is its own."""
    destinations = Destinations(DestinationsSettings())
    assert destinations.source_of(flow(source=RESOLVER_POD)) == WorkloadName("kube-system", "coredns")


@pytest.mark.parametrize(("port", "name"), [(53, "~resolver"), (5353, "~resolver"), (853, "coredns")])
def test_resolver_asks_upstream(port: int, name: str) -> None:
    """What a resolver sends to a DNS port is a query too, though no proxy shows it as one."""
    destinations = Destinations(DestinationsSettings())
    assert destinations.source_of(flow(source=RESOLVER_POD, destination_port=port)).name == name


def test_own_resolvers() -> None:
    """Resolvers are what the settings say."""
    settings = DestinationsSettings(
        resolvers=ResolverSettings(labels=("k8s:app=unbound",), addresses=("10.0.0.53",)),
    )
    destinations = Destinations(settings)
    unbound = remote_pod(labels=("k8s:app=unbound",))
    assert destinations.source_of(dns_query(source=unbound)).name == "~resolver"
    assert destinations.source_of(dns_query(source_ip="10.0.0.53")).name == "~resolver"
    assert destinations.source_of(dns_query(source=RESOLVER_POD)).name == "coredns"


def test_static_pods_of_seen_nodes() -> None:
    """The node of any flow tells the suffix of static pods."""
    destinations = Destinations(DestinationsSettings())
    destinations.learn(flow(node_name="east/worker-a"))
    event = flow(source=remote_pod("etcd-worker-a", "kube-system"))
    assert destinations.source_of(event) == WorkloadName("kube-system", "etcd")


def test_learns_workloads_of_both_ends() -> None:
    """Each end of a flow that is owned by the observing node tells its workload."""
    destinations = Destinations(DestinationsSettings())
    odd, even = pod(pod_name="odd-pod"), pod(pod_name="even-pod", workload="basket")
    destinations.learn(flow(source=odd, destination=even, destination_ip="10.0.1.6"))
    for known, name in ((odd, "cart"), (even, "basket")):
        assert destinations.source_of(flow(source=replace(known, workloads=()))).name == name
    event = flow(destination=replace(even, workloads=()), destination_ip="10.0.1.6")
    found = destinations.destination_of(event, destinations.source_of(event))
    assert (found.kind, found.label) == (DestinationKind.IDENTITY, "shop/basket")


def test_a_destination_can_change() -> None:
    """The class of an address is not kept beyond what it was made of: a name that comes later counts."""
    destinations = Destinations(DestinationsSettings())
    source = destinations.source_of(flow())
    assert destinations.destination_of(flow(), source).kind is DestinationKind.WORLD
    named = destinations.destination_of(flow(destination_names=("a.example.com",)), source)
    assert (named.kind, named.label) == (DestinationKind.FQDN, "a.example.com")
    assert destinations.destination_of(flow(), source).kind is DestinationKind.WORLD


def test_bounds() -> None:
    """Each cache has its bound, says so, and counts what had to leave."""
    settings = DestinationsSettings(
        learned_addresses=2, pod_cache=3, destination_cache=4, node_names=1, dns_answers=5, dns_workloads=6
    )
    destinations = Destinations(settings)
    for number in range(10):
        event = flow(
            source=pod(pod_name=f"odd-{number}-pod"),
            source_ip=f"10.0.1.{number}",
            destination_ip=f"93.184.216.{number}",
            node_name=f"node-{number}",
        )
        destinations.learn(event)
        destinations.destination_of(event, destinations.source_of(event))
        answer = dns_answer("a.example.com.", f"93.184.216.{number}")
        destinations.dns.answered(answer, dns_of(answer), WorkloadName("shop", f"cart-{number}"))
    assert destinations.stats() == {
        "pods": (3, 3, 7),
        "node_names": (1, 1, 9),
        "learned_addresses": (2, 2, 8),
        "destinations": (2, 4, 2),
        "dns_answers": (5, 5, 5),
        "dns_search_suffixes": (0, 64, 0),
        "dns_workloads": (6, 6, 4),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("api.example.com.", False),
        ("api.example.com.shop.svc.cluster.local.", True),
        ("api.example.com.cluster.local.", True),
        ("db.data.svc.cluster.local.", False),
    ],
)
def test_expansions(query: str, expected: bool) -> None:
    """A query with a search suffix behind the name that was meant is an expansion."""
    destinations = Destinations(DestinationsSettings())
    assert destinations.is_expansion(query, WorkloadName("shop", "cart")) is expected
