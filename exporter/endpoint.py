"""One side of a flow: what the agent says about it, and what follows from Cilium's reserved identities and labels."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_RESERVED = "reserved:"
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
_BY_LABEL = ("kube-apiserver", "host", "remote-node", "health", "ingress", "unmanaged", "init", "overlay-to-encrypt")

_IN_CLUSTER = ("kube-apiserver", "host", "remote-node", "health", "ingress")

_LOCAL_SCOPE, _REMOTE_NODE_SCOPE, _SCOPE_MASK = 0x01000000, 0x02000000, 0xFF000000
# Well-known, fixed and cluster-wide identities begin here; all of them are below the node-local scope.
_FIRST_WORKLOAD = 100
_POLICY_SOURCES = ("cidr:", "fqdn:", "cidrgroup:")
_NAMESPACE_LABEL = "k8s:io.kubernetes.pod.namespace="
_CLUSTER_LABEL = "k8s:io.cilium.k8s.policy.cluster="


class Workload(NamedTuple):
    """Controller of a pod, as the agent that owns the pod reports it."""

    name: str
    kind: str


@dataclass(frozen=True)
class Endpoint:
    """One side of a flow.

    Endpoints recur all the time: one object stands for all their flows, and what follows from it is found out once.
    `id` and `workloads` are filled only by the node that owns the endpoint; world has identity and labels only.
    """

    id: int = 0
    identity: int = 0
    namespace: str = ""
    pod_name: str = ""
    labels: frozenset[str] = frozenset()
    workloads: tuple[Workload, ...] = ()
    cluster_name: str = ""

    # By the object, not by its fields: the decoder gives the same object for the same endpoint, and caches look it up
    # for every flow. Equal endpoints from elsewhere may stand in a cache twice, which costs only their place.
    __hash__ = object.__hash__

    @cached_property
    def entity(self) -> str | None:
        """Cilium's name of the entity that this is, or None when it is a workload or outside."""
        for name in _BY_LABEL:
            if _RESERVED + name in self.labels:
                return name
        if self.identity & _SCOPE_MASK == _REMOTE_NODE_SCOPE:
            # Nodes get such identities with policy-cidr-match-mode=nodes; cilium/cilium#42432 shows them as world.
            return "remote-node"
        return None if self.labels else _BY_IDENTITY.get(self.identity)

    @cached_property
    def is_world(self) -> bool:
        """Whether Cilium holds it to be outside the cluster."""
        if self.entity not in (None, "kube-apiserver") or self.identity & _SCOPE_MASK == _REMOTE_NODE_SCOPE:
            # Nodes can carry the labels of a CIDR, and by cilium/cilium#42432 even of world.
            return False
        if self.labels & WORLD_LABELS or self.identity in _WORLD_IDENTITIES:
            return True
        if self.entity is not None or self.is_workload:
            return False
        # Node-local identities are CIDRs and names; a field mask or an old server may have left their labels out.
        local = self.identity & _SCOPE_MASK == _LOCAL_SCOPE
        return local or any(label.startswith(_POLICY_SOURCES) for label in self.labels)

    @cached_property
    def is_workload(self) -> bool:
        """Whether it is a pod of this or another cluster: it has Kubernetes labels, a name, or such a number."""
        if self.namespace or self.pod_name:
            return True
        if any(label.startswith("k8s:") for label in self.labels):
            return True
        return not self.labels and _FIRST_WORKLOAD <= self.identity < _LOCAL_SCOPE

    @cached_property
    def in_cluster(self) -> bool:
        """Whether its address is certainly one of the cluster's own."""
        return not self.is_world and (self.is_workload or self.entity in _IN_CLUSTER)

    @cached_property
    def home(self) -> str:
        """Namespace of a pod, from its label where an L7 record of an old release leaves the field empty."""
        return self.namespace or self._label_value(_NAMESPACE_LABEL)

    @cached_property
    def cluster(self) -> str:
        """Name of the cluster that owns it, `""` when the flow does not say it."""
        return self.cluster_name or self._label_value(_CLUSTER_LABEL)

    def _label_value(self, prefix: str) -> str:
        return next((label[len(prefix) :] for label in self.labels if label.startswith(prefix)), "")


NO_ENDPOINT = Endpoint()
