"""One pod, one label: however it is seen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.interface import HOST, WorkloadName
from exporter.destinations.workloads import Workloads
from exporter.endpoint import NO_ENDPOINT, Endpoint, Workload
from tests.flows import host, labelled, pod, remote_pod, world

CART = WorkloadName("shop", "cart")


def test_reported() -> None:
    """A workload that the owning node reports is the name."""
    assert Workloads(10).name_of(pod(pod_name="oddly-named-pod", workload="cart")) == CART


def test_first_of_several() -> None:
    """Of several workloads the first counts."""
    endpoint = replace(pod(), workloads=(Workload("cart", "Deployment"), Workload("other", "ReplicaSet")))
    assert Workloads(10).name_of(endpoint) == CART


def test_last_known() -> None:
    """What the owning node said of a pod holds for every later sight of it, and the newest word counts."""
    workloads = Workloads(10)
    local = pod(pod_name="oddly-named-pod")
    remote = replace(local, id=0, workloads=())
    assert workloads.name_of(remote) == WorkloadName("shop", "oddly-named-pod")
    workloads.learn(local)
    assert workloads.name_of(remote) == CART
    workloads.learn(remote)
    assert workloads.name_of(remote) == CART
    workloads.learn(pod(pod_name="oddly-named-pod", workload="basket"))
    assert workloads.name_of(remote) == WorkloadName("shop", "basket")


def test_same_pod_name_elsewhere() -> None:
    """A pod of the same name in another namespace is another pod."""
    workloads = Workloads(10)
    workloads.learn(pod(pod_name="db-a", workload="database"))
    assert workloads.name_of(remote_pod("db-a", "other")) == WorkloadName("other", "db-a")


@pytest.mark.parametrize(
    ("pod_name", "name"),
    [
        ("cart-7d4b9c8f6d-x2k4q", "cart"),
        ("cart-0", "cart"),
        ("cart-x2k4q", "cart"),
        ("cart", "cart"),
        ("backup-28012345-x2k4q", "backup"),
    ],
)
def test_folded(pod_name: str, name: str) -> None:
    """A pod of which nothing is known has its controller's name, as far as its own name shows it."""
    assert Workloads(10).name_of(remote_pod(pod_name)) == WorkloadName("shop", name)


@pytest.mark.parametrize("node_name", ["worker-a", "east/worker-a"])
def test_static_pods(node_name: str) -> None:
    """A static pod is named without its node, whether its node says so or only its name does."""
    workloads = Workloads(10)
    expected = WorkloadName("kube-system", "etcd")
    remote = remote_pod("etcd-worker-a", "kube-system")
    local = pod(workload="worker-a", kind="Node", namespace="kube-system", pod_name="etcd-worker-a")
    assert workloads.name_of(remote) == WorkloadName("kube-system", "etcd-worker-a")
    workloads.saw_node(node_name)
    assert workloads.name_of(remote) == expected
    assert workloads.name_of(local) == expected
    workloads.learn(local)
    assert workloads.name_of(remote) == expected


def test_node_without_a_pod() -> None:
    """A workload of kind Node without a pod's name is the node."""
    endpoint = Endpoint(namespace="kube-system", workloads=(Workload("worker-a", "Node"),))
    assert Workloads(10).name_of(endpoint) == WorkloadName("kube-system", "worker-a")


