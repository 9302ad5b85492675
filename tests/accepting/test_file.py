"""An entry that is written behind those of an allowlist file."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.accepting import disk
from exporter.accepting.file import append
from exporter.cli import main
from exporter.documents.faults import DocumentError
from tests.known.files import unprivileged

ENTRY = ["- workloads: [shop/cart]", "  to:", "    - matchName: api.example.com", "  owner: o", "  reason: r"]
ITEM = "workloads: [a/b]\n{0}  owner: o\n{0}  reason: r\n"
ACCEPT = ["known", "accept", "--owner", "team", "--reason", "why", "--expires", "9000-01-31", "--from", "shop/cart"]
TO = ["--to", "api.example.com", "--port", "443/TCP"]
WRITTEN = """\
  - workloads: [shop/cart]
    to:
      - matchName: api.example.com
    ports: [443/TCP]
    owner: team
    reason: why
    expires: 9000-01-31
"""


def added(content: str) -> str:
    """What stands in the file behind what stood there."""
    appended = append("allow.yaml", content.encode(), ENTRY)
    text = appended.content.decode()
    assert text.startswith(content)
    assert text.splitlines()[appended.line - 1].lstrip() == ENTRY[0]
    assert len(appended.policies) == content.count("workloads") + 1
    return text.removeprefix(content)


def lines(column: int) -> str:
    """The entry, from that column on."""
    return "".join(f"{' ' * column}{line}\n" for line in ENTRY)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("", "allow:\n" + lines(2)),
        ("# ours\n", "allow:\n" + lines(2)),
        ("allow:\n  - " + ITEM.format("  "), lines(2)),
        ("allow:\n- " + ITEM.format(""), lines(0)),
        ("allow:\n      - " + ITEM.format("      "), lines(6)),
        ("# who\nallow:\n  # what\n  - " + ITEM.format("  ") + "\n  # the end\n# really\n", lines(2)),
        ("allow:\n  - workloads: [a/b]\n    owner: o\n    reason: r", "\n" + lines(2)),
        ("allow:\n  - workloads: [a/b]\n    owner: o\n    reason: |\n      r\n", lines(2)),
        ("allow:\n", lines(2)),
        ("allow: []\n", "---\nallow:\n" + lines(2)),
        ("allow: [{workloads: [a/b], owner: o, reason: r}]\n", "---\nallow:\n" + lines(2)),
        ('{"allow": [{"workloads": ["a/b"], "owner": "o", "reason": "r"}]}\n', "---\nallow:\n" + lines(2)),
        ("allow:\n  - " + ITEM.format("  ") + "...\n", "---\nallow:\n" + lines(2)),
        ("allow:\n  - " + ITEM.format("  ") + "---\nallow:\n- " + ITEM.format(""), lines(0)),
    ],
)
def test_where_it_stands(content: str, more: str) -> None:
    """Behind all others, as they are written; as a document of its own where that cannot be."""
    assert added(content) == more


def test_ends_of_lines() -> None:
    """A file of Windows stays one, and a byte order mark stays where it is."""
    content = ("\ufeffallow:\n  - " + ITEM.format("  ")).replace("\n", "\r\n")
    assert added(content) == lines(2).replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}}\n",
            "allow.yaml:1:1: is no allowlist: entries go into a file that holds nothing else",
        ),
        ("allow: []\n---\na: b\n", "allow.yaml:3:1: is no allowlist"),
        ("allow: []\nkind: ConfigMap\n", "allow.yaml:1:1: is no allowlist"),
        ("- a\n", "allow.yaml:1:1: a list, where there should be a mapping"),
        ("just text\n", "allow.yaml:1:1: a text, where there should be a mapping"),
        ("allow:\n  - workloads: [a/b]\n", "allow.yaml:2:5: allow[0]: an entry needs owner"),
        ("allow: [\n", "allow.yaml:2:1: "),
        (b"\xff", "allow.yaml: is not UTF-8"),
    ],
)
def test_no_allowlist(content: str | bytes, said: str) -> None:
    """A file that holds anything else, or cannot be used, is refused with its line."""
    with pytest.raises(DocumentError) as raised:
        append("allow.yaml", content.encode() if isinstance(content, str) else content, ENTRY)
    assert str(raised.value).startswith(said)


@given(
    st.lists(st.sampled_from(["  ", "- ", "allow:\n", "#c\n", "---\n", "workloads: [a/b]\n", "owner: o\n", "\n", "x"]))
)
def test_property_nothing_is_lost(pieces: list[str]) -> None:
    """Whatever stands in a file, it is refused or stays byte for byte with the entry behind it."""
    content = "".join(pieces)
    with suppress(DocumentError):
        assert added(content)


def test_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is made; one that is there gets the entry behind its own, and where is said."""
    file = tmp_path / "allow.yaml"
    assert main([*ACCEPT, *TO, "--write", str(file)]) == 0
    assert file.read_text() == f"allow:\n{WRITTEN}"
    said = "shop/cart may reach api.example.com on 443/TCP until 9000-01-31"
    assert capsys.readouterr().out == f"{file}:2: {said}\n"
    comment = "# the next one\n"
    file.write_text(file.read_text() + comment)
    assert main([*ACCEPT, "--to", "192.0.2.7", "--port", "443/TCP", "--write", str(file)]) == 0
    second = WRITTEN.replace("matchName: api.example.com", "cidr: 192.0.2.7/32")
    assert file.read_text() == f"allow:\n{WRITTEN}{comment}{second}"
    assert [path.name for path in tmp_path.iterdir()] == ["allow.yaml"]


