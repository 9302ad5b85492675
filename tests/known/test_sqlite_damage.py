"""What the SQLite store makes of a file that is damaged: it says so, sets it aside, and begins an empty one."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.known import sqlite_facts, sqlite_file
from exporter.known.interface import Fault, Mark, Row, StoreError
from exporter.known.sqlite import SqliteStore
from exporter.known.sqlite_faults import DamagedRowError
from tests.known.files import MANY, asked, contents, overwrite, set_aside, unprivileged, works
from tests.known.stores import API, CART, ITSELF, MAIL, WEB, everything, fact


@pytest.fixture
def store(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """A store whose file is not there yet, and that does not wait for locks."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    with closing(SqliteStore(str(file), 10_000)) as empty:
        yield empty


@pytest.mark.parametrize("garbage", [b"not a database\n" * 500, b"SQLite format 3\0" + b"\xff" * 8176], ids=len)
def test_a_file_that_is_no_database(store: SqliteStore, file: Path, garbage: bytes) -> None:
    """It gets another name, an empty one takes its place at once, and a line and a counter say so."""
    file.write_bytes(garbage)
    with capture_logs() as lines:
        assert store.load(WEB) == {}
    (aside,) = set_aside(file.parent)
    assert aside.read_bytes() == garbage
    assert [(line["event"], line["log_level"], line["file"], line["aside"]) for line in lines] == [
        ("store_set_aside", "error", str(file), str(aside))
    ]
    assert store.set_aside == 1
    works(store)


def test_what_stands_beside_a_damaged_file(store: SqliteStore, file: Path) -> None:
    """Its log and index go with it, so that the names still belong together and the new file has none of it."""
    store.merge([fact(API, 1)])
    with closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE facts SET first_ns = 'soon'")
        other.commit()
        log = file.with_name("known.db-wal").read_bytes()
        with pytest.raises(StoreError):
            store.load(WEB)
        (aside,) = set_aside(file.parent)
        assert set(contents(file.parent)) == {aside.name, aside.name + "-wal", aside.name + "-shm"}
        assert aside.with_name(aside.name + "-wal").read_bytes() == log
        works(store)
    assert everything(store) == {(WEB, MAIL): Row(7, 7, 7)}


def test_an_empty_file(store: SqliteStore, file: Path) -> None:
    """A file that was begun and nothing more is not damaged."""
    file.touch()
    works(store)
    assert set_aside(file.parent) == []


