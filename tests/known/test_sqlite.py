"""The SQLite store on its file: begun, migrated, refused, bounded, and used by more than one."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from exporter.known.interface import Fact, Fault, Mark, Row, StoreError, What, WorkloadKey, seen
from exporter.known.sqlite import SqliteStore
from exporter.known.sqlite_file import APPLICATION_ID
from tests.known.files import asked, contents
from tests.known.stores import API, CART, ITSELF, MAIL, WEB, everything, fact


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    """A store that holds 200 facts at most, with a file that is not there yet."""
    with closing(SqliteStore(str(file), 200)) as empty:
        yield empty


def _pods(times: range) -> list[Fact]:
    return [fact(Mark(What.POD, f"web-{at_ns}"), at_ns) for at_ns in times]


def test_what_is_known_survives(store: SqliteStore, file: Path) -> None:
    """Another store finds in the file what was merged, and goes on from there."""
    store.merge([fact(API, 10, began="a", latest="b"), fact(MAIL, 11)])
    store.close()
    with closing(SqliteStore(str(file), 200)) as other:
        assert other.load(WEB) == {API: Row(10, 10, 10, "a", "b"), MAIL: Row(11, 11, 11)}
        assert other.merge([fact(API, 12)]) == [Row(10, 10, 10, "a", "b")]
        assert other.size().entries == 2


def test_closed_and_used_again(store: SqliteStore) -> None:
    """A store that was closed opens its file again when it is asked."""
    store.merge([fact(API, 10)])
    store.close()
    assert store.load(WEB) == {API: Row(10, 10, 10)}


def test_only_we_may_read(tmp_path: Path) -> None:
    """Folders that are missing are made, the last one and all files in it for nobody else to look into."""
    file = tmp_path / "lib" / "exporter" / "known.db"
    with closing(SqliteStore(str(file), 200)) as store:
        store.merge([fact(API, 1)])
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {
            "known.db": 0o600,
            "known.db-wal": 0o600,
            "known.db-shm": 0o600,
        }


def test_bytes_on_disk(store: SqliteStore, file: Path) -> None:
    """The size is that of the file and its log."""
    store.merge([fact(API, 1)])
    assert store.size().bytes == sum(file.with_name(name).stat().st_size for name in ("known.db", "known.db-wal"))
    store.close()
    assert store.size().bytes >= 8192


def test_made_in_one_thread_and_used_in_another(store: SqliteStore) -> None:
    """The thread that makes and closes a store need not be the one that uses it."""
    before: list[Row | None] = []
    thread = threading.Thread(target=lambda: before.extend(store.merge([fact(API, 1)])))
    thread.start()
    thread.join()
    assert before == [None]
    assert store.load(WEB) == {API: Row(1, 1, 1)}


def test_a_file_with_any_name(tmp_path: Path) -> None:
    """Signs that mean something in an address of SQLite are part of a file's name here."""
    for name in ("a?mode=memory.db", "100%41#x.db", ":memory:", "é.db"):
        with closing(SqliteStore(str(tmp_path / name), 200)) as store:
            store.merge([fact(API, 1)])
        assert asked(tmp_path / name, "SELECT COUNT(*) FROM facts") == [(1,)]


def test_a_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that does not begin at the root begins where the store was made, wherever the process goes then."""
    (tmp_path / "begun").mkdir()
    monkeypatch.chdir(tmp_path / "begun")
    with closing(SqliteStore("known.db", 200)) as store:
        monkeypatch.chdir(tmp_path)
        store.merge([fact(API, 1)])
    assert list(contents(tmp_path / "begun")) == ["known.db"]


def test_how_it_is_kept(store: SqliteStore, file: Path) -> None:
    """The header says whose the file is and which schema it has; it is written ahead, and a kill loses nothing."""
    store.merge([fact(API, 1)])
    assert asked(file, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert asked(file, "PRAGMA user_version") == [(2,)]
    assert asked(file, "PRAGMA journal_mode") == [("wal",)]
    assert store._db is not None
    assert store._db.execute("PRAGMA synchronous").fetchall() == [(1,)]


def test_an_older_schema(store: SqliteStore, file: Path) -> None:
    """A file of schema 1, which had no texts of sightings, keeps its facts and is one of schema 2 from then on."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(
            "CREATE TABLE facts (cluster TEXT NOT NULL, namespace TEXT NOT NULL, workload TEXT NOT NULL, what TEXT NOT "
            "NULL, name TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, since_ns INTEGER NOT NULL, "
            "PRIMARY KEY (cluster, namespace, workload, what, name)) WITHOUT ROWID"
        )
        db.execute(
            "INSERT INTO facts VALUES ('default', 'shop', 'web', 'destination', '443/TCP example.com', 10, 30, 20)"
        )
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    assert store.load(WEB) == {API: Row(10, 30, 20)}
    assert store.merge([fact(API, 40, latest="b")]) == [Row(10, 30, 20)]
    assert store.load(WEB) == {API: Row(10, 40, 20, "", "b")}
    assert asked(file, "PRAGMA user_version") == [(2,)]
    assert store.set_aside == 0