def test_allowed_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the file allows already is not written again: exit code 1."""
    file = tmp_path / "allow.yaml"
    assert main([*ACCEPT, *TO, "--write", str(file)]) == 0
    assert main([*ACCEPT, *TO, "--write", str(file)]) == 1
    assert f"{file} allows it already; nothing is written" in capsys.readouterr().err
    assert file.read_text() == f"allow:\n{WRITTEN}"


def test_mode_and_link_stay(tmp_path: Path) -> None:
    """The file keeps its mode, and stays where a link leads to it."""
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("allow: []\n")
    real.chmod(0o640)
    link.symlink_to(real.name)
    assert main([*ACCEPT, *TO, "--write", str(link)]) == 0
    assert link.is_symlink()
    assert real.read_text() == f"allow: []\n---\nallow:\n{WRITTEN}"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_mode_of_a_new_file(tmp_path: Path) -> None:
    """A new file has the mode that the process gives any file."""
    before = os.umask(0o027)
    try:
        assert main([*ACCEPT, *TO, "--write", str(tmp_path / "allow.yaml")]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "allow.yaml").stat().st_mode) == 0o640


def test_a_file_that_is_refused_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A manifest of Kubernetes is refused with exit code 2 and is as it was."""
    file = tmp_path / "policy.yaml"
    file.write_text("kind: NetworkPolicy\n")
    assert main([*ACCEPT, *TO, "--write", str(file)]) == 2
    assert f"{file}:1:1: is no allowlist" in capsys.readouterr().err
    assert file.read_text() == "kind: NetworkPolicy\n"


@pytest.mark.parametrize("where", ["", "/none/allow.yaml"])
def test_what_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str) -> None:
    """A folder, or a folder that is not there: exit code 1."""
    assert main([*ACCEPT, *TO, "--write", f"{tmp_path}{where}"]) == 1
    assert f"cannot write {tmp_path}{where}: " in capsys.readouterr().err


def test_a_folder_that_nobody_may_write_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is left behind, and the file is as it was."""
    file = tmp_path / "allow.yaml"
    file.write_text("allow: []\n")
    file.chmod(0o666)
    tmp_path.chmod(0o555)
    try:
        with unprivileged():
            assert main([*ACCEPT, *TO, "--write", str(file)]) == 1
    finally:
        tmp_path.chmod(0o755)
    assert "cannot write" in capsys.readouterr().err
    assert file.read_text() == "allow: []\n"


def test_written_meanwhile(tmp_path: Path) -> None:
    """What somebody else has written meanwhile is not overwritten, and nothing is left beside it."""
    file = tmp_path / "allow.yaml"
    file.write_text("theirs")
    with pytest.raises(OSError, match="somebody else has written it meanwhile"):
        disk.replace(str(file), b"ours", b"new")
    assert file.read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["allow.yaml"]
