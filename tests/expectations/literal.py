"""A second reading of egress policies, from manifests as they are written: slow, literal, and of no part of ours.

Sources: Kubernetes' documentation ("Network Policies"; API reference of networking.k8s.io/v1), Cilium's (Network
Policy; field comments and validation of pkg/policy/api; namespaces of selectors in pkg/k8s/apis/cilium.io/utils; names
in pkg/fqdn/matchpattern; services in pkg/policy/k8s), Istio's reference of ServiceEntry.

What holds is one of three values, ordered, so that `min` is and, and `max` is or.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple

Doc = dict[str, Any]
Network = IPv4Network | IPv6Network

NO, MAYBE, YES = 0, 1, 2

POD_NAMESPACE = "io.kubernetes.pod.namespace"
OF_NAMESPACE = "io.cilium.k8s.namespace.labels."
NAME_OF_NAMESPACE = "kubernetes.io/metadata.name"
IN_CLUSTER = ("host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged")
OF_THE_WORLD = ("world", "world-ipv4", "world-ipv6")
ENTITIES = ("all", "cluster", "none", *IN_CLUSTER, *OF_THE_WORLD)
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
UNREAD_PEERS = ("toGroups", "toNodes")
CILIUM_PEERS = ("toEndpoints", "toCIDR", "toCIDRSet", "toEntities", "toServices", "toFQDNs", *UNREAD_PEERS)
UNREAD_OF_A_RULE = (*UNREAD_PEERS, "toRequires", "icmps", "authentication", "somethingNew")


class Asked(NamedTuple):
    """A question, as a person writes it on the command line."""

    source: str
    labels: str | None
    to: str
    to_labels: str | None
    port: str


class Said(NamedTuple):
    """An answer, and whether it is one because of an egressDeny."""

    expectation: str
    denied: bool


class Found(NamedTuple):
    """What one rule says of a destination: whether something narrow allows it, and whether something wide does."""

    narrow: int
    wide: int


NOTHING = Found(NO, NO)


@dataclass(frozen=True)
class End:
    """One end of a contact: a pod, an entity, an address or range, or a name."""

    kind: str
    text: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] | None = ()
    network: Network | None = None

    @property
    def may_be_anything(self) -> bool:
        """Whether it may be a pod or a node as well: private addresses, and the two entities that are many things."""
        if self.network is not None:
            private = [ip_network(text) for text in PRIVATE]
            return self.network.prefixlen == 0 or any(
                one.version == self.network.version and one.overlaps(self.network) for one in private
            )
        return self.kind == "entity" and self.text in ("all", "cluster")

    @property
    def is_outside(self) -> int:
        """Whether prefixes and names are about it: only outside of the cluster they are."""
        if self.kind in ("name", "network"):
            return YES
        if self.kind == "entity":
            return MAYBE if self.text == "all" else YES if self.text in OF_THE_WORLD else NO
        return NO


class Cluster:
    """Objects that policies refer to, out of all documents."""

    def __init__(self, documents: list[Doc]) -> None:
        self.namespaces: dict[str, dict[str, str]] = {}
        self.services: dict[tuple[str, str], Doc] = {}
        self.addresses: dict[tuple[str, str], list[Network]] = {}
        self.groups: dict[str, Doc] = {}
        for document in documents:
            metadata = document.get("metadata", {})
            place = (metadata.get("namespace") or "default", metadata.get("name", ""))
            match document.get("kind"):
                case "Namespace":
                    self.namespaces[metadata["name"]] = metadata.get("labels", {})
                case "Service":
                    self.services[place] = document
                case "EndpointSlice":
                    service = (place[0], metadata["labels"]["kubernetes.io/service-name"])
                    for endpoint in document["endpoints"]:
                        found = [ip_network(address) for address in endpoint["addresses"]]
                        self.addresses.setdefault(service, []).extend(found)
                case "CiliumCIDRGroup":
                    self.groups[metadata["name"]] = document


def answer(documents: list[Doc], asked: Asked, today: date, gateways: tuple[str, ...] = ()) -> Said:
    """The first of the five that holds."""
    cluster = Cluster(documents)
    source, target = source_of(asked), target_of(asked)
    protocol, port = port_of(asked.port)
    denied, narrow, wide, isolated, unread = NO, NO, NO, NO, False
    for policy in policies_of(documents, gateways, cluster, today):
        selects = policy.selects(source)
        if selects == NO:
            continue
        unread = unread or policy.unread
        isolated = max(isolated, selects if policy.isolates else NO)
        for rule in policy.rules:
            on_port = min(selects, rule.ports(protocol, port), MAYBE if rule.unread else YES)
            found = rule.peers(target)
            if rule.denies:
                denied = max(denied, min(on_port, max(found)))
            else:
                narrow = max(narrow, min(on_port, found.narrow))
                wide = max(wide, min(on_port, found.wide))
    if denied == YES:
        return Said("unexpected", denied=True)
    # The first that holds wins: a denial that nobody knows of for sure is no denial.
    if narrow == YES:
        return Said("expected", denied=False)
    if wide == YES:
        return Said("expected_wide", denied=False)
    if max(narrow, wide) != NO or unread or isolated == MAYBE:
        return Said("undecided", denied=False)
    if isolated == YES:
        # Denied by a rule or by default: both are the same answer.
        return Said("unexpected", denied=False)
    return Said("undecided" if denied == MAYBE else "not_covered", denied=False)


# --- the question -----------------------------------------------------------------------------------------------------


def labels_of(text: str | None) -> tuple[tuple[str, str], ...] | None:
    """All labels, or None where nobody said."""
    if text is None:
        return None
    parts = [part.partition("=") for part in text.split(",") if part]
    return tuple((key, value) for key, _, value in parts)


def source_of(asked: Asked) -> End:
    """Who begins it."""
    if asked.source == "/~host":
        return End("entity", "host", labels=labels_of(asked.labels))
    return End("pod", asked.source, asked.source.partition("/")[0], labels_of(asked.labels))


def target_of(asked: Asked) -> End:
    """Where it goes."""
    if asked.to in ENTITIES:
        return End("entity", asked.to)
    try:
        return End("network", asked.to, network=ip_network(asked.to, strict=False))
    except ValueError:
        pass
    if "/" in asked.to:
        return End("pod", asked.to, asked.to.partition("/")[0], labels_of(asked.to_labels))
    return End("name", asked.to)


def port_of(text: str) -> tuple[str, int | None]:
    """Protocol and port; TCP where only the number is given."""
    number, _, protocol = text.partition("/")
    return ("ICMP", None) if number == "ICMP" else (protocol or "TCP", int(number))


# --- labels and selectors ---------------------------------------------------------------------------------------------


def requirements_of(selector: Doc) -> Iterator[tuple[str, str, list[str]]]:
    """Key, operator and values of everything that a selector demands."""
    for key, value in (selector.get("matchLabels") or {}).items():
        yield key, "In", [value]
    for expression in selector.get("matchExpressions") or []:
        yield expression["key"], expression["operator"], expression.get("values", [])


def demanded(operator: str, values: list[str], found: str | None) -> int:
    """One demand on a label that is there with a value, or is not there."""
    if operator == "Exists":
        return YES if found is not None else NO
    if operator == "DoesNotExist":
        return YES if found is None else NO
    # Without the label, NotIn holds as well: set-based requirements of Kubernetes.
    is_in = found is not None and found in values
    return YES if is_in == (operator == "In") else NO


def demand_on(end: End, cluster: Cluster, demand: tuple[str, str, list[str]], source_word: str = "any") -> int:
    """One demand on an end of which labels may not be known."""
    key, operator, values = demand
    source, colon, rest = key.partition(":")
    source, rest = (source, rest) if colon else (source_word, key)
    if end.may_be_anything:
        return MAYBE
    if source == "reserved":
        return reserved(end, operator, values, rest)
    if end.kind != "pod":
        own = dict(end.labels or ())
        if end.kind == "entity" and end.labels is None:
            return MAYBE
        return demanded(operator, values, own.get(rest))
    if rest == POD_NAMESPACE:
        return demanded(operator, values, end.namespace)
    if rest.startswith(OF_NAMESPACE):
        return on_namespace(end.namespace, cluster, (rest.removeprefix(OF_NAMESPACE), operator, values))
    if end.labels is None:
        return MAYBE
    return demanded(operator, values, dict(end.labels).get(rest))


def on_namespace(namespace: str, cluster: Cluster, demand: tuple[str, str, list[str]]) -> int:
    """One demand on the labels of a namespace; its name is one of them by the API server's own doing."""
    key, operator, values = demand
    if key == NAME_OF_NAMESPACE:
        return demanded(operator, values, namespace)
    if namespace not in cluster.namespaces:
        return MAYBE
    return demanded(operator, values, cluster.namespaces[namespace].get(key))


