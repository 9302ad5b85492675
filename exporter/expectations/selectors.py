"""Reading label selectors, of Kubernetes (`podSelector`) and of Cilium (`endpointSelector`, keys with a source)."""

from collections.abc import Callable, Iterator

from exporter.documents.fields import Field
from exporter.expectations.labels import ANY, K8S, NAMESPACE_LABELS, RESERVED, Operator, Requirement, Selector

# A key may have dots and one slash, never a colon (Kubernetes: syntax of label keys); what is before one is a source.
_SOURCES = frozenset({ANY, K8S, RESERVED, "cidr", "cidrgroup", "fqdn", "node", "container", "unspec", "cni"})
_READ = {"matchLabels", "matchExpressions"}
Key = Callable[[str], tuple[str, str]]


def of_pods(field: Field) -> Selector:
    """A `podSelector`: keys are those of Kubernetes labels."""
    return _selector(field, lambda key: (K8S, key))


def of_namespaces(field: Field) -> Selector:
    """A `namespaceSelector`, of what Cilium gives a pod from its namespace."""
    return _selector(field, lambda key: (K8S, f"{NAMESPACE_LABELS}{key}"))


def of_endpoints(field: Field) -> Selector:
    """A selector of Cilium: `k8s:app` is of one source, `app` and `any:app` of any."""
    return _selector(field, _cilium_key)


def of_match_labels(field: Field) -> Selector:
    """Labels alone, keys as Cilium writes them."""
    return Selector(tuple(_labels(field, _cilium_key)))


def labels_of(field: Field) -> dict[str, str]:
    """Labels of an object; an empty value is an empty text."""
    return {key: value.text() for key, value in field.entries(with_empty=True).items()}


def _cilium_key(key: str) -> tuple[str, str]:
    source, colon, rest = key.partition(":")
    return (source, rest) if colon and source in _SOURCES else (ANY, key)


def _selector(field: Field, key_of: Key) -> Selector:
    parts = field.entries()
    for name, part in parts.items():
        if name not in _READ:
            part.refuse("a selector has matchLabels and matchExpressions")
    found: list[Requirement] = []
    if "matchLabels" in parts:
        found += _labels(parts["matchLabels"], key_of)
    if "matchExpressions" in parts:
        found += _expressions(parts["matchExpressions"], key_of)
    return Selector(tuple(found))


def _labels(field: Field, key_of: Key) -> Iterator[Requirement]:
    for key, value in field.entries(with_empty=True).items():
        yield Requirement(*key_of(key), Operator.IN, frozenset({value.text()}))


def _expressions(field: Field, key_of: Key) -> Iterator[Requirement]:
    for item in field.items():
        parts = item.entries()
        for name in ("key", "operator"):
            if name not in parts:
                item.refuse(f"an expression needs a {name}")
        written = parts["operator"].text()
        if written not in Operator.__members__.values():
            parts["operator"].refuse(f"{written!r} is no operator; known are {', '.join(Operator)}")
        operator = Operator(written)
        values = frozenset(value.text() for value in parts["values"].items()) if "values" in parts else frozenset()
        if bool(values) != (operator in (Operator.IN, Operator.NOT_IN)):
            item.refuse("In and NotIn need values, Exists and DoesNotExist have none")
        yield Requirement(*key_of(parts["key"].text()), operator, values)