def test_a_migration_that_fails(file: Path, store: SqliteStore) -> None:
    """What cannot be migrated is left as it was, and not called damaged."""
    asked(file, "CREATE TABLE facts (latest TEXT)")
    asked(file, f"PRAGMA application_id = {APPLICATION_ID}")
    asked(file, "PRAGMA user_version = 1")
    with pytest.raises(StoreError, match="duplicate column name: latest") as raised:
        store.load(WEB)
    assert raised.value.fault is Fault.OTHER
    assert asked(file, "SELECT name FROM pragma_table_info('facts')") == [("latest",)]
    assert asked(file, "PRAGMA user_version") == [(1,)]


def test_a_newer_schema(store: SqliteStore, file: Path) -> None:
    """A file of a later release is refused whatever is asked, with what to do, and nothing of it is touched."""
    store.merge([fact(API, 1)])
    store.close()
    asked(file, "PRAGMA user_version = 3")
    untouched = contents(file.parent)
    calls: list[Callable[[], object]] = [lambda: store.load(WEB), lambda: store.merge([fact(API, 2)]), store.size]
    for call in calls:
        with pytest.raises(StoreError, match=r"known\.db: has schema 3, this release knows 2; run the rel") as raised:
            call()
        assert raised.value.fault is Fault.NEWER_SCHEMA
        assert contents(file.parent) == untouched
    asked(file, "PRAGMA user_version = 2")
    assert store.load(WEB) == {API: Row(1, 1, 1)}


def test_a_newer_schema_that_was_killed(tmp_path: Path) -> None:
    """The later release may have left its version, and facts, in the log: that is not brought into the file either."""
    alive, killed = tmp_path / "alive", tmp_path / "killed?100%41#"
    killed.mkdir()
    with closing(SqliteStore(str(alive / "known.db"), 200)) as store:
        store.merge([fact(API, 1)])
        assert store._db is not None
        store._db.execute("PRAGMA user_version = 3")
        for name in ("known.db", "known.db-wal"):
            (killed / name).write_bytes((alive / name).read_bytes())
    untouched = contents(killed)
    with closing(SqliteStore(str(killed / "known.db"), 200)) as store, pytest.raises(StoreError) as raised:
        store.merge([fact(API, 2)])
    assert raised.value.fault is Fault.NEWER_SCHEMA
    assert {name: contents(killed)[name] for name in untouched} == untouched


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 2"], ids=str
)
def test_a_database_of_another_program(store: SqliteStore, file: Path, statement: str) -> None:
    """A sound database that is not ours is neither written to nor set aside."""
    asked(file, statement)
    untouched = contents(file.parent)
    with pytest.raises(StoreError, match="is a database of another program; choose another file") as raised:
        store.merge([fact(API, 1)])
    assert raised.value.fault is Fault.OTHER
    assert contents(file.parent) == untouched


def test_a_kind_of_a_later_release(store: SqliteStore, file: Path) -> None:
    """Facts of a kind that this release does not know are passed over, stay, and expire like others."""
    store.merge([fact(ITSELF, 50), fact(API, 1)])
    asked(file, "UPDATE facts SET what = 'mood' WHERE what = 'destination'")
    assert everything(store) == {(WEB, ITSELF): Row(50, 50, 50)}
    assert [known.mark for known in store.facts()] == [ITSELF]
    assert store.size().entries == 2
    assert store.expire(2) == 1


def test_too_many_facts(store: SqliteStore) -> None:
    """With one fact too many those that were seen last longest ago go: that one, and one in a hundred besides."""
    store.merge(_pods(range(200)))
    assert (store.size().entries, store.evicted) == (200, 0)
    store.merge([fact(Mark(What.POD, "web-0"), 500), *_pods(range(200, 201))])
    assert (store.size().entries, store.evicted) == (198, 3)
    assert {row.last_ns for row in store.load(WEB).values()} == {500, *range(4, 201)}


def test_a_batch_that_is_too_large(store: SqliteStore) -> None:
    """A batch alone may be more than fits: of it too the latest stay."""
    assert store.merge(_pods(range(500))) == [None] * 500
    assert {row.last_ns for row in store.load(WEB).values()} == {*range(302, 500)}
    assert (store.size().entries, store.evicted) == (198, 302)


def test_what_lasts_is_not_evicted(store: SqliteStore) -> None:
    """What a workload has learnt rests on it: it stays although it was seen longest ago."""
    store.merge([fact(Mark(What.START, f"web-{at_ns}"), at_ns) for at_ns in range(150)])
    store.merge(_pods(range(1000, 1051)))
    kinds = [mark.what for mark in store.load(WEB)]
    assert (kinds.count(What.START), kinds.count(What.POD)) == (150, 48)