def reserved(end: End, operator: str, values: list[str], name: str) -> int:
    """One demand on a reserved label; what is outside is world, and of one family where an address is known."""
    if end.kind == "pod":
        return MAYBE if end.labels is None else demanded(operator, values, None)
    if end.kind == "entity":
        return demanded(operator, values, "" if name == end.text else None)
    if name in ("world-ipv4", "world-ipv6") and end.kind == "name":
        return MAYBE
    family = f"world-ipv{end.network.version}" if end.network is not None else ""
    return demanded(operator, values, "" if name in ("world", family) else None)


def selected(end: End, cluster: Cluster, selector: Doc, extra: Iterable[tuple[str, str, list[str]]] = ()) -> int:
    """Whether a selector of Cilium selects an end."""
    demands = [*requirements_of(selector), *extra]
    return min([demand_on(end, cluster, demand) for demand in demands], default=YES)


def with_namespace(selector: Doc, namespace: str, *, for_init: bool) -> list[tuple[str, str, list[str]]]:
    """What Cilium adds to a selector of toEndpoints: getEndpointSelector of pkg/k8s/apis/cilium.io/utils."""
    keys = [key.removeprefix("any:").removeprefix("k8s:") for key, _, _ in requirements_of(selector)]
    if any(key.startswith("reserved:") for key in keys) or POD_NAMESPACE in keys:
        return []
    if not namespace:
        return [] if for_init else [(POD_NAMESPACE, "Exists", [])]
    if any(key.startswith(OF_NAMESPACE) for key in keys):
        return []
    return [(POD_NAMESPACE, "In", [namespace])]


