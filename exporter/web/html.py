"""HTML from nested calls. Whatever is not markup already is text, and is escaped: names come from the cluster."""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Literal, NamedTuple

from exporter.web.words import timestamp

Narrow = Literal["plain", "cards", "stacked"]
_VOID = frozenset({"meta", "link", "wbr"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Html:
    """An element; `class_` is the attribute `class`, `aria_label` is `aria-label`."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(children)}</{tag}>")


def joined(parts: Iterable[str]) -> Html:
    """One piece of markup from several, text escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part, quote=False) for part in parts))


class Column(NamedTuple):
    """A column of a table; `kind` is its cells' class, and those of a `number` stand at the right."""

    title: str
    kind: str = "text"


def table(caption: str, columns: Iterable[Column], rows: Iterable[Iterable[str]], *, narrow: Narrow = "plain") -> Html:
    """A table whose first column names the row; on a narrow screen its rows may become `cards`, or `stacked` cells.

    Both take the table's layout away, and with it what assistive technology knows; so the roles are spelled out.
    """
    columns = tuple(columns)
    head = [element("th", column.title, class_=column.kind, scope="col", role="columnheader") for column in columns]
    body = [element("tr", *_cells(columns, row), role="row") for row in rows]
    return element(
        "div",
        element(
            "table",
            element("caption", caption, class_="unseen"),
            element("thead", element("tr", *head, role="row"), role="rowgroup"),
            element("tbody", *body, role="rowgroup"),
            role="table",
            class_=narrow,
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def pairs(entries: Iterable[tuple[str, str]]) -> Html:
    """Names and values."""
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in entries))


def time(when: datetime, text: str) -> Html:
    """A time as people read it, with the exact one for machines and for whoever points at it."""
    exact = timestamp(when)
    return element("time", text, datetime=exact, title=exact)


def _cells(columns: tuple[Column, ...], row: Iterable[str]) -> Iterable[Html]:
    for number, (column, value) in enumerate(zip(columns, row, strict=True)):
        if number == 0:
            yield element("th", value, class_=column.kind, scope="row", role="rowheader")
        else:
            yield element("td", value, class_=column.kind, role="cell")