def test_what_lasts_is_evicted_when_nothing_else_is_left(store: SqliteStore) -> None:
    """Only then: first all others go, then those of what lasts that were seen longest ago."""
    store.merge([fact(API, 9000), *(fact(Mark(What.START, f"web-{at_ns}"), at_ns) for at_ns in range(210))])
    assert {row.last_ns for row in store.load(WEB).values()} == {*range(12, 210)}
    assert (store.size().entries, store.evicted) == (198, 13)


def test_the_number_is_exact(store: SqliteStore, file: Path) -> None:
    """The number of facts is kept, not counted, and is that of the file after whatever happened to it."""
    store.merge([*_pods(range(150)), *_pods(range(100)), fact(ITSELF, 70, CART)])
    store.merge(_pods(range(140, 230)))
    store.forget(WEB, [Mark(What.POD, "web-229"), Mark(What.POD, "web-229"), Mark(What.POD, "web-0")])
    store.expire(90)
    store.merge(_pods(range(230, 240)))
    assert asked(file, "SELECT COUNT(*) FROM facts") == [(149,)]
    assert store.size().entries == 149


def test_it_is_not_counted_for_every_batch(store: SqliteStore) -> None:
    """To count reads the whole file: that is done when it is opened, not when something is merged."""
    statements: list[str] = []
    store.merge([fact(API, 1)])
    assert store._db is not None
    store._db.set_trace_callback(statements.append)
    store.merge([fact(MAIL, 1)])
    store.expire(1)
    store.forget(WEB)
    assert store.size().entries == 0
    assert not [statement for statement in statements if "COUNT" in statement]


def test_two_on_one_file(store: SqliteStore, file: Path) -> None:
    """Two stores with one file see each other's facts, keep its bound together, and count alike."""
    with closing(SqliteStore(str(file), 200)) as other:
        assert store.merge([fact(API, 1)]) == [None]
        assert other.merge([fact(API, 2), *_pods(range(10, 209))]) == [Row(1, 1, 1), *[None] * 199]
        assert store.size().entries == 200
        store.merge([fact(MAIL, 300)])
        assert (store.evicted, other.evicted) == (3, 0)
        assert other.size().entries == store.size().entries == 198
        assert other.forget(WEB) == 198
        assert store.size().entries == 0


def test_several_at_once(file: Path) -> None:
    """However their batches fall, of each mark exactly one of several writers is told that it is new."""
    told: list[tuple[Mark, Row | None]] = []

    def write() -> None:
        with closing(SqliteStore(str(file), 10_000)) as store:
            for number in range(40):
                batch = [fact(Mark(What.POD, f"web-{number}-{place}"), 1) for place in range(10)]
                told.extend(zip((one.mark for one in batch), _merged_at_last(store, batch), strict=True))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1600
    assert len([mark for mark, row in told if row is None]) == len({mark for mark, row in told if row is None}) == 400
    assert asked(file, "PRAGMA integrity_check") == [("ok",)]


def _merged_at_last(store: SqliteStore, batch: list[Fact]) -> list[Row | None]:
    for _ in range(20):
        with suppress(StoreError):
            return store.merge(batch)
    raise TimeoutError("the file stays locked")


class _Intruded(list[Fact]):
    """A batch in the middle of which another program wants to write."""

    def __init__(self, facts: list[Fact], file: Path) -> None:
        super().__init__(facts)
        self._file = file

    def __iter__(self) -> Iterator[Fact]:
        yield from super().__iter__()
        with closing(sqlite3.connect(self._file, timeout=0)) as other, pytest.raises(sqlite3.Error, match="locked"):
            other.execute("DELETE FROM facts")


def test_nobody_else_writes_meanwhile(store: SqliteStore, file: Path) -> None:
    """What stood there before is still what stands there when a batch is written: it is locked from the start."""
    store.merge([fact(API, 1)])
    assert store.merge(_Intruded([fact(API, 2)], file)) == [Row(1, 1, 1)]
    assert store.load(WEB) == {API: Row(1, 2, 1)}


class _Interrupted(list[Fact]):
    """A batch in the middle of which a signal arrives."""

    def __iter__(self) -> Iterator[Fact]:
        yield from super().__iter__()
        raise KeyboardInterrupt


def test_a_batch_that_is_interrupted(store: SqliteStore, file: Path) -> None:
    """Whatever ends a merge early, nothing of it stays, and no transaction is left open."""
    store.merge([fact(API, 1)])
    with pytest.raises(KeyboardInterrupt):
        store.merge(_Interrupted([fact(API, 2), fact(MAIL, 2)]))
    asked(file, "CREATE TABLE writable (x)")
    assert store.load(WEB) == {API: Row(1, 1, 1)}
    assert store.size().entries == 1


def test_marks_of_long_names(store: SqliteStore) -> None:
    """A name and texts that take more than a page are kept like others."""
    mark, key = Mark(What.DESTINATION, "x" * 20_000), WorkloadKey("c", "n" * 10_000, "w")
    store.merge([Fact(key, mark, seen(1, "b" * 50_000, "l" * 50_000))])
    assert store.load(key) == {mark: Row(1, 1, 1, "b" * 50_000, "l" * 50_000)}
