"""How much the randomised tests try: a few examples each time, many when EXPORTER_EXAMPLES says so."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile(
    "exporter", max_examples=int(os.environ.get("EXPORTER_EXAMPLES") or 60), deadline=None, print_blob=True
)
settings.load_profile("exporter")


@pytest.fixture(autouse=True)
def _log_as_at_the_start() -> Iterator[None]:
    """A command that a test runs in this process configures the log; the next test must not inherit that."""
    yield
    structlog.reset_defaults()
