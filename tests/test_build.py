"""Which build this is."""

import platform
from importlib import metadata
from pathlib import Path

import pytest

from exporter.build import build, read_head

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_build() -> None:
    """A build has a version, a Python and a commit, and none of them is empty."""
    ours = build()
    assert ours.version == metadata.version("hubble-egress-exporter")
    assert ours.python == platform.python_version()
    assert ours.commit


def test_detached_head(tmp_path: Path) -> None:
    """A checkout of a commit says it itself; twelve digits of it are shown."""
    (tmp_path / "HEAD").write_text(f"{COMMIT}\n")
    assert read_head(tmp_path) == "0123456789ab"


def test_branch(tmp_path: Path) -> None:
    """A branch's commit is in its own file."""
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "refs" / "heads").mkdir(parents=True)
    (tmp_path / "refs" / "heads" / "main").write_text(f"{COMMIT}\n")
    assert read_head(tmp_path) == "0123456789ab"


def test_packed_branch(tmp_path: Path) -> None:
    """A branch without such a file is among the packed ones, and its backup is not taken for it."""
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    packed = f"# pack-refs with: peeled\n{'f' * 40} refs/original/refs/heads/main\n{COMMIT} refs/heads/main\n"
    (tmp_path / "packed-refs").write_text(packed)
    assert read_head(tmp_path) == "0123456789ab"


@pytest.mark.parametrize("packed", [None, f"{COMMIT} refs/heads/other\n"])
def test_unborn_branch(tmp_path: Path, packed: str | None) -> None:
    """A branch without a commit has none."""
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (tmp_path / "packed-refs").write_text(packed)
    assert read_head(tmp_path) == ""


def test_no_checkout(tmp_path: Path) -> None:
    """Without a checkout there is no commit."""
    assert read_head(tmp_path / ".git") == ""
