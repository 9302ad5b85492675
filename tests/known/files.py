"""Files of the SQLite store that tests look into, spoil, or make by hand."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from exporter.known.interface import Mark, What
from exporter.known.sqlite import SqliteStore
from tests.known.stores import MAIL, WEB, everything, fact

NOBODY = 65_534
MANY = [fact(Mark(What.POD, f"web-{number:04}"), number, began="b" * 40) for number in range(2000)]
"""Facts on some hundred pages."""


def asked(file: Path, question: str) -> list[Any]:
    """What SQLite itself answers about a file, and what a statement leaves in it."""
    with closing(sqlite3.connect(file)) as db, db:
        return db.execute(question).fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    """Names and contents of all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def set_aside(folder: Path) -> list[Path]:
    """The files that were set aside, without those beside them."""
    return [path for path in folder.glob("known.db.corrupt-*") if path.name.endswith("Z")]


def overwrite(file: Path, offset: int, garbage: bytes) -> None:
    """Spoil a file in place."""
    with file.open("r+b") as spoilt:
        spoilt.seek(offset)
        spoilt.write(garbage)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere: permissions are those of nobody meanwhile."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def works(store: SqliteStore) -> None:
    """It merges and finds again, by itself."""
    store.merge([fact(MAIL, 7)])
    assert store.load(WEB)[MAIL].last_ns == 7
    assert store.size().entries == len(everything(store))
