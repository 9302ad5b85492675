"""Facts out of a store and into one."""

import sys
from pathlib import Path
from typing import NamedTuple

from exporter.documents.faults import DocumentError, Fault, Place
from exporter.known.interface import Fact, Store
from exporter.known.lines import read, written

_BATCH = 500
"""Facts that are merged at once: an exporter that runs need not wait long for its turn."""


class Imported(NamedTuple):
    """How much was merged, and how much of it was not known before."""

    facts: int
    workloads: int
    new: int


def export_facts(store: Store) -> None:
    """Write all facts to standard output."""
    sys.stdout.writelines(written(store))


def import_facts(store: Store, file: str) -> Imported:
    """Merge the facts of a file.

    Raises:
        DocumentError: when it cannot be used; nothing is merged then.
    """
    facts = _read(file)
    new = 0
    for start in range(0, len(facts), _BATCH):
        new += store.merge(facts[start : start + _BATCH]).count(None)
    return Imported(len(facts), len({fact.workload for fact in facts}), new)


def _read(file: str) -> list[Fact]:
    if file == "-":
        return read(file, sys.stdin.buffer)
    try:
        with Path(file).open("rb") as lines:
            return read(file, lines)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "this is no file name"
        raise DocumentError([Fault(Place(file), f"cannot be read: {why}")]) from None
