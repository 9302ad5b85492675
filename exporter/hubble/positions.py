"""Positions on disk: where the stream of each node was, for our own next start.

While the stream runs the file has positions only, so that it stays small. At an end in order it also has the memory
with which the next process goes on as if it were this one.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from exporter.hubble.resume import Processed
from exporter.log import logger

_VERSIONS = (1, 2)
"""Version 1 had positions only."""
_SECONDS = 1.0
Lists = Mapping[str, Sequence[Sequence[int | str]]]
Looks = Mapping[str, Sequence[int]]
"""By node: how many flows its agent had seen at the last look, and when that was (ns since the epoch)."""


class PositionFileError(Exception):
    """The file of `hubble.position-file` cannot be read, understood or written."""


class Memory(Protocol):
    """What somebody else remembers of the flows that were processed."""

    def remembered(self) -> Lists:
        """All of it, as lists of JSON."""
        ...

    def looks(self) -> Looks:
        """What the server said last of its nodes."""
        ...

    def restore(self, remembered: Lists, looks: Looks) -> None:
        """Go on with both; raises a ValueError when what is remembered is something else."""
        ...


class Kept(NamedTuple):
    """What stands in the file; `processed` and `memory` only after an end in order."""

    positions: Mapping[str, int]
    processed: Processed | None = None
    memory: Lists | None = None
    looks: Looks = {}  # noqa: RUF012, nobody changes it


class PositionFile:
    """A JSON file that is either the old one or the new one, never a part."""

    def __init__(self, file: str) -> None:
        self._path = Path(file)

    def read(self) -> Kept:
        """Time (ns since the epoch) of the newest processed flow by node, and the memory; empty without a file.

        Raises:
            PositionFileError: when there is one that cannot be used.
        """
        try:
            document = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return Kept({})
        except OSError as error:
            raise PositionFileError(f"{self._path}: cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise PositionFileError(f"{self._path}: is no JSON: {error}") from None
        positions = document.get("positions") if isinstance(document, dict) else None
        if not isinstance(positions, dict) or document.get("version") not in _VERSIONS:
            raise PositionFileError(f"{self._path}: is no position file of version {' or '.join(map(str, _VERSIONS))}")
        if not _are_times(positions, least=1):
            raise PositionFileError(f"{self._path}: a position is no time in nanoseconds")
        try:
            processed, memory = _processed(document.get("processed")), _memory(document.get("memory"))
            return Kept(positions, processed, memory, _looks(document.get("looks")))
        except ValueError as error:
            raise PositionFileError(f"{self._path}: {error}") from None

    def write(self, kept: Kept) -> None:
        """Replace the file.

        Raises:
            PositionFileError: when that is not possible; the old one is still there then.
        """
        document: dict[str, Any] = {"version": _VERSIONS[-1], "positions": dict(kept.positions)}
        document |= {"looks": dict(kept.looks)}
        if kept.processed is not None:
            document |= {"processed": kept.processed._asdict(), "memory": kept.memory}
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with part.open("w") as file:
                json.dump(document, file, separators=(",", ":"))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise PositionFileError(f"{self._path}: cannot be written: {error.strerror}") from None


class Keeper:
    """Restores what the last run left, and keeps the positions of this one, at most once a second.

    What goes wrong is said in one log line, and the stream goes on: the next start then begins with new flows.
    """

    def __init__(self, file: str) -> None:
        self._file = PositionFile(file) if file else None
        self.saves = False
        """Whether the last position is on disk."""
        self._told = ""
        """What went wrong when it was last written; the same fault is said once."""
        self.restored = Kept({})
        if self._file is None:
            return
        try:
            self.restored = self._file.read()
        except PositionFileError as error:
            logger().warning("position_not_restored", detail=str(error), hint="beginning with new flows")

    def recall(self) -> Kept:
        """What the last run has left, once: it is tens of MiB that nobody needs again."""
        kept, self.restored = self.restored, Kept({})
        return kept

    @contextmanager
    def keeping(self, now: Callable[[], Kept], at_the_end: Callable[[], Kept]) -> Iterator[None]:
        """Keep what is `now` up to date on disk while the block lasts, and write at its end what `at_the_end` says."""
        if self._file is None:
            yield
            return
        ended = threading.Event()
        work = (self._file, now, ended)
        thread = threading.Thread(target=self._work, args=work, name="position", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._write(self._file, at_the_end())

    def _work(self, file: PositionFile, now: Callable[[], Kept], ended: threading.Event) -> None:
        written: Kept | None = Kept({})
        while not ended.wait(_SECONDS):
            kept = now()
            if kept != written:
                self._write(file, kept)
                written = kept if self.saves else None

    def _write(self, file: PositionFile, kept: Kept) -> None:
        try:
            file.write(kept)
        except PositionFileError as error:
            self.saves = False
            if str(error) != self._told:
                logger().warning("position_not_saved", detail=str(error), hint="the next start begins with new flows")
            self._told = str(error)
        else:
            self.saves, self._told = True, ""


def _are_times(times: object, *, least: int) -> bool:
    return isinstance(times, dict) and all(isinstance(time, int) and time >= least for time in times.values())


def _processed(document: Any) -> Processed | None:  # noqa: ANN401, JSON
    if document is None:
        return None
    match document:
        case {"keys": list(keys), "forgotten": dict(forgotten), "begun": dict(begun)}:
            are_numbers = all(isinstance(key, int) for key in keys)
            if are_numbers and _are_times(forgotten, least=0) and _are_times(begun, least=0):
                return Processed(keys, forgotten, begun)
    raise ValueError("what was processed is no lists of numbers")


def _memory(document: Any) -> Lists | None:  # noqa: ANN401, JSON
    if document is None:
        return None
    if not isinstance(document, dict) or not all(isinstance(entries, list) for entries in document.values()):
        raise ValueError("the memory is no lists")
    return document


def _looks(document: Any) -> Looks:  # noqa: ANN401, JSON
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(map(_is_look, document.values())):
        raise ValueError("a look is no two numbers")
    return document


def _is_look(look: object) -> bool:
    return isinstance(look, list) and len(look) == 2 and all(isinstance(one, int) and one >= 0 for one in look)  # noqa: PLR2004
