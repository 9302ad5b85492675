"""The landing page of a running demo in a real browser: phone and desktop, light and dark, keyboard.

With EXPORTER_PICTURES=DIR the pictures of the README are taken too.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.web import page as landing_page
from tests.browser import DESKTOP, PHONE, Page, browser
from tests.programs import Process, eventually, get, required

SIZES = {"phone": PHONE, "desktop": DESKTOP, "narrowest": (320, 568)}
ENOUGH_TEXT, ENOUGH_LARGE = 4.5, 3.0
"""Contrast that WCAG 2.2 AA asks of text, and of large text and what is no text."""

_CONTRASTS = """
(() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim()) continue;
    const pair = [parse(getComputedStyle(element).color).slice(0, 3), behind(element)];
    found[JSON.stringify(pair)] = element.outerHTML.slice(0, 80);
  }
  return found;
})()
"""
_WIDER_THAN_SCREEN = """
[...document.querySelectorAll('body *')]
  .filter(element => !element.closest('.scroll') && !element.matches('.skip, .unseen'))
  .filter(element => element.getBoundingClientRect().right > innerWidth + 0.5)
  .map(element => element.outerHTML.slice(0, 80))
"""
_CUT_OFF = """
[...document.querySelectorAll('.scroll')]
  .filter(element => element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== 'auto')
  .map(element => element.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The URL of a demo that has seen a round of its story."""
    required("chromium")
    with Process("demo", "--demo.speed", "200") as process:
        eventually(lambda: _status(process.url)["counts"]["l7_requests"] > 3, "a round of the story")
        eventually(lambda: bool(_status(process.url)["coverage"]["lost_events"]), "lost events")
        eventually(lambda: _status(process.url)["stream"]["flows_per_second"] is not None, "a rate")
        yield process.url


def _status(url: str) -> Any:  # noqa: ANN401, JSON
    return json.loads(get(f"{url}/api/v1/status")[1])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page in a fresh browser."""
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_nothing_is_wider_than_the_screen(demo: str, page: Page, size: tuple[int, int]) -> None:
    """The page never scrolls sideways; a table that is too wide scrolls inside its own container."""
    page.open(demo, size)
    assert page.value("innerWidth") == size[0]
    assert page.value("document.documentElement.scrollWidth") == size[0]
    assert page.value(_WIDER_THAN_SCREEN) == []
    assert page.value(_CUT_OFF) == []
    page.value("document.querySelector('details').open = true")
    assert page.value("document.documentElement.scrollWidth") == size[0]


def test_what_a_phone_shows_first(demo: str, page: Page) -> None:
    """The answer and its numbers are on the first screen of a phone."""
    page.open(demo, PHONE)
    assert page.value("document.querySelector('.answer').getBoundingClientRect().bottom < innerHeight")
    assert page.value("document.querySelector('h2').innerText").endswith("Working: flows arrive")


def test_text_is_large_enough_to_read(demo: str, page: Page) -> None:
    """No text on a phone is smaller than 14 pixels."""
    page.open(demo, PHONE)
    sizes = "[...document.querySelectorAll('body *')].map(element => parseFloat(getComputedStyle(element).fontSize))"
    assert min(page.value(sizes)) >= 14


def _luminance(color: list[float]) -> float:
    """Relative luminance as WCAG defines it, of a colour with channels up to 255."""
    linear = [
        value / 255 / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in color
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: list[float], other: list[float]) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_formula() -> None:
    """Black on white is 21, a colour on itself 1, and #767676 on white just passes, as WCAG's own examples say."""
    assert _contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
    assert _contrast([9, 9, 9], [9, 9, 9]) == 1
    assert _contrast([0x76] * 3, [255] * 3) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_contrast_of_what_is_shown(demo: str, page: Page, size: tuple[int, int], dark: bool) -> None:
    """Every text that the browser draws has the contrast of WCAG AA on what is behind it, in both schemes."""
    page.open(demo, size, dark=dark)
    page.value("document.querySelector('details').open = true")
    shown = {key: _contrast(*json.loads(key)) for key in page.value(_CONTRASTS)}
    assert len(shown) >= 4
    assert min(shown.values()) >= ENOUGH_TEXT, shown
    is_dark = page.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    assert is_dark is dark


def _schemes() -> Iterator[tuple[str, dict[str, list[float]]]]:
    light, dark = re.findall(r":root \{(.*?)\}", landing_page._STYLE, re.DOTALL)
    for name, block in (("light", light), ("dark", dark)):
        yield (
            name,
            {
                variable: [float(int(color[at : at + 2], 16)) for at in (0, 2, 4)]
                for variable, color in re.findall(r"--(\w+): #(\w{6});", block)
            },
        )


@pytest.mark.parametrize(("_name", "colors"), list(_schemes()), ids=["light", "dark"])
def test_contrast_of_the_style(_name: str, colors: dict[str, list[float]]) -> None:
    """Every colour of text passes on both backgrounds, whatever state the page shows; so does the focus ring."""
    assert set(colors) >= {"text", "muted", "link", "good", "attention", "bad", "focus", "background", "surface"}
    for text in ("text", "muted", "link", "good", "attention", "bad"):
        assert _contrast(colors[text], colors["background"]) >= ENOUGH_TEXT, text
        assert _contrast(colors[text], colors["surface"]) >= ENOUGH_TEXT, text
    assert _contrast(colors["focus"], colors["background"]) >= ENOUGH_LARGE
    assert _contrast(colors["focus"], colors["surface"]) >= ENOUGH_LARGE


def test_keyboard(demo: str, page: Page) -> None:
    """The first Tab shows the skip link, Enter on it moves on to the content; every stop has a visible ring."""
    page.open(demo, DESKTOP)
    page.press("Tab")
    assert page.value("document.activeElement.className") == "skip"
    assert page.value("document.activeElement.getBoundingClientRect().left >= 0")
    page.press("Enter")
    assert page.value("document.activeElement.id") == "content"
    stops = set()
    for _ in range(12):
        page.press("Tab")
        stops.add(page.value("document.activeElement.tagName"))
        assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if page.value("document.activeElement.tagName") == "SUMMARY":
            break
    assert "SUMMARY" in stops
    page.press("Enter")
    assert page.value("document.querySelector('details').open")


def test_semantics_survive_the_cards(demo: str, page: Page) -> None:
    """On a phone the last drops are cards, and still a table with rows and cells for assistive technology."""
    page.open(demo, PHONE)
    assert page.value("getComputedStyle(document.querySelector('.cards tbody tr')).display") == "grid"
    tree = page.roles()
    assert tree["table"] >= 4
    assert tree["columnheader"] >= 6
    assert tree["rowheader"] >= 10


@pytest.mark.skipif("EXPORTER_PICTURES" not in os.environ, reason="pictures are taken with EXPORTER_PICTURES=DIR")
def test_pictures(demo: str, page: Page) -> None:
    """The pictures of the README show the page as it is."""
    folder = Path(os.environ["EXPORTER_PICTURES"])
    page.open(demo, DESKTOP)
    page.picture(folder / "landing-page.png", whole=True)
    page.open(demo, PHONE)
    page.picture(folder / "landing-page-phone.png")
