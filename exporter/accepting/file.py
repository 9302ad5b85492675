"""An entry behind those of an allowlist file; what stands there stays byte for byte. Pure functions."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import yaml

from exporter.documents.faults import DocumentError, Fault, Place
from exporter.documents.fields import Field
from exporter.documents.syntax import compose_text
from exporter.expectations.manifests import Manifests, read_manifests
from exporter.expectations.policy import Policy

_HEAD = "allow:"


class Appended(NamedTuple):
    """The whole file as it will be, and the line in which the entry begins."""

    content: bytes
    line: int
    policies: tuple[Policy, ...]


def policies_in(file: str, content: bytes) -> tuple[Policy, ...]:
    """The entries of an allowlist file, which holds nothing else.

    Raises:
        DocumentError: when it holds something else, or cannot be used.
    """
    read = _read(file, _decoded(file, content))
    if read.faults:
        raise DocumentError(read.faults)
    return read.policies


def append(file: str, content: bytes, lines: Sequence[str]) -> Appended:
    """The file with the entry behind all others.

    Raises:
        DocumentError: when the file is no allowlist, or the entry cannot be put behind what stands there.
    """
    before = policies_in(file, content)
    end = "\r\n" if b"\r\n" in content else "\n"
    start = content if not content or content.endswith(b"\n") else content + end.encode()
    for more in _ways(file, _decoded(file, content), lines):
        whole = start + "".join(f"{line}{end}" for line in more).encode()
        with suppress(DocumentError):
            after = policies_in(file, whole)
            if after[:-1] == before:
                return Appended(whole, start.count(b"\n") + len(more) - len(lines) + 1, after)
    raise DocumentError([Fault(Place(file), "an entry cannot be put behind what stands there; add it by hand")])


def _decoded(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError([Fault(Place(file), "is not UTF-8; save it as UTF-8")]) from None


def _read(file: str, text: str) -> Manifests:
    nodes = compose_text(file, text)
    for node in nodes:
        parts = Field(file, node).entries(with_empty=True)
        if parts.keys() != {"allow"} and not Field(file, node).is_empty:
            place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
            raise DocumentError([Fault(place, "is no allowlist: entries go into a file that holds nothing else")])
    return read_manifests([(file, node) for node in nodes])


def _ways(file: str, text: str, lines: Sequence[str]) -> Iterator[list[str]]:
    """How the entry can be written, the most pleasant first: as an item of the last list, or as a list of its own."""
    nodes = compose_text(file, text)
    if not nodes:
        yield [_HEAD, *_indented(lines, 2)]
        return
    column = _column(nodes[-1])
    if column is not None:
        yield _indented(lines, column)
    yield ["---", _HEAD, *_indented(lines, 2)]


def _column(root: yaml.Node) -> int | None:
    """Where the items of its list begin; None where it is written in brackets."""
    if not isinstance(root, yaml.MappingNode) or not root.value:
        return None
    entries = root.value[-1][1]
    if isinstance(entries, yaml.SequenceNode):
        return None if entries.flow_style or not entries.value else entries.start_mark.column
    return 2


def _indented(lines: Sequence[str], column: int) -> list[str]:
    return [f"{' ' * column}{line}" for line in lines]
