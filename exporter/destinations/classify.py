"""One pure function that says where a flow goes. It always answers; its precedence reads from top to bottom."""

from collections.abc import Collection
from typing import NamedTuple

from exporter.destinations.cidrs import CidrNames, cidr_group, longest_prefix
from exporter.destinations.dns_answers import NOT_ASKED, Asked
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
    asked: Asked = NOT_ASKED


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
    bare = (knowledge.names.bare(name, contact.source_namespace) for name in contact.names)
    names = {found.name for found in bare if found.name and not found.internal}
    name, confidence = pick_name(names, endpoint.labels, contact.asked)
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
    hubble_names: Collection[str], labels: frozenset[str], asked: Asked = NOT_ASKED
) -> tuple[str, NameConfidence]:
    """One name for an external address, and how sure it is; `""` when none is known.

    Hubble gives every name in the source's DNS history that has the address, here as the source meant them; `asked` is
    what we saw it ask. An `fqdn:` label is the selector of a policy, verbatim: it decides between several names that
    we did not see asked, and stands in when nobody else knows one.
    """
    if len(hubble_names) == 1:
        return next(iter(hubble_names)), NameConfidence.OBSERVED
    if hubble_names:
        return _one_of(hubble_names, labels, asked)
    if known := asked.within or asked.past:
        alone = NameConfidence.JOINED if asked.within else NameConfidence.STALE
        # A name that is past its TTL does not make one doubtful that is not.
        return known[0], alone if len(known) == 1 else NameConfidence.AMBIGUOUS
    selectors = _selectors(labels)
    if exact := [selector for selector in selectors if "*" not in selector]:
        return exact[0], NameConfidence.STALE if len(exact) == 1 else NameConfidence.AMBIGUOUS
    patterns = [selector for selector in selectors if selector.strip("*.")]
    return (patterns[0], NameConfidence.AMBIGUOUS) if patterns else ("", NameConfidence.NONE)


def _one_of(names: Collection[str], labels: frozenset[str], asked: Asked) -> tuple[str, NameConfidence]:
    """Of several names that Hubble gives, the one that was asked last; alone when we saw no other asked."""
    known = (*asked.within, *asked.past)
    latest = next((name for name in known if name in names), None)
    if latest:
        alone = known == asked.within == (latest,)
        return latest, NameConfidence.JOINED if alone else NameConfidence.AMBIGUOUS
    exact, ordered = _selectors(labels), sorted(names)
    return next((name for name in ordered if name in exact), ordered[0]), NameConfidence.AMBIGUOUS


def _selectors(labels: frozenset[str]) -> list[str]:
    return sorted({normal(label[len("fqdn:") :]) for label in labels if label.startswith("fqdn:")})


def _workload_label(contact: Contact) -> str:
    label = f"{contact.workload.namespace}/{contact.workload.name}"
    foreign = contact.cluster and contact.source_cluster and contact.cluster != contact.source_cluster
    return f"{contact.cluster}/{label}" if foreign else label
