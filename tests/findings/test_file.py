"""The file of findings: what is in it, how it is renamed, and what happens when it cannot be written."""

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.findings.file import FindingsFile
from exporter.findings.settings import FileSettings


def _file(path: Path, *, size: int = 100, keep: int = 3) -> FindingsFile:
    # Smaller than a setting may be, so that sizes can be counted by hand.
    return FindingsFile(FileSettings.model_construct(path=str(path), size=size, keep=keep))


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where the file of the test is, in a folder that exists."""
    was = os.umask(0)
    yield tmp_path / "findings.jsonl"
    os.umask(was)


def _texts(path: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in sorted(path.parent.iterdir())}


def _line(letter: str, length: int = 40) -> str:
    """A line that takes `length` bytes with its end."""
    return letter * (length - 1)


@contextmanager
def _no_file_beyond(size: int) -> Iterator[None]:
    """As on a full disk, the kernel writes up to there, and then refuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_appended(path: Path) -> None:
    """Each line is in the file when `write` returns, behind those of earlier runs."""
    path.write_text('{"old":1}\n')
    file = _file(path)
    assert file.write('{"new":1}')
    assert path.read_text() == '{"old":1}\n{"new":1}\n'
    assert file.write('{"new":2}')
    assert path.read_text() == '{"old":1}\n{"new":1}\n{"new":2}\n'
    file.close()


def test_mode(path: Path) -> None:
    """Only its owner reads the file, and the renamed ones: they say who talks to whom."""
    file = _file(path, size=10)
    for letter in "ab":
        assert file.write(_line(letter))
    file.close()
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"findings.jsonl": 0o600, "findings.jsonl.1": 0o600}


def test_rotation(path: Path) -> None:
    """Two lines of 40 bytes are a file of at most 100: ab, cd, ef and gh are four files; for i the oldest goes."""
    file = _file(path, size=100, keep=3)
    for letter in "abcdefgh":
        assert file.write(_line(letter))
    assert _texts(path) == {
        "findings.jsonl": f"{_line('g')}\n{_line('h')}\n",
        "findings.jsonl.1": f"{_line('e')}\n{_line('f')}\n",
        "findings.jsonl.2": f"{_line('c')}\n{_line('d')}\n",
        "findings.jsonl.3": f"{_line('a')}\n{_line('b')}\n",
    }
    assert file.write(_line("i"))
    assert _texts(path) == {
        "findings.jsonl": f"{_line('i')}\n",
        "findings.jsonl.1": f"{_line('g')}\n{_line('h')}\n",
        "findings.jsonl.2": f"{_line('e')}\n{_line('f')}\n",
        "findings.jsonl.3": f"{_line('c')}\n{_line('d')}\n",
    }
    file.close()


@pytest.mark.parametrize(("size", "files"), [(80, 1), (79, 2)])
def test_size_is_the_most(path: Path, size: int, files: int) -> None:
    """Two lines of 40 bytes fit into 80 bytes, and not into 79."""
    file = _file(path, size=size)
    assert file.write(_line("a"))
    assert file.write(_line("b"))
    file.close()
    assert len(_texts(path)) == files


def test_a_line_longer_than_the_file(path: Path) -> None:
    """It is a file of its own, and nothing empty is renamed for it."""
    file = _file(path, size=10)
    assert file.write(_line("a"))
    assert _texts(path) == {"findings.jsonl": f"{_line('a')}\n"}
    assert file.write(_line("b"))
    assert _texts(path) == {"findings.jsonl": f"{_line('b')}\n", "findings.jsonl.1": f"{_line('a')}\n"}
    file.close()


def test_nothing_kept(path: Path) -> None:
    """With 0 kept files the full one is removed."""
    file = _file(path, size=80, keep=0)
    for letter in "abc":
        assert file.write(_line(letter))
    file.close()
    assert _texts(path) == {"findings.jsonl": f"{_line('c')}\n"}


def test_what_was_there_counts(path: Path) -> None:
    """The size of the last run's file counts too."""
    path.write_text(f"{_line('a', 90)}\n")
    file = _file(path)
    assert file.write(_line("b"))
    file.close()
    assert _texts(path) == {"findings.jsonl": f"{_line('b')}\n", "findings.jsonl.1": f"{_line('a', 90)}\n"}


def test_partial_line(path: Path) -> None:
    """What a crash left of a line becomes a line of its own."""
    path.write_text('{"whole":1}\n{"par')
    file = _file(path)
    assert file.write("{}")
    assert file.write("{}")
    file.close()
    assert path.read_text() == '{"whole":1}\n{"par\n{}\n{}\n'


