"""Where a flow goes: one row for each thing that Hubble can say about a destination."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.directory import Destinations, is_unresolved
from exporter.destinations.interface import Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.destinations.settings import DestinationsSettings
from exporter.endpoint import NO_ENDPOINT, Endpoint
from tests.flows import flow, host, labelled, pod, remote_pod, world

LOCAL, REMOTE_NODE = 1 << 24, 2 << 24
V4, V6 = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"
GROUP = "cidrgroup:io.cilium.policy.cidrgroupname/"

ENTITY, IDENTITY, FQDN, CIDR, WORLD = DestinationKind
PUBLIC, PRIVATE, METADATA, LINK_LOCAL, MULTICAST, CLUSTER_RANGE, CLUSTER = Scope


def _where(
    endpoint: Endpoint,
    address: str = V4,
    names: tuple[str, ...] = (),
    source: Endpoint | None = None,
    node_name: str = "east/node-1",
    settings: DestinationsSettings | None = None,
) -> Destination:
    settings = settings or DestinationsSettings(
        cluster_cidrs=("10.0.0.0/16", "fd00:10::/32"),
        cidr_names={"198.51.100.0/24": "payment-provider", "2001:db8:1::/48": "mail-provider"},
    )
    destinations = Destinations(settings)
    event = flow(
        source=source or pod(),
        destination=endpoint,
        destination_ip=address,
        destination_names=names,
        node_name=node_name,
    )
    return destinations.destination_of(event, destinations.source_of(event))


@pytest.mark.parametrize(
    ("endpoint", "label"),
    [
        (labelled("reserved:host", identity=1), "host"),
        (labelled(identity=1), "host"),
        (labelled("reserved:unmanaged", identity=3), "unmanaged"),
        (labelled("reserved:health", identity=4), "health"),
        (labelled("reserved:init", identity=5), "init"),
        (labelled("reserved:remote-node", identity=6), "remote-node"),
        (labelled("reserved:kube-apiserver", identity=7), "kube-apiserver"),
        (labelled("reserved:kube-apiserver", "reserved:host", identity=1), "kube-apiserver"),
        (labelled("reserved:kube-apiserver", "reserved:remote-node", identity=6), "kube-apiserver"),
        (labelled("reserved:ingress", identity=8), "ingress"),
        (labelled("reserved:ingress", identity=LOCAL + 1), "ingress"),
        (labelled("reserved:overlay-to-encrypt", identity=11), "overlay-to-encrypt"),
        (labelled("node:zone=a", identity=REMOTE_NODE + 1), "remote-node"),
        (labelled(identity=REMOTE_NODE + 1), "remote-node"),
        (labelled("reserved:remote-node", "cidr:93.184.216.34/32", identity=REMOTE_NODE + 1), "remote-node"),
        (labelled("reserved:world", identity=REMOTE_NODE + 1), "remote-node"),
        (labelled("reserved:world-ipv4", "cidr:93.184.216.34/32", identity=REMOTE_NODE + 1), "remote-node"),
    ],
)
@pytest.mark.parametrize("names", [(), ("api.example.com",)])
def test_entities(endpoint: Endpoint, label: str, names: tuple[str, ...]) -> None:
    """An entity has Cilium's name of it and scope `cluster`; a DNS name does not change that."""
    assert _where(endpoint, names=names) == Destination(ENTITY, label, CLUSTER)


@pytest.mark.parametrize(
    ("address", "scope"), [(V4, PUBLIC), ("10.9.0.1", PRIVATE), ("10.0.0.1", CLUSTER_RANGE), (V6, PUBLIC)]
)
@pytest.mark.parametrize("label", ["reserved:world", "reserved:world-ipv4", "reserved:world-ipv6"])
def test_api_server_outside(label: str, address: str, scope: Scope) -> None:
    """An API server outside the cluster is the entity, is external and has its address's scope; it is never open."""
    endpoint = labelled("reserved:kube-apiserver", label, f"cidr:{address}/32", identity=LOCAL + 4)
    destination = _where(endpoint, address, ("api.example.com",))
    assert destination == Destination(ENTITY, "kube-apiserver", scope, external=True)


