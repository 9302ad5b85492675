"""Label selectors: Kubernetes' syntax, with Cilium's source before the key.

k8s:app=web, tier!=db, env in (dev, test), region notin (), reserved:world, !legacy
"""

import re
from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from exporter.demo.filters.predicates import BadFilterError

_ANY_SOURCE = "any"
_TOKEN = re.compile(r"==|!=|[=!(),<>]|[^\s=!(),<>]+")
_DNS_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_KEY = re.compile(rf"(?:{_DNS_LABEL}(?:\.{_DNS_LABEL})*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


class Label(NamedTuple):
    """A label as Cilium writes it, `source:key=value`, where source and value may be missing."""

    source: str
    key: str
    value: str


class Requirement(NamedTuple):
    """One condition: the key is there (`values` is None), or has one of the values; or the opposite."""

    source: str
    key: str
    values: frozenset[str] | None
    negated: bool

    def holds(self, labels: Iterable[Label]) -> bool:
        """Whether the labels fulfil it; a key that is not there has none of the values."""
        value = next((label.value for label in labels if self._names(label)), None)
        found = value is not None and (self.values is None or value in self.values)
        return found is not self.negated

    def _names(self, label: Label) -> bool:
        return label.key == self.key and self.source in (_ANY_SOURCE, label.source)


Selector = tuple[Requirement, ...]


@lru_cache(maxsize=4096)
def parse_label(text: str) -> Label:
    """Take a label apart; the labels of a cluster are few and come again and again."""
    name, _, value = text.partition("=")
    source, colon, key = name.partition(":")
    return Label(source, key, value) if colon else Label("", name, value)


def selects(selector: Selector, labels: Iterable[str]) -> bool:
    """Whether all requirements hold; an empty selector selects everything."""
    parsed = [parse_label(label) for label in labels]
    return all(requirement.holds(parsed) for requirement in selector)


def parse_selector(text: str) -> Selector:
    """Parse the requirements, which commas separate.

    Raises:
        BadFilterError: when it is not a selector.
    """
    tokens = deque(_TOKEN.findall(text))
    requirements = []
    while tokens:
        requirements.append(_requirement(tokens, text))
        if tokens:
            _expect(",", tokens, text)
            if not tokens:
                raise BadFilterError(f"invalid label selector {text!r}: it ends with a comma")
    return tuple(requirements)


def _requirement(tokens: deque[str], text: str) -> Requirement:
    if absent := tokens[0] == "!":
        tokens.popleft()
    source, key = _key(tokens.popleft() if tokens else "", text)
    if absent or not tokens or tokens[0] == ",":
        return Requirement(source, key, None, absent)
    operator = tokens.popleft()
    if operator in {"=", "==", "!="}:
        values = frozenset({_value("" if not tokens or tokens[0] == "," else tokens.popleft(), text)})
    elif operator in {"in", "notin"}:
        values = _set(tokens, text)
    else:
        raise BadFilterError(f"invalid label selector {text!r}: {operator!r} is no operator (=, ==, !=, in, notin)")
    return Requirement(source, key, values, operator in {"!=", "notin"})


def _set(tokens: deque[str], text: str) -> frozenset[str]:
    """The values in parentheses; an empty place between commas is the empty value, as in Kubernetes."""
    _expect("(", tokens, text)
    values = [""]
    while tokens and tokens[0] != ")":
        piece = tokens.popleft()
        if piece == ",":
            values.append("")
        elif values[-1]:
            raise BadFilterError(f"invalid label selector {text!r}: no comma before {piece!r}")
        else:
            values[-1] = _value(piece, text)
    _expect(")", tokens, text)
    return frozenset(values)


def _key(token: str, text: str) -> tuple[str, str]:
    source, _, key = token.partition(":") if ":" in token else (_ANY_SOURCE, ":", token)
    # Cilium hands Kubernetes' parser `source.key`, so this is what must be a valid key.
    if not _KEY.fullmatch(f"{source}.{key}"):
        raise BadFilterError(f"invalid label selector {text!r}: {token!r} is no key")
    return source, key


def _value(token: str, text: str) -> str:
    if not _VALUE.fullmatch(token):
        raise BadFilterError(f"invalid label selector {text!r}: {token!r} is no value")
    return token


def _expect(wanted: str, tokens: deque[str], text: str) -> None:
    found = tokens.popleft() if tokens else "the end"
    if found != wanted:
        raise BadFilterError(f"invalid label selector {text!r}: found {found!r}, expected {wanted!r}")