def test_namespace_from_the_label() -> None:
    """An L7 record of an old release has the namespace in a label only."""
    endpoint = replace(remote_pod(), namespace="")
    assert Workloads(10).name_of(endpoint) == CART


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (host(), HOST),
        (labelled(identity=1), HOST),
        (labelled("reserved:remote-node", identity=6), HOST),
        (labelled(identity=(2 << 24) + 1), HOST),
        (labelled("reserved:ingress", identity=8), WorkloadName("", "~ingress")),
        (labelled("reserved:health", identity=4), WorkloadName("", "~health")),
        (world(), WorkloadName("", "~unknown")),
        (NO_ENDPOINT, WorkloadName("", "~unknown")),
        (labelled("k8s:io.kubernetes.pod.namespace=shop", identity=300), WorkloadName("shop", "~unknown")),
        (Endpoint(namespace="shop", workloads=(Workload("", ""),)), WorkloadName("shop", "~unknown")),
    ],
)
def test_no_workload(endpoint: Endpoint, name: WorkloadName) -> None:
    """What is no pod has a name of ours; Kubernetes names never begin with `~`."""
    assert Workloads(10).name_of(endpoint) == name


@pytest.mark.parametrize("local_first", [True, False])
def test_one_pod_one_label(local_first: bool) -> None:
    """A pod is the same label seen on its node, on another node, in an L7 record, and in one of an old release."""
    workloads = Workloads(10)
    sights = [pod(), remote_pod(), replace(pod(), workloads=()), replace(remote_pod(), namespace="")]
    if not local_first:
        sights.reverse()
    for sight in sights:
        workloads.learn(sight)
        assert workloads.name_of(sight) == CART


def test_bound() -> None:
    """At most `bound` pods are remembered; the one that was learnt first leaves, and is counted."""
    workloads = Workloads(2)
    for number in "abc":
        workloads.learn(pod(pod_name=f"pod-{number}z", workload=f"workload-{number}"))
    assert workloads.stats()["pods"] == (2, 2, 1)
    names = [workloads.name_of(remote_pod(f"pod-{number}z")).name for number in "abc"]
    assert names == ["pod-az", "workload-b", "workload-c"]


def test_known_pod_needs_no_room() -> None:
    """A pod that gets another workload makes no other pod leave."""
    workloads = Workloads(2)
    workloads.learn(pod(pod_name="pod-az", workload="workload-a"))
    workloads.learn(pod(pod_name="pod-bz", workload="workload-b"))
    workloads.learn(pod(pod_name="pod-bz", workload="workload-c"))
    assert workloads.stats()["pods"] == (2, 2, 0)
    assert workloads.name_of(remote_pod("pod-az")).name == "workload-a"


def test_most_nodes() -> None:
    """At most so many nodes are known as suffixes; each sight of a further one is counted."""
    workloads = Workloads(10, most_nodes=2)
    for name in ("a", "b", "a", "", "c", "c"):
        workloads.saw_node(name)
    assert workloads.stats()["node_names"] == (2, 2, 2)
    assert workloads.name_of(remote_pod("etcd-b")).name == "etcd"
    assert workloads.name_of(remote_pod("etcd-c")).name == "etcd-c"


@pytest.mark.parametrize(
    ("endpoint", "cluster"),
    [
        (remote_pod(), ""),
        (remote_pod(cluster_name="west"), "west"),
        (remote_pod(labels=("k8s:io.cilium.k8s.policy.cluster=west",)), "west"),
        (remote_pod(cluster_name="east", labels=("k8s:io.cilium.k8s.policy.cluster=west",)), "east"),
    ],
)
def test_cluster(endpoint: Endpoint, cluster: str) -> None:
    """The cluster of an endpoint is what it says, else its policy label."""
    assert endpoint.cluster == cluster


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.booleans()), max_size=60), st.integers(1, 5))
def test_workloads_property(steps: list[tuple[int, int, bool]], bound: int) -> None:
    """Always a name, never more pods than the bound, and what was just learnt is known."""
    workloads = Workloads(bound)
    for number, workload, is_local in steps:
        local = pod(pod_name=f"pod-{number}z", workload=f"workload-{workload}")
        if is_local:
            workloads.learn(local)
            assert workloads.name_of(remote_pod(f"pod-{number}z")).name == f"workload-{workload}"
        assert workloads.name_of(remote_pod(f"pod-{number}z")).name
        assert workloads.stats()["pods"].entries <= bound
