"""Policies that would allow what was denied, as documents: a CiliumNetworkPolicy, and a NetworkPolicy where it can."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

import yaml

from exporter.triage.selectors import Labels, in_cilium, in_kubernetes

Document = dict[str, object]
_NO_NAME = re.compile(r"[^a-z0-9-]+")
_LONGEST = 63


class Ports(NamedTuple):
    """One port of one protocol, in lower case."""

    port: int
    protocol: str

    @property
    def in_cilium(self) -> Document:
        """As an entry of `ports`: a text, by Cilium's own schema."""
        return {"port": str(self.port), "protocol": self.protocol.upper()}

    @property
    def in_kubernetes(self) -> Document:
        """As an entry of `ports`."""
        return {"port": self.port, "protocol": self.protocol.upper()}


class Pods(NamedTuple):
    """Pods of a namespace with these labels, and the ports that are meant."""

    namespace: str
    labels: Labels
    ports: Sequence[Ports]


class Subject(NamedTuple):
    """Whom the policy selects."""

    namespace: str
    workload: str
    labels: Labels

    def document(self, kind: str, purpose: str, spec: Document) -> Document:
        """A whole policy; other rules have another name, so that one never takes the place of another."""
        selector = "endpointSelector" if kind.startswith("Cilium") else "podSelector"
        spec = {selector: {"matchLabels": self.labels}, **spec}
        end = f"-{purpose}-{crc32(written(spec).encode()):08x}"
        workload = _NO_NAME.sub("-", f"allow-{self.workload}".lower())[: _LONGEST - len(end)].strip("-")
        return {
            "apiVersion": "cilium.io/v2" if kind.startswith("Cilium") else "networking.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": f"{workload}{end}", "namespace": self.namespace},
            "spec": spec,
        }


def to_names(subject: Subject, wanted: Iterable[tuple[str, Ports]]) -> Document:
    """Egress to names; NetworkPolicy knows none."""
    by_ports: dict[Ports, list[str]] = {}
    for name, ports in wanted:
        by_ports.setdefault(ports, []).append(name)
    egress = [
        {
            "toFQDNs": [{"matchName": name} for name in dict.fromkeys(names)],
            "toPorts": [{"ports": [ports.in_cilium]}],
        }
        for ports, names in by_ports.items()
    ]
    return subject.document("CiliumNetworkPolicy", "names", {"egress": egress})


def to_pods(subject: Subject, pods: Sequence[Pods], addresses: Sequence[tuple[str, Ports]] = ()) -> list[Document]:
    """Egress to pods, and to single addresses outside the cluster."""
    cilium: list[Document] = [
        {"toEndpoints": [in_cilium(one.namespace, one.labels)], "toPorts": _cilium_ports(one.ports)} for one in pods
    ]
    kubernetes: list[Document] = [
        {"to": [in_kubernetes(one.namespace, one.labels)], "ports": [port.in_kubernetes for port in one.ports]}
        for one in pods
    ]
    for address, port in addresses:
        prefix = f"{address}/{128 if ':' in address else 32}"
        cilium.append({"toCIDR": [prefix], "toPorts": _cilium_ports([port])})
        kubernetes.append({"to": [{"ipBlock": {"cidr": prefix}}], "ports": [port.in_kubernetes]})
    return [
        subject.document("CiliumNetworkPolicy", "dns", {"egress": cilium}),
        subject.document("NetworkPolicy", "dns", {"policyTypes": ["Egress"], "egress": kubernetes}),
    ]


def to_ask(subject: Subject, asked: Iterable[tuple[Pods, Sequence[dict[str, str]]]]) -> Document:
    """Names that may be asked for, each of a resolver."""
    egress = [
        {
            "toEndpoints": [in_cilium(pods.namespace, pods.labels)],
            "toPorts": [{"ports": [port.in_cilium for port in pods.ports], "rules": {"dns": list(asks)}}],
        }
        for pods, asks in asked
    ]
    return subject.document("CiliumNetworkPolicy", "dns-names", {"egress": egress})


def from_pods(subject: Subject, asker: Pods) -> list[Document]:
    """Ingress: the subject is asked."""
    cilium = {
        "fromEndpoints": [in_cilium(asker.namespace, asker.labels)],
        "toPorts": _cilium_ports(asker.ports),
    }
    kubernetes = {
        "from": [in_kubernetes(asker.namespace, asker.labels)],
        "ports": [port.in_kubernetes for port in asker.ports],
    }
    return [
        subject.document("CiliumNetworkPolicy", "dns-in", {"ingress": [cilium]}),
        subject.document("NetworkPolicy", "dns-in", {"policyTypes": ["Ingress"], "ingress": [kubernetes]}),
    ]


def written(document: Document) -> str:
    """As YAML; what is not ASCII is escaped, for it goes to terminals."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=False, default_flow_style=False)


def _cilium_ports(ports: Iterable[Ports]) -> list[Document]:
    return [{"ports": [one.in_cilium for one in ports]}]
