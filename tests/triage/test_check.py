"""A suggestion is exact: it allows what was denied and nothing next to it. What is wider, or less, is told apart."""

import copy
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.interface import WorkloadName
from exporter.endpoint import Endpoint
from exporter.triage import policies
from exporter.triage.check import (
    asks_exactly,
    denied_address,
    denied_names,
    denied_pods,
    is_exact,
    mirrored,
)
from exporter.triage.policies import Document, Pods, Ports
from exporter.triage.selectors import own_labels
from tests.flows import pod, remote_pod

WEB = WorkloadName("shop", "web")
SOURCE = pod("web", labels=("k8s:app=web",))
RESOLVER = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104, labels=("k8s:k8s-app=kube-dns",))
HTTPS, DNS = Ports(443, "tcp"), Ports(53, "udp")
LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=2, max_size=4).map(".".join)
PORTS = st.builds(Ports, st.integers(1, 65535), st.sampled_from(("tcp", "udp", "sctp")))
SUBJECT = policies.Subject("shop", "web", {"app": "web"})


def _names(*wanted: tuple[str, Ports]) -> Document:
    return policies.to_names(SUBJECT, wanted)


def _pods(*ports: Ports) -> list[Document]:
    return policies.to_pods(SUBJECT, [Pods("kube-system", {"k8s-app": "kube-dns"}, ports)])


def _changed(document: Document, path: str, value: object) -> Document:
    """The document with another value at `spec.egress.0.toPorts` and the like; None removes it."""
    changed = copy.deepcopy(document)
    *way, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    place: Any = changed
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


@given(st.lists(st.tuples(NAMES, PORTS), min_size=1, max_size=4))
def test_property_names(wanted: list[tuple[str, Ports]]) -> None:
    """Whatever the names and ports, the policy that is made of them is exact."""
    assert is_exact(_names(*wanted), SOURCE, WEB, denied_names(wanted))


