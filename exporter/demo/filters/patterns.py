"""Names with `*` in them, and regular expressions (cilium pkg/hubble/filters/patterns.go)."""

import re
from collections.abc import Sequence

from exporter.demo.filters.predicates import BadFilterError

_ANY_CHARACTERS = "[-.0-9a-z]*"
_ANY_NAME = r"[-0-9_a-z]+(?:\.[-0-9_a-z]+)*"
_NOT_IN_NAMES = re.compile(r"[^-.*0-9_a-z]")
_MOST_PARTS = 2


def names(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression for all of these patterns of DNS names; it is meant for `fullmatch`.

    Raises:
        BadFilterError: when a pattern is empty or has characters that no name has.
    """
    return re.compile("|".join(_name(pattern) for pattern in patterns))


def node_names(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression for `cluster/node` patterns; it is meant for `fullmatch`.

    Either part may be empty, which means any. So does a missing cluster: it is the *flow's* node name that gets the
    default cluster when it has none (cilium pkg/hubble/filters/patterns.go and nodename.go).

    Raises:
        BadFilterError: when a pattern is empty, has more than one slash, or characters that no name has.
    """
    return re.compile("|".join(_node_name(pattern) for pattern in patterns))


def expressions(texts: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Regular expressions, meant for `search`. Hubble's are RE2; Python's know all of it that filters use.

    Raises:
        BadFilterError: when one cannot be compiled.
    """
    try:
        return tuple(re.compile(text) for text in texts)
    except re.error as error:
        raise BadFilterError(f"invalid regular expression {error.pattern!r}: {error}") from error


def _name(pattern: str) -> str:
    name = pattern.strip().removesuffix(".").lower()
    if not name:
        raise BadFilterError("empty pattern")
    if name.endswith("."):
        raise BadFilterError(f"multiple trailing dots in pattern {pattern!r}")
    if wrong := _NOT_IN_NAMES.search(name):
        raise BadFilterError(f"{wrong.group()!r}: invalid character in pattern {pattern!r}")
    return name.replace(".", r"\.").replace("*", _ANY_CHARACTERS)


def _node_name(pattern: str) -> str:
    if not pattern:
        raise BadFilterError("empty pattern")
    parts = pattern.split("/")
    if len(parts) > _MOST_PARTS:
        raise BadFilterError(f"too many slashes in pattern {pattern!r}")
    cluster, node = parts if len(parts) == _MOST_PARTS else ("", pattern)
    return "/".join(_name(part) if part else _ANY_NAME for part in (cluster, node))
