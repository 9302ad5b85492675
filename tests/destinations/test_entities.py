"""Cilium's identities and reserved labels, row by row."""

from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.endpoint import NO_ENDPOINT, Endpoint
from tests.flows import host, labelled, pod, remote_pod, world

LOCAL, REMOTE_NODE = 1 << 24, 2 << 24


class Seen(NamedTuple):
    """What an endpoint is held to be."""

    entity: str | None
    world: bool
    workload: bool
    in_cluster: bool


OUTSIDE = Seen(None, world=True, workload=False, in_cluster=False)
POD = Seen(None, world=False, workload=True, in_cluster=True)
NOTHING = Seen(None, world=False, workload=False, in_cluster=False)


def _entity(name: str, *, in_cluster: bool, outside: bool = False) -> Seen:
    return Seen(name, world=outside, workload=False, in_cluster=in_cluster)


@pytest.mark.parametrize(
    ("endpoint", "seen"),
    [
        (NO_ENDPOINT, NOTHING),
        (labelled("reserved:unknown"), NOTHING),
        (labelled("reserved:host", identity=1), _entity("host", in_cluster=True)),
        (labelled(identity=1), _entity("host", in_cluster=True)),
        (labelled("reserved:world", identity=2), OUTSIDE),
        (labelled(identity=2), OUTSIDE),
        (labelled("reserved:world"), OUTSIDE),
        (labelled("reserved:unmanaged", identity=3), _entity("unmanaged", in_cluster=False)),
        (labelled(identity=3), _entity("unmanaged", in_cluster=False)),
        (labelled("reserved:health", identity=4), _entity("health", in_cluster=True)),
        (labelled(identity=4), _entity("health", in_cluster=True)),
        (labelled("reserved:init", identity=5), _entity("init", in_cluster=False)),
        (labelled(identity=5), _entity("init", in_cluster=False)),
        (labelled("reserved:remote-node", identity=6), _entity("remote-node", in_cluster=True)),
        (labelled(identity=6), _entity("remote-node", in_cluster=True)),
        (labelled("reserved:ingress", identity=8), _entity("ingress", in_cluster=True)),
        (labelled(identity=8), _entity("ingress", in_cluster=True)),
        (labelled("reserved:world-ipv4", identity=9), OUTSIDE),
        (labelled(identity=9), OUTSIDE),
        (labelled("reserved:world-ipv6", identity=10), OUTSIDE),
        (labelled(identity=10), OUTSIDE),
        (labelled("reserved:overlay-to-encrypt", identity=11), _entity("overlay-to-encrypt", in_cluster=False)),
        (labelled(identity=11), _entity("overlay-to-encrypt", in_cluster=False)),
        (labelled(identity=12), NOTHING),
        (labelled(identity=99), NOTHING),
    ],
)
def test_reserved_identities(endpoint: Endpoint, seen: Seen) -> None:
    """A reserved identity is what its number says, with its label or without."""
    assert _seen(endpoint) == seen


@pytest.mark.parametrize("identity", [100, 102, 104, 106, 115, 128, 255, 256, 40_000, 65_535, (3 << 16) | 500])
def test_numbers_of_workloads(identity: int) -> None:
    """Well-known, fixed and cluster-wide identities are workloads of a cluster, whatever else is missing."""
    assert _seen(labelled(identity=identity)) == POD
    assert _seen(labelled("k8s:app=cart", identity=identity)) == POD
    assert _seen(remote_pod(identity=identity)) == POD


@pytest.mark.parametrize("endpoint", [pod(), remote_pod(), Endpoint(pod_name="cart-0"), Endpoint(namespace="shop")])
def test_pods(endpoint: Endpoint) -> None:
    """A pod is a workload of a cluster."""
    assert _seen(endpoint) == POD


@pytest.mark.parametrize(
    ("label", "identity"),
    [
        ("reserved:world", 2),
        ("reserved:world-ipv4", 9),
        ("reserved:world-ipv6", 10),
        ("reserved:world", LOCAL + 5),
        ("reserved:world-ipv4", LOCAL + 5),
        ("reserved:world-ipv6", LOCAL + 5),
    ],
)
@pytest.mark.parametrize(
    "others",
    [
        (),
        ("cidr:1.1.1.1/32",),
        ("cidr:2001-db8--0/32",),
        ("cidr:1.1.1.1/32", "fqdn:one.one.one.one."),
        ("fqdn:*.example.com",),
        ("cidrgroup:io.cilium.policy.cidrgroupname/payment",),
    ],
)
def test_world_labels(label: str, identity: int, others: tuple[str, ...]) -> None:
    """Each of the three world labels is the outside, alone and beside CIDR and FQDN labels."""
    assert _seen(labelled(label, *others, identity=identity)) == OUTSIDE


