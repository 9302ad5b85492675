"""Cilium's reserved identities and labels, and what they say about an endpoint."""

from exporter.flow import Endpoint

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


def entity_of(endpoint: Endpoint) -> str | None:
    """Cilium's name of the entity that `endpoint` is, or None when it is a workload or outside."""
    for name in _BY_LABEL:
        if _RESERVED + name in endpoint.labels:
            return name
    if endpoint.identity & _SCOPE_MASK == _REMOTE_NODE_SCOPE:
        # Nodes get such identities with policy-cidr-match-mode=nodes; cilium/cilium#42432 shows them as world.
        return "remote-node"
    return None if endpoint.labels else _BY_IDENTITY.get(endpoint.identity)


def is_world(endpoint: Endpoint) -> bool:
    """Whether Cilium holds the endpoint to be outside the cluster."""
    entity = entity_of(endpoint)
    if entity not in (None, "kube-apiserver") or endpoint.identity & _SCOPE_MASK == _REMOTE_NODE_SCOPE:
        # Nodes can carry the labels of a CIDR, and by cilium/cilium#42432 even of world.
        return False
    if endpoint.labels & WORLD_LABELS or endpoint.identity in _WORLD_IDENTITIES:
        return True
    if entity is not None or is_workload(endpoint):
        return False
    # Node-local identities are CIDRs and names; a field mask or an old server may have left their labels out.
    local = endpoint.identity & _SCOPE_MASK == _LOCAL_SCOPE
    return local or any(label.startswith(_POLICY_SOURCES) for label in endpoint.labels)


def is_workload(endpoint: Endpoint) -> bool:
    """Whether the endpoint is a pod of this or another cluster: it has Kubernetes labels, a name, or such a number."""
    if endpoint.namespace or endpoint.pod_name:
        return True
    if any(label.startswith("k8s:") for label in endpoint.labels):
        return True
    return not endpoint.labels and _FIRST_WORKLOAD <= endpoint.identity < _LOCAL_SCOPE


def in_cluster(endpoint: Endpoint) -> bool:
    """Whether the address of this endpoint is certainly one of the cluster's own."""
    if is_world(endpoint):
        return False
    return is_workload(endpoint) or entity_of(endpoint) in _IN_CLUSTER
