"""Processes that merge numbered batches into a file and say each number once it is merged; tests kill them."""

import itertools
import os
import sys
from contextlib import closing

from exporter.known.interface import Fact, Mark, Row, What, seen
from exporter.known.sqlite import SqliteStore
from tests.known.stores import WEB

SIZE = 9
"""Facts of a batch."""


def batch(number: int) -> list[Fact]:
    """Pods that only this batch has, and a destination that every batch has seen."""
    pods = [Fact(WEB, Mark(What.POD, f"{number}/{place}"), seen(number)) for place in range(SIZE - 1)]
    return [*pods, Fact(WEB, Mark(What.DESTINATION), Row(0, number, 0))]


def merge_on(file: str) -> None:
    """Go on where the file ends, until the process is killed."""
    with closing(SqliteStore(file, 1_000_000)) as store:
        last = store.load(WEB).get(Mark(What.DESTINATION))
        for number in itertools.count(last.last_ns + 1 if last else 1):
            store.merge(batch(number))
            _say(number)


def main() -> None:
    """For each file that is asked for, fork a process, which saves the imports; say which it is, and that it ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _say(os.getpid())
            merge_on(line.rstrip("\n"))
        _, status = os.waitpid(child, 0)
        _say(f"ended {os.waitstatus_to_exitcode(status)}")


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