# --- prefixes, names, entities ----------------------------------------------------------------------------------------


class Prefix(NamedTuple):
    """A prefix and its exceptions."""

    network: Network
    excepted: tuple[Network, ...] = ()


def prefix(cidr: str, excepted: Iterable[str] = ()) -> Prefix:
    """As it is written."""
    return Prefix(ip_network(cidr, strict=False), tuple(ip_network(one, strict=False) for one in excepted))


def in_prefix(end: End, one: Prefix) -> int:
    """Whether an end is in a prefix: all of a range, or nobody knows."""
    if end.is_outside != YES:
        return end.is_outside
    if end.kind == "name":
        return MAYBE
    if end.kind == "entity":
        other = "world-ipv6" if one.network.version == 4 else "world-ipv4"
        return YES if one.network.prefixlen == 0 and end.text != other else NO
    asked = end.network
    if asked is None or asked.version != one.network.version or not asked.overlaps(one.network):
        return NO
    if any(contains(hole, asked) for hole in one.excepted):
        return NO
    touched = any(hole.version == asked.version and hole.overlaps(asked) for hole in one.excepted)
    return YES if contains(one.network, asked) and not touched else MAYBE


def contains(outer: Network, inner: Network) -> bool:
    """Whether every address of one is in the other."""
    if outer.version != inner.version:
        return False
    first, last = int(outer.network_address), int(outer.broadcast_address)
    return first <= int(inner.network_address) and int(inner.broadcast_address) <= last


