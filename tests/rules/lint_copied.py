"""Lint of the commands in runbooks as somebody copies them, from top to bottom, into a shell that knows nothing."""

import re
from collections.abc import Iterator

from tests.rules.catalogue import Catalogue
from tests.rules.pages import SHELL, Runbook, blocks, commands, prose

_SET = re.compile(r"(?:^|[\s;])([A-Za-z_]\w*)=|\bfor ([A-Za-z_]\w*) in\b")
_USED = re.compile(r"\$\{?([A-Za-z_]\w*)")
_QUOTED = re.compile(r"'[^']*'")
_PORT = re.compile(r"localhost:(\d+)")
_FORWARDED = re.compile(r"port-forward \S+ (\d+)")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_-]{2,}")
_RELAY = "4245"
"""Where Hubble's command asks when it is not told."""


def variables(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """A variable is set in a line above, or before it in its own; the text may name it too."""
    is_set: set[str] = set()
    for line in _lines(book.text):
        # What stands in single quotes is of another language, such as jq's.
        plain = _QUOTED.sub("", line)
        for found in re.finditer(f"{_SET.pattern}|{_USED.pattern}", plain):
            if used := found[3]:
                if used not in is_set:
                    yield f"${used} is set nowhere before: {line.strip()}"
            else:
                is_set.add(found[1] or found[2])
    for used in set(_USED.findall(prose(book.text))) - is_set:
        yield f"${used} is set nowhere"


def placeholders(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """What has to be filled in is a variable, which says where its value comes from."""
    for words in commands(book.text):
        for word in words if words[0] == "kubectl" else ():
            if _PLACEHOLDER.fullmatch(word):
                yield f"{word} is no variable: {' '.join(words)}"


def ports(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """A port of this machine leads somewhere: it was forwarded in a line above. So do commands of hubble."""
    forwarded: set[str] = set()
    for line in _lines(book.text):
        asked = set(_PORT.findall(line))
        if line.lstrip().startswith("hubble "):
            asked.add(_RELAY)
        yield from (f"port {port} was not forwarded: {line.strip()}" for port in sorted(asked - forwarded))
        forwarded |= set(_FORWARDED.findall(line))
    for port in sorted(set(_PORT.findall(prose(book.text))) - forwarded):
        yield f"port {port} is forwarded nowhere"


def _lines(text: str) -> list[str]:
    return [line for block in blocks(text, *SHELL) for line in block.splitlines()]


LINTS = (variables, placeholders, ports)
