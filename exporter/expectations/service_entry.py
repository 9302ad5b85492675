"""Istio's ServiceEntry: hosts that the mesh knows. It allows and isolates nobody.

Source: Istio reference, networking.istio.io ServiceEntry (`hosts`, `exportTo`, `ports`, `addresses`).
"""

from exporter.destinations.patterns import check_name, check_pattern
from exporter.documents.fields import Field
from exporter.expectations.interface import PolicyRef, RuleRef
from exporter.expectations.outside_peers import NamePeer, PrefixPeer
from exporter.expectations.peers import Peer
from exporter.expectations.policy import Policy, Rule, WorkloadChooser
from exporter.expectations.ports import Ports, ports_from
from exporter.expectations.prefixes import prefix_of

_LAST_PORT = 65535


def read_service_entry(spec: Field, ref: PolicyRef, gateways: tuple[WorkloadChooser, ...]) -> list[Policy]:
    """One policy for each namespace that it is exported to, and one for the egress gateways.

    A gateway calls for others: every host of the mesh is expected of it, and it is isolated to them.
    """
    parts = spec.entries()
    if "hosts" not in parts:
        spec.refuse("a ServiceEntry needs hosts")
    peers = (*map(_host, parts["hosts"].items()), *_addresses(parts))
    ports = tuple(_port(item) for item in parts["ports"].items()) if "ports" in parts else ()
    rules = (Rule(RuleRef(ref, "hosts", 0, parts["hosts"].line), peers, ports),)
    exported = [item.text() for item in parts["exportTo"].items()] if "exportTo" in parts else ["*"]
    # Exported to nobody by name is exported to all.
    exported = exported or ["*"]
    namespaces = [ref.namespace if name == "." else name for name in exported if name != "~"]
    meshed = [Policy(ref, WorkloadChooser(namespace), rules, isolates=False) for namespace in namespaces]
    return meshed + [Policy(ref, gateway, rules, isolates=True) for gateway in gateways]


def _host(field: Field) -> Peer:
    host = field.text()
    if host == "*":
        return NamePeer(pattern="*")
    rest = host.removeprefix("*.")
    try:
        check_name(rest)
        check_pattern(f"**.{rest}")
    except ValueError:
        field.refuse(f"{host!r} is no host such as api.example.com or *.example.com")
    # Istio's star stands for any number of labels.
    return NamePeer(pattern=f"**.{rest}") if rest != host else NamePeer(name=host)


def _addresses(parts: dict[str, Field]) -> list[Peer]:
    return [PrefixPeer(prefix_of(item)) for item in parts["addresses"].items()] if "addresses" in parts else []


def _port(item: Field) -> Ports:
    parts = item.entries()
    if "number" not in parts:
        item.refuse("a port needs a number")
    protocol = parts["protocol"].text().upper() if "protocol" in parts else "TCP"
    return ports_from(parts["number"].number(1, _LAST_PORT), "udp" if protocol == "UDP" else "tcp")
