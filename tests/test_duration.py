"""Durations as Prometheus writes them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from exporter.duration import Duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("60s", 60),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("2w", 1_209_600),
        ("1m30s500ms", 90.5),
        ("1.5h", 5400),
        ("0s", 0),
        (30, 30),
        (0.25, 0.25),
    ],
)
def test_reads(text: object, seconds: float) -> None:
    """A duration is a number with a unit, several of them one after the other, or a number of seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", " 5m", "5m ", "-5m", "5min", "1e3s", "5µs", "5M", "m5", "5m!", "1" * 40 + "s", None]
)
def test_refuses_other_texts(text: object) -> None:
    """Anything else is refused with the ways to write it."""
    with pytest.raises(ValueError, match="is no duration; write 500ms, 60s, 5m or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize("value", [True, False, [], {}, b"5m"])
def test_refuses_other_types(value: object) -> None:
    """A truth value is no number of seconds."""
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(value)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_refuses_endless_durations(value: float) -> None:
    """YAML can write `.inf` and `.nan`, and neither is a length of time."""
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(value)


def test_settings_say_what_is_wrong() -> None:
    """A setting that is no duration is a settings error with the same words."""

    class Block(BaseModel):
        span: Duration

    assert Block.model_validate({"span": "1h30m"}).span == pytest.approx(5400)
    with pytest.raises(ValidationError, match="'soon' is no duration"):
        Block.model_validate({"span": "soon"})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.05, "50ms"),
        (0.5, "500ms"),
        (1.5, "1500ms"),
        (60, "1m"),
        (90, "90s"),
        (300, "5m"),
        (5400, "90m"),
        (86_400, "1d"),
        (604_800, "1w"),
    ],
)
def test_writes(seconds: float, text: str) -> None:
    """A duration is written in the largest unit that fits."""
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9).map(lambda milliseconds: milliseconds / 1000))
def test_round_trip_property(seconds: float) -> None:
    """What is written is read back as the same duration, to the millisecond."""
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
