"""A store in an SQLite file, for one exporter with a disk."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from exporter.known import sqlite_facts
from exporter.known.interface import Fact, Fault, Mark, Row, Size, StoreError, WorkloadKey
from exporter.known.sqlite_faults import Cause, error_of, fault_of
from exporter.known.sqlite_file import Identity, bytes_on_disk, identities, open_file, remove_log, set_aside
from exporter.log import logger

_STAYS_OPEN = frozenset({Fault.BUSY, Fault.FULL})
"""After these the connection is as good as before, and reads; a new one may not even open on a full disk."""


class SqliteStore:
    """Keeps facts in one table.

    The file is opened when it is first needed, and again after a fault. A damaged one is set aside: at opening an empty
    one takes its place at once; later what was asked fails, and finds the empty one when it is tried again.
    """

    shared = False

    def __init__(self, file: str, most_entries: int) -> None:
        self._file, self._most = Path(file).absolute(), most_entries
        self._db: sqlite3.Connection | None = None
        self._identities: tuple[Identity, Identity] = (None, None)
        # Counted from what changes, because to count anew reads the whole file; -1 when that must be.
        self._entries, self._foreign_changes = 0, -1
        self.evicted = self.set_aside = 0

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """All that is known of a workload."""
        with self._working() as db:
            return sqlite_facts.rows_of(db, workload)

    def merge(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Merge facts in one transaction; when there are too many, those unseen for longest are forgotten."""
        with self._writing() as db:
            before = sqlite_facts.merge(db, facts)
            entries, gone = self._entries + before.count(None), 0
            if entries > self._most:
                gone = sqlite_facts.evict(db, entries - self._most, slack=self._most // 100)
        self._entries = entries - gone
        self.evicted += gone
        return before

    def workloads(self) -> list[WorkloadKey]:
        """Of whom something is known."""
        with self._working() as db:
            return sqlite_facts.workloads(db)

    def facts(self, last_since_ns: int = 0) -> Iterator[Fact]:
        """All facts that were seen last at that time or later, each workload as it is when its turn comes."""
        for workload in self.workloads():
            with self._working() as db:
                rows = sqlite_facts.rows_of(db, workload, last_since_ns)
            for mark, row in rows.items():
                yield Fact(workload, mark, row)

    def forget(self, workload: WorkloadKey, marks: Collection[Mark] | None = None) -> int:
        """Forget marks of a workload, or all of it."""
        with self._writing() as db:
            gone = sqlite_facts.forget(db, workload, marks)
        self._entries -= gone
        return gone

    def expire(self, before_ns: int) -> int:
        """Forget what was seen last before that time."""
        with self._writing() as db:
            gone = sqlite_facts.expire(db, before_ns)
        self._entries -= gone
        return gone

    def size(self) -> Size:
        """How many facts there are, and what they take on disk."""
        with self._working() as db:
            self._count(db)
            return Size(self._entries, bytes_on_disk(self._file))

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        db, self._db = self._db, None
        if db is None:
            return
        with suppress(sqlite3.Error, OSError):
            db.close()
            (file, log), (our_file, our_log) = identities(self._file), self._identities
            if file != our_file and log == our_log:
                # Our file was replaced: its log, which stays, would be taken for that of the other one.
                remove_log(self._file)

    @contextmanager
    def _working(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._opened()
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise self._failed(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or nothing."""
        with self._working() as db, db:
            db.execute("BEGIN IMMEDIATE")
            self._count(db)
            yield db

    def _opened(self) -> sqlite3.Connection:
        if self._db is not None and identities(self._file) != self._identities:
            logger().warning("store_replaced", file=str(self._file), hint="it was moved or removed while in use")
            self.close()
        if self._db is None:
            self._db, self._foreign_changes = self._open(), -1
            self._identities = identities(self._file)
        return self._db

    def _open(self) -> sqlite3.Connection:
        try:
            return open_file(self._file)
        except sqlite3.Error as error:
            if fault_of(error, self._file) is not Fault.CORRUPT:
                raise
            self._set_aside(error)
            return open_file(self._file)

    def _count(self, db: sqlite3.Connection) -> None:
        """Count anew when another program has written to the file."""
        changes = db.execute("PRAGMA data_version").fetchone()[0]
        if changes != self._foreign_changes:
            self._entries, self._foreign_changes = sqlite_facts.count(db), changes

    def _failed(self, error: Cause) -> StoreError:
        fault = fault_of(error, self._file)
        if fault not in _STAYS_OPEN:
            self.close()
        if fault is Fault.CORRUPT:
            try:
                # Only the file that was read: a sound one may have been put in its place meanwhile.
                if identities(self._file)[0] == self._identities[0]:
                    self._set_aside(error)
            except OSError as refused:
                return error_of(fault_of(refused, self._file), refused, self._file)
        return error_of(fault, error, self._file)

    def _set_aside(self, reason: Cause) -> None:
        aside = set_aside(self._file)
        self.set_aside += 1
        logger().error("store_set_aside", file=str(self._file), aside=str(aside), reason=str(reason))
