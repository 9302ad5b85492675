"""A process that is killed loses nothing that it said was merged, and leaves no half of a batch."""

import itertools
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from exporter.known.interface import Mark, Row, What
from exporter.known.sqlite import SqliteStore
from tests.faults.traffic import chance_of
from tests.known.files import asked, set_aside
from tests.known.killed import SIZE
from tests.known.stores import WEB

_PROOF = os.environ.get("CI") == "true" or os.environ.get("EXPORTER_PROOF") == "yes"
KILLS = 200 if _PROOF else 20
_LIVES = 5
"""Kills that one file goes through."""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Whenever it is killed, all that was said is in the file, the rest wholly or not at all, and the file is sound."""
    chance, said = chance_of(1), 0
    with _processes() as processes:
        for kill in range(KILLS):
            file = tmp_path / f"{kill // _LIVES}" / "known.db"
            # Some while the file is begun, or opened with what the last kill has left; the others anywhere.
            lines = 0 if kill % 4 == 0 else chance.randrange(1, 300)
            heard = _heard_before_kill(processes, file, lines, spins=chance.randrange(0, 100_000))
            said = heard or (said if kill % _LIVES else 0)
            _check(file, said)


@contextmanager
def _processes() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.known.killed"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as processes:
        yield processes


def _heard_before_kill(processes: subprocess.Popen[str], file: Path, lines: int, spins: int) -> int:
    """The last number that was said, 0 for none: the kill follows that many lines, and a moment more."""
    assert processes.stdin is not None
    assert processes.stdout is not None
    processes.stdin.write(f"{file}\n")
    pid = int(processes.stdout.readline())
    spoken = itertools.takewhile(lambda line: not line.startswith("ended"), processes.stdout)
    heard = list(itertools.islice(spoken, lines))
    for _ in range(spins):
        pass
    os.kill(pid, signal.SIGKILL)
    heard += spoken
    return int(heard[-1]) if heard else 0


def _check(file: Path, said: int) -> None:
    if not file.exists():
        assert said == 0
        return
    with closing(SqliteStore(str(file), 1_000_000)) as store:
        known = store.load(WEB)
        entries = store.size().entries
    assert asked(file, "PRAGMA integrity_check") == [("ok",)]
    assert set_aside(file.parent) == []
    pods = Counter(int(mark.name.split("/")[0]) for mark in known if mark.what is What.POD)
    last = max(pods, default=0)
    assert last >= said
    assert pods == dict.fromkeys(range(1, last + 1), SIZE - 1)
    assert known.get(Mark(What.DESTINATION)) == (Row(0, last, 0) if last else None)
    assert entries == len(known)
