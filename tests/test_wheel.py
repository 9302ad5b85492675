"""The wheel is the product: it is built, unpacked into an empty folder, and run from there without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with nothing but the unpacked wheel."""
    built, empty = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(empty)
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
