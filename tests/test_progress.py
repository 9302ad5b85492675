"""A person who waits sees how far a recording is read; a program that reads standard error sees nothing of it."""

from io import StringIO
from pathlib import Path

import pytest

from exporter.progress import Progress


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def _lines(out: StringIO) -> list[str]:
    """What stood on the line, one after the other."""
    return out.getvalue().split("\r\x1b[K")[1:]


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """A file of four million bytes."""
    file = tmp_path / "flows.jsonl"
    file.write_bytes(bytes(4_000_000))
    return str(file)


def test_a_terminal_shows_share_and_speed(recording: str) -> None:
    """A million bytes in the first half second; the rest by the end of the second one."""
    out, times = _Terminal(), iter([10.0, 10.5, 10.5, 11.0])
    with Progress([recording], out, lambda: next(times)) as progress:
        progress.advance(1_000_000)
        progress.advance(40_000)
    assert _lines(out) == ["reading:  25% of 4.0 MB, 2.0 MB/s", "reading:  26% of 4.0 MB, 1.0 MB/s\n"]


def test_it_is_drawn_ten_times_a_second_at_most(recording: str) -> None:
    """Drawing costs more than reading."""
    out, times = _Terminal(), iter([10.0, 10.05, 10.2, 10.2, 10.25, 11.0])
    with Progress([recording], out, lambda: next(times)) as progress:
        for _ in range(3):
            progress.advance(100_000)
    assert _lines(out) == ["reading:   5% of 4.0 MB, 1.0 MB/s", "reading:   8% of 4.0 MB, 0.3 MB/s\n"]


@pytest.mark.parametrize("file", ["-", "flows.jsonl.gz"])
def test_without_a_size_there_is_no_share(file: str) -> None:
    """Nobody knows how much standard input has, or what gzip hides."""
    out, times = _Terminal(), iter([10.0, 12.0])
    with Progress([file], out, lambda: next(times)) as progress:
        progress.advance(60_000)
    assert _lines(out) == ["reading: 0.1 MB, 0.0 MB/s\n"]


def test_what_is_no_terminal_gets_nothing(recording: str) -> None:
    """A log stays a log."""
    out, times = StringIO(), iter([10.0, 12.0, 13.0])
    with Progress([recording], out, lambda: next(times)) as progress:
        progress.advance(4_000_000)
    assert out.getvalue() == ""
