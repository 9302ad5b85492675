"""One pure function that says where a flow goes. It always answers; its precedence reads from top to bottom."""

from collections.abc import Iterable
from typing import NamedTuple

from exporter.destinations.cidrs import CidrNames, cidr_group, longest_prefix
from exporter.destinations.interface import Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.names import ClusterNames, normal
from exporter.destinations.scopes import Scope, Scopes
from exporter.endpoint import Endpoint

UNKNOWN_ENTITY = "unknown"
WORLD = "world"


class Contact(NamedTuple):
    """What one flow says about its destination, and what was found out about both ends."""

    endpoint: Endpoint
    address: str
    names: tuple[str, ...]
    workload: WorkloadName
    source_namespace: str
    source_cluster: str
    cluster: str


class Knowledge(NamedTuple):
    """What the settings say about names, ranges and scopes."""

    names: ClusterNames
    cidrs: CidrNames
    scopes: Scopes


def classify(contact: Contact, knowledge: Knowledge) -> Destination:
    """The destination of a contact (design: entity, identity, fqdn, cidr, world; the first that holds)."""
    endpoint = contact.endpoint
    external = endpoint.is_world
    entity = endpoint.entity
    if entity is not None:
        scope = knowledge.scopes.of(contact.address) if external else Scope.CLUSTER
        return Destination(DestinationKind.ENTITY, entity, scope, external=external)
    if not external:
        if endpoint.is_workload:
            return Destination(DestinationKind.IDENTITY, _workload_label(contact), Scope.CLUSTER)
        return Destination(DestinationKind.ENTITY, UNKNOWN_ENTITY, knowledge.scopes.of(contact.address))
    scope = knowledge.scopes.of(contact.address)
    name, confidence = pick_name(contact.names, endpoint.labels, knowledge.names, contact.source_namespace)
    if name:
        return Destination(DestinationKind.FQDN, name, scope, confidence, external=True)
    configured = knowledge.cidrs.name_of(knowledge.scopes.canonical(contact.address))
    cidr = configured or cidr_group(endpoint.labels) or longest_prefix(endpoint.labels)
    if cidr:
        return Destination(DestinationKind.CIDR, cidr, scope, external=True)
    return Destination(DestinationKind.WORLD, WORLD, scope, external=True)


def asked_name(query: str, source_namespace: str, names: ClusterNames) -> Destination:
    """The destination of a DNS query that policy refused: the name asked, not the resolver."""
    bare = names.bare(query, source_namespace)
    if bare.internal:
        return Destination(DestinationKind.FQDN, normal(query), Scope.CLUSTER, NameConfidence.OBSERVED)
    return Destination(DestinationKind.FQDN, bare.name, Scope.PUBLIC, NameConfidence.OBSERVED, external=True)


def pick_name(
    hubble_names: Iterable[str], labels: frozenset[str], cluster_names: ClusterNames, source_namespace: str
) -> tuple[str, NameConfidence]:
    """One name for an external address, and how sure it is; `""` when none is known.

    Hubble gives every name in the source's DNS history that has the address. An `fqdn:` label is the selector of a
    policy, verbatim: it decides between several names, and stands in when Hubble has forgotten them.
    """
    bare = (cluster_names.bare(name, source_namespace) for name in hubble_names)
    names = sorted({found.name for found in bare if found.name and not found.internal})
    if len(names) == 1:
        return names[0], NameConfidence.OBSERVED
    selectors = sorted({normal(label[len("fqdn:") :]) for label in labels if label.startswith("fqdn:")})
    exact = [selector for selector in selectors if "*" not in selector]
    if names:
        return next((name for name in names if name in exact), names[0]), NameConfidence.AMBIGUOUS
    if exact:
        return exact[0], NameConfidence.STALE if len(exact) == 1 else NameConfidence.AMBIGUOUS
    patterns = [selector for selector in selectors if selector.strip("*.")]
    return (patterns[0], NameConfidence.AMBIGUOUS) if patterns else ("", NameConfidence.NONE)


def _workload_label(contact: Contact) -> str:
    label = f"{contact.workload.namespace}/{contact.workload.name}"
    foreign = contact.cluster and contact.source_cluster and contact.cluster != contact.source_cluster
    return f"{contact.cluster}/{label}" if foreign else label
