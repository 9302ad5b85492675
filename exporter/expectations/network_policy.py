"""Kubernetes NetworkPolicy, its egress half.

Source: Kubernetes API reference, networking.k8s.io/v1, and "Network Policies" of its documentation.
"""

from exporter.documents.fields import Field
from exporter.expectations.interface import PolicyRef, RuleRef
from exporter.expectations.labels import IS_POD, Selector, in_namespace
from exporter.expectations.objects import Objects
from exporter.expectations.outside_peers import PrefixPeer
from exporter.expectations.peers import EndpointPeer, NotEvaluatedPeer, Peer
from exporter.expectations.policy import ANYWHERE, PodChooser, Policy, Rule
from exporter.expectations.ports import PORT_NAME, Ports, ports_from
from exporter.expectations.prefixes import excepted, prefix_of, with_both_families
from exporter.expectations.selectors import of_namespaces, of_pods
from exporter.expectations.unread import Unread

_SPEC = frozenset({"podSelector", "policyTypes", "egress", "ingress"})
_PROTOCOLS = frozenset({"TCP", "UDP", "SCTP"})
LAST_PORT = 65535
EVERY_POD = Selector()


def read_network_policy(spec: Field, ref: PolicyRef, objects: Objects) -> Policy | None:
    """The policy; None when it does not apply to egress."""
    parts = spec.entries()
    egress = parts["egress"].items() if "egress" in parts else []
    types = {_type(one) for one in parts["policyTypes"].items()} if "policyTypes" in parts else set()
    # Without policyTypes it applies to egress if it has any egress rule.
    if "Egress" not in types if types else not egress:
        return None
    unread = Unread()
    unread.keys(parts, _SPEC)
    selector = of_pods(parts["podSelector"]) if "podSelector" in parts else EVERY_POD
    rules = tuple(
        _rule(item, RuleRef(ref, "egress", index, item.line), objects, unread) for index, item in enumerate(egress)
    )
    chooser = PodChooser(selector.having(in_namespace(ref.namespace)), ref.namespace)
    return Policy(ref, chooser, rules, isolates=True, not_evaluated=unread.found)


def _type(field: Field) -> str:
    if field.text() not in ("Ingress", "Egress"):
        field.refuse(f"{field.text()!r} is no policy type; write Ingress or Egress")
    return field.text()


def _rule(item: Field, ref: RuleRef, objects: Objects, unread: Unread) -> Rule:
    parts, before = item.entries(), unread.times
    unread.keys(parts, {"to", "ports"})
    to = parts["to"].items() if "to" in parts else []
    peers = with_both_families([_peer(one, ref.policy.namespace, unread) for one in to]) if to else ANYWHERE
    ports = tuple(_ports(one, objects, unread) for one in (parts["ports"].items() if "ports" in parts else ()))
    return Rule(ref, peers, ports, certain=unread.times == before)


def _peer(item: Field, namespace: str, unread: Unread) -> Peer:
    parts = item.entries()
    if not parts:
        item.refuse("a peer is a podSelector, a namespaceSelector or an ipBlock")
    unread.keys(parts, {"podSelector", "namespaceSelector", "ipBlock"})
    if "ipBlock" in parts:
        if len(parts) > 1:
            item.refuse("an ipBlock stands alone in its peer")
        block = parts["ipBlock"].entries()
        if "cidr" not in block:
            parts["ipBlock"].refuse("an ipBlock needs a cidr")
        unread.keys(block, {"cidr", "except"})
        prefix = prefix_of(block["cidr"])
        return PrefixPeer(prefix, excepted(block.get("except"), prefix))
    if not {"podSelector", "namespaceSelector"} & parts.keys():
        return NotEvaluatedPeer(next(iter(parts)))
    pods = of_pods(parts["podSelector"]) if "podSelector" in parts else EVERY_POD
    if "namespaceSelector" not in parts:
        return EndpointPeer(pods.having(in_namespace(namespace)))
    return EndpointPeer(pods.having(IS_POD, *of_namespaces(parts["namespaceSelector"]).requirements))


def _ports(item: Field, objects: Objects, unread: Unread) -> Ports:
    parts = item.entries()
    unread.keys(parts, {"protocol", "port", "endPort"})
    protocol = parts["protocol"].text() if "protocol" in parts else "TCP"
    if protocol not in _PROTOCOLS:
        parts["protocol"].refuse(f"{protocol!r} is no protocol of a NetworkPolicy; write TCP, UDP or SCTP")
    if "port" not in parts:
        return Ports(protocol.lower())
    text = parts["port"].text()
    if PORT_NAME.fullmatch(text):
        if not objects.is_named(text):
            unread.field("namedPorts", parts["port"])
        return Ports(protocol.lower(), name=text, objects=objects)
    port = parts["port"].number(1, LAST_PORT)
    last = parts["endPort"].number(port, LAST_PORT) if "endPort" in parts else 0
    return ports_from(port, protocol.lower(), last)
