"""Until when an entry holds."""

from datetime import date

import pytest

from exporter.accepting.entry import expires_from

TODAY = date(2027, 1, 15)


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("2027-03-01", date(2027, 3, 1)),
        ("2027-01-16", date(2027, 1, 16)),
        ("30d", date(2027, 2, 14)),
        ("2w", date(2027, 1, 29)),
        ("1h", date(2027, 1, 16)),
        ("25h", date(2027, 1, 17)),
    ],
)
def test_expiry(text: str, expires: date) -> None:
    """A date is the first day on which it is not allowed; a duration counts from today on, in whole days."""
    assert expires_from(text, TODAY) == expires


@pytest.mark.parametrize("text", ["2027-01-15", "2026-12-31", "0d"])
def test_over(text: str) -> None:
    """What would allow nothing is refused."""
    with pytest.raises(ValueError, match="is over: the entry would allow nothing"):
        expires_from(text, TODAY)


@pytest.mark.parametrize("text", ["", "tomorrow", "30", "2027-13-01", "99999999d", "27-1-1"])
def test_no_time(text: str) -> None:
    """What is neither a date nor a duration is refused."""
    with pytest.raises(ValueError, match="is no date such as 2027-03-01, and no duration such as 30d"):
        expires_from(text, TODAY)
