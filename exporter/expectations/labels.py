"""Labels of endpoints, and what selects them, in Cilium's terms: every label has a source (`k8s:app=web`)."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from exporter.expectations.interface import NO, UNKNOWN, YES, Match

NAMESPACE = "io.kubernetes.pod.namespace"
"""The label (source `k8s`) that Cilium gives every pod."""
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
"""Prefix of the labels (source `k8s`) that a pod has from its namespace."""
NAMESPACE_NAME = f"{NAMESPACE_LABELS}kubernetes.io/metadata.name"
"""Kubernetes gives every namespace a label with its name."""
ANY, K8S, RESERVED = "any", "k8s", "reserved"


class Operator(StrEnum):
    """Operators of `matchExpressions`; a label of `matchLabels` is `In` with one value."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Labels:
    """The labels of one endpoint, as far as they are known.

    `own`, `inherited`: whether all of its own, and all that it has from its namespace, are among them.
    """

    __slots__ = ("_doubtful", "_inherited", "_own", "_values")

    def __init__(
        self,
        labels: Iterable[tuple[str, str, str]],
        *,
        own: bool = True,
        inherited: bool = True,
        doubtful: frozenset[str] = frozenset(),
    ) -> None:
        """`labels` are sources, keys and values; of keys in `doubtful` nobody knows whether they are there."""
        self._values: dict[str, list[tuple[str, str]]] = {}
        for source, key, value in labels:
            self._values.setdefault(key, []).append((source, value))
        self._own, self._inherited, self._doubtful = own, inherited, doubtful

    def values(self, source: str, key: str) -> list[str]:
        """The values of a label, which an endpoint has once from each source."""
        found = self._values.get(key)
        if found is None:
            return []
        return [value for of, value in found if source in (ANY, of)]

    def knows(self, key: str) -> bool:
        """Whether a label that is not there is known to be absent."""
        if key in self._doubtful:
            return False
        return self._inherited if key.startswith(NAMESPACE_LABELS) else self._own or key == NAMESPACE


class Requirement(NamedTuple):
    """One condition of a selector."""

    source: str
    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> Match:
        """Whether these labels fulfil it; `NotIn` also holds without a label (Kubernetes: label selectors)."""
        found = labels.values(self.source, self.key)
        if not found:
            if not labels.knows(self.key):
                return UNKNOWN
            return NO if self.operator in (Operator.IN, Operator.EXISTS) else YES
        match self.operator:
            case Operator.IN:
                holds = not self.values.isdisjoint(found)
            case Operator.NOT_IN:
                holds = self.values.isdisjoint(found)
            case Operator.EXISTS:
                holds = True
            case Operator.DOES_NOT_EXIST:
                holds = False
        return YES if holds else NO

    def __str__(self) -> str:
        key = self.key if self.source in (ANY, K8S) else f"{self.source}:{self.key}"
        if key.startswith(NAMESPACE_LABELS):
            key = f"namespace label {key[len(NAMESPACE_LABELS) :]}"
        values = ", ".join(sorted(self.values))
        match self.operator:
            case Operator.IN if self.key == NAMESPACE:
                return f"namespace {values}"
            case Operator.IN if len(self.values) == 1:
                return f"{key}={values}" if values else key
            case Operator.IN | Operator.NOT_IN:
                return f"{key} {'in' if self.operator is Operator.IN else 'not in'} ({values})"
            case Operator.EXISTS:
                return f"{key} exists"
            case _:
                return f"{key} does not exist"


class Selector(NamedTuple):
    """Requirements of which all must hold; one without any selects whatever has labels."""

    requirements: tuple[Requirement, ...] = ()

    def selects(self, labels: Labels) -> Match:
        """Whether it selects an endpoint with these labels."""
        selected = YES
        for requirement in self.requirements:
            holds = requirement.holds(labels)
            if holds is NO:
                return NO
            if holds is UNKNOWN:
                selected = UNKNOWN
        return selected

    def has_key(self, key: str, *sources: str) -> bool:
        """Whether a requirement is about this label of one of these sources."""
        return any(one.key == key and one.source in sources for one in self.requirements)

    def has_prefix(self, prefix: str, *sources: str) -> bool:
        """Whether a requirement is about a label whose key begins so."""
        return any(one.key.startswith(prefix) and one.source in sources for one in self.requirements)

    def having(self, *requirements: Requirement) -> "Selector":
        """The selector with further requirements."""
        return Selector((*self.requirements, *requirements))

    def without(self, key: str, source: str) -> "Selector":
        """The selector without what it says of one label."""
        return Selector(tuple(one for one in self.requirements if (one.source, one.key) != (source, key)))

    def __str__(self) -> str:
        # That it is a pod goes without saying.
        said = [str(one) for one in self.requirements if (one.key, one.operator) != (NAMESPACE, Operator.EXISTS)]
        return ", ".join(said) or "any"


def in_namespace(namespace: str) -> Requirement:
    """Only pods of this namespace."""
    return Requirement(K8S, NAMESPACE, Operator.IN, frozenset({namespace}))


IS_POD = Requirement(K8S, NAMESPACE, Operator.EXISTS)
"""Only pods have a namespace."""


def of_texts(texts: Iterable[str]) -> list[tuple[str, str, str]]:
    """Labels as Hubble writes them: `k8s:app=web`, `reserved:world`."""
    return [_label(text) for text in texts]


def of_namespace(name: str, labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What a pod has from its namespace."""
    inherited = [(K8S, f"{NAMESPACE_LABELS}{key}", value) for key, value in labels.items()]
    return [(K8S, NAMESPACE, name), (K8S, NAMESPACE_NAME, name), *inherited]


def _label(text: str) -> tuple[str, str, str]:
    source, colon, rest = text.partition(":")
    if not colon:
        source, rest = K8S, text
    key, _, value = rest.partition("=")
    return source, key, value
