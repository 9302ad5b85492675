"""Positions on disk: written whole or not at all, at most once a second, and never a reason for a stream to end."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.hubble import positions as module
from exporter.hubble.positions import Keeper, Kept, PositionFile, PositionFileError
from exporter.hubble.resume import Processed
from tests.programs import eventually

POSITIONS = {"east/node-1": 1_800_000_000_000_000_001, "east/node-2": 1_800_000_000_000_000_002}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Nanoseconds survive, and nothing else is left in the folder."""
    file = PositionFile(str(tmp_path / "position.json"))
    assert file.read() == Kept({})
    file.write(Kept({"old": 1}))
    file.write(Kept(POSITIONS))
    assert file.read() == Kept(POSITIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["position.json"]


def test_what_an_end_in_order_leaves(tmp_path: Path) -> None:
    """Keys, up to where they were forgotten, and the memory of others survive."""
    file = PositionFile(str(tmp_path / "position.json"))
    processed = Processed([5, -(1 << 62), 5], {"n": 3}, {"n": 0})
    kept = Kept(POSITIONS, processed, {"tcp": [[7, 9, "n", 4]], "inbound": []}, {"n": [500, 1]})
    file.write(kept)
    assert file.read() == kept


def test_a_file_of_version_1(tmp_path: Path) -> None:
    """What an older version of ours left has positions, and no memory."""
    path = tmp_path / "position.json"
    path.write_text('{"version": 1, "positions": {"n": 7}}')
    assert PositionFile(str(path)).read() == Kept({"n": 7})


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "no position file of version 1 or 2"),
        ('{"version": 3, "positions": {}}', "no position file of version 1 or 2"),
        ('{"version": 1}', "no position file of version 1 or 2"),
        ('{"version": 1, "positions": {"n": "soon"}}', "no time in nanoseconds"),
        ('{"version": 1, "positions": {"n": -1}}', "no time in nanoseconds"),
        ('{"version": 2, "positions": {}, "processed": []}', "what was processed is no lists of numbers"),
        (
            '{"version": 2, "positions": {}, "processed": {"keys": ["a"], "forgotten": {}, "begun": {}}}',
            "no lists of n",
        ),
        ('{"version": 2, "positions": {}, "processed": {"keys": [], "forgotten": {"n": -1}, "begun": {}}}', "no lists"),
        ('{"version": 2, "positions": {}, "memory": {"tcp": 1}}', "the memory is no lists"),
        ('{"version": 2, "positions": {}, "looks": {"n": [1]}}', "a look is no two numbers"),
        (f'{{"version": 2, "positions": {"[" * 100_000}', "no JSON"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: str, word: str) -> None:
    """What cannot be used says where it is and what is wrong."""
    path = tmp_path / "position.json"
    path.write_text(content)
    with pytest.raises(PositionFileError, match=word) as error:
        PositionFile(str(path)).read()
    assert str(path) in str(error.value)


@given(st.binary(max_size=200))
def test_fuzz_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Any file gives positions or says that it has none; nothing else is raised."""
    path = tmp_path_factory.mktemp("position") / "position.json"
    path.write_bytes(content)
    with suppress(PositionFileError):
        assert isinstance(PositionFile(str(path)).read(), Kept)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """A file that cannot be written says so, and the old one is still there."""
    with pytest.raises(PositionFileError, match="cannot be written: No such file or directory"):
        PositionFile(str(tmp_path / "missing" / "position.json")).write(Kept(POSITIONS))


def test_keeps_and_restores(tmp_path: Path) -> None:
    """Positions are on disk while the stream runs, and exactly those of its end when it ends."""
    path, positions = tmp_path / "position.json", dict(POSITIONS)
    keeper = Keeper(str(path))
    assert keeper.restored == Kept({})
    processed = Processed([1], {}, {})
    with keeper.keeping(lambda: Kept(dict(positions)), lambda: Kept(positions, processed, {})):
        eventually(path.exists, "a first position")
        assert keeper.saves
        assert "processed" not in path.read_text()
        positions["east/node-1"] += 5
    assert Keeper(str(path)).restored == Kept(positions, processed, {})


def test_a_fault_that_lasts_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said while the stream ran is not said again at its end."""
    monkeypatch.setattr(module, "_SECONDS", 0.001)
    keeper = Keeper(str(tmp_path / "missing" / "position.json"))
    with capture_logs() as lines, keeper.keeping(lambda: Kept(POSITIONS), lambda: Kept(POSITIONS)):
        eventually(lambda: bool(lines), "a word on it")
    assert [line["event"] for line in lines] == ["position_not_saved"]


def test_memory_is_recalled_once(tmp_path: Path) -> None:
    """What the last run has left is given back, and let go."""
    path = tmp_path / "position.json"
    PositionFile(str(path)).write(Kept(POSITIONS, Processed([1], {}, {}), {"tcp": [[7, 9]]}))
    keeper = Keeper(str(path))
    assert keeper.recall().memory == {"tcp": [[7, 9]]}
    assert keeper.recall() == Kept({})
    assert keeper.restored == Kept({})


def test_no_file() -> None:
    """Without a file nothing is kept, and that is no fault."""
    keeper = Keeper("")
    with capture_logs() as lines, keeper.keeping(lambda: Kept(POSITIONS), lambda: Kept(POSITIONS)):
        pass
    assert (keeper.restored, keeper.saves, lines) == (Kept({}), False, [])


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """The start begins with new flows and says so; the file is replaced by a good one."""
    path = tmp_path / "position.json"
    path.write_text("broken")
    with capture_logs() as lines:
        keeper = Keeper(str(path))
        with keeper.keeping(lambda: Kept(POSITIONS), lambda: Kept(POSITIONS)):
            pass
    assert [line["event"] for line in lines] == ["position_not_restored"]
    assert json.loads(path.read_text())["positions"] == POSITIONS


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again every second, told once, and seen in the metric; when it heals, it is saved again."""
    monkeypatch.setattr(module, "_SECONDS", 0.001)
    folder, positions = tmp_path / "later", {"n": 1}
    attempts = 0
    write = PositionFile.write

    def counting(file: PositionFile, now: Kept) -> None:
        nonlocal attempts
        attempts += 1
        write(file, now)

    monkeypatch.setattr(PositionFile, "write", counting)
    keeper = Keeper(str(folder / "position.json"))
    with capture_logs() as lines, keeper.keeping(lambda: Kept(positions), lambda: Kept(positions)):
        eventually(lambda: attempts > 5, "several attempts")
        assert not keeper.saves
        folder.mkdir()
        eventually(lambda: keeper.saves, "a position on disk")
    assert [line["event"] for line in lines] == ["position_not_saved"]
