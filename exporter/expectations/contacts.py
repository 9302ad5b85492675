"""Both ends of a flow as a question: what Cilium's labels say of them, and what the flow says itself."""

from collections.abc import Iterable
from ipaddress import ip_network

from exporter.destinations.cidrs import label_prefix, parsed
from exporter.destinations.interface import HOST, Destination, DestinationKind, WorkloadName
from exporter.destinations.patterns import matches_all
from exporter.destinations.scopes import Scope
from exporter.endpoint import Endpoint
from exporter.expectations.asked import INSIDE
from exporter.expectations.interface import NO, UNKNOWN, YES, Match, PolicyRef, SourceKind
from exporter.expectations.labels import RESERVED, Labels, of_texts
from exporter.expectations.objects import Objects
from exporter.expectations.question import NOTHING_KNOWN, Network, Subject, Target, entities_of
from exporter.flow import Flow, Policy

_GROUP = "cidrgroup:io.cilium.policy.cidrgroupname/"
_WORLD = ("world", "world-ipv4", "world-ipv6")


def subject_of(endpoint: Endpoint, name: WorkloadName, objects: Objects) -> Subject:
    """Who sent a flow."""
    if name == HOST or endpoint.entity == "host":
        # Labels of nodes are in flows only where nodes are selected by them.
        return Subject("", HOST.name, Labels(of_texts(endpoint.labels), own=False), is_host=True)
    labels = of_texts(sorted(endpoint.labels)) if endpoint.labels else None
    return Subject(name.namespace, name.name, objects.pod_labels(name.namespace, labels))


def target_of(flow: Flow, destination: Destination, name: WorkloadName, objects: Objects) -> Target:
    """Where a flow goes."""
    endpoint = flow.destination
    if destination.scope is Scope.CLUSTER_RANGE:
        # The agent did not know whose address it is, and so nobody does.
        return _unknown(destination.label)
    if endpoint.is_world:
        return _external(flow, destination)
    if endpoint.entity is not None:
        labels = of_texts(sorted(endpoint.labels)) or [(RESERVED, endpoint.entity, "")]
        reserved = [key for source, key, _ in labels if source == RESERVED]
        entities = entities_of("cluster", endpoint.entity, *reserved)
        return Target(destination.label, Labels(labels), NO, YES, entities)
    if not endpoint.is_workload:
        return _unknown(destination.label)
    is_foreign = endpoint.cluster and flow.source.cluster and endpoint.cluster != flow.source.cluster
    labels_or_none = of_texts(sorted(endpoint.labels)) if endpoint.labels else None
    known = objects.pod_labels(endpoint.home, labels_or_none)
    inside = entities_of(*(() if is_foreign else ("cluster",)))
    return Target(destination.label, known, NO, YES, inside, namespace=name.namespace, workload=name.name)


def target_of_name(name: str) -> Target:
    """A name that was asked for and refused."""
    world = Labels([(RESERVED, "world", "")], doubtful=frozenset(_WORLD[1:]))
    entities = entities_of("world", maybe=_WORLD[1:])
    either = {4: UNKNOWN, 6: UNKNOWN}
    return Target(name, world, YES, NO, entities, narrow=UNKNOWN, families=either, names=(name,), named=YES)


def is_narrow(endpoint: Endpoint) -> bool:
    """Whether an identity that a policy allowed is more than world as a whole: then the policy meant it."""
    if not endpoint.is_world:
        return True
    return bool(_fqdns(endpoint.labels)) or any(map(_is_narrow_label, endpoint.labels))


def policies_of(policies: Iterable[Policy]) -> tuple[PolicyRef, ...]:
    """The policies that a flow names."""
    return tuple(PolicyRef(SourceKind.FLOWS, one.kind or "policy", one.namespace, one.name) for one in policies)


def _external(flow: Flow, destination: Destination) -> Target:
    endpoint, labels = flow.destination, flow.destination.labels
    address = parsed(flow.destination_ip)
    network: Network | None = None if address is None else ip_network(address)
    names = flow.destination_names
    if destination.kind is DestinationKind.FQDN:
        names = (*names, destination.label)
    # An agent knows which addresses it allows by name. From 1.16 on it says so with a label; before, only the /32 told.
    told = bool(labels) and (bool(_fqdns(labels)) or not any(map(_is_one_address, labels)))
    others: Match = NO if names or told else UNKNOWN
    family = () if network is None else (f"world-ipv{network.version}",)
    reserved = [label.removeprefix(f"{RESERVED}:") for label in labels if label.startswith(f"{RESERVED}:")]
    entities = entities_of("world", *family, *reserved, *(("cluster",) if endpoint.entity else ()))
    either = UNKNOWN if network is None else NO
    return Target(
        destination.label,
        Labels(of_texts(sorted(labels)) or [(RESERVED, "world", "")]),
        YES,
        NO,
        entities,
        address=network,
        narrow=either,
        families={4: either, 6: either},
        names=names,
        other_names=others,
        named=YES if names else others,
        fqdn_labels=_fqdns(labels),
        groups=frozenset(label[len(_GROUP) :].rstrip("=") for label in labels if label.startswith(_GROUP)),
    )


def _unknown(text: str) -> Target:
    entities = entities_of(maybe=(*INSIDE, *_WORLD))
    either = {4: UNKNOWN, 6: UNKNOWN}
    return Target(
        text,
        NOTHING_KNOWN,
        UNKNOWN,
        UNKNOWN,
        entities,
        narrow=UNKNOWN,
        families=either,
        other_names=UNKNOWN,
        named=UNKNOWN,
    )


def _fqdns(labels: Iterable[str]) -> frozenset[str]:
    selectors = (label[len("fqdn:") :].lower().removesuffix(".") for label in labels if label.startswith("fqdn:"))
    return frozenset(selector for selector in selectors if not matches_all(selector))


def _is_narrow_label(label: str) -> bool:
    prefix = label_prefix(label)
    return label.startswith("cidrgroup:") or (prefix is not None and not prefix.endswith("/0"))


def _is_one_address(label: str) -> bool:
    prefix = label_prefix(label)
    return prefix is not None and prefix.endswith(("/32", "/128")) and ip_network(prefix).num_addresses == 1
