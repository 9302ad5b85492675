"""One value of a document, and where it stands: what the readers of Kubernetes objects walk along."""

from typing import NoReturn

import yaml

from exporter.documents.faults import DocumentError, Fault, shown
from exporter.documents.nodes import entries, has_foreign_tag, is_empty, place_of

MOST_VALUES = 1_000_000
"""Values of one document that are looked at: aliases of aliases can make more of them than any file is long."""

_FOUND = {yaml.ScalarNode: "a text", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping"}
_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})


class Field:
    """A value, its path (`spec.egress[0]`) and its place. Each reading raises a DocumentError when it does not fit."""

    __slots__ = ("_file", "_left", "_node", "path")

    def __init__(self, file: str, node: yaml.Node, path: str = "", left: list[int] | None = None) -> None:
        self._file, self._node, self.path = file, node, path
        # Shared by all fields of a document.
        self._left = [MOST_VALUES] if left is None else left

    @property
    def file(self) -> str:
        """The file that it stands in."""
        return self._file

    @property
    def line(self) -> int:
        """The line that it begins in, counted from 1."""
        return self._node.start_mark.line + 1

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written: no text at all, `~` or `null`."""
        return is_empty(self._node)

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self._node, yaml.MappingNode)

    def entries(self, *, with_empty: bool = False) -> dict[str, "Field"]:
        """Keys and values of a mapping, as a rule without those that are empty; an empty value has none."""
        if self.is_empty:
            return {}
        if not isinstance(self._node, yaml.MappingNode):
            self._expected("a mapping; write `key: value` lines")
        found, faults = entries(self._node, self._file, self.path)
        if faults:
            raise DocumentError(faults)
        self._spend(len(found))
        inner = ((key.value, Field(self._file, value, self._below(key.value), self._left)) for key, value in found)
        return {key: field for key, field in inner if with_empty or not field.is_empty}

    def items(self) -> list["Field"]:
        """The items of a list; an empty value has none."""
        if self.is_empty:
            return []
        if not isinstance(self._node, yaml.SequenceNode):
            self._expected("a list; begin each item with `- `")
        self._spend(len(self._node.value))
        return [
            Field(self._file, node, f"{self.path}[{index}]", self._left) for index, node in enumerate(self._node.value)
        ]

    def text(self) -> str:
        """The text as it is written, of a number and of true and false too; an empty text where nothing is."""
        if not isinstance(self._node, yaml.ScalarNode):
            self._expected("one value")
        if has_foreign_tag(self._node):
            self.refuse("a tag (`!name`) has no meaning here; remove it")
        text = "" if self.is_empty else str(self._node.value)
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            # An escape can write one; nothing can print it.
            self.refuse("half of a character (a lone surrogate) is no text; correct the escape")
        return text

    def number(self, least: int, most: int) -> int:
        """A whole number."""
        text = self.text()
        # `int` would also take 1_000 and digits of other scripts.
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most):
            self.refuse(f"{shown(text)} is no whole number from {least} to {most}")
        return int(text)

    def truth(self) -> bool:
        """True or false."""
        text = self.text()
        if text not in _TRUE | _FALSE:
            self.refuse(f"{shown(text)} is neither true nor false")
        return text in _TRUE

    def refuse(self, text: str) -> NoReturn:
        """Say that the value cannot be used, where it stands.

        Raises:
            DocumentError: always.
        """
        raise DocumentError([Fault(place_of(self._file, self._node), text, self.path)])

    def _expected(self, what: str) -> NoReturn:
        self.refuse(f"{_FOUND[type(self._node)]}, where there should be {what}")

    def _spend(self, values: int) -> None:
        self._left[0] -= values
        if self._left[0] < 0:
            self.refuse(f"the document has more than {MOST_VALUES:,} values, counted with its aliases; split it")

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key