def test_partial_line_of_a_full_file(path: Path) -> None:
    """It is renamed as it is; the new file begins with the line."""
    path.write_text("x" * 99)
    file = _file(path)
    assert file.write("{}")
    file.close()
    assert _texts(path) == {"findings.jsonl": "{}\n", "findings.jsonl.1": "x" * 99}


def test_disk_full(path: Path) -> None:
    """A line that fits only in part is lost and said; once there is room, the next one is whole."""
    file = _file(path, size=1000)
    assert file.write(_line("a"))
    with capture_logs() as lines, _no_file_beyond(50):
        assert not file.write(_line("b"))
        assert not file.write(_line("c"))
    assert file.write(_line("d"))
    file.close()
    assert path.read_text() == f"{_line('a')}\n{'b' * 10}\n{_line('d')}\n"
    assert lines == [
        {
            "event": "findings_file_failed",
            "log_level": "warning",
            "file": str(path),
            "error": "File too large",
            "hint": "the next finding tries again",
            "similar_before": 0,
        }
    ]


def test_renamed_by_somebody_else(path: Path) -> None:
    """After logrotate the next line is in a new file."""
    file = _file(path)
    assert file.write("1")
    path.rename(path.with_name("rotated"))
    assert file.write("2")
    assert file.write("3")
    file.close()
    assert _texts(path) == {"findings.jsonl": "2\n3\n", "rotated": "1\n"}


def test_replaced_by_somebody_else(path: Path) -> None:
    """When another file has the name now, the line goes there."""
    file = _file(path)
    assert file.write("1")
    path.rename(path.with_name("rotated"))
    path.write_text("fresh\n")
    assert file.write("2")
    file.close()
    assert _texts(path) == {"findings.jsonl": "fresh\n2\n", "rotated": "1\n"}


def test_removed_by_somebody_else(path: Path) -> None:
    """A removed file is made again."""
    file = _file(path)
    assert file.write("1")
    path.unlink()
    assert file.write("2")
    file.close()
    assert path.read_text() == "2\n"


def test_cut_by_somebody_else(path: Path) -> None:
    """After logrotate's copytruncate the next line is at the beginning, without a hole before it."""
    file = _file(path)
    assert file.write(_line("a"))
    os.truncate(path, 0)
    assert file.write("2")
    file.close()
    assert path.read_bytes() == b"2\n"


def test_folder_that_comes_later(path: Path) -> None:
    """Without its folder every line fails and is said once; when the folder is there, the next line is written."""
    inside = path.parent / "later" / "findings.jsonl"
    file = _file(inside)
    with capture_logs() as lines:
        assert [file.write("1"), file.write("2")] == [False, False]
    inside.parent.mkdir()
    assert file.write("3")
    file.close()
    assert inside.read_text() == "3\n"
    assert [line["error"] for line in lines] == ["No such file or directory"]


def test_folder_that_goes(path: Path) -> None:
    """A folder that is removed while the file is open fails a line, and ends nothing."""
    inside = path.parent / "folder" / "findings.jsonl"
    inside.parent.mkdir()
    file = _file(inside)
    assert file.write("1")
    inside.unlink()
    inside.parent.rmdir()
    with capture_logs():
        assert not file.write("2")
    inside.parent.mkdir()
    assert file.write("3")
    file.close()
    assert inside.read_text() == "3\n"


def test_renaming_that_fails(path: Path) -> None:
    """When the full file cannot be renamed the line fails, for the file may not grow; afterwards it goes on."""
    blocking = path.with_name("findings.jsonl.1")
    (blocking / "inside").mkdir(parents=True)
    file = _file(path, size=80, keep=1)
    assert file.write(_line("a"))
    assert file.write(_line("b"))
    with capture_logs() as lines:
        assert not file.write(_line("c"))
    assert [line["error"] for line in lines] == ["Is a directory"]
    assert path.read_text() == f"{_line('a')}\n{_line('b')}\n"
    (blocking / "inside").rmdir()
    blocking.rmdir()
    assert file.write(_line("d"))
    file.close()
    assert path.read_text() == f"{_line('d')}\n"
    assert blocking.read_text() == f"{_line('a')}\n{_line('b')}\n"


@pytest.mark.parametrize("kind", ["folder", "pipe", "null byte"])
def test_what_is_no_file(path: Path, kind: str) -> None:
    """A folder, or a pipe that nobody reads, fails each line at once; nothing waits for a reader."""
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = path.with_name("\0")
    file = _file(path)
    with capture_logs() as lines:
        assert [file.write("1"), file.write("2")] == [False, False]
    assert len(lines) == 1
