"""Facts in the table of an SQLite file: how they are written, found and forgotten."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from exporter.known.interface import LASTING, Fact, Mark, Row, What, WorkloadKey, merged
from exporter.known.sqlite_faults import DamagedRowError

_KINDS = {what.value: what for what in What}
_LASTING = ", ".join(f"'{what}'" for what in sorted(LASTING))
_OF_WORKLOAD = "cluster = CAST(? AS TEXT) AND namespace = CAST(? AS TEXT) AND workload = CAST(? AS TEXT)"
_OF_MARK = f"{_OF_WORKLOAD} AND what = ? AND name = CAST(? AS TEXT)"
_ROW = "first_ns, last_ns, since_ns, began, latest"

# Nothing but these constants is put into a statement.
_LOAD = f"SELECT what, name, {_ROW} FROM facts WHERE {_OF_WORKLOAD} AND last_ns >= ?"  # noqa: S608
_FIND = f"SELECT {_ROW} FROM facts WHERE {_OF_MARK}"  # noqa: S608
_PUT = f"""
    REPLACE INTO facts (cluster, namespace, workload, what, name, {_ROW}) VALUES
    (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))
"""  # noqa: S608
_FORGET_WORKLOAD = f"DELETE FROM facts WHERE {_OF_WORKLOAD}"  # noqa: S608
_FORGET_MARK = f"DELETE FROM facts WHERE {_OF_MARK}"  # noqa: S608
_EXPIRE = f"""
    DELETE FROM facts AS fact WHERE what NOT IN ({_LASTING}) AND last_ns < ?1
    OR what IN ({_LASTING}) AND NOT EXISTS (
        SELECT 1 FROM facts AS itself WHERE itself.cluster = fact.cluster AND itself.namespace = fact.namespace
        AND itself.workload = fact.workload AND itself.what = '{What.WORKLOAD}' AND itself.name = ''
        AND itself.last_ns >= ?1
    )
"""  # noqa: S608
_EVICT = """
    DELETE FROM facts WHERE (cluster, namespace, workload, what, name) IN (
        SELECT cluster, namespace, workload, what, name FROM facts WHERE what {} IN ({}) ORDER BY last_ns LIMIT ?
    )
"""
_EVICT_OTHERS, _EVICT_LASTING = _EVICT.format("NOT", _LASTING), _EVICT.format("", _LASTING)
_LEAST, _MOST = -(2**63), 2**63 - 1


def count(db: sqlite3.Connection) -> int:
    """How many facts there are; reads the whole file."""
    return int(db.execute("SELECT COUNT(*) FROM facts").fetchone()[0])


def workloads(db: sqlite3.Connection) -> list[WorkloadKey]:
    """Of whom there are facts, in order."""
    question = "SELECT DISTINCT cluster, namespace, workload FROM facts ORDER BY cluster, namespace, workload"
    return [WorkloadKey(*_texts(names)) for names in db.execute(question).fetchall()]


def rows_of(db: sqlite3.Connection, workload: WorkloadKey, last_since_ns: int = _LEAST) -> dict[Mark, Row]:
    """What is known of a workload; kinds that only a later release knows are passed over."""
    found = db.execute(_LOAD, (*map(_stored, workload), _bounded(last_since_ns))).fetchall()
    return {Mark(_KINDS[what], *_texts((name,))): _row(row) for what, name, *row in found if what in _KINDS}


def merge(db: sqlite3.Connection, facts: Iterable[Fact]) -> list[Row | None]:
    """Merge facts one after the other; what stood there before each."""
    before: list[Row | None] = []
    rows: dict[tuple[WorkloadKey, Mark], Row] = {}
    for workload, mark, row in facts:
        known = rows.get((workload, mark)) or _find(db, workload, mark)
        before.append(known)
        rows[workload, mark] = row if known is None else merged(known, row)
    db.executemany(_PUT, [(*_key(workload, mark), *_columns(row)) for (workload, mark), row in rows.items()])
    return before


def forget(db: sqlite3.Connection, workload: WorkloadKey, marks: Collection[Mark] | None) -> int:
    """Delete these facts of a workload, or all; how many there were."""
    if marks is None:
        return db.execute(_FORGET_WORKLOAD, [*map(_stored, workload)]).rowcount
    return db.executemany(_FORGET_MARK, [_key(workload, mark) for mark in marks]).rowcount if marks else 0


def expire(db: sqlite3.Connection, before_ns: int) -> int:
    """Delete what `interface.expires` says; how many there were."""
    return db.execute(_EXPIRE, (_bounded(before_ns),)).rowcount


def evict(db: sqlite3.Connection, too_many: int, slack: int) -> int:
    """Delete those seen last longest ago, `slack` more than must be, and lasting ones only when all others are gone."""
    gone = db.execute(_EVICT_OTHERS, (too_many + slack,)).rowcount
    if gone < too_many:
        gone += db.execute(_EVICT_LASTING, (too_many - gone + slack,)).rowcount
    return gone


def _find(db: sqlite3.Connection, workload: WorkloadKey, mark: Mark) -> Row | None:
    found = db.execute(_FIND, _key(workload, mark)).fetchone()
    return None if found is None else _row(found)


def _row(columns: Sequence[Any]) -> Row:
    first_ns, last_ns, since_ns, began, latest = columns
    if not (type(first_ns) is type(last_ns) is type(since_ns) is int and type(began) is type(latest) is str):
        raise DamagedRowError("a row has values of other types than were written")
    return Row(first_ns, last_ns, since_ns, began, latest)


def _texts(columns: Sequence[Any]) -> Sequence[str]:
    if not all(type(text) is str for text in columns):
        raise DamagedRowError("a name is no text")
    return columns


def _key(workload: WorkloadKey, mark: Mark) -> tuple[str | bytes, ...]:
    return *map(_stored, workload), mark.what.value, _stored(mark.name)


def _columns(row: Row) -> tuple[str | bytes | int, ...]:
    first_ns, last_ns, since_ns, began, latest = row
    return _bounded(first_ns), _bounded(last_ns), _bounded(since_ns), _stored(began), _stored(latest)


def _stored(text: str) -> str | bytes:
    """A text as it is bound; lone surrogates have no UTF-8, so that statements cast bytes to text."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass")


def _bounded(time_ns: int) -> int:
    """A time that fits into a column: a wrong clock may be in any year."""
    return min(max(time_ns, _LEAST), _MOST)
