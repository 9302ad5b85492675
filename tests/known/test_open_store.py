"""The store that the settings ask for, and an exporter whose store cannot be used."""

import json
import signal
from pathlib import Path

import pytest

from exporter.known.interface import Fault, StoreError
from exporter.known.memory import MemoryStore
from exporter.known.settings import KnownSettings
from exporter.known.sqlite import SqliteStore
from exporter.known.stores import open_store
from exporter.service import FORGETFUL
from tests.known.stores import API, WEB, fact
from tests.programs import Process, eventually, free_port, get, value_of


def test_memory() -> None:
    """`memory` is kept in the process."""
    assert isinstance(open_store(KnownSettings.model_validate({"store": "memory"})), MemoryStore)


def test_sqlite(tmp_path: Path) -> None:
    """`sqlite` is the file that `known.file` names, and holds `known.entries` facts."""
    file = tmp_path / "known.db"
    store = open_store(KnownSettings.model_validate({"store": "sqlite", "file": str(file), "entries": 1_000}))
    assert isinstance(store, SqliteStore)
    assert not file.exists(), "it is opened when it is used"
    store.merge([fact(API, at_ns) for at_ns in range(1, 1_003)])
    store.merge([fact(API._replace(name=f"443/tcp {number}.example"), number) for number in range(1, 1_003)])
    assert store.size().entries <= 1_000
    store.close()


def test_opening_never_fails() -> None:
    """A store that cannot be used says so when it is used: the stream does not depend on it."""
    store = open_store(KnownSettings.model_validate({"store": "sqlite", "file": "/dev/null/known.db"}))
    with pytest.raises(StoreError) as raised:
        store.load(WEB)
    assert raised.value.fault is Fault.OTHER


def test_an_exporter_without_its_store_runs() -> None:
    """`run` goes on with a store that cannot be opened, and says in metrics, log and pages that it is degraded."""
    arguments = ("--known.store", "sqlite", "--known.file", "/dev/null/known.db")
    with Process("run", "--hubble.address", f"127.0.0.1:{free_port()}", *arguments) as process:
        degraded = "hubble_egress_exporter_store_degraded"
        eventually(lambda: value_of(process.metrics(), degraded) == 1, "the store to be found degraded")
        eventually(lambda: bool(process.events("store_degraded")), "a line of the log")
        assert [line["reason"] for line in process.events("store_degraded")] == ["other"]
        assert json.loads(get(f"{process.url}/api/v1/status")[1])["remarks"] == [FORGETFUL]
        assert json.loads(get(f"{process.url}/api/v1/destinations")[1])["store"]["degraded"]
        assert "The memory does not work (other" in get(process.url)[1]
        assert process.end(signal.SIGTERM) == 0
