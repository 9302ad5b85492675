"""Positions on disk: where the stream of each node was, for our own next start."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from exporter.log import logger

_VERSION = 1
_SECONDS = 1.0


class PositionFileError(Exception):
    """The file of `hubble.position-file` cannot be read, understood or written."""


class PositionFile:
    """A small JSON file that is either the old one or the new one, never a part."""

    def __init__(self, file: str) -> None:
        self._path = Path(file)

    def read(self) -> dict[str, int]:
        """Time (ns since the epoch) of the newest processed flow by node; empty when there is no file yet.

        Raises:
            PositionFileError: when there is one that cannot be used.
        """
        try:
            document = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise PositionFileError(f"{self._path}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise PositionFileError(f"{self._path}: is no JSON: {error}") from None
        positions = document.get("positions") if isinstance(document, dict) else None
        if not isinstance(positions, dict) or document.get("version") != _VERSION:
            raise PositionFileError(f"{self._path}: is no position file of version {_VERSION}")
        if not all(isinstance(time, int) and time > 0 for time in positions.values()):
            raise PositionFileError(f"{self._path}: a position is no time in nanoseconds")
        return positions

    def write(self, positions: Mapping[str, int]) -> None:
        """Replace the file.

        Raises:
            PositionFileError: when that is not possible; the old one is still there then.
        """
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with part.open("w") as file:
                json.dump({"version": _VERSION, "positions": dict(positions)}, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise PositionFileError(f"{self._path}: cannot be written: {error.strerror}") from None


class Keeper:
    """Restores the positions of the last run, and keeps those of this one, at most once a second.

    What goes wrong is said in one log line, and the stream goes on: the next start then begins with new flows.
    """

    def __init__(self, file: str) -> None:
        self._file = PositionFile(file) if file else None
        self.saves = False
        """Whether the last position is on disk."""
        self.restored: dict[str, int] = {}
        if self._file is None:
            return
        try:
            self.restored = self._file.read()
        except PositionFileError as error:
            logger().warning("position_not_restored", detail=str(error), hint="beginning with new flows")

    @contextmanager
    def keeping(self, positions: Mapping[str, int]) -> Iterator[None]:
        """Keep the file up to date while the block lasts, and once more at its end."""
        if self._file is None:
            yield
            return
        ended = threading.Event()
        thread = threading.Thread(target=self._work, args=(self._file, positions, ended), name="position", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _work(self, file: PositionFile, positions: Mapping[str, int], ended: threading.Event) -> None:
        written: dict[str, int] = {}
        told = ""
        is_last = False
        while not is_last:
            is_last = ended.wait(_SECONDS)
            now = dict(positions)
            if now == written:
                continue
            try:
                file.write(now)
                written, self.saves, told = now, True, ""
            except PositionFileError as error:
                self.saves = False
                if str(error) != told:
                    logger().warning(
                        "position_not_saved", detail=str(error), hint="the next start begins with new flows"
                    )
                    told = str(error)