WIDER = {
    "every name": ("spec.egress.0.toFQDNs", [{"matchPattern": "*"}]),
    "names below": ("spec.egress.0.toFQDNs", [{"matchName": "api.example.com"}, {"matchPattern": "*.api.example.com"}]),
    "the domain too": ("spec.egress.0.toFQDNs", [{"matchName": "api.example.com"}, {"matchName": "example.com"}]),
    "every port": ("spec.egress.0.toPorts", None),
    "a port more": ("spec.egress.0.toPorts.0.ports", [{"port": "443", "endPort": 444, "protocol": "TCP"}]),
    "every protocol": ("spec.egress.0.toPorts.0.ports.0.protocol", "ANY"),
    "the world": ("spec.egress", [{"toEntities": ["world"]}]),
    "everything": ("spec.egress", [{"toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]}]),
}
NARROWER = {
    "another name": ("spec.egress.0.toFQDNs", [{"matchName": "www.example.com"}]),
    "another port": ("spec.egress.0.toPorts.0.ports.0.port", "8443"),
    "another protocol": ("spec.egress.0.toPorts.0.ports.0.protocol", "UDP"),
    "another workload": ("spec.endpointSelector.matchLabels", {"app": "cart"}),
    "another namespace": ("metadata.namespace", "data"),
    "nothing": ("spec.egress", [{}]),
    "no policy": ("kind", "Service"),
    "no valid policy": ("spec.egress.0.toPorts.0.ports.0.port", "https!"),
}


@pytest.mark.parametrize("fault", [*WIDER, *NARROWER])
def test_names_that_are_not_exact(fault: str) -> None:
    """Wider in any way, or not allowing what was denied: it fails."""
    wanted = [("api.example.com", HTTPS)]
    document = _names(*wanted)
    assert is_exact(document, SOURCE, WEB, denied_names(wanted))
    assert not is_exact(_changed(document, *{**WIDER, **NARROWER}[fault]), SOURCE, WEB, denied_names(wanted))


@given(st.lists(PORTS, min_size=1, max_size=3, unique=True))
def test_property_pods(ports: list[Ports]) -> None:
    """Both kinds of policies for a resolver are exact."""
    made = _pods(*ports)
    assert [document["kind"] for document in made] == ["CiliumNetworkPolicy", "NetworkPolicy"]
    assert all(is_exact(document, SOURCE, WEB, denied_pods(RESOLVER, ports)) for document in made)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        (0, "spec.egress.0.toEndpoints", [{}]),
        (0, "spec.egress.0.toEndpoints.0.matchLabels", {"k8s:io.kubernetes.pod.namespace": "kube-system"}),
        (0, "spec.egress.0.toEndpoints", [{"matchExpressions": [{"key": "k8s-app", "operator": "Exists"}]}]),
        (0, "spec.egress.0.toPorts", None),
        (1, "spec.egress.0.to.0.namespaceSelector", {}),
        (1, "spec.egress.0.to.0.podSelector", {}),
        (1, "spec.egress.0.to", []),
        (1, "spec.egress.0.ports", None),
        (1, "spec.podSelector.matchLabels", {"app": "cart"}),
    ],
)
def test_pods_that_are_not_exact(kind: int, path: str, value: object) -> None:
    """Other pods, other namespaces or other ports allowed too: it fails."""
    document = _pods(DNS)[kind]
    assert not is_exact(_changed(document, path, value), SOURCE, WEB, denied_pods(RESOLVER, [DNS]))


@pytest.mark.parametrize("address", ["192.0.2.53", "192.0.2.1", "2001:db8::53"])
def test_address(address: str) -> None:
    """One address, and not its neighbours."""
    made = policies.to_pods(SUBJECT, [], [(address, DNS)])
    assert all(is_exact(document, SOURCE, WEB, denied_address(address, [DNS])) for document in made)
    wide = "::/0" if ":" in address else "0.0.0.0/0"
    assert not is_exact(_changed(made[0], "spec.egress.0.toCIDR", [wide]), SOURCE, WEB, denied_address(address, [DNS]))
    near = "2001:db8::/64" if ":" in address else "192.0.2.0/24"
    assert not is_exact(_changed(made[0], "spec.egress.0.toCIDR", [near]), SOURCE, WEB, denied_address(address, [DNS]))


def test_ingress() -> None:
    """An ingress policy of the resolver is asked with its sides swapped."""
    resolver = policies.Subject("kube-system", "coredns", {"k8s-app": "kube-dns"})
    asker = WorkloadName("kube-system", "coredns")
    for document in policies.from_pods(resolver, Pods("shop", {"app": "web"}, [DNS])):
        assert is_exact(mirrored(document), RESOLVER, asker, denied_pods(SOURCE, [DNS]))
        assert not is_exact(mirrored(document), RESOLVER, asker, denied_pods(SOURCE, [HTTPS]))
    wide = _changed(
        policies.from_pods(resolver, Pods("shop", {"app": "web"}, [DNS]))[0], "spec.ingress.0.fromEndpoints", [{}]
    )
    assert not is_exact(mirrored(wide), RESOLVER, asker, denied_pods(SOURCE, [DNS]))


def test_asks() -> None:
    """DNS rules let ask for the names that were refused, and for no other."""
    resolver = Pods("kube-system", {"k8s-app": "kube-dns"}, [DNS])
    document = policies.to_ask(SUBJECT, [(resolver, [{"matchName": "a.example.com"}])])
    assert asks_exactly(document, [("a.example.com", "")])
    assert not asks_exactly(document, [("a.example.com", ""), ("b.example.com", "")])
    document = policies.to_ask(SUBJECT, [(resolver, [{"matchName": "a.example.com"}, {"matchPattern": "*"}])])
    assert not asks_exactly(document, [("a.example.com", "")])


def test_nothing_denied() -> None:
    """A policy for nothing is no suggestion."""
    assert not is_exact(_names(("a.example.com", HTTPS)), SOURCE, WEB, [])


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint(identity=1),
        replace(SOURCE, labels=frozenset()),
        replace(
            SOURCE, labels=frozenset({"k8s:io.kubernetes.pod.namespace=shop", "k8s:io.cilium.k8s.policy.cluster=x"})
        ),
        replace(SOURCE, labels=frozenset({"k8s:statefulset.kubernetes.io/pod-name=web-0", "k8s:job-name=web-1"})),
    ],
    ids=["host", "no labels", "Cilium's own labels only", "labels of one pod"],
)
def test_whom_nobody_can_select(endpoint: Endpoint) -> None:
    """Labels of Cilium and of a single pod select nobody in particular: without others there is no policy."""
    assert own_labels([endpoint]) == {}


def test_labels_that_all_have() -> None:
    """A policy selects by what all pods that were seen have in common."""
    newer = replace(SOURCE, labels=SOURCE.labels | {"k8s:version=v2"})
    assert own_labels([replace(SOURCE, labels=SOURCE.labels | {"k8s:version=v1"}), newer]) == own_labels([SOURCE])


@given(st.text(max_size=300))
def test_property_names_of_policies(workload: str) -> None:
    """Whatever a workload is called, the name of its policy is one that Kubernetes takes."""
    document = policies.Subject("shop", workload, {"app": "web"}).document("NetworkPolicy", "dns", {})
    name = document["metadata"]["name"]  # type: ignore[index] # it is a map
    assert re.search("-dns-[0-9a-f]{8}$", name)
    assert len(name) <= 63
    assert name == name.strip("-")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