@pytest.mark.parametrize(
    ("endpoint", "label"),
    [
        (pod(workload="db", namespace="data"), "data/db"),
        (remote_pod("db-0", "data"), "data/db"),
        (remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104), "kube-system/coredns"),
        (labelled("k8s:io.kubernetes.pod.namespace=data", identity=40_009), "data/~unknown"),
        (pod(workload="db", namespace="data", cluster_name="west"), "west/data/db"),
        (remote_pod("db-0", "data", cluster_name="west"), "west/data/db"),
        (remote_pod("db-0", "data", labels=("k8s:io.cilium.k8s.policy.cluster=west",)), "west/data/db"),
        (remote_pod("db-0", "data", cluster_name="east"), "data/db"),
        (remote_pod("db-0", "data", labels=("k8s:io.cilium.k8s.policy.cluster=east",)), "data/db"),
    ],
)
def test_workloads(endpoint: Endpoint, label: str) -> None:
    """A workload is `namespace/workload`, with its cluster before it when that is not the source's."""
    source = pod(labels=("k8s:io.cilium.k8s.policy.cluster=east",))
    assert _where(endpoint, "10.0.7.8", source=source) == Destination(IDENTITY, label, CLUSTER)


@pytest.mark.parametrize("node_name", ["east/node-1", "east/cp"])
def test_other_cluster_from_the_host(node_name: str) -> None:
    """A source that does not say its cluster is in the one of its node, so another cluster's workload says so."""
    endpoint = remote_pod("db-0", "data", cluster_name="west")
    assert _where(endpoint, "10.0.7.8", source=host(), node_name=node_name).label == "west/data/db"


@pytest.mark.parametrize("identity", [100, 104, 115, 128, 255, 256, 65_535, (7 << 16) | 300])
def test_workloads_known_by_number_only(identity: int) -> None:
    """A well-known, fixed or cluster-wide identity is a workload, though nobody says which."""
    destination = _where(labelled(identity=identity), "10.0.7.8")
    assert (destination.kind, destination.label, destination.scope) == (IDENTITY, "/~unknown", CLUSTER)


@pytest.mark.parametrize("endpoint", [NO_ENDPOINT, labelled("reserved:unknown"), labelled(identity=42)])
def test_unknown(endpoint: Endpoint) -> None:
    """What nobody knows is the entity `unknown`, and not external."""
    destination = _where(endpoint)
    assert (destination.kind, destination.label, destination.external) == (ENTITY, "unknown", False)


WORLDS = [
    world(),
    labelled(identity=2),
    labelled("reserved:world-ipv4", identity=9),
    labelled("reserved:world-ipv6", identity=10),
    labelled(identity=9),
    labelled(identity=10),
    labelled("reserved:world", identity=LOCAL + 7),
    labelled("reserved:world-ipv6", identity=LOCAL + 7),
    labelled(identity=LOCAL + 7),
]


