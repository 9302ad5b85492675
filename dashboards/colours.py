"""Colours that people with any kind of colour vision can tell apart, and when a value gets one.

What is good has the colour of text: only what needs somebody is coloured, and its text says so too.
"""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    DynamicConfigValue,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

# Okabe and Ito's palette.
BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
TEAL: Final = "#009E73"
GREY: Final = "#8E8E8E"

PLAIN: Final = "text"
WARNING: Final = ORANGE
BAD: Final = VERMILION

NAMED: Final = "byName"


def steps(first: str, *more: tuple[float, str]) -> ThresholdsConfig:
    """The colour of everything, and from which value on there is another."""
    listed = [Threshold(None, first), *(Threshold(at, colour) for at, colour in more)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(listed)


def plain() -> ThresholdsConfig:
    """A value of which nobody can say whether it is good."""
    return steps(PLAIN)


def bad_from(limit: float, colour: str = WARNING) -> ThresholdsConfig:
    """Values from `limit` on need somebody."""
    return steps(PLAIN, (limit, colour))


def bad_below(limit: float, worse: float | None = None) -> ThresholdsConfig:
    """Values below `limit` need somebody, those below `worse` soon."""
    if worse is None:
        return steps(WARNING, (limit, PLAIN))
    return steps(BAD, (worse, WARNING), (limit, PLAIN))


def fixed(colour: str) -> DynamicConfigValue:
    """One colour for one series."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def texts(words: Mapping[str, str]) -> ValueMap:
    """Words in place of values."""
    return ValueMap({at: ValueMappingResult(text=text, index=n) for n, (at, text) in enumerate(words.items())})


def alarming(words: Mapping[str, tuple[str, str]]) -> ValueMap:
    """Words and their colours in place of values."""
    return ValueMap(
        {
            at: ValueMappingResult(text=text, color=colour, index=n)
            for n, (at, (text, colour)) in enumerate(words.items())
        }
    )


def special(match: SpecialValueMatch, text: str) -> SpecialValueMap:
    """Words for what is no number, or empty."""
    return SpecialValueMap(DashboardSpecialValueMapOptions(match, ValueMappingResult(text=text, index=0)))