def prefixes(end: End, found: Iterable[Prefix]) -> Found:
    """Narrow prefixes and those of length 0; both families together are everything, whatever the address."""
    some = list(found)
    narrow = max((in_prefix(end, one) for one in some if one.network.prefixlen), default=NO)
    whole = [one for one in some if not one.network.prefixlen]
    wide = max((in_prefix(end, one) for one in whole), default=NO)
    if {one.network.version for one in whole if not one.excepted} == {4, 6}:
        wide = max(wide, end.is_outside)
    return Found(narrow, wide)


def only_stars(pattern: str) -> bool:
    """Whether a pattern is stars, with a dot behind them or not."""
    return re.fullmatch(r"\*+\.?", pattern) is not None


def name_matches(pattern: str, name: str) -> bool:
    """Cilium's own regular expression of a pattern."""
    full = f"{name.lower().removesuffix('.')}."
    if only_stars(pattern):
        return re.fullmatch(r"([-a-z0-9_]+[.])+", full) is not None
    wanted = f"{pattern.lower().removesuffix('.')}."
    wanted = re.sub(r"^\*{2,}\.", "<labels>", wanted)
    wanted = wanted.replace(".", "[.]")
    wanted = re.sub(r"\*+", "[-a-z0-9_]*", wanted)
    wanted = wanted.replace("<labels>", "([-a-z0-9_]+([.][-a-z0-9_]+)*)[.]")
    return re.fullmatch(wanted, full) is not None


def by_name(end: End, selectors: Iterable[Doc]) -> Found:
    """What toFQDNs says."""
    narrow = wide = NO
    for selector in selectors:
        pattern = selector.get("matchPattern", "")
        if only_stars(pattern):
            wide = max(wide, end.is_outside)
        elif end.kind == "name":
            same = selector.get("matchName", "").lower().removesuffix(".") == end.text.lower().removesuffix(".")
            matches = name_matches(pattern, end.text) if pattern else same
            narrow = max(narrow, YES if matches else NO)
        elif end.kind == "network" or end.is_outside == MAYBE:
            narrow = max(narrow, MAYBE)
    return Found(narrow, wide)


def member(end: End, entity: str) -> int:
    """Whether an end belongs to an entity."""
    if entity == "all":
        return YES
    if end.kind == "pod":
        return YES if entity == "cluster" else NO
    if end.kind == "entity":
        return member_of_entity(end.text, entity)
    if entity in ("world-ipv4", "world-ipv6"):
        if end.network is None:
            return MAYBE
        return YES if entity == f"world-ipv{end.network.version}" else NO
    if entity == "world":
        return YES
    return MAYBE if end.may_be_anything and entity in ("cluster", *IN_CLUSTER) else NO


def member_of_entity(one: str, entity: str) -> int:
    """Whether what is in one entity is in another."""
    if one == entity:
        return YES
    if one == "all":
        return MAYBE
    if one == "cluster":
        return MAYBE if entity in IN_CLUSTER else NO
    if entity == "cluster":
        return YES if one in IN_CLUSTER else NO
    if entity == "world":
        return YES if one in OF_THE_WORLD else NO
    # In a cluster of one family all of the world has the label without a family.
    return MAYBE if one == "world" and entity in OF_THE_WORLD else NO


def entities(end: End, names: Iterable[str]) -> Found:
    """What toEntities says; world and all are wide, also for what is in the cluster."""
    found = NOTHING
    for name in names:
        is_wide = name in ("all", *OF_THE_WORLD)
        one = member(end, name)
        found = either(found, Found(NO, one) if is_wide else Found(one, NO))
    return found


def either(one: Found, other: Found) -> Found:
    """What two peers say together."""
    return Found(max(one.narrow, other.narrow), max(one.wide, other.wide))


def narrowly(found: int) -> Found:
    """Of a peer that is never wide."""
    return Found(found, NO)


# --- policies ---------------------------------------------------------------------------------------------------------


class Rule:
    """What one rule says: of a port and of a destination."""

    denies = False
    unread = False

    def ports(self, protocol: str, port: int | None) -> int:
        """Whether it is about a port."""
        raise NotImplementedError

    def peers(self, end: End) -> Found:
        """Whether it is about a destination."""
        raise NotImplementedError


