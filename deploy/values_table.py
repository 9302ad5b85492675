"""The table of values in the chart's README, from the comments of its values.yaml."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

_KEY = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z_0-9]+):")
_BEGIN = "# -- "


class Value(NamedTuple):
    """A row: the path of a value, its default, what it means."""

    path: str
    default: str
    meaning: str


def described(text: str) -> dict[str, str]:
    """What the comments of a values file say, by path."""
    found: dict[str, str] = {}
    path: list[str] = []
    said = ""
    for line in text.splitlines():
        comment = line.strip()
        if comment.startswith(_BEGIN):
            said = comment.removeprefix(_BEGIN)
        elif said and comment.startswith("#"):
            said += comment.removeprefix("#")
        elif key := _KEY.match(line):
            path[len(key["indent"]) // 2 :] = [key["name"]]
            if said:
                found[".".join(path)] = said
            said = ""
        else:
            said = ""
    return found


def rows(text: str) -> list[Value]:
    """All values in their order.

    Raises:
        ValueError: when one of them says nothing.
    """
    return list(_rows(yaml.safe_load(text), described(text), ""))


def _rows(values: Mapping[str, Any], meanings: Mapping[str, str], above: str) -> Iterator[Value]:
    for name, value in values.items():
        path = f"{above}{name}"
        if path in meanings:
            yield Value(path, json.dumps(value, ensure_ascii=False), meanings[path])
        elif isinstance(value, dict) and value:
            yield from _rows(value, meanings, f"{path}.")
        else:
            raise ValueError(f"{path} has no comment that says what it is")


def table(text: str) -> str:
    """The table."""
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{row.path}` | `{row.default}` | {row.meaning.replace('|', chr(92) + '|')} |" for row in rows(text)]
    return "\n".join(lines) + "\n"


def with_table(readme: str, text: str) -> str:
    """A README whose table is that of these values."""
    before, begin, rest = readme.partition("<!-- values -->\n")
    _, end, after = rest.partition("<!-- end of values -->\n")
    if not begin or not end:
        raise ValueError("the README has no place for the table of values")
    return f"{before}{begin}{table(text)}{end}{after}"
