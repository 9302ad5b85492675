"""A suggested policy is asked before it is shown: it must allow what was denied, and be no wider than that.

Each is read as if it stood in a file, and asked by our own evaluator for what was denied, and for its neighbours: other
ports, the other protocol, other names, other pods, other addresses. One of them allowed, or in doubt, and it fails.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.destinations.interface import WorkloadName
from exporter.destinations.scopes import Scopes
from exporter.documents.syntax import compose_text
from exporter.endpoint import Endpoint
from exporter.expectations.asked import target_from, target_of_name
from exporter.expectations.contacts import subject_of
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import NO, YES, Expectation
from exporter.expectations.labels import of_texts
from exporter.expectations.manifests import Manifests, read_manifests
from exporter.expectations.objects import Objects
from exporter.expectations.question import Question, Subject, Target, entities_of
from exporter.triage.policies import Document, Ports, written

_TODAY = datetime(2026, 1, 1, tzinfo=UTC).date()
"""Policies do not expire: any day is the same."""
_OTHER_PROTOCOL = {"tcp": "udp", "udp": "tcp", "sctp": "tcp"}
_LAST_PORT = 65535
_NAMESPACE = "k8s:io.kubernetes.pod.namespace="
_MIRROR = {"fromEndpoints": "toEndpoints", "from": "to"}


class Denied(NamedTuple):
    """Something that was denied, and what is next to it."""

    target: Target
    ports: Ports
    neighbours: tuple[Target, ...]


def denied_names(wanted: Iterable[tuple[str, Ports]]) -> list[Denied]:
    """Names outside the cluster."""
    wanted = list(wanted)
    names = {name for name, _ in wanted}
    return [
        Denied(target_of_name(name), ports, tuple(target_of_name(one) for one in _near(name) if one not in names))
        for name, ports in wanted
    ]


def denied_pods(pods: Endpoint, ports: Iterable[Ports]) -> list[Denied]:
    """Pods with these labels; next to them are pods of the same namespace, and the same pods of another."""
    named = f"{_NAMESPACE}{pods.home}"
    others = [
        replace(pods, labels=frozenset({named, "k8s:app=another"})),
        replace(pods, labels=pods.labels - {named} | {f"{_NAMESPACE}{pods.home}-x"}, namespace=f"{pods.home}-x"),
    ]
    return [Denied(_pods(pods), one, tuple(map(_pods, others))) for one in ports]


def denied_address(address: str, ports: Iterable[Ports]) -> list[Denied]:
    """One address outside the cluster; next to it is one of the same family."""
    other = {True: ("2001:db8::1", "2001:db8::2"), False: ("192.0.2.1", "192.0.2.2")}[":" in address]
    neighbour = other[address == other[0]]
    return [Denied(_address(address), one, (_address(neighbour),)) for one in ports]


def is_exact(document: Document, source: Endpoint, workload: WorkloadName, denied: list[Denied]) -> bool:
    """Whether the policy allows all of what was denied to this source, and nothing that is next to it."""
    read = _read(document)
    if read.faults or not denied:
        return False
    evaluator, subject = Evaluator(read.policies), subject_of(source, workload, _known(source))
    wanted = {(one.target.text, one.ports) for one in denied}
    for one in denied:
        if _answer(evaluator, subject, one.target, one.ports) is not Expectation.EXPECTED:
            return False
        beside = [(one.target, ports) for ports in _beside(one.ports) if (one.target.text, ports) not in wanted]
        beside += [(near, one.ports) for near in one.neighbours if (near.text, one.ports) not in wanted]
        if any(_answer(evaluator, subject, *other) is not Expectation.UNEXPECTED for other in beside):
            return False
    return True


def asks_exactly(document: Document, wanted: Iterable[tuple[str, str]]) -> bool:
    """Whether its DNS rules let ask for these names and patterns, and for nothing else."""
    rules = [rule for policy in _read(document).policies for rule in policy.rules]
    return {(peer.name, peer.pattern) for rule in rules for peer in rule.asks} == set(wanted)


def mirrored(document: Document) -> Document:
    """An ingress policy read from the other side: our evaluator knows egress, whose rules have the same shape."""
    spec = dict(document["spec"])  # type: ignore[call-overload] # it is one of ours
    rules = spec.pop("ingress")
    spec.pop("policyTypes", None)
    spec["egress"] = [{_MIRROR.get(key, key): value for key, value in rule.items()} for rule in rules]
    if document["kind"] == "NetworkPolicy":
        spec["policyTypes"] = ["Egress"]
    return {**document, "spec": spec}


def _read(document: Document) -> Manifests:
    return read_manifests([("suggestion", node) for node in compose_text("suggestion", written(document))])


def _answer(evaluator: Evaluator, subject: Subject, target: Target, ports: Ports) -> Expectation:
    return evaluator.answer(Question(subject, target, ports.protocol, ports.port), _TODAY).expectation


def _pods(endpoint: Endpoint) -> Target:
    labels = _known(endpoint).pod_labels(endpoint.home, of_texts(sorted(endpoint.labels)))
    inside = entities_of("cluster")
    text = f"{endpoint.home} {sorted(endpoint.labels)}"
    return Target(text, labels, NO, YES, inside, namespace=endpoint.home)


def _address(address: str) -> Target:
    return target_from(address, None, Objects(), Scopes())


def _known(endpoint: Endpoint) -> Objects:
    """The namespace, by the one label that Kubernetes gives each."""
    objects = Objects()
    objects.namespaces[endpoint.home] = {"kubernetes.io/metadata.name": endpoint.home}
    return objects


def _near(name: str) -> Iterator[str]:
    yield f"other.{name}"
    yield f"x{name}"
    if "." in name:
        yield name.partition(".")[2]


def _beside(ports: Ports) -> Iterator[Ports]:
    yield ports._replace(port=ports.port % _LAST_PORT + 1)
    yield ports._replace(protocol=_OTHER_PROTOCOL[ports.protocol])
