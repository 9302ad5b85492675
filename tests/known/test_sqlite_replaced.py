"""The file of the SQLite store, or what is beside it, is removed or replaced while it is in use."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.known import sqlite_file
from exporter.known.interface import Row
from exporter.known.sqlite import SqliteStore
from tests.known.files import asked, contents, works
from tests.known.stores import API, CART, MAIL, WEB, everything, fact


@pytest.fixture
def store(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    """A store whose file is not there yet, and that does not wait for locks."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    with closing(SqliteStore(str(file), 10_000)) as empty:
        yield empty


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
    works(store)
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
        works(store)
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


def test_set_aside_by_another_process(store: SqliteStore, file: Path) -> None:
    """When another process begins a file anew, its log is left alone: what stands in it is what is known."""
    store.merge([fact(MAIL, 1)])
    sqlite_file.set_aside(file)
    with closing(SqliteStore(str(file), 10_000)) as other:
        other.merge([fact(API, 3)])
        assert store.load(WEB) == {API: Row(3, 3, 3)}
        assert other.merge([fact(API, 4)]) == [Row(3, 3, 3)]
        assert store.merge([fact(API, 5)]) == [Row(3, 4, 3)]


def test_replaced_before_the_end(store: SqliteStore, file: Path, tmp_path: Path) -> None:
    """Nor does the next start find the old facts in the backup, when the store was not used any more before its end."""
    with closing(SqliteStore(str(tmp_path / "backup.db"), 10_000)) as backup:
        backup.merge([fact(API, 3)])
    store.merge([fact(MAIL, 1)])
    (tmp_path / "backup.db").replace(file)
    store.close()
    assert list(contents(tmp_path)) == ["known.db"]
    assert everything(store) == {(WEB, API): Row(3, 3, 3)}
