"""One month, read once for all tests."""

import pytest

from tests.month.digest import Digest
from tests.month.simulator import Month


@pytest.fixture(scope="session")
def month() -> Month:
    """The month of a seed."""
    return Month(3)


@pytest.fixture(scope="session")
def digest(month: Month) -> Digest:
    """What is in it."""
    return Digest(month.flows())
