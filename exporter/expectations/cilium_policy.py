"""CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy, their egress half.

Source: Cilium's documentation (Network Policy: layer 3, layer 4, deny policies, namespaces) and the field comments and
validation of pkg/policy/api and pkg/k8s/apis/cilium.io in cilium/cilium.
"""

from collections.abc import Iterator, Mapping

from exporter.documents.fields import Field
from exporter.expectations.cilium_peers import PEERS, PeerReader
from exporter.expectations.cilium_ports import ReadPorts, read_ports
from exporter.expectations.interface import PolicyRef, RuleRef
from exporter.expectations.labels import K8S, NAMESPACE, in_namespace
from exporter.expectations.objects import Objects
from exporter.expectations.peers import NotEvaluatedPeer, Peer
from exporter.expectations.policy import ANYWHERE, Chooser, HostChooser, PodChooser, Policy, Rule
from exporter.expectations.selectors import of_endpoints
from exporter.expectations.unread import UNKNOWN_FIELD, Unread

_SPEC = frozenset(
    {
        *("endpointSelector", "nodeSelector", "egress", "egressDeny", "ingress", "ingressDeny", "enableDefaultDeny"),
        *("labels", "description", "log"),
    }
)
_UNREAD_PEERS = frozenset({"toGroups", "toNodes"})
_RULE = frozenset({*PEERS, "toPorts"})


def read_cilium_policies(root: Mapping[str, Field], ref: PolicyRef, objects: Objects) -> Iterator[Policy]:
    """The policies of `spec` and of each of `specs`; those that say nothing about egress are left out.

    A namespace in the reference makes it a CiliumNetworkPolicy.
    """
    specs = [("", root["spec"])] if "spec" in root else []
    if "specs" in root:
        specs += [(f"specs[{index}].", spec) for index, spec in enumerate(root["specs"].items())]
    for section, spec in specs:
        policy = _Reading(ref, objects).policy(spec, section)
        if policy is not None:
            yield policy


class _Reading:
    """Reads one spec."""

    def __init__(self, ref: PolicyRef, objects: Objects) -> None:
        self._ref, self._objects, self._unread = ref, objects, Unread()

    def policy(self, spec: Field, section: str) -> Policy | None:
        parts = spec.entries()
        self._unread.keys(parts, _SPEC)
        chooser = self._chooser(spec, parts)
        peers = PeerReader(self._ref.namespace, self._objects, self._unread, selects_init=_selects_init(chooser))
        rules = [*self._rules(parts, f"{section}egress", peers), *self._rules(parts, f"{section}egressDeny", peers)]
        asked = parts["enableDefaultDeny"].entries() if "enableDefaultDeny" in parts else {}
        self._unread.keys(asked, {"egress", "ingress"})
        # By default a direction that has rules is isolated, and no other.
        isolates = asked["egress"].truth() if "egress" in asked else bool(rules)
        if not rules and not isolates:
            return None
        return Policy(self._ref, chooser, tuple(rules), isolates, self._unread.found)

    def _chooser(self, spec: Field, parts: Mapping[str, Field]) -> Chooser:
        namespace = self._ref.namespace
        if ("endpointSelector" in parts) == ("nodeSelector" in parts):
            spec.refuse("there must be one of endpointSelector and nodeSelector")
        if "nodeSelector" in parts:
            if namespace:
                parts["nodeSelector"].refuse("only a CiliumClusterwideNetworkPolicy has a nodeSelector")
            return HostChooser(of_endpoints(parts["nodeSelector"]))
        selector = of_endpoints(parts["endpointSelector"])
        if not namespace:
            return PodChooser(selector, None)
        # It applies in the namespace of the policy, whatever it says of another: Cilium replaces that.
        return PodChooser(selector.without(NAMESPACE, K8S).having(in_namespace(namespace)), namespace)

    def _rules(self, parts: Mapping[str, Field], section: str, peers: PeerReader) -> Iterator[Rule]:
        name = section.rpartition(".")[2]
        for index, item in enumerate(parts[name].items() if name in parts else ()):
            ref = RuleRef(self._ref, section, index, item.line)
            yield self._rule(item, ref, peers, denies=name == "egressDeny")

    def _rule(self, item: Field, ref: RuleRef, peers: PeerReader, *, denies: bool) -> Rule:
        parts, before = item.entries(), self._unread.times
        self._unread.keys(parts, _RULE)
        ports = ReadPorts()
        if "toPorts" in parts:
            ports = read_ports(parts["toPorts"], self._objects, self._unread, denies=denies)
        read = self._peers(item, parts, peers, denies=denies)
        certain = self._unread.times == before
        return Rule(ref, read, ports.ports, denies, notes=ports.notes, asks=ports.asks, certain=certain)

    def _peers(self, item: Field, parts: Mapping[str, Field], peers: PeerReader, *, denies: bool) -> tuple[Peer, ...]:
        given = [name for name in parts if name in PEERS or name in _UNREAD_PEERS]
        if len(given) > 1:
            item.refuse(f"Cilium does not combine {' and '.join(given)} in one rule; write two rules")
        if "icmps" in parts:
            if "toPorts" in parts:
                item.refuse("Cilium does not combine icmps and toPorts in one rule; write two rules")
            return (NotEvaluatedPeer("icmps"),)
        if given:
            name = given[0]
            if denies and name == "toFQDNs":
                # Cilium denies no names.
                self._unread.field(UNKNOWN_FIELD, parts[name])
                return (NotEvaluatedPeer("egressDeny by name"),)
            return peers.read(name, parts[name]) if name in PEERS else (NotEvaluatedPeer(name),)
        unknown = [name for name in parts if name not in _RULE and name != "authentication"]
        if unknown:
            return (NotEvaluatedPeer(unknown[0]),)
        # A rule with nothing at all allows nothing, and isolates; one with ports only is about everything on them.
        return ANYWHERE if "toPorts" in parts and parts["toPorts"].items() else ()


def _selects_init(chooser: Chooser) -> bool:
    """Whether it is about pods that have no labels yet, for which Cilium adds no namespace to the peers."""
    return isinstance(chooser, PodChooser) and chooser.selector.has_key("init", "reserved")
