"""Why a sound file of the SQLite store cannot be used: what is said, and that it works again when it can."""

import errno
import itertools
import os
import sqlite3
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.known import sqlite_facts, sqlite_file
from exporter.known.interface import Fault, Row, StoreError
from exporter.known.sqlite import SqliteStore
from exporter.known.sqlite_faults import Cause, fault_of
from tests.known.files import MANY, asked, contents, set_aside, unprivileged, works
from tests.known.stores import API, MAIL, WEB, fact


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


def test_locked(store: SqliteStore, file: Path) -> None:
    """While another program writes, merging fails after a while and reading works; then all works again."""
    store.merge([fact(API, 1)])
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert [_fault(store) for _ in range(3)] == [Fault.BUSY] * 3
        assert store.load(WEB) == {API: Row(1, 1, 1)}
    works(store)
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
    works(store)
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
        works(store)
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
        works(store)
        assert (API in store.load(WEB)) is begun
    assert set_aside(volume) == []


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
        works(store)
        assert store.set_aside == (1 if garbage else 0)


@pytest.mark.parametrize(("mode", "folder_mode"), [(0o400, 0o700), (0o000, 0o700), (0o400, 0o500), (0o600, 0o500)])
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
        works(store)
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
        works(store)


def _sqlite_error(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.mark.parametrize(
    ("name", "stays"),
    [("SQLITE_BUSY", True), ("SQLITE_FULL", True), ("SQLITE_IOERR_READ", False), ("SQLITE_READONLY", False)],
)
def test_whether_it_is_opened_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, name: str, stays: bool
) -> None:
    """A connection that only had no room or no turn is kept, because on a full disk none may open; others are not."""
    store.merge([fact(API, 1)])
    before = store._db
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_facts, "merge", _raising(_sqlite_error(name)))
        with pytest.raises(StoreError):
            store.merge([fact(API, 2)])
    assert store.load(WEB) == {API: Row(1, 1, 1)}
    assert (store._db is before) is stays
    works(store)


def _raising(error: Exception) -> Callable[..., None]:
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


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


def test_which_fault_without_a_folder(tmp_path: Path) -> None:
    """Where there is no folder any more there is no volume that could be full."""
    assert fault_of(_sqlite_error("SQLITE_IOERR_WRITE"), tmp_path / "gone" / "known.db") is Fault.OTHER
