"""The wheel is the product: it is built, unpacked into an empty folder, and run from there without the checkout.

The sdist is what others build it from.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _built(kind: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return _built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the unpacked sdist."""
    sdist, empty = _built("sdist", ROOT, tmp_path_factory.mktemp("sdist")), tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(empty, filter="data")
    (folder,) = empty.iterdir()
    return folder


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with nothing but the unpacked wheel."""
    empty = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(empty)  # noqa: S202, it is our own
    return empty


def _python(installed: Path, cwd: Path, *arguments: str) -> str:
    # -P and PYTHONPATH: neither the current folder nor the checkout may lend a module.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    ended = subprocess.run(
        [sys.executable, "-P", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_generated_code_is_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The generated protobuf code is imported from the wheel."""
    code = "import exporter.hubble.pb.observer.observer_pb2_grpc as module; print(module.__file__)"
    assert _python(installed, tmp_path, "-c", code).startswith(str(installed))


@pytest.mark.parametrize("stage", ["findings", "triage"])
def test_schemas_are_in_the_wheel(installed: Path, stage: str) -> None:
    """Whoever reads what is written finds its schema beside the code."""
    assert (installed / "exporter" / stage / "schema.json").is_file()


def test_the_demo_s_allowlist_is_in_the_wheel(installed: Path) -> None:
    """What the demo declares lies beside its code."""
    assert (installed / "exporter/demo/allowlist.yaml").is_file()


def test_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The demo plays its story to the end, with the allowlist that it declares, and prints its metrics."""
    out = _python(installed, tmp_path, "-m", "exporter", "demo", "--once")
    assert "hubble_egress_connections_total{" in out
    assert 'hubble_egress_unexpected_connections_total{source_namespace="shop",source_workload="recommender"' in out


def test_version_names_the_commit(installed: Path, tmp_path: Path) -> None:
    """A wheel that was built in a checkout knows its commit."""
    if not (ROOT / ".git").is_dir():
        pytest.skip("this is no checkout")
    commit = (installed / "exporter" / "commit.txt").read_text().strip()
    assert len(commit) == 12
    assert f"commit {commit}" in _python(installed, tmp_path, "-m", "exporter", "--version")


def _contents(wheel: Path) -> dict[str, list[bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        # What lists the files does so in the order in which they were found.
        read = {name: archive.read(name).splitlines() for name in archive.namelist()}
    return {name: sorted(lines) if name.endswith("RECORD") else lines for name, lines in read.items()}


def test_the_sdist_gives_the_same_wheel(wheel: Path, unpacked: Path, tmp_path: Path) -> None:
    """Whoever builds from the sdist gets the same files, the commit included."""
    assert _contents(_built("wheel", unpacked, tmp_path)) == _contents(wheel)


@pytest.mark.skipif("EXPORTER_PROOF" not in os.environ, reason="asks the package index: `make proof` runs it")
def test_a_clean_environment(unpacked: Path, tmp_path: Path) -> None:
    """From the sdist alone: both are built, what is locked suffices for the demo, and the SBOM lists all of it."""
    made = subprocess.run(["make", "sbom"], cwd=unpacked, capture_output=True, text=True, check=False)  # noqa: S607, whichever there is
    assert made.returncode == 0, made.stderr
    assert {path.suffix for path in (unpacked / "dist").iterdir()} == {".whl", ".gz", ".json"}
    demo = [str(unpacked / ".venv-dist/clean/bin/hubble-egress-exporter"), "demo", "--once"]
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(demo, cwd=tmp_path, env=ours, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "hubble_egress_connections_total{" in told.stdout
    bill = json.loads((unpacked / "dist/sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "hubble-egress-exporter")
    listed = {(_normal(one["name"]), one["version"]) for one in bill["components"]}
    locked = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    # What older Pythons and Windows want may be missing.
    assert {one for one in locked if one[0] not in ("async-timeout", "colorama")} <= listed


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
