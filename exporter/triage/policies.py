"""Policies that would allow what was denied, as documents: a CiliumNetworkPolicy, and a NetworkPolicy where it can."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import yaml

from exporter.detectors.interface import Evidence
from exporter.endpoint import Endpoint
from exporter.triage.selectors import Labels, chosen_labels, in_cilium, in_kubernetes, own_labels

Document = dict[str, object]
_NO_NAME = re.compile(r"[^a-z0-9-]+")


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


class Subject(NamedTuple):
    """Whom the policy selects."""

    namespace: str
    workload: str
    labels: Labels

    def document(self, kind: str, purpose: str, spec: Document) -> Document:
        """A whole policy."""
        cilium = kind.startswith("Cilium")
        selector = "endpointSelector" if cilium else "podSelector"
        name = _NO_NAME.sub("-", f"allow-{self.workload}-{purpose}".lower())[:63].strip("-")
        return {
            "apiVersion": "cilium.io/v2" if cilium else "networking.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {selector: {"matchLabels": self.labels}, **spec},
        }


def subject_of(endpoint: Endpoint, workload: str) -> Subject | None:
    """None when its labels are not known: a policy without any would select everybody."""
    labels = own_labels(endpoint)
    return Subject(endpoint.home, workload, labels) if labels and endpoint.home else None


def to_names(subject: Subject, wanted: Iterable[tuple[str, Ports]]) -> list[Document]:
    """Egress to names; NetworkPolicy knows none."""
    egress: list[Document] = []
    by_ports: dict[Ports, list[str]] = {}
    for name, ports in wanted:
        by_ports.setdefault(ports, []).append(name)
    for ports, names in by_ports.items():
        unique = [{"matchName": name} for name in dict.fromkeys(names)]
        egress.append({"toFQDNs": unique, "toPorts": [{"ports": [ports.in_cilium]}]})
    return [subject.document("CiliumNetworkPolicy", "names", {"egress": egress})]


def to_pods(subject: Subject, pods: Endpoint, labels: Sequence[str], ports: Sequence[Ports]) -> list[Document]:
    """Egress to pods with the first of these labels."""
    chosen = chosen_labels(pods, labels)
    if not chosen or not pods.home:
        return []
    cilium: Document = {
        "toEndpoints": [in_cilium(pods.home, chosen)],
        "toPorts": [{"ports": [one.in_cilium for one in ports]}],
    }
    kubernetes: Document = {
        "to": [in_kubernetes(pods.home, chosen)],
        "ports": [one.in_kubernetes for one in ports],
    }
    return [
        subject.document("CiliumNetworkPolicy", "dns", {"egress": [cilium]}),
        subject.document("NetworkPolicy", "dns", {"policyTypes": ["Egress"], "egress": [kubernetes]}),
    ]


def to_address(subject: Subject, address: str, ports: Sequence[Ports]) -> list[Document]:
    """Egress to one address outside the cluster."""
    prefix = f"{address}/{128 if ':' in address else 32}"
    cilium: Document = {"toCIDR": [prefix], "toPorts": [{"ports": [one.in_cilium for one in ports]}]}
    kubernetes: Document = {"to": [{"ipBlock": {"cidr": prefix}}], "ports": [one.in_kubernetes for one in ports]}
    return [
        subject.document("CiliumNetworkPolicy", "dns", {"egress": [cilium]}),
        subject.document("NetworkPolicy", "dns", {"policyTypes": ["Egress"], "egress": [kubernetes]}),
    ]


def to_ask(
    subject: Subject, resolver: Document, ports: Sequence[Ports], asks: Sequence[dict[str, str]]
) -> list[Document]:
    """Names that may be asked for, of a resolver that is given as an entry of `toEndpoints`."""
    rule: Document = {
        "toEndpoints": [resolver],
        "toPorts": [{"ports": [one.in_cilium for one in ports], "rules": {"dns": list(asks)}}],
    }
    return [subject.document("CiliumNetworkPolicy", "dns-names", {"egress": [rule]})]


def from_pods(subject: Subject, asker: Endpoint, ports: Sequence[Ports]) -> list[Document]:
    """Ingress: the subject is asked."""
    labels = own_labels(asker)
    if not labels or not asker.home:
        return []
    cilium: Document = {
        "fromEndpoints": [in_cilium(asker.home, labels)],
        "toPorts": [{"ports": [one.in_cilium for one in ports]}],
    }
    kubernetes: Document = {
        "from": [in_kubernetes(asker.home, labels)],
        "ports": [one.in_kubernetes for one in ports],
    }
    return [
        subject.document("CiliumNetworkPolicy", "dns-in", {"ingress": [cilium]}),
        subject.document("NetworkPolicy", "dns-in", {"policyTypes": ["Ingress"], "ingress": [kubernetes]}),
    ]


def ports_of(evidence: Iterable[Evidence]) -> list[Ports]:
    """The ports of these pieces of evidence, each once."""
    return sorted({Ports(one.key.port, one.key.protocol) for one in evidence})


def written(document: Document) -> str:
    """As YAML."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False)
