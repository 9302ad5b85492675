"""The file of the SQLite store: begun, migrated, opened; refused when it is not ours, set aside when it is damaged."""

import errno
import functools
import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from exporter.known.interface import Fault, StoreError

APPLICATION_ID = int.from_bytes(b"HEgr")
"""Says in the file's header whose it is."""
SCHEMA = 2
BUSY_SECONDS = 1.0
"""How long a lock of another program is waited for."""

_STEPS = {
    0: (
        """
        CREATE TABLE facts (
            cluster TEXT NOT NULL,
            namespace TEXT NOT NULL,
            workload TEXT NOT NULL,
            what TEXT NOT NULL,
            name TEXT NOT NULL,
            first_ns INTEGER NOT NULL,
            last_ns INTEGER NOT NULL,
            since_ns INTEGER NOT NULL,
            PRIMARY KEY (cluster, namespace, workload, what, name)
        ) WITHOUT ROWID
        """,
    ),
    1: (
        "ALTER TABLE facts ADD COLUMN began TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE facts ADD COLUMN latest TEXT NOT NULL DEFAULT ''",
    ),
}
"""What leads from each version of the schema to the next; an empty file has version 0."""

_text_of = functools.partial(str, encoding="utf-8", errors="surrogatepass")


def open_file(file: Path) -> sqlite3.Connection:
    """A connection in autocommit mode to the file, which has the present schema then; any thread may use it."""
    file.parent.mkdir(0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if not os.access(file, os.R_OK | os.W_OK, effective_ids=True):
        # SQLite would make do with reading, and leave files beside it that cannot be written ever after.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
    _refuse(file)
    db = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.text_factory = _text_of
        _prepare(db, file)
    except BaseException:
        db.close()
        raise
    return db


Identity = tuple[int, int] | None


def identities(file: Path) -> tuple[Identity, Identity]:
    """Which files stand at the path, and at that of its log; None for none."""
    return _identity(file), _identity(_beside(file, "-wal"))


def remove_log(file: Path) -> None:
    """Remove what stands beside the file."""
    for suffix in ("-wal", "-shm"):
        _beside(file, suffix).unlink(missing_ok=True)


def bytes_on_disk(file: Path) -> int:
    """Bytes of the file and of its log."""
    return sum(part.stat().st_size for part in (file, _beside(file, "-wal")) if part.exists())


def set_aside(file: Path) -> Path:
    """Give the file and what is beside it another name, which is returned."""
    aside = file.with_name(f"{file.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            _beside(file, suffix).rename(_beside(aside, suffix))
    return aside


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)


def _identity(file: Path) -> Identity:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


def _refuse(file: Path) -> None:
    """Raise when the file is not ours to write, before anything could write to it: closing a connection may."""
    # Immutable, SQLite makes no files beside it; with a log there are some already, and the version may be in them.
    mode = "ro" if _beside(file, "-wal").exists() else "ro&immutable=1"
    # What is amiss here is amiss again when it is opened to be written, and judged there.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.as_uri()}?mode={mode}", timeout=0, uri=True)) as db:
        _version(db, file)


def _prepare(db: sqlite3.Connection, file: Path) -> None:
    if _version(db, file) != SCHEMA:
        with db:
            db.execute("BEGIN IMMEDIATE")
            _migrate(db, _version(db, file))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    # Before it is read the log is not there, and could not be told from one that was removed.
    db.execute("SELECT 1 FROM facts LIMIT 1").fetchall()


def _migrate(db: sqlite3.Connection, version: int) -> None:
    for step in range(version, SCHEMA):
        for statement in _STEPS[step]:
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA}")


def _version(db: sqlite3.Connection, file: Path) -> int:
    """The version of its schema, 0 for an empty file."""
    application, version, tables = (
        int(db.execute(question).fetchone()[0])
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT COUNT(*) FROM sqlite_master")
    )
    if application == APPLICATION_ID and version > SCHEMA:
        detail = f"{file}: has schema {version}, this release knows {SCHEMA}; run the release that wrote it, or move it"
        raise StoreError(Fault.NEWER_SCHEMA, detail)
    if application == APPLICATION_ID and version > 0:
        return version
    if application or version or tables:
        raise StoreError(Fault.OTHER, f"{file}: is a database of another program; choose another file")
    return 0
