"""A person who waits sees how far a recording is read; a program that reads standard error sees nothing of it."""

import json
from io import StringIO
from pathlib import Path

import pytest

from exporter.log import Format, LogSettings, configure, logger
from exporter.progress import above, progress


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """A file of four million bytes."""
    file = tmp_path / "flows.jsonl"
    file.write_bytes(bytes(4_000_000))
    return str(file)


def test_a_terminal_shows_share_and_size(recording: str) -> None:
    """A quarter of four million bytes; the line stays when all is read."""
    out = _Terminal()
    with progress([recording], out) as bar:
        bar.update(1_000_000)
    last = out.getvalue().split("\r")[-1]
    assert last.startswith("reading:  25%")
    assert "1.00M/4.00M" in last
    assert last.endswith("\n")


@pytest.mark.parametrize("file", ["-", "flows.jsonl.gz"])
def test_without_a_size_there_is_no_share(file: str) -> None:
    """Nobody knows how much standard input has, or what gzip hides."""
    out = _Terminal()
    with progress([file], out) as bar:
        bar.update(60_000)
    last = out.getvalue().split("\r")[-1]
    assert last.startswith("reading: 60.0kB")
    assert "%" not in last


def test_lines_of_the_log_stand_above(recording: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line begins where a line begins, with nothing of the bar before it, and the bar is drawn again below it."""
    out = _Terminal()
    monkeypatch.setattr("sys.stderr", out)
    with progress([recording]) as bar:
        configure(LogSettings(format=Format.JSON), above(bar))
        logger().info("stream_connected")
    shown = [line.split("\r")[-1] for line in out.getvalue().split("\n")]
    assert json.loads(shown[0])["event"] == "stream_connected"
    assert shown[1].startswith("reading:")


def test_what_is_no_terminal_gets_nothing(recording: str) -> None:
    """A log stays a log."""
    out = StringIO()
    with progress([recording], out) as bar:
        bar.update(4_000_000)
    assert out.getvalue() == ""
