"""Every bad file in `bad/` is refused with exactly the message that stands beside it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.settings import Settings
from exporter.settings.faults import SettingsError
from exporter.settings.layers import load

BAD = Path(__file__).parent / "bad"
PIECES = (
    *("web", "timeout", "destinations", "resolvers", "ports", "cidr-names", ": ", ":", "\n", "\n  ", "\n    ", "- "),
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "<<: ",
        "!",
        "!!int ",
        '"',
        "'",
        '"\\U',
        '"\\x',
        "FFFFFFFF",
        "? ",
        "|",
        ">",
    ),
    *(
        "%YAML 1.1\n",
        "%TAG ! x\n",
        "---\n",
        "...\n",
        "~",
        "1",
        "5s",
        "\t",
        "#",
        "\r",
        "\ufeff",
        "\u2028",
        "\x85",
        "=",
        "@",
    ),
)


def load_file(file: str) -> Settings:
    """The settings of `file` alone."""
    return load(Settings, config_file=file, environment={}, flags={})


@pytest.mark.parametrize("name", sorted(file.stem for file in BAD.glob("*.yaml")))
def test_bad_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad file is refused with file, line, column, setting, what is wrong and what to do; one line per fault."""
    monkeypatch.chdir(BAD)
    with pytest.raises(SettingsError) as raised:
        load_file(f"{name}.yaml")
    assert f"{raised.value}\n" == (BAD / f"{name}.txt").read_text(encoding="utf-8")


def test_missing_file(tmp_path: Path) -> None:
    """A file that does not exist is named."""
    file = str(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match=r"^.*/none.yaml: cannot be read: No such file or directory$"):
        load_file(file)


def test_folder(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(SettingsError, match=r"cannot be read: Is a directory$"):
        load_file(str(tmp_path))


def test_impossible_file_name() -> None:
    """A name that no file can have is no crash."""
    with pytest.raises(SettingsError, match=r"cannot be read: this is no file name$"):
        load_file("a\0b")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000, "? " * 5000])
def test_deep_nesting(text: str, tmp_path: Path) -> None:
    """A file that is nested without end is refused, not a crash."""
    file = tmp_path / "deep.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="nested too deeply"):
        load_file(str(file))


@given(content=st.binary() | st.text().map(str.encode) | st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode))
def test_property_any_file_is_settings_or_a_settings_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the bytes of a file are, they are settings or a message that can be printed."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content)
    try:
        load_file(str(file))
    except SettingsError as error:
        lines = str(error).encode().splitlines()
    else:
        lines = []
    assert all(line.startswith(str(file).encode()) for line in lines)