class Policy(NamedTuple):
    """One policy: whom it selects, whether it isolates, and its rules."""

    chooser: "Chooser"
    rules: list[Rule]
    isolates: bool
    unread: bool = False

    def selects(self, source: End) -> int:
        """Whether it is about a source."""
        return self.chooser.selects(source)


class Chooser(NamedTuple):
    """Whom a policy selects: pods of a namespace or of all, nodes, or workloads by their names."""

    cluster: Cluster
    selector: Doc
    namespace: str = ""
    nodes: bool = False
    workload: str = ""

    def selects(self, source: End) -> int:
        """Whether it selects a source."""
        is_node = source.kind == "entity"
        if self.workload:
            fits = workload_fits(self.workload, "/~host" if is_node else source.text)
            return min(fits, selected(source, self.cluster, self.selector))
        if is_node != self.nodes or (self.namespace and self.namespace != source.namespace):
            return NO
        return selected(source, self.cluster, self.selector)


def workload_fits(pattern: str, workload: str) -> int:
    """`namespace/workload`, in which a star stands for anything."""
    wanted, has = pattern.partition("/"), workload.partition("/")
    return YES if fnmatchcase(has[0], wanted[0]) and fnmatchcase(has[2], wanted[2]) else NO


def policies_of(documents: list[Doc], gateways: tuple[str, ...], cluster: Cluster, today: date) -> Iterator[Policy]:
    """All policies of all documents."""
    for document in documents:
        # The API server takes an empty namespace for none, and none for `default`.
        namespace = document.get("metadata", {}).get("namespace") or "default"
        match document.get("kind"):
            case None:
                yield from allowlist(document["allow"], cluster, today)
            case "NetworkPolicy":
                yield from network_policy(document["spec"], namespace, cluster)
            case "CiliumNetworkPolicy":
                yield from cilium_policies(document, namespace, cluster)
            case "CiliumClusterwideNetworkPolicy":
                yield from cilium_policies(document, "", cluster)
            case "ServiceEntry":
                yield from service_entry(document["spec"], namespace, gateways, cluster)


# --- NetworkPolicy ----------------------------------------------------------------------------------------------------


class KubernetesRule(Rule):
    """An item of `egress`: without `to` it is about every destination, without `ports` about every port."""

    def __init__(self, item: Doc, namespace: str, cluster: Cluster) -> None:
        self.item, self.namespace, self.cluster = item, namespace, cluster
        named = any(isinstance(one.get("port"), str) for one in item.get("ports") or [])
        self.unread = named or "somethingNew" in item

    def ports(self, protocol: str, port: int | None) -> int:
        """Of what is written; nothing is every port."""
        written = self.item.get("ports") or []
        return max([kubernetes_port(one, protocol, port) for one in written], default=YES)

    def peers(self, end: End) -> Found:
        """Of what is written under its peers."""
        written = self.item.get("to") or []
        if not written:
            return Found(NO, YES)
        found = prefixes(end, [prefix(**one["ipBlock"]) for one in map(block, written) if "ipBlock" in one])
        for one in written:
            if "ipBlock" not in one:
                found = either(found, narrowly(self.pods(end, one)))
        return found

    def pods(self, end: End, peer: Doc) -> int:
        """Pods of the policy's own namespace, or of those that a namespaceSelector selects."""
        if end.may_be_anything:
            return MAYBE
        if end.kind != "pod":
            return NO
        labels = peer.get("podSelector") or {}
        own = min([demand_on(end, self.cluster, one) for one in requirements_of(labels)], default=YES)
        if "namespaceSelector" not in peer:
            return own if end.namespace == self.namespace else NO
        wanted = requirements_of(peer["namespaceSelector"] or {})
        return min([own, *(on_namespace(end.namespace, self.cluster, one) for one in wanted)])


def block(peer: Doc) -> Doc:
    """A peer, with the exceptions of its ipBlock under another name."""
    if "ipBlock" not in peer:
        return peer
    return {"ipBlock": {"cidr": peer["ipBlock"]["cidr"], "excepted": peer["ipBlock"].get("except", [])}}


