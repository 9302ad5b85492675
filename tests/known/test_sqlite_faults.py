"""What the SQLite store makes of a file that cannot be used: what it says, what it sets aside, how it recovers."""

import errno
import itertools
import os
import sqlite3
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.known import sqlite_facts, sqlite_file
from exporter.known.interface import Fault, Mark, Row, StoreError, What
from exporter.known.sqlite import SqliteStore
from exporter.known.sqlite_faults import Cause, DamagedRowError, fault_of
from tests.known.files import NOBODY, asked, contents, overwrite, set_aside, unprivileged
from tests.known.stores import API, CART, ITSELF, MAIL, WEB, everything, fact

MANY = [fact(Mark(What.POD, f"web-{number:04}"), number, began="b" * 40) for number in range(2000)]
"""Facts on some hundred pages."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file is, or will be."""
    return tmp_path / "known.db"


@pytest.fixture
def store(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """A store whose file is not there yet, and that does not wait for locks."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    with closing(SqliteStore(str(file), 10_000)) as empty:
        yield empty


def _fault(store: SqliteStore) -> Fault:
    """The fault of a merge, whose words name the file and do not end with it."""
    with pytest.raises(StoreError, match=r"known\.db: .+; .+") as raised:
        store.merge([fact(MAIL, 5)])
    return raised.value.fault


def _works(store: SqliteStore) -> None:
    """It merges and finds again, by itself."""
    store.merge([fact(MAIL, 7)])
    assert store.load(WEB)[MAIL].last_ns == 7
    assert store.size().entries == len(everything(store))


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
    _works(store)


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
        _works(store)
    assert everything(store) == {(WEB, MAIL): Row(7, 7, 7)}


def test_an_empty_file(store: SqliteStore, file: Path) -> None:
    """A file that was begun and nothing more is not damaged."""
    file.touch()
    _works(store)
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
    _works(store)
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
    _works(store)


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
    _works(store)


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
    _works(store)


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


def test_locked(store: SqliteStore, file: Path) -> None:
    """While another program writes, merging fails after a while and reading works; then all works again."""
    store.merge([fact(API, 1)])
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert [_fault(store) for _ in range(3)] == [Fault.BUSY] * 3
        assert store.load(WEB) == {API: Row(1, 1, 1)}
    _works(store)
    assert set_aside(file.parent) == []


@pytest.mark.parametrize("version", [1, 2])
def test_locked_when_it_is_opened(store: SqliteStore, file: Path, version: int) -> None:
    """A file that another program has for itself is neither opened nor migrated, and by no means set aside."""
    store.merge([fact(API, 1)])
    store.close()
    if version == 1:
        asked(file, "ALTER TABLE facts DROP COLUMN began")
        asked(file, "ALTER TABLE facts DROP COLUMN latest")
        asked(file, "PRAGMA user_version = 1")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        assert [_fault(store) for _ in range(2)] == [Fault.BUSY] * 2
        with pytest.raises(StoreError, match="only one exporter may use a file"):
            store.load(WEB)
    assert store.load(WEB) == {API: Row(1, 1, 1)}
    assert set_aside(file.parent) == []


def test_full(store: SqliteStore, file: Path) -> None:
    """A batch that finds no room leaves nothing of itself; what is known can be read, and room is enough to go on."""
    store.merge([fact(API, 1)])
    assert store._db is not None
    store._db.execute("PRAGMA max_page_count = 2")
    with pytest.raises(StoreError, match=r"known\.db: .*full; make room on its volume") as raised:
        store.merge([fact(API, 2), *MANY])
    assert raised.value.fault is Fault.FULL
    assert store.load(WEB) == {API: Row(1, 1, 1)}
    assert store.size().entries == 1
    store._db.execute("PRAGMA max_page_count = 100000")
    assert store.merge([fact(API, 2), *MANY]) == [Row(1, 1, 1), *[None] * 2000]
    _works(store)
    assert set_aside(file.parent) == []


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A volume of 1 MiB."""
    folder = tmp_path / "volume"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no volume can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607, whichever there is


def _fill(volume: Path) -> Path:
    filler = volume / "filler"
    with filler.open("wb", buffering=0) as written, pytest.raises(OSError, match="No space left"):
        deque(map(written.write, itertools.repeat(bytes(4096))), maxlen=0)
    return filler


def test_a_volume_that_is_full(volume: Path) -> None:
    """The same on a real volume, in the middle of its use."""
    with closing(SqliteStore(str(volume / "known.db"), 10_000)) as store:
        store.merge([fact(API, 1)])
        filler = _fill(volume)
        with pytest.raises(StoreError) as raised:
            store.merge([fact(API, 2), *MANY])
        assert raised.value.fault is Fault.FULL
        assert store.load(WEB) == {API: Row(1, 1, 1)}
        filler.unlink()
        assert store.merge([fact(API, 2), *MANY[:500]])[0] == Row(1, 1, 1)
        _works(store)
    assert set_aside(volume) == []


@pytest.mark.parametrize("begun", [False, True])
def test_a_volume_that_is_full_from_the_start(volume: Path, begun: bool) -> None:
    """A file that is there already is as little called damaged as one that cannot be begun."""
    with closing(SqliteStore(str(volume / "known.db"), 10_000)) as store:
        if begun:
            store.merge([fact(API, 1)])
            store.close()
        filler = _fill(volume)
        assert [_fault(store) for _ in range(2)] == [Fault.FULL] * 2
        filler.unlink()
        _works(store)
        assert (API in store.load(WEB)) is begun
    assert set_aside(volume) == []


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


@pytest.mark.parametrize("garbage", [None, b"garbage"])
def test_a_folder_that_may_not_be_written(theirs: Path, garbage: bytes | None) -> None:
    """No file can be begun there, nor a damaged one be set aside: that is said, and tried again."""
    file = theirs / "known.db"
    with unprivileged(), closing(SqliteStore(str(file), 10_000)) as store:
        if garbage:
            file.write_bytes(garbage)
        theirs.chmod(0o555)
        assert [_fault(store) for _ in range(2)] == [Fault.READ_ONLY] * 2
        assert contents(theirs) == ({"known.db": garbage} if garbage else {})
        assert store.set_aside == 0
        theirs.chmod(0o700)
        _works(store)
        assert store.set_aside == (1 if garbage else 0)


@pytest.mark.parametrize("mode", [0o400, 0o000])
@pytest.mark.parametrize("folder_mode", [0o700, 0o500])
def test_a_file_that_may_not_be_written(theirs: Path, mode: int, folder_mode: int) -> None:
    """A file that only lacks a permission is left where it is, and used when it has it."""
    file = theirs / "known.db"
    with unprivileged(), closing(SqliteStore(str(file), 10_000)) as store:
        store.merge([fact(API, 1)])
        store.close()
        file.chmod(mode)
        theirs.chmod(folder_mode)
        assert [_fault(store) for _ in range(2)] == [Fault.READ_ONLY] * 2
        theirs.chmod(0o700)
        file.chmod(0o600)
        _works(store)
        assert API in store.load(WEB)
        assert set_aside(theirs) == []


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    """A file is no folder, nor is a folder a file: the store can be made, and says so when it is used."""
    (tmp_path / "file").touch()
    (tmp_path / "known.db").mkdir()
    for path in (tmp_path / "file" / "known.db", tmp_path / "file" / "lib" / "known.db", tmp_path / "known.db"):
        with closing(SqliteStore(str(path), 10_000)) as store:
            assert _fault(store) is Fault.OTHER
    (tmp_path / "file").unlink()
    with closing(SqliteStore(str(tmp_path / "file" / "known.db"), 10_000)) as store:
        _works(store)


def test_removed_while_in_use(store: SqliteStore, file: Path) -> None:
    """A file that is removed is begun anew: what is merged then is in a file that has a name."""
    store.merge([fact(API, 1)])
    for path in file.parent.iterdir():
        path.unlink()
    with capture_logs() as lines:
        assert store.merge([fact(MAIL, 2)]) == [None]
    assert [line["event"] for line in lines] == ["store_replaced"]
    assert asked(file, "SELECT name FROM facts") == [(MAIL.name,)]
    assert store.size().entries == 1


def test_only_the_file_removed_while_in_use(store: SqliteStore, file: Path) -> None:
    """Its log, which is left behind, is not taken for that of the new file."""
    store.merge([fact(API, 1)])
    file.unlink()
    assert store.load(WEB) == {}
    _works(store)
    assert asked(file, "PRAGMA integrity_check") == [("ok",)]


def test_only_the_log_removed_while_in_use(store: SqliteStore, file: Path) -> None:
    """What stood in it is brought into the file, and what is merged then stands in a log that has a name."""
    store.merge([fact(API, 1)])
    file.with_name("known.db-wal").unlink()
    store.merge([fact(MAIL, 2)])
    assert asked(file, "SELECT name FROM facts ORDER BY name") == [(MAIL.name,), (API.name,)]


def test_the_folder_removed_while_in_use(tmp_path: Path) -> None:
    """It is made again."""
    file = tmp_path / "lib" / "known.db"
    with closing(SqliteStore(str(file), 10_000)) as store:
        store.merge([fact(API, 1)])
        file.parent.rename(tmp_path / "elsewhere")
        _works(store)
        assert file.exists()
    assert asked(tmp_path / "elsewhere" / "known.db", "SELECT name FROM facts") == [(API.name,)]


def test_replaced_while_in_use(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    """A backup that is put in its place is what is known from then on."""
    with closing(SqliteStore(str(tmp_path / "backup.db"), 10_000)) as backup:
        backup.merge([fact(API, 3), fact(API, 4, CART)])
    store.merge([fact(MAIL, 1)])
    (tmp_path / "backup.db").replace(file)
    assert everything(store) == {(WEB, API): Row(3, 3, 3), (CART, API): Row(4, 4, 4)}
    assert store.size().entries == 2


def test_replaced_before_the_end(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    """Nor does the next start find the old facts in the backup, when the store was not used any more before its end."""
    with closing(SqliteStore(str(tmp_path / "backup.db"), 10_000)) as backup:
        backup.merge([fact(API, 3)])
    store.merge([fact(MAIL, 1)])
    (tmp_path / "backup.db").replace(file)
    store.close()
    assert list(contents(tmp_path)) == ["known.db"]
    assert everything(store) == {(WEB, API): Row(3, 3, 3)}


def _sqlite_error(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        (_sqlite_error("SQLITE_BUSY_SNAPSHOT"), Fault.BUSY),
        (_sqlite_error("SQLITE_LOCKED"), Fault.BUSY),
        (_sqlite_error("SQLITE_PROTOCOL"), Fault.BUSY),
        (_sqlite_error("SQLITE_READONLY_DBMOVED"), Fault.READ_ONLY),
        (_sqlite_error("SQLITE_PERM"), Fault.READ_ONLY),
        (_sqlite_error("SQLITE_CORRUPT_INDEX"), Fault.CORRUPT),
        (_sqlite_error("SQLITE_NOTADB"), Fault.CORRUPT),
        (_sqlite_error("SQLITE_IOERR_FSYNC"), Fault.OTHER),
        (_sqlite_error("SQLITE_CANTOPEN"), Fault.OTHER),
        (_sqlite_error("SQLITE_NOMEM"), Fault.OTHER),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), Fault.OTHER),
        (OSError(errno.ENOSPC, "No space left on device"), Fault.FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Fault.FULL),
        (OSError(errno.EROFS, "Read-only file system"), Fault.READ_ONLY),
        (OSError(errno.EMFILE, "Too many open files"), Fault.OTHER),
    ],
    ids=str,
)
def test_which_fault(tmp_path: Path, cause: Cause, fault: Fault) -> None:
    """Only what says that the contents are damaged is called that; what may pass has a name of its own."""
    assert fault_of(cause, tmp_path / "known.db") is fault
