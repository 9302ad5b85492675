"""Times and states in words."""

from datetime import timedelta

import pytest

from exporter.web.words import ago, moment, timestamp
from tests.flows import at


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (0, "just now"),
        (0.9, "just now"),
        (1, "1 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 day ago"),
        (172_800, "2 days ago"),
        (86_400 * 1500, "1,500 days ago"),
    ],
)
def test_ago(seconds: float, text: str) -> None:
    """How long ago something was, in the largest unit that fits; what lies ahead by a wrong clock is now."""
    now = moment(at(0))
    assert now
    assert ago(now - timedelta(seconds=seconds), now) == text


def test_ago_of_no_time() -> None:
    """No time was at no time."""
    now = moment(at(0))
    assert now
    assert ago(None, now) == ""


def test_timestamp() -> None:
    """Times for machines are RFC 3339 in UTC, with milliseconds."""
    then = moment(at(0.0014))
    assert then
    assert timestamp(then) == "2027-01-15T08:00:00.001Z"
