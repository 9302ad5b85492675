"""The store under test: each one in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.known.interface import Store
from tests.known.stores import STORES


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with STORES[request.param](tmp_path) as empty:
        yield empty
