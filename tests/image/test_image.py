"""What the built image says of itself, and what is in it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.image.conftest import COMMIT, Image
from tests.image.tools import BASE, HARDENED, done
from tests.programs import ROOT

_HOME = "/opt/hubble-egress-exporter"


def test_whose_and_what(image: Image) -> None:
    """A numeric user, no shell in between, a stop by SIGTERM, and labels that name version, commit and base."""
    config = image.tools.inspect(image.tag)["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == [f"{_HOME}/bin/hubble-egress-exporter"]
    assert config["Cmd"] == ["run"]
    assert config.get("StopSignal", "SIGTERM") in ("", "SIGTERM")
    assert "PYTHONUNBUFFERED=1" in config["Env"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == "0.1.0"
    assert labels["revision"] == COMMIT
    assert labels["base.name"] == BASE
    assert labels["licenses"] == "Apache-2.0"
    assert {"title", "description", "source", "documentation"} <= labels.keys()


def _run(image: Image, code: str) -> str:
    entry = ("--entrypoint", f"{_HOME}/bin/python")
    return done(image.tools.podman("run", "--rm", *HARDENED, *entry, image.tag, "-c", code))


def test_what_is_in_it(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    """The locked packages and ours, nothing else: no tests, no pip, no caches; its size is what the README says."""
    code = (
        "import json, pathlib; from importlib.metadata import distributions as d;"
        "size = lambda p: sum(f.lstat().st_size for f in pathlib.Path(p).rglob('*') if f.is_file());"
        "site = next(pathlib.Path('/opt/hubble-egress-exporter/lib').glob('python3*/site-packages'));"
        "print(json.dumps({'packages': {p.metadata['Name'].lower(): p.version for p in d(path=[str(site)])},"
        "'sizes': {p.name: size(p) for p in site.iterdir() if p.is_dir()},"
        "'stray': [str(p) for p in pathlib.Path('/').glob('source*')]}))"
    )
    found = json.loads(_run(image, code))
    lock = (ROOT / "requirements.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE))
    normal = {re.sub(r"[_.]", "-", name): version for name, version in found["packages"].items()}
    assert normal.pop("hubble-egress-exporter") == "0.1.0"
    assert normal.items() <= locked.items()
    # Of the lock, only what older Pythons and Windows want may be missing.
    assert locked.keys() - normal.keys() <= {"async-timeout", "colorama"}
    assert found["stray"] == []
    whole, base = (image.tools.inspect(tag)["Size"] for tag in (image.tag, BASE))
    largest = sorted(found["sizes"].items(), key=lambda item: -item[1])[:8]
    parts = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in largest)
    packed, base_packed = (image.tools.packed(tag) for tag in (image.tag, BASE))
    sizes = [size / 1e6 for size in (whole, packed, whole - base, packed - base_packed)]
    with capsys.disabled():
        sys.stdout.write("\nimage {:.0f} MB, {:.0f} MB packed; ours {:.0f} and {:.0f}\n".format(*sizes))
        sys.stdout.write(f"  {parts}\n")
    said = re.search(
        r"it is (\d+) MB,\s(\d+) MB packed; (\d+) and (\d+) of them are ours", (ROOT / "README.md").read_text()
    )
    assert said
    assert sizes == pytest.approx([float(number) for number in said.groups()], rel=0.05, abs=1)


def test_whose_the_state_is(image: Image) -> None:
    """The folder of `known.file` is there, empty, and for the user only to write to: a new volume takes that over."""
    code = (
        "import os; folder = '/var/lib/hubble-egress-exporter'; state = os.stat(folder);"
        "print(state.st_uid, state.st_gid, state.st_mode, os.listdir(folder))"
    )
    assert _run(image, code).strip() == f"65532 65532 {0o40755} []"


def test_which_build_it_is(image: Image) -> None:
    """`--version` names the commit that the build was given."""
    said = done(image.tools.podman("run", "--rm", *HARDENED, image.tag, "--version"))
    assert f"commit {COMMIT[:12]}" in said


def test_a_second_build_is_the_same(image: Image) -> None:
    """The same sources on the same base give the same layers, byte by byte."""
    again = f"{image.tag}-again"
    image.tools.build(again, image.wheels, VERSION="0.1.0", REVISION=COMMIT)
    first, second = (image.tools.inspect(tag) for tag in (image.tag, again))
    assert first["RootFS"]["Layers"] == second["RootFS"]["Layers"]


def test_what_is_not_locked_is_not_built(image: Image, tmp_path: Path) -> None:
    """A package whose hash is not the locked one ends the build."""
    for name in ("exporter", "deploy", "pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(tmp_path)], check=True)  # noqa: S607, whichever there is
    (tmp_path / "requirements-build.txt").write_text((ROOT / "requirements-build.txt").read_text())
    lock = (ROOT / "requirements.txt").read_text()
    changed = re.sub(
        r"(annotated-types(?:.|\n)*?sha256:)\w+(\s+\\\n\s+--hash=sha256:)\w+", rf"\g<1>{'0' * 64}\2{'1' * 64}", lock
    )
    assert changed != lock
    (tmp_path / "requirements.txt").write_text(changed)
    with pytest.raises(AssertionError, match="DO NOT MATCH THE HASHES"):
        image.tools.build(f"{image.tag}-changed", image.wheels, context=tmp_path)