def test_damaged_while_in_use(store: SqliteStore, file: Path) -> None:
    """Damage that is found later fails what was asked; the file is set aside, and the next call finds an empty one."""
    store.merge([*MANY, fact(API, 1, CART)])
    store.close()
    assert store.load(CART) == {API: Row(1, 1, 1)}
    overwrite(file, file.stat().st_size // 2, b"\xa5" * 16_384)
    damaged = file.read_bytes()
    with (
        capture_logs() as lines,
        pytest.raises(StoreError, match="it was set aside and an empty one is begun") as raised,
    ):
        store.load(WEB)
    assert raised.value.fault is Fault.CORRUPT
    assert [line["event"] for line in lines] == ["store_set_aside"]
    assert [path.read_bytes() for path in set_aside(file.parent)] == [damaged]
    assert store.load(WEB) == {}
    assert store.merge([fact(API, 2)]) == [None]
    works(store)
    assert store.set_aside == 1


def test_damaged_while_facts_are_read(store: SqliteStore, file: Path) -> None:
    """Who reads all facts is told as well, in the middle of them."""
    store.merge([fact(API, 1, CART), *MANY])
    store.close()
    facts = store.facts()
    assert next(facts).workload == CART
    assert store._db is not None
    store._db.execute("PRAGMA shrink_memory")
    overwrite(file, file.stat().st_size // 2, b"\xa5" * 16_384)
    with pytest.raises(StoreError) as raised:
        list(facts)
    assert raised.value.fault is Fault.CORRUPT
    works(store)


@pytest.mark.parametrize("method", ["merge", "forget", "expire", "size", "workloads"])
def test_damage_is_found_by_any_call(store: SqliteStore, file: Path, method: str) -> None:
    """Whatever is asked first finds the damage, says so, and the same works when it is asked again."""
    store.merge(MANY)
    store.close()
    assert store.load(CART) == {}
    # All but the first page, which holds the schema.
    overwrite(file, 4096, b"\xa5" * (file.stat().st_size - 4096))
    calls = {
        "merge": lambda: store.merge([fact(API, 1)]),
        "forget": lambda: store.forget(WEB),
        "expire": lambda: store.expire(5),
        "size": store.size,
        "workloads": store.workloads,
    }
    with pytest.raises(StoreError) as raised:
        calls[method]()
    assert raised.value.fault is Fault.CORRUPT
    calls[method]()
    works(store)


@pytest.mark.parametrize(
    "damage",
    ["first_ns = 'soon'", "last_ns = 1.5", "began = x'00'", "latest = CAST(x'ff' AS TEXT)", "name = x'00'"],
    ids=str,
)
def test_damage_within_a_row(store: SqliteStore, file: Path, damage: str) -> None:
    """A row with values that were never written is damage too, although SQLite does not mind it."""
    store.merge([fact(API, 1)])
    asked(file, f"UPDATE facts SET {damage}")  # noqa: S608, the test's own words
    with pytest.raises(StoreError) as raised:
        store.load(WEB)
    assert raised.value.fault is Fault.CORRUPT
    assert len(set_aside(file.parent)) == 1
    works(store)


@given(places=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=600)), min_size=1, max_size=4))
def test_property_of_any_damage(places: list[tuple[float, bytes]]) -> None:
    """Wherever a file is spoilt, calls work or say in one of our faults why not, and the file never harms us else."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "known.db")
        with closing(SqliteStore(str(file), 10_000)) as store:
            store.merge([*MANY[:150], fact(ITSELF, 5), fact(API, 1, CART)])
            store.close()
            for place, garbage in places:
                overwrite(file, int(place * (file.stat().st_size - 1)), garbage)
            for _ in range(2):
                _all_calls(store)


def _all_calls(store: SqliteStore) -> None:
    for call in (
        lambda: store.load(WEB),
        lambda: store.merge([*MANY[:20], fact(API, 1)]),
        lambda: list(store.facts()),
        store.workloads,
        lambda: store.forget(WEB, [API]),
        lambda: store.expire(100),
        store.size,
    ):
        # Whose the file is, and which columns it has, may be hit as well: it is not to be called damaged then.
        with suppress(StoreError):
            call()


def test_a_sound_file_in_place_of_a_damaged_one(
    store: SqliteStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a sound file was put there since the damaged one was read, it is not the one that is set aside."""
    with closing(SqliteStore(str(tmp_path / "backup.db"), 10_000)) as backup:
        backup.merge([fact(API, 3)])
    store.merge([fact(API, 1)])

    def replaced(*_: object) -> dict[Mark, Row]:
        Path(tmp_path, "backup.db").replace(file)
        raise DamagedRowError("damaged")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_facts, "rows_of", replaced)
        with pytest.raises(StoreError, match="damaged"):
            store.load(WEB)
    assert (store.set_aside, set_aside(tmp_path)) == (0, [])
    assert store.load(WEB) == {API: Row(3, 3, 3)}


def test_damage_in_a_folder_that_may_not_be_written(theirs: Path) -> None:
    """What is found damaged in use, and cannot be set aside, stays until it can."""
    file = theirs / "known.db"
    with unprivileged(), closing(SqliteStore(str(file), 10_000)) as store:
        store.merge([fact(API, 1)])
        asked(file, "UPDATE facts SET first_ns = 'soon'")
        theirs.chmod(0o500)
        with pytest.raises(StoreError) as raised:
            store.load(WEB)
        assert raised.value.fault is Fault.READ_ONLY
        assert (store.set_aside, set_aside(theirs)) == (0, [])
        theirs.chmod(0o700)
        with pytest.raises(StoreError) as raised:
            store.load(WEB)
        assert raised.value.fault is Fault.CORRUPT
        works(store)
        assert len(set_aside(theirs)) == 1