def kubernetes_port(item: Doc, protocol: str, port: int | None) -> int:
    """TCP by default; every port without one; `endPort` ends a range."""
    if item.get("protocol", "TCP") != protocol:
        return NO
    first = item.get("port")
    if first is None:
        return YES
    if isinstance(first, str) or port is None:
        return MAYBE
    return YES if first <= port <= (item.get("endPort") or first) else NO


def network_policy(spec: Doc, namespace: str, cluster: Cluster) -> Iterator[Policy]:
    """It isolates for egress when policyTypes says so, or without them when it has an egress rule."""
    egress = spec.get("egress") or []
    types = spec.get("policyTypes") or (["Egress"] if egress else [])
    if "Egress" in types:
        rules: list[Rule] = [KubernetesRule(item, namespace, cluster) for item in egress]
        unread = "somethingNew" in spec or any(rule.unread for rule in rules)
        yield Policy(Chooser(cluster, spec.get("podSelector") or {}, namespace), rules, isolates=True, unread=unread)


# --- Cilium -----------------------------------------------------------------------------------------------------------


class CiliumRule(Rule):
    """An item of `egress` or `egressDeny`, which has one kind of peers."""

    def __init__(self, item: Doc, spec: Doc, namespace: str, cluster: Cluster, *, denies: bool) -> None:
        self.item, self.namespace, self.cluster, self.denies = item, namespace, cluster, denies
        chosen = spec.get("endpointSelector") or {}
        self.for_init = any(key == "reserved:init" for key, _, _ in requirements_of(chosen))
        entries = item.get("toPorts") or []
        self.unread = any(key in item for key in UNREAD_OF_A_RULE) or any(map(unread_ports, entries))

    def ports(self, protocol: str, port: int | None) -> int:
        """Of what is written; nothing is every port."""
        entries = self.item.get("toPorts") or []
        written = [one for entry in entries for one in entry.get("ports", [])]
        return max([cilium_port(one, protocol, port) for one in written], default=YES)

    def peers(self, end: End) -> Found:
        """Of what is written under its peers."""
        given = [kind for kind in CILIUM_PEERS if kind in self.item]
        if "icmps" in self.item or any(kind in UNREAD_PEERS for kind in given):
            return Found(MAYBE, NO)
        if not given:
            # An empty rule allows nothing: "egress default deny" of Cilium's documentation.
            return Found(NO, YES) if self.item.get("toPorts") or self.unread else NOTHING
        return self.peers_of(given[0], end)

    def peers_of(self, kind: str, end: End) -> Found:
        """What the one kind says. Nothing in its list selects nothing."""
        listed = self.item[kind]
        match kind:
            case "toEndpoints":
                return self.endpoints(end, listed)
            case "toCIDR":
                return prefixes(end, map(prefix, listed))
            case "toCIDRSet":
                return self.prefix_set(end, listed)
            case "toEntities":
                return entities(end, listed)
            case "toFQDNs":
                return by_name(end, listed)
            case _:
                return narrowly(max((self.service(end, one) for one in listed), default=NO))

    def endpoints(self, end: End, listed: list[Doc]) -> Found:
        """Selectors, with the namespace that Cilium adds to them; one that selects the world is as wide as it."""
        found, world = NOTHING, End("entity", "world")
        for selector in listed:
            added = with_namespace(selector, self.namespace, for_init=self.for_init)
            one = selected(end, self.cluster, selector, added)
            is_wide = selected(world, self.cluster, selector, added) == YES
            found = either(found, Found(NO, one) if is_wide else narrowly(one))
        return found

    def prefix_set(self, end: End, listed: list[Doc]) -> Found:
        """Prefixes with exceptions, and groups of prefixes by name or by label."""
        found, missing = [], NO
        for one in listed:
            holes = one.get("except", [])
            if "cidr" in one:
                found.append(prefix(one["cidr"], holes))
                continue
            if "cidrGroupRef" in one:
                groups = [group for name, group in self.cluster.groups.items() if name == one["cidrGroupRef"]]
            else:
                groups = [group for group in self.cluster.groups.values() if of_labels(group, one["cidrGroupSelector"])]
            if not groups:
                is_world = end.kind == "entity" and end.text in OF_THE_WORLD
                missing = max(missing, NO if is_world else min(end.is_outside, MAYBE))
            found += [prefix(cidr, holes) for group in groups for cidr in group["spec"]["externalCIDRs"]]
        return either(prefixes(end, found), narrowly(missing))

    def service(self, end: End, peer: Doc) -> int:
        """By name or by label; without a namespace, those of any: serviceRefMatches of pkg/policy/k8s."""
        if "k8sService" in peer:
            wanted = peer["k8sService"]
            found = [place for place in self.cluster.services if place[1] == wanted["serviceName"]]
        else:
            wanted = peer["k8sServiceSelector"]
            every = self.cluster.services.items()
            found = [place for place, service in every if of_labels(service, wanted["selector"])]
        namespace = wanted.get("namespace", "")
        known = [place for place in found if namespace in ("", place[0])]
        if not known:
            # It may have anything behind it.
            return MAYBE
        return max(self.backend(end, place) for place in known)

    def backend(self, end: End, place: tuple[str, str]) -> int:
        """The pods that a service selects, or, where it selects none by itself, the addresses behind it."""
        selector = self.cluster.services[place]["spec"].get("selector")
        if selector:
            return selected(end, self.cluster, {"matchLabels": selector}, [(POD_NAMESPACE, "In", [place[0]])])
        addresses = self.cluster.addresses.get(place)
        if not addresses:
            # Addresses that nobody knows: prefixes, and those are about what is outside.
            return min(end.is_outside, MAYBE)
        return max(in_prefix(end, Prefix(one)) for one in addresses)


