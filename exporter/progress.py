"""How far a recording is read, on standard error, for a person who waits for it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Never, TextIO, cast

if TYPE_CHECKING:
    from tqdm import tqdm


def progress(files: Sequence[str], out: TextIO | None = None) -> "tqdm[Never]":
    """A bar that `update` moves by so many bytes; invisible where `out` (standard error) is no terminal."""
    from tqdm import tqdm  # noqa: PLC0415, thousands of exporters on their nodes read no recordings

    # Looking at the clock costs more than reading a line: tqdm finds out by itself after how many bytes it looks.
    return tqdm(
        desc="reading",
        total=_total(files),
        unit="B",
        unit_scale=True,
        file=out or sys.stderr,
        disable=None,
        dynamic_ncols=True,
    )


def above(bar: "tqdm[Never]") -> TextIO:
    """Where the log goes meanwhile: its lines stand above the bar, not in it."""
    from tqdm.contrib import DummyTqdmFile  # noqa: PLC0415, as above

    return sys.stderr if bar.disable else cast("TextIO", DummyTqdmFile(sys.stderr))


def _total(files: Sequence[str]) -> int | None:
    """Bytes in all files, or None where that cannot be known: standard input, and what gzip hides."""
    if any(file == "-" or file.endswith(".gz") for file in files):
        return None
    return sum(Path(file).stat().st_size for file in files)
