"""The commands against a store of each kind that outlives them, and the memory in it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.known.interface import Store
from exporter.known.sqlite import SqliteStore
from tests.knowing.memories import FACTS
from tests.known.valkey_server import ValkeyServer, valkey_store
from tests.programs import run

Known = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["sqlite", "valkey"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, dict[str, str]]]:
    """An empty store, and the settings that name it."""
    if request.param == "sqlite":
        file = str(tmp_path / "known.db")
        with closing(SqliteStore(file, 100_000)) as store:
            yield store, {"HUBBLE_EGRESS_KNOWN__STORE": "sqlite", "HUBBLE_EGRESS_KNOWN__FILE": file}
        return
    with ValkeyServer(tmp_path) as server, closing(valkey_store(server.port)) as store:
        address = f"127.0.0.1:{server.port}"
        yield store, {"HUBBLE_EGRESS_KNOWN__STORE": "valkey", "HUBBLE_EGRESS_KNOWN__VALKEY__ADDRESS": address}


@pytest.fixture
def either(both: tuple[Store, dict[str, str]]) -> tuple[Store, Known]:
    """A store of each kind with the memory in it, and the command that looks into it."""
    store, settings = both
    store.merge(FACTS)
    return store, lambda *arguments, **more: run("known", *arguments, settings=settings, **more)


@pytest.fixture
def known(tmp_path: Path) -> Known:
    """The command on the memory in an SQLite file."""
    file = str(tmp_path / "memory.db")
    with closing(SqliteStore(file, 100_000)) as store:
        store.merge(FACTS)
    settings = {"HUBBLE_EGRESS_KNOWN__STORE": "sqlite", "HUBBLE_EGRESS_KNOWN__FILE": file}
    return lambda *arguments, **more: run("known", *arguments, settings=settings, **more)