def of_labels(document: Doc, selector: Doc) -> bool:
    """Whether a selector selects an object by the labels in its metadata."""
    labels = document["metadata"].get("labels", {})
    return all(demanded(operator, values, labels.get(key)) for key, operator, values in requirements_of(selector))


def unread_ports(entry: Doc) -> bool:
    """Whether an entry of toPorts has what is not evaluated."""
    named = any(re.search("[a-z]", str(one["port"])) for one in entry.get("ports", []))
    return named or "serverNames" in entry or "somethingNew" in entry


def cilium_port(item: Doc, protocol: str, port: int | None) -> int:
    """ANY by default, which is TCP, UDP and SCTP; 0 is every port; `endPort` ends a range."""
    wanted = item.get("protocol", "ANY").upper()
    if protocol not in (("TCP", "UDP", "SCTP") if wanted == "ANY" else (wanted,)):
        return NO
    if not str(item["port"]).isdigit():
        return MAYBE
    first = int(item["port"])
    if first == 0:
        return YES
    if port is None:
        return MAYBE
    return YES if first <= port <= item.get("endPort", first) else NO


def within_own_namespace(selector: Doc, namespace: str) -> Doc:
    """ParseToCiliumRule (pkg/k8s/apis/cilium.io/utils) writes the policy's namespace over the one that is given."""
    labels = selector.get("matchLabels") or {}
    kept = {key: value for key, value in labels.items() if not (namespace and key == f"k8s:{POD_NAMESPACE}")}
    return {**selector, "matchLabels": kept}


def cilium_policies(document: Doc, namespace: str, cluster: Cluster) -> Iterator[Policy]:
    """Each of `spec` and `specs`; by default a rule of egress isolates, of either kind."""
    for spec in [*([document["spec"]] if "spec" in document else []), *document.get("specs", [])]:
        rules: list[Rule] = []
        for section, denies in (("egress", False), ("egressDeny", True)):
            rules += [CiliumRule(item, spec, namespace, cluster, denies=denies) for item in spec.get(section) or []]
        isolates = spec.get("enableDefaultDeny", {}).get("egress", bool(rules))
        if not rules and not isolates:
            continue
        nodes = "nodeSelector" in spec
        chosen = spec["nodeSelector" if nodes else "endpointSelector"]
        chooser = Chooser(cluster, within_own_namespace(chosen, namespace), namespace, nodes)
        unread = "somethingNew" in spec or any(rule.unread for rule in rules)
        yield Policy(chooser, rules, isolates, unread)


