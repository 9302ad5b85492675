"""A progress bar on standard error, for a person who waits for a recording to be read."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

# Drawing costs more than reading a line; once per this many bytes is often enough.
_STEP = 64 * 1024


class Progress:
    """Shows how far the files are read; invisible where standard error is no terminal."""

    def __init__(self, files: Sequence[str]) -> None:
        columns = (TextColumn("replay"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("replay", total=_total(files))
        self._behind = 0

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw for the last time."""
        self._bar.advance(self._task, self._behind)
        self._bar.stop()

    def advance(self, count: int) -> None:
        """Take note of `count` more bytes."""
        self._behind += count
        if self._behind >= _STEP:
            self._bar.advance(self._task, self._behind)
            self._behind = 0


def _total(files: Sequence[str]) -> float | None:
    """Bytes in all files, or None where that cannot be known: standard input, and what gzip hides."""
    if any(file == "-" or file.endswith(".gz") for file in files):
        return None
    return sum(Path(file).stat().st_size for file in files)