@pytest.mark.parametrize(
    "labels", [("cidr:1.1.1.1/32",), ("fqdn:a.example.",), ("cidrgroup:io.cilium.policy.cidrgroupname/payment",), ()]
)
def test_local_scope(labels: tuple[str, ...]) -> None:
    """A node-local number is a CIDR or a name outside, also where its labels did not come along."""
    assert _seen(labelled(*labels, identity=LOCAL + 1)) == OUTSIDE
    assert _seen(labelled(*labels, identity=REMOTE_NODE - 1)) == OUTSIDE


def test_ingress_of_local_scope() -> None:
    """Addresses of the L7 load balancer have node-local numbers, and are in the cluster."""
    assert _seen(labelled("reserved:ingress", identity=LOCAL + 9)) == _entity("ingress", in_cluster=True)


@pytest.mark.parametrize(
    "endpoint",
    [
        labelled("reserved:kube-apiserver", "reserved:world", identity=LOCAL + 3),
        labelled("reserved:kube-apiserver", "reserved:world-ipv4", "cidr:10.2.3.4/32", identity=LOCAL + 3),
    ],
)
def test_api_server_outside(endpoint: Endpoint) -> None:
    """An API server outside the cluster is an entity with a world label and a node-local number."""
    assert _seen(endpoint) == _entity("kube-apiserver", in_cluster=False, outside=True)


@pytest.mark.parametrize(
    "endpoint",
    [
        labelled("reserved:kube-apiserver", identity=7),
        labelled(identity=7),
        labelled("reserved:kube-apiserver", "reserved:remote-node", identity=7),
        labelled("reserved:kube-apiserver", "reserved:host", identity=1),
        labelled("reserved:kube-apiserver", "reserved:remote-node", "node:zone=a", identity=REMOTE_NODE + 3),
        labelled("reserved:kube-apiserver", "reserved:world", identity=REMOTE_NODE + 3),
    ],
)
def test_api_server_on_a_node(endpoint: Endpoint) -> None:
    """An API server on a node of the cluster is in the cluster, and its address is one of the cluster's own."""
    assert _seen(endpoint) == _entity("kube-apiserver", in_cluster=True)


@pytest.mark.parametrize(
    "labels",
    [
        (),
        ("reserved:remote-node",),
        ("reserved:remote-node", "node:zone=a"),
        ("node:zone=a",),
        ("cidr:10.0.0.7/32", "reserved:remote-node"),
    ],
)
@pytest.mark.parametrize("identity", [REMOTE_NODE, REMOTE_NODE + 1, 3 * LOCAL - 1])
def test_remote_node_scope(labels: tuple[str, ...], identity: int) -> None:
    """A number of the remote-node scope is a node of the cluster."""
    assert _seen(labelled(*labels, identity=identity)) == _entity("remote-node", in_cluster=True)


@pytest.mark.parametrize("label", ["reserved:world", "reserved:world-ipv4", "reserved:world-ipv6"])
def test_remote_node_scope_with_a_world_label(label: str) -> None:
    """A node that carries a world label by mistake (cilium/cilium#42432) is a node of the cluster all the same."""
    endpoint = labelled(label, "cidr:10.0.0.7/32", identity=REMOTE_NODE + 1)
    assert _seen(endpoint) == _entity("remote-node", in_cluster=True)


def test_host() -> None:
    """Host processes and host-network pods are the host."""
    assert _seen(host()) == _entity("host", in_cluster=True)


def test_pod_with_a_world_label() -> None:
    """A pod whose agent has lost its identity (cilium/cilium#19405) is not certainly in the cluster."""
    assert replace(world(), namespace="shop", pod_name="cart-0").is_world
    assert not replace(world(), namespace="shop", pod_name="cart-0").in_cluster


LABELS = st.sampled_from(
    (
        *("reserved:world", "reserved:world-ipv4", "reserved:host", "reserved:remote-node", "reserved:ingress"),
        *("reserved:kube-apiserver", "reserved:", "cidr:1.1.1.1/32", "cidr:", "fqdn:", "fqdn:a.", "k8s:app=a", "x", ""),
    )
)


@given(
    st.builds(
        Endpoint,
        identity=st.integers(0, 12) | st.integers(0, 2**32 - 1),
        namespace=st.sampled_from(("", "shop")),
        pod_name=st.sampled_from(("", "cart-0")),
        labels=st.frozensets(LABELS),
    )
)
def test_entities_property(endpoint: Endpoint) -> None:
    """Every endpoint has an answer, and none is both outside and certainly in the cluster."""
    seen = _seen(endpoint)
    assert not (seen.world and seen.in_cluster)
    assert seen.entity is None or seen.entity


def _seen(endpoint: Endpoint) -> Seen:
    return Seen(endpoint.entity, endpoint.is_world, endpoint.is_workload, endpoint.in_cluster)