# --- ServiceEntry and the allowlist -----------------------------------------------------------------------------------


class MeshRule(Rule):
    """Hosts and addresses of a ServiceEntry."""

    def __init__(self, spec: Doc) -> None:
        self.spec = spec

    def ports(self, protocol: str, port: int | None) -> int:
        """Of what is written; nothing is every port."""
        written = self.spec.get("ports") or []
        wanted = [("UDP" if one.get("protocol") == "UDP" else "TCP", one["number"]) for one in written]
        return YES if not wanted or (protocol, port) in wanted else NO

    def peers(self, end: End) -> Found:
        """Of what is written under its peers."""
        hosts = [
            {"matchPattern": f"*{one}" if one != "*" else one} if "*" in one else {"matchName": one}
            for one in self.spec["hosts"]
        ]
        return either(by_name(end, hosts), prefixes(end, map(prefix, self.spec.get("addresses", []))))


def service_entry(spec: Doc, namespace: str, gateways: tuple[str, ...], cluster: Cluster) -> Iterator[Policy]:
    """Every workload of the namespaces that it is exported to may call its hosts; gateways may call nothing else."""
    rules: list[Rule] = [MeshRule(spec)]
    for name in spec.get("exportTo") or ["*"]:
        if name != "~":
            workload = f"{namespace if name == '.' else name}/*"
            yield Policy(Chooser(cluster, {}, workload=workload), rules, isolates=False)
    for gateway in gateways:
        yield Policy(Chooser(cluster, {}, workload=gateway), rules, isolates=True)


class ListedRule(Rule):
    """An entry of the allowlist; from the day on that it expires it allows nothing."""

    def __init__(self, entry: Doc, cluster: Cluster, today: date) -> None:
        self.entry, self.cluster = entry, cluster
        self.expired = "expires" in entry and today >= date.fromisoformat(str(entry["expires"]))

    def ports(self, protocol: str, port: int | None) -> int:
        """Of what is written; nothing is every port."""
        written = self.entry.get("ports")
        return max([listed_port(str(one), protocol, port) for one in written], default=YES) if written else YES

    def peers(self, end: End) -> Found:
        """Of what is written under its peers."""
        if self.expired:
            return NOTHING
        listed = self.entry.get("to") or []
        if not listed:
            return Found(NO, YES)
        found = prefixes(end, [prefix(one["cidr"], one.get("except", [])) for one in listed if "cidr" in one])
        found = either(found, by_name(end, [one for one in listed if "matchName" in one or "matchPattern" in one]))
        found = either(found, entities(end, [one["entity"] for one in listed if "entity" in one]))
        for one in listed:
            if "workload" in one:
                found = either(found, narrowly(self.workload(end, one["workload"])))
        return found

    @staticmethod
    def workload(end: End, wanted: str) -> int:
        """Only what is in the cluster has a workload; of entities in it nobody says which."""
        if end.kind == "pod":
            return workload_fits(wanted, end.text)
        return MAYBE if end.may_be_anything or (end.kind == "entity" and end.is_outside == NO) else NO


def listed_port(text: str, protocol: str, port: int | None) -> int:
    """`443/TCP`, `8000-8100/UDP`, `443` of any protocol that has ports, `ICMP`."""
    if text == "ICMP":
        return YES if protocol == "ICMP" else NO
    numbers, _, wanted = text.partition("/")
    first, _, last = numbers.partition("-")
    if port is None or protocol not in ((wanted,) if wanted else ("TCP", "UDP", "SCTP")):
        return NO
    return YES if int(first) <= port <= int(last or first) else NO


def allowlist(entries: list[Doc], cluster: Cluster, today: date) -> Iterator[Policy]:
    """Each entry covers its workloads: what none of theirs allows is unexpected."""
    for entry in entries:
        rules: list[Rule] = [ListedRule(entry, cluster, today)]
        for workload in entry["workloads"]:
            selector = {"matchLabels": entry.get("matchLabels", {})}
            yield Policy(Chooser(cluster, selector, workload=workload), rules, isolates=True)
