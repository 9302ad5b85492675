"""HTML from nested calls."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.html import Column, Html, element, joined, pairs, table, time
from exporter.web.words import moment
from tests.flows import at


class Read(HTMLParser):
    """What a browser would read: text, and elements with their attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text, self.elements = "", list[tuple[str, dict[str, str | None]]]()
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Take note of text."""
        self.text += data


def test_element() -> None:
    """An element has its attributes and children; underscores in attributes are hyphens."""
    made = element("p", "a ", element("b", "c"), class_="note", aria_label="x")
    assert made == '<p class="note" aria-label="x">a <b>c</b></p>'


def test_void_element() -> None:
    """An element that cannot have children has no end."""
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=40))
def test_text_stays_text_property(text: str) -> None:
    """Whatever a name holds, a browser reads it back as that text, and no element more."""
    read = Read(element("p", text, title=text))
    assert (read.text, read.elements) == (text, [("p", {"title": text})])


def test_joined() -> None:
    """Markup is kept, text is escaped."""
    assert joined(("<", Html("<br>"), "&")) == "&lt;<br>&amp;"


def test_table() -> None:
    """A table has a caption, column heads, and a head for each row; its container can be scrolled by keyboard."""
    made = table("Drops", (Column("Reason"), Column("Number", "number")), [("denied", "7")])
    elements = Read(made).elements
    assert elements[0] == ("div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Drops"})
    assert [attributes.get("scope") for tag, attributes in elements if tag == "th"] == ["col", "col", "row"]
    assert ("td", {"class": "number", "role": "cell"}) in elements


def test_rows_fit_their_columns() -> None:
    """A row of the wrong length is a programmer's error."""
    with pytest.raises(ValueError, match="zip"):
        table("Drops", (Column("Reason"),), [("denied", "7")])


def test_pairs() -> None:
    """Names and values are a description list."""
    assert pairs([("Nodes", "2")]) == "<dl><div><dt>Nodes</dt><dd>2</dd></div></dl>"


def test_time() -> None:
    """A time carries its exact form for machines."""
    then = moment(at(0.25))
    assert then
    assert Read(time(then, "just now")).elements == [
        ("time", {"datetime": "2027-01-15T08:00:00.250Z", "title": "2027-01-15T08:00:00.250Z"})
    ]
