"""The workflows of CI and releases: what they run of others is pinned, and each job may only what it needs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import ROOT

_FILES = sorted((ROOT / ".github/workflows").glob("*.yaml"))
_EACH = pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
_MAY_WRITE = {
    "package": {"id-token", "attestations"},
    "image": {"packages"},
    "publish": {"contents", "packages", "id-token", "attestations"},
}


def _read(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text()))


def _steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


def test_there_are_two() -> None:
    """One for every change, one for a release, which begins with the first."""
    assert [file.name for file in _FILES] == ["ci.yaml", "release.yaml"]
    assert _read(_FILES[1])["jobs"]["test"]["uses"] == "./.github/workflows/ci.yaml"


@_EACH
def test_actions_are_pinned_by_hash(file: Path) -> None:
    """A tag can be moved, a commit cannot; the version is beside it for people."""
    used = re.findall(r"uses: (\S+)(.*)", file.read_text())
    assert used
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@_EACH
def test_rights_are_few(file: Path) -> None:
    """Nothing may write unless its job says so, and a checkout leaves no credentials."""
    workflow = _read(file)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        writes = {right for right, how in job.get("permissions", {}).items() if how == "write"}
        assert writes == _MAY_WRITE.get(name, set()), name
    checkouts = [step for step in _steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@_EACH
def test_no_text_of_others_is_run(file: Path) -> None:
    """What comes from outside reaches a shell as a variable, never as part of the script."""
    assert [step["run"] for step in _steps(_read(file)) if "${{" in step.get("run", "")] == []


@_EACH
def test_every_job_ends(file: Path) -> None:
    """A job that hangs is ended, and runs on a named release of the machine."""
    for name, job in _read(file)["jobs"].items():
        if "uses" not in job:
            assert job["timeout-minutes"] <= 90, name
            assert "latest" not in job["runs-on"], name


def test_a_release_is_tested_built_signed_and_proven() -> None:
    """Nothing is built before the tests pass, or published before all is built: for both architectures."""
    jobs = _read(_FILES[1])["jobs"]
    assert {one["platform"] for one in jobs["image"]["strategy"]["matrix"]["include"]} == {"linux/amd64", "linux/arm64"}
    assert all("test" in jobs[name]["needs"] for name in ("package", "image"))
    assert {"package", "image"} <= set(jobs["publish"]["needs"])
    said = "\n".join(f"{step.get('uses', '')} {step.get('run', '')}" for step in jobs["publish"]["steps"])
    for what in (
        "imagetools create",
        "cosign sign --yes",
        "attest-build-provenance@",
        "attest-sbom@",
        "release create",
    ):
        assert what in said


def test_each_architecture_is_run_before_it_is_published() -> None:
    """What was pushed for a machine is run on one of its kind, hardened as the chart does it."""
    job = _read(_FILES[1])["jobs"]["image"]
    for one in job["strategy"]["matrix"]["include"]:
        assert one["platform"].endswith("arm64") is one["runner"].endswith("-arm")
    (run,) = (step["run"] for step in job["steps"] if "docker run" in step.get("run", ""))
    for what in ("--read-only", "--cap-drop ALL", "no-new-privileges", '"$TARGET@$(cat "digests/$NAME")" demo --once'):
        assert what in run
