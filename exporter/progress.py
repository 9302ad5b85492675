"""How far a recording is read, on standard error, for a person who waits for it."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

# Looking at the clock costs more than reading a line; once per this many bytes is often enough.
_STEP = 64 * 1024
_SECONDS = 0.1
_MEGABYTE = 1e6
_LINE_AGAIN = "\r\x1b[K"
"""To the beginning of the line, and nothing on it."""


class Progress:
    """Shows how far the files are read; invisible where `out` is no terminal."""

    def __init__(
        self, files: Sequence[str], out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`out` is standard error unless a test says otherwise, `clock` gives seconds."""
        self._out = out or sys.stderr
        self._clock = clock
        self._shows = self._out.isatty()
        self._total = _total(files)
        self._read = self._behind = 0
        self._began = self._drawn = clock()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw for the last time; the line stays."""
        if self._shows:
            self._draw()
            self._out.write("\n")
            self._out.flush()

    def advance(self, count: int) -> None:
        """Take note of `count` more bytes."""
        self._behind += count
        if self._behind < _STEP:
            return
        self._take_in()
        if self._shows and self._clock() - self._drawn >= _SECONDS:
            self._draw()

    def _take_in(self) -> None:
        self._read, self._behind = self._read + self._behind, 0

    def _draw(self) -> None:
        self._take_in()
        self._drawn = self._clock()
        per_second = self._read / max(self._drawn - self._began, _SECONDS)
        words = f"{self._read / _MEGABYTE:.1f} MB"
        if self._total:
            words = f"{self._read / self._total:4.0%} of {self._total / _MEGABYTE:.1f} MB"
        self._out.write(f"{_LINE_AGAIN}reading: {words}, {per_second / _MEGABYTE:.1f} MB/s")
        self._out.flush()


def _total(files: Sequence[str]) -> int | None:
    """Bytes in all files, or None where that cannot be known: standard input, and what gzip hides."""
    if any(file == "-" or file.endswith(".gz") for file in files):
        return None
    return sum(Path(file).stat().st_size for file in files)
