"""One side of a flow: what the agent says about it, and what follows from Cilium's reserved identities and labels."""

from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

WORLD_LABELS = frozenset({"reserved:world", "reserved:world-ipv4", "reserved:world-ipv6"})
_WORLD_IDENTITIES = frozenset({2, 9, 10})

# Numeric identities of pkg/identity; the label is missing where a field mask or an old server left it out.
_BY_IDENTITY = {
    1: "host",
    3: "unmanaged",
    4: "health",
    5: "init",
    6: "remote-node",
    7: "kube-apiserver",
    8: "ingress",
    11: "overlay-to-encrypt",
}
# An endpoint can carry several reserved labels: the first of these says most about it.
_BY_LABEL = {
    f"reserved:{name}": name
    for name in (
        *("kube-apiserver", "host", "remote-node", "health", "ingress", "unmanaged", "init"),
        "overlay-to-encrypt",
    )
}

_IN_CLUSTER = ("kube-apiserver", "host", "remote-node", "health", "ingress")

_LOCAL_SCOPE, _REMOTE_NODE_SCOPE, _SCOPE_MASK = 0x01000000, 0x02000000, 0xFF000000
# Well-known, fixed and cluster-wide identities begin here; all of them are below the node-local scope.
_FIRST_WORKLOAD = 100
_POLICY_SOURCES = ("cidr:", "fqdn:", "cidrgroup:")
_serials = count()
_NAMESPACE_LABEL = "k8s:io.kubernetes.pod.namespace="
_CLUSTER_LABEL = "k8s:io.cilium.k8s.policy.cluster="


class Workload(NamedTuple):
    """Controller of a pod, as the agent that owns the pod reports it."""

    name: str
    kind: str


@dataclass(slots=True, unsafe_hash=True)
class Endpoint:
    """One side of a flow.

    Endpoints recur all the time: one object stands for all their flows, and what follows from it is found out once.
    Not frozen, for that doubles the time to make one. Nobody changes one.
    `id` and `workloads` are filled only by the node that owns the endpoint; world has identity and labels only.
    """

    id: int = 0
    identity: int = 0
    namespace: str = ""
    pod_name: str = ""
    labels: frozenset[str] = frozenset()
    workloads: tuple[Workload, ...] = ()
    cluster_name: str = ""
    entity: str | None = field(init=False, compare=False, repr=False)
    """Cilium's name of the entity that this is, or None when it is a workload or outside."""
    is_workload: bool = field(init=False, compare=False, repr=False)
    """Whether it is a pod of this or another cluster: it has Kubernetes labels, a name, or such a number."""
    is_world: bool = field(init=False, compare=False, repr=False)
    """Whether Cilium holds it to be outside the cluster."""
    in_cluster: bool = field(init=False, compare=False, repr=False)
    """Whether its address is certainly one of the cluster's own."""
    teaches: bool = field(init=False, compare=False, repr=False)
    """Whether its flows have something to teach: an address of the cluster, or a pod's workload."""
    home: str = field(init=False, compare=False, repr=False)
    """Namespace of a pod, from its label where an L7 record of an old release leaves the field empty."""
    cluster: str = field(init=False, compare=False, repr=False)
    """Name of the cluster that owns it, `""` when the flow does not say it."""
    serial: int = field(init=False, compare=False, repr=False)
    """A number of its own, by which caches know it: looking it up is cheap, and they do not keep it alive."""

    def __post_init__(self) -> None:
        """Find out what follows, in the order in which one needs the other."""
        self.entity = _entity(self)
        self.is_workload = _is_workload(self)
        self.is_world = _is_world(self)
        self.in_cluster = not self.is_world and (self.is_workload or self.entity in _IN_CLUSTER)
        self.teaches = self.in_cluster or bool(self.workloads)
        self.home = self.namespace or _label_value(self, _NAMESPACE_LABEL)
        self.cluster = self.cluster_name or _label_value(self, _CLUSTER_LABEL)
        self.serial = next(_serials)


def _entity(endpoint: Endpoint) -> str | None:
    if not endpoint.labels.isdisjoint(_BY_LABEL):
        return next(name for label, name in _BY_LABEL.items() if label in endpoint.labels)
    if endpoint.identity & _SCOPE_MASK == _REMOTE_NODE_SCOPE:
        # Nodes get such identities with policy-cidr-match-mode=nodes; cilium/cilium#42432 shows them as world.
        return "remote-node"
    return None if endpoint.labels else _BY_IDENTITY.get(endpoint.identity)


def _is_workload(endpoint: Endpoint) -> bool:
    if endpoint.namespace or endpoint.pod_name:
        return True
    if any(label.startswith("k8s:") for label in endpoint.labels):
        return True
    return not endpoint.labels and _FIRST_WORKLOAD <= endpoint.identity < _LOCAL_SCOPE


def _is_world(endpoint: Endpoint) -> bool:
    if endpoint.entity not in (None, "kube-apiserver") or endpoint.identity & _SCOPE_MASK == _REMOTE_NODE_SCOPE:
        # Nodes can carry the labels of a CIDR, and by cilium/cilium#42432 even of world.
        return False
    if endpoint.labels & WORLD_LABELS or endpoint.identity in _WORLD_IDENTITIES:
        return True
    if endpoint.entity is not None or endpoint.is_workload:
        return False
    # Node-local identities are CIDRs and names; a field mask or an old server may have left their labels out.
    local = endpoint.identity & _SCOPE_MASK == _LOCAL_SCOPE
    return local or any(label.startswith(_POLICY_SOURCES) for label in endpoint.labels)


def _label_value(endpoint: Endpoint, prefix: str) -> str:
    return next((label[len(prefix) :] for label in endpoint.labels if label.startswith(prefix)), "")


NO_ENDPOINT = Endpoint()
