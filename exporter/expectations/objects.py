"""Kubernetes objects that say nothing by themselves and that rules refer to."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from exporter.expectations.interface import YES
from exporter.expectations.labels import K8S, NAMESPACE_LABELS, Labels, Selector, of_namespace
from exporter.expectations.spans import Span


class Service(NamedTuple):
    """A service; one without a selector has the addresses of its EndpointSlices behind it."""

    labels: Labels
    selector: Selector | None


class Group(NamedTuple):
    """A CiliumCIDRGroup."""

    labels: Labels
    prefixes: tuple[Span, ...]


class PodSpec(NamedTuple):
    """What a pod, or the template of a workload's pods, says: its labels, and the numbers of its named ports."""

    selector: Selector
    ports: Mapping[tuple[str, str], int]
    """By name and protocol."""


class Objects:
    """What is known of namespaces, services and groups of prefixes; the readers fill it before rules are asked."""

    def __init__(self) -> None:
        self.namespaces: dict[str, dict[str, str]] = {}
        """Labels of each namespace that is known."""
        self.services: dict[tuple[str, str], Service] = {}
        """By namespace and name."""
        self.backends: dict[tuple[str, str], set[Span]] = {}
        """Addresses of the EndpointSlices of a service, by its namespace and name."""
        self.groups: dict[str, Group] = {}
        self.pods: dict[str, list[PodSpec]] = {}
        """By namespace."""

    def copy(self) -> "Objects":
        """The same objects, whatever becomes of this one."""
        other = Objects()
        other.adopt([self])
        return other

    def adopt(self, parts: Iterable["Objects"]) -> None:
        """Know from now on what these know, and nothing else. Rules that refer to this one see it at once."""
        found = list(parts)
        self.namespaces = {key: value for one in found for key, value in one.namespaces.items()}
        self.services = {key: value for one in found for key, value in one.services.items()}
        self.groups = {key: value for one in found for key, value in one.groups.items()}
        backends: dict[tuple[str, str], set[Span]] = {}
        pods: dict[str, list[PodSpec]] = {}
        for one in found:
            for key, spans in one.backends.items():
                backends.setdefault(key, set()).update(spans)
            for namespace, specs in one.pods.items():
                pods.setdefault(namespace, []).extend(specs)
        self.backends, self.pods = backends, pods

    def is_named(self, name: str) -> bool:
        """Whether some pod has a port of this name."""
        return any(name == known for specs in self.pods.values() for spec in specs for known, _ in spec.ports)

    def named_ports(self, name: str, protocol: str, namespace: str, labels: Labels) -> set[int] | None:
        """The numbers that a name has at pods with these labels; None when no such pod is known."""
        specs = [spec for spec in self.pods.get(namespace, ()) if spec.selector.selects(labels) is YES]
        if not specs:
            return None
        return {spec.ports[name, protocol] for spec in specs if (name, protocol) in spec.ports}

    def pod_labels(
        self, namespace: str, labels: list[tuple[str, str, str]] | None, doubtful: frozenset[str] = frozenset()
    ) -> Labels:
        """The labels of a pod; None when its own are not known. Those from its namespace may be among them."""
        own = labels or []
        known = self.namespaces.get(namespace)
        from_namespace = any(key.startswith(NAMESPACE_LABELS) for _, key, _ in own)
        inherited = [] if from_namespace else of_namespace(namespace, known or {})
        kept = [label for label in own if label not in inherited]
        return Labels(
            [*kept, *inherited],
            own=labels is not None,
            inherited=from_namespace or known is not None,
            doubtful=doubtful,
        )


def plain_labels(labels: Mapping[str, str]) -> Labels:
    """Labels of an object that is no endpoint."""
    return Labels((K8S, key, value) for key, value in labels.items())