@pytest.mark.parametrize("endpoint", WORLDS)
@pytest.mark.parametrize(
    ("address", "scope"),
    [
        (V4, PUBLIC),
        (V6, PUBLIC),
        ("192.0.2.4", PUBLIC),  # documentation ranges are public
        ("192.168.1.1", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("fd12::1", PRIVATE),
        ("169.254.169.254", METADATA),
        ("fd00:ec2::254", METADATA),
        ("169.254.1.1", LINK_LOCAL),
        ("fe80::1", LINK_LOCAL),
        ("224.0.0.251", MULTICAST),
        ("ff02::1", MULTICAST),
        ("10.0.3.4", CLUSTER_RANGE),
        ("fd00:10:0:7::1", CLUSTER_RANGE),
        ("64:ff9b::a9fe:a9fe", METADATA),
        ("64:ff9b::a00:304", CLUSTER_RANGE),
        ("::ffff:192.168.1.1", PRIVATE),
        ("", PUBLIC),
    ],
)
def test_world(endpoint: Endpoint, address: str, scope: Scope) -> None:
    """The outside without a name or prefix is `world`, and its address says in which scope it is."""
    destination = _where(endpoint, address)
    assert destination == Destination(WORLD, "world", scope, external=True)
    assert is_unresolved(destination) == (scope is CLUSTER_RANGE)


@pytest.mark.parametrize(
    ("labels", "address", "label"),
    [
        (("cidr:93.184.216.0/24",), V4, "93.184.216.0/24"),
        (("cidr:93.184.216.34/32",), V4, "93.184.216.34/32"),
        (("cidr:2001-db8--0/32",), "2001:db8::9", "2001:db8::/32"),
        (("cidr:0--1/128",), "::1", "::1/128"),
        (("cidr:10.0.0.0/8", "cidr:10.128.0.0/9", "cidr:10.200.0.0/16"), "10.200.1.1", "10.200.0.0/16"),
        ((f"{GROUP}payment",), V4, "payment"),
        ((f"{GROUP}payment", "cidr:93.184.216.0/24"), V4, "payment"),
        ((f"{GROUP}payment=", "cidr:93.184.216.0/24"), V4, "payment"),
        (("cidr:198.51.100.0/24",), "198.51.100.9", "payment-provider"),
        ((f"{GROUP}payment", "cidr:198.51.100.0/24"), "198.51.100.9", "payment-provider"),
        ((), "198.51.100.9", "payment-provider"),
        ((), "2001:db8:1::25", "mail-provider"),
        ((), "64:ff9b::c633:6409", "payment-provider"),
        (("fqdn:*",), "198.51.100.9", "payment-provider"),
        (("fqdn:*", "cidr:93.184.216.34/32"), V4, "93.184.216.34/32"),
    ],
)
@pytest.mark.parametrize("reserved", ["reserved:world", "reserved:world-ipv4", "reserved:world-ipv6"])
def test_cidrs(labels: tuple[str, ...], address: str, label: str, reserved: str) -> None:
    """Without a name the configured name of the address counts, else the CIDR group, else the longest prefix."""
    destination = _where(labelled(reserved, *labels, identity=LOCAL + 2), address)
    assert (destination.kind, destination.label, destination.external) == (CIDR, label, True)
    assert destination.confidence is NameConfidence.NONE


def test_cidr_without_a_world_label() -> None:
    """A CIDR identity whose world label did not come along is external too."""
    destination = _where(labelled("cidr:93.184.216.0/24", identity=LOCAL + 2))
    assert destination == Destination(CIDR, "93.184.216.0/24", PUBLIC, external=True)


OBSERVED, STALE, AMBIGUOUS = NameConfidence.OBSERVED, NameConfidence.STALE, NameConfidence.AMBIGUOUS


@pytest.mark.parametrize(
    ("names", "labels", "label", "confidence"),
    [
        (("api.example.com",), (), "api.example.com", OBSERVED),
        (("API.Example.COM.",), (), "api.example.com", OBSERVED),
        (("api.example.com", "API.example.com."), (), "api.example.com", OBSERVED),
        (("b.example.com", "a.example.com"), (), "a.example.com", AMBIGUOUS),
        (("b.example.com", "a.example.com"), ("fqdn:b.example.com.",), "b.example.com", AMBIGUOUS),
        (("b.example.com", "a.example.com"), ("fqdn:*.example.com",), "a.example.com", AMBIGUOUS),
        (("b.example.com", "a.example.com"), ("fqdn:c.example.com",), "a.example.com", AMBIGUOUS),
        (("one.one.one.one",), ("cidr:1.1.1.1/32", "fqdn:one.one.one.one."), "one.one.one.one", OBSERVED),
        ((), ("cidr:1.1.1.1/32", "fqdn:one.one.one.one."), "one.one.one.one", STALE),
        ((), ("fqdn:a.example.com", "fqdn:b.example.com."), "a.example.com", AMBIGUOUS),
        ((), ("fqdn:*.example.com.",), "*.example.com", AMBIGUOUS),
        ((), ("fqdn:a.example.com", "fqdn:*.example.com"), "a.example.com", STALE),
        ((), ("fqdn:*.example.com", "cidr:93.184.216.34/32", f"{GROUP}payment"), "*.example.com", AMBIGUOUS),
        (("api.example.com.shop.svc.cluster.local",), (), "api.example.com", OBSERVED),
        (("api.example.com", "api.example.com.cluster.local"), (), "api.example.com", OBSERVED),
        (("api.example.com", "db.shop.svc.cluster.local"), (), "api.example.com", OBSERVED),
        (("ip-10-1-2-3.ec2.internal",), (), "ip-10-1-2-3.ec2.internal", OBSERVED),
    ],
)
@pytest.mark.parametrize("address", [V4, V6, "198.51.100.9"])
@pytest.mark.parametrize("reserved", ["reserved:world", "reserved:world-ipv4", "reserved:world-ipv6"])
def test_names(
    names: tuple[str, ...],
    labels: tuple[str, ...],
    label: str,
    confidence: NameConfidence,
    address: str,
    reserved: str,
) -> None:
    """A name wins over every prefix, and says how sure it is; a policy's selector decides only between names."""
    destination = _where(labelled(reserved, *labels, identity=LOCAL + 2), address, names)
    assert destination == Destination(FQDN, label, PUBLIC, confidence, external=True)


def test_internal_names_are_no_names() -> None:
    """A name of the cluster on an external address says nothing about the outside."""
    destination = _where(world("cidr:93.184.216.0/24"), names=("db.shop.svc.cluster.local",))
    assert (destination.kind, destination.label) == (CIDR, "93.184.216.0/24")


def test_names_of_addresses_in_the_cluster() -> None:
    """A world label on an address of a pod range has scope `cluster_range` under its name too."""
    destination = _where(world(), "10.0.3.4", ("api.example.com",))
    assert (destination.kind, destination.label, destination.scope) == (FQDN, "api.example.com", CLUSTER_RANGE)
    assert is_unresolved(destination)


def test_search_suffixes() -> None:
    """Configured search suffixes are stripped like the cluster's own."""
    settings = DestinationsSettings(search_suffixes=("corp.example",))
    destination = _where(world(), names=("api.github.com.corp.example",), settings=settings)
    assert destination.label == "api.github.com"


@pytest.mark.parametrize(
    ("query", "destination"),
    [
        ("Evil.Example.COM.", Destination(FQDN, "evil.example.com", PUBLIC, OBSERVED, external=True)),
        ("evil.example.com.shop.svc.cluster.local.", Destination(FQDN, "evil.example.com", PUBLIC, OBSERVED, True)),
        ("db.data.svc.cluster.local.", Destination(FQDN, "db.data.svc.cluster.local", CLUSTER, OBSERVED)),
    ],
)
def test_refused_queries(query: str, destination: Destination) -> None:
    """A refused query goes to the name asked, as the workload meant it; a name of the cluster stays in the cluster."""
    assert Destinations(DestinationsSettings()).asked(query, WorkloadName("shop", "cart")) == destination


LABELS = st.sampled_from(
    (
        *("reserved:world", "reserved:world-ipv6", "reserved:kube-apiserver", "reserved:ingress", "k8s:app=a", "cidr:"),
        *("cidr:1.2.3.0/24", "cidr:nonsense", "fqdn:", "fqdn:*", "fqdn:..", "fqdn:a.example.", GROUP, f"{GROUP}g", ""),
    )
)


@given(
    st.builds(
        Endpoint,
        identity=st.integers(0, 12) | st.integers(0, 2**32 - 1),
        namespace=st.sampled_from(("", "shop")),
        pod_name=st.sampled_from(("", "cart-0")),
        labels=st.frozensets(LABELS),
        cluster_name=st.sampled_from(("", "west")),
    ),
    st.sampled_from((V4, V6, "", "nonsense", "10.0.0.1", "169.254.169.254")) | st.text(max_size=20),
    st.lists(st.sampled_from(("a.example.", "", ".", "*", "db.shop.svc.cluster.local")) | st.text(max_size=20)),
)
def test_classify_property(endpoint: Endpoint, address: str, names: list[str]) -> None:
    """Every destination has an answer with a label; node-local numbers and addresses are never in a label."""
    destination = _where(endpoint, address, tuple(names))
    assert destination.label
    assert destination.external or destination.scope is not CLUSTER_RANGE or destination.kind is ENTITY
    if destination.kind in (FQDN, CIDR, WORLD):
        assert destination.external
        assert destination.scope is not CLUSTER
    if destination.kind is WORLD:
        assert destination.label == "world"
    assert (destination.confidence is not NameConfidence.NONE) == (destination.kind is FQDN)
