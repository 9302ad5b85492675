"""The peers of one rule of Cilium: `toEndpoints`, `toEntities`, `toServices`, `toCIDR`, `toCIDRSet` and `toFQDNs`."""

from collections.abc import Callable

from exporter.destinations.patterns import check_name, check_pattern
from exporter.documents.fields import Field
from exporter.expectations.labels import ANY, IS_POD, K8S, NAMESPACE, NAMESPACE_LABELS, RESERVED, in_namespace
from exporter.expectations.objects import Objects
from exporter.expectations.outside_peers import GroupPeer, NamePeer, PrefixPeer, ServicePeer
from exporter.expectations.peers import EndpointPeer, EntityPeer, NotEvaluatedPeer, Peer
from exporter.expectations.prefixes import excepted, prefix_of, with_both_families
from exporter.expectations.selectors import of_endpoints
from exporter.expectations.unread import UNKNOWN_FIELD, Unread

Read = Callable[[Field], Peer]
PEERS = frozenset({"toEndpoints", "toEntities", "toServices", "toCIDR", "toCIDRSet", "toFQDNs"})
ENTITIES = (
    *("all", "world", "world-ipv4", "world-ipv6", "cluster", "host", "init", "ingress", "unmanaged", "remote-node"),
    *("health", "none", "kube-apiserver"),
)


class PeerReader:
    """Reads the peers of a policy; `namespace` is empty for one of the whole cluster."""

    def __init__(self, namespace: str, objects: Objects, unread: Unread, *, selects_init: bool) -> None:
        self._namespace, self._objects, self._selects_init = namespace, objects, selects_init
        self._unread = unread
        self._readers: dict[str, Read] = {
            "toEndpoints": self._endpoints,
            "toEntities": _entity,
            "toServices": self._service,
            "toCIDR": lambda field: PrefixPeer(prefix_of(field)),
            "toCIDRSet": self._prefixes,
            "toFQDNs": name_peer,
        }

    def read(self, name: str, field: Field) -> tuple[Peer, ...]:
        """The peers that stand under one of `PEERS`; an empty list selects nothing."""
        return with_both_families([self._readers[name](item) for item in field.items()])

    def _endpoints(self, field: Field) -> Peer:
        selector = of_endpoints(field)
        if selector.has_prefix("", RESERVED) or selector.has_key(NAMESPACE, K8S, ANY):
            return EndpointPeer(selector)
        if not self._namespace:
            # A clusterwide policy means pods, of every namespace: an empty selector is not the world.
            return EndpointPeer(selector if self._selects_init else selector.having(IS_POD))
        if selector.has_prefix(NAMESPACE_LABELS, K8S, ANY):
            return EndpointPeer(selector)
        return EndpointPeer(selector.having(in_namespace(self._namespace)))

    def _service(self, field: Field) -> Peer:
        parts = field.entries()
        if len(parts) != 1 or not parts.keys() <= {"k8sService", "k8sServiceSelector"}:
            field.refuse("a service is given by k8sService or by k8sServiceSelector")
        if "k8sService" in parts:
            names = parts["k8sService"].entries()
            if not names.keys() <= {"serviceName", "namespace"} or "serviceName" not in names:
                parts["k8sService"].refuse("write serviceName and namespace")
            namespace = names["namespace"].text() if "namespace" in names else ""
            return ServicePeer(self._objects, namespace, names["serviceName"].text())
        chosen = parts["k8sServiceSelector"].entries()
        if not chosen.keys() <= {"selector", "namespace"} or "selector" not in chosen:
            parts["k8sServiceSelector"].refuse("write selector and perhaps namespace")
        namespace = chosen["namespace"].text() if "namespace" in chosen else ""
        return ServicePeer(self._objects, namespace, selector=of_endpoints(chosen["selector"]))

    def _prefixes(self, field: Field) -> Peer:
        parts = field.entries()
        given = [name for name in ("cidr", "cidrGroupRef", "cidrGroupSelector") if name in parts]
        unknown = parts.keys() - {"cidr", "cidrGroupRef", "cidrGroupSelector", "except"}
        if unknown:
            self._unread.field(UNKNOWN_FIELD, parts[min(unknown)])
            return NotEvaluatedPeer(min(unknown))
        if len(given) != 1:
            field.refuse("there must be one of cidr, cidrGroupRef and cidrGroupSelector")
        if "cidr" in parts:
            prefix = prefix_of(parts["cidr"])
            return PrefixPeer(prefix, excepted(parts.get("except"), prefix))
        holes = excepted(parts.get("except"), None)
        if "cidrGroupRef" in parts:
            return GroupPeer(self._objects, parts["cidrGroupRef"].text(), excepted=holes)
        return GroupPeer(self._objects, selector=of_endpoints(parts["cidrGroupSelector"]), excepted=holes)


def _entity(field: Field) -> Peer:
    entity = field.text()
    if entity not in ENTITIES:
        field.refuse(f"{entity!r} is no entity; known are {', '.join(ENTITIES)}")
    return EntityPeer(entity)


def name_peer(field: Field) -> NamePeer:
    """The peer of an entry of `toFQDNs`."""
    parts = field.entries()
    if len(parts) != 1 or not parts.keys() <= {"matchName", "matchPattern"}:
        field.refuse("write one of matchName and matchPattern")
    try:
        if "matchName" in parts:
            check_name(parts["matchName"].text())
            return NamePeer(name=parts["matchName"].text())
        check_pattern(parts["matchPattern"].text())
    except ValueError as error:
        field.refuse(str(error))
    return NamePeer(pattern=parts["matchPattern"].text())
