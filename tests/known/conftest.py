"""The store under test: each one in turn."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.known.interface import Store
from tests.known.files import NOBODY
from tests.known.stores import STORES


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with STORES[request.param](tmp_path) as empty:
        yield empty


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file of a store is, or will be."""
    return tmp_path / "known.db"


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder that can be made to refuse us, even root as nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "lib")
        folder.mkdir()
        Path(name).chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, -1)
        yield folder
        folder.chmod(0o700)
