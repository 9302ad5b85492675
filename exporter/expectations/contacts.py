"""Both ends of a flow as a question: what Cilium's labels say of them, and what the flow says itself."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from exporter.destinations.cidrs import label_prefix, parsed
from exporter.destinations.interface import HOST, Destination, DestinationKind, WorkloadName
from exporter.destinations.patterns import matches_all
from exporter.destinations.scopes import Scope
from exporter.endpoint import Endpoint
from exporter.expectations.asked import INSIDE
from exporter.expectations.interface import NO, UNKNOWN, YES, PolicyRef, SourceKind
from exporter.expectations.labels import RESERVED, Labels, of_texts
from exporter.expectations.objects import Objects
from exporter.expectations.question import NOTHING_KNOWN, Subject, Target, entities_of
from exporter.expectations.spans import span_of, span_of_address
from exporter.flow import Flow, Policy

_GROUP = "cidrgroup:io.cilium.policy.cidrgroupname/"
_WORLD = ("world", "world-ipv4", "world-ipv6")


class Outside(NamedTuple):
    """What the labels of an endpoint outside the cluster say; thousands of addresses have the same."""

    labels: Labels
    entities: frozenset[str]
    fqdns: frozenset[str]
    groups: frozenset[str]
    tells_names: bool
    """Whether the agent would have said so if a policy allowed the address by its name.

    From 1.16 on it does with a label. Before, such an address had a prefix of full length, and nothing else told.
    """


def subject_of(endpoint: Endpoint, name: WorkloadName, objects: Objects) -> Subject:
    """Who sent a flow."""
    if name == HOST or endpoint.entity == "host":
        # Labels of nodes are in flows only where nodes are selected by them.
        return Subject("", HOST.name, Labels(of_texts(endpoint.labels), own=False), is_host=True)
    labels = of_texts(sorted(endpoint.labels)) if endpoint.labels else None
    return Subject(name.namespace, name.name, objects.pod_labels(name.namespace, labels))


def target_of(
    flow: Flow, destination: Destination, name: WorkloadName, objects: Objects, outside: Callable[[Endpoint], Outside]
) -> Target:
    """Where a flow goes; `outside` is `outside_of`, or remembers what it said."""
    endpoint = flow.destination
    if destination.scope is Scope.CLUSTER_RANGE:
        # The agent did not know whose address it is, and so nobody does.
        return _unknown(destination.label)
    if endpoint.is_world:
        return _external(flow, destination, outside(endpoint))
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


def target_called(flow: Flow, destination: Destination, name: str) -> Target:
    """Where a flow goes that left the cluster, as if it were called so and nothing else."""
    target = _external(flow, destination, outside_of(flow.destination))
    return target._replace(text=name, names=(name,), other_names=NO, named=YES, fqdn_labels=frozenset())


def is_narrow(endpoint: Endpoint) -> bool:
    """Whether an identity that a policy allowed is more than world as a whole: then the policy meant it."""
    if not endpoint.is_world:
        return True
    return bool(_fqdns(endpoint.labels)) or any(map(_is_narrow_label, endpoint.labels))


def policies_of(policies: Iterable[Policy]) -> tuple[PolicyRef, ...]:
    """The policies that a flow names."""
    return tuple(PolicyRef(SourceKind.FLOWS, one.kind or "policy", one.namespace, one.name) for one in policies)


def outside_of(endpoint: Endpoint) -> Outside:
    """Read the labels of an endpoint outside the cluster."""
    labels = sorted(endpoint.labels)
    reserved = [label.removeprefix(f"{RESERVED}:") for label in labels if label.startswith(f"{RESERVED}:")]
    fqdns = _fqdns(labels)
    return Outside(
        Labels(of_texts(labels) or [(RESERVED, "world", "")]),
        frozenset({"world", *reserved, *(("cluster",) if endpoint.entity else ())}),
        fqdns,
        frozenset(label[len(_GROUP) :].rstrip("=") for label in labels if label.startswith(_GROUP)),
        bool(labels) and (bool(fqdns) or not any(map(_is_one_address, labels))),
    )


def _external(flow: Flow, destination: Destination, outside: Outside) -> Target:
    address = parsed(flow.destination_ip)
    names = flow.destination_names
    if destination.kind is DestinationKind.FQDN:
        names = (*names, destination.label)
    others = NO if names or outside.tells_names else UNKNOWN
    either = UNKNOWN if address is None else NO
    return Target(
        destination.label,
        outside.labels,
        YES,
        NO,
        entities_of(*outside.entities, *(() if address is None else (f"world-ipv{address.version}",))),
        address=None if address is None else span_of_address(address),
        narrow=either,
        families={4: either, 6: either},
        names=names,
        other_names=others,
        named=YES if names else others,
        fqdn_labels=outside.fqdns,
        groups=outside.groups,
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
    return prefix is not None and span_of(prefix).is_single
