"""Names and patterns of `toFQDNs`, read exactly as Cilium reads them.

Source: cilium/cilium pkg/fqdn/matchpattern (ToAnchoredRegexp, Sanitize) and pkg/fqdn/dns (FQDN). Cilium makes regular
expressions of them; labels are compared one by one here, for Python's expressions go astray in a row of stars.
"""

import re
from functools import lru_cache

_PATTERN = re.compile(r"[-a-zA-Z0-9_.*]{1,255}")
_NAME = re.compile(r"[-a-zA-Z0-9_.]{1,255}")
# What a star stands for, and what the labels are made of that a leading `**.` stands for.
_CHARACTERS = re.compile(r"[-a-zA-Z0-9_]*")


def matches_pattern(pattern: str, name: str) -> bool:
    """Whether a `matchPattern` selects a name.

    Case and a trailing dot do not matter. `*` stands for any characters of one label, none at all included; two or
    more stars and a dot in front stand for one or more whole labels; stars alone, or with a dot, for any name.

    Raises:
        ValueError: when Cilium refuses the pattern.
    """
    check_pattern(pattern)
    labels = _complete(name).split(".")
    if matches_all(pattern):
        return labels == ["", ""] or _are_labels(labels[:-1])
    wanted = _complete(pattern).split(".")
    if len(wanted[0]) > 1 and not wanted[0].strip("*"):
        wanted = wanted[1:]
        before = len(labels) - len(wanted)
        if before < 1 or not _are_labels(labels[:before]):
            return False
        labels = labels[before:]
    return len(labels) == len(wanted) and all(map(_label_matches, wanted, labels))


def matches_name(wanted: str, name: str) -> bool:
    """Whether a `matchName` is this name; case and a trailing dot do not matter."""
    return _complete(wanted) == _complete(name)


def matches_all(pattern: str) -> bool:
    """Whether a `matchPattern` selects any name: nothing but stars, with a dot behind them or not."""
    return pattern.removesuffix(".").strip("*") == "" and pattern[:1] == "*"


def check_pattern(pattern: str) -> None:
    """See whether Cilium takes it as a `matchPattern`.

    Raises:
        ValueError: when it does not; the message says what it takes.
    """
    if not _PATTERN.fullmatch(pattern):
        raise ValueError(f"bad matchPattern {pattern!r}: 1 to 255 of A-Z a-z 0-9 - _ . * make one")


def check_name(name: str) -> None:
    """See whether Cilium takes it as a `matchName`.

    Raises:
        ValueError: when it does not; the message says what it takes.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"bad matchName {name!r}: 1 to 255 of A-Z a-z 0-9 - _ . make one")


def _complete(name: str) -> str:
    lower = name.lower()
    return lower if lower.endswith(".") else f"{lower}."


def _are_labels(labels: list[str]) -> bool:
    return all(label and _CHARACTERS.fullmatch(label) for label in labels)


@lru_cache(maxsize=4096)
def _label_matches(pattern: str, label: str) -> bool:
    """Whether one label of a name fits one label of a pattern: pieces between stars are looked for in their order."""
    first, *between = pattern.split("*")
    if not between:
        return pattern == label
    last = between.pop()
    if len(label) < len(first) + len(last) or not (label.startswith(first) and label.endswith(last)):
        return False
    at, end = len(first), len(label) - len(last)
    for piece in between:
        at = label.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return _CHARACTERS.fullmatch(label) is not None
