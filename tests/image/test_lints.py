"""What others' linters say of Dockerfile, compose file and workflows: nothing; exceptions have their reasons."""

import json
import os
import re
import subprocess

import pytest

from tests.programs import ROOT, required

_DOCKERFILE = ROOT / "deploy/Dockerfile"


@pytest.fixture(autouse=True)
def _asked_for() -> None:
    if os.environ.get("EXPORTER_PROOF") != "yes":
        pytest.skip("programs of some hundred MB: `make proof` installs and runs them")


def _said(program: str, *arguments: str) -> tuple[int, str]:
    command = [required(program), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return ended.returncode, ended.stdout


def test_hadolint() -> None:
    """It finds nothing, and nothing is hidden from it."""
    assert "hadolint ignore" not in _DOCKERFILE.read_text()
    assert _said("hadolint", "--no-color", str(_DOCKERFILE)) == (0, "")


def test_checkov_of_the_dockerfile() -> None:
    """It finds nothing; what it is told to skip has a reason."""
    arguments = ("--framework", "dockerfile", "--file", "deploy/Dockerfile", "--skip-download", "--output", "json")
    code, said = _said("checkov", *arguments)
    report = json.loads(said)
    assert code == 0, report["results"]["failed_checks"]
    assert report["summary"]["passed"] > 100
    skipped = {one["check_id"] for one in report["results"]["skipped_checks"]}
    assert skipped == set(re.findall(r"checkov:skip=(\w+):\w+", _DOCKERFILE.read_text()))


def test_zizmor() -> None:
    """It finds nothing in the workflows that somebody could make use of, and nothing is hidden from it."""
    assert "zizmor: ignore" not in "".join(path.read_text() for path in (ROOT / ".github").rglob("*.y*ml"))
    code, said = _said(
        "zizmor", "--offline", "--no-progress", "--min-severity", "medium", "--format", "json", ".github"
    )
    assert (code, json.loads(said)) == (0, [])


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.compose-spec", ["deploy/compose.yaml"]),
        ("vendor.github-workflows", [".github/workflows/ci.yaml", ".github/workflows/release.yaml"]),
        ("vendor.dependabot", [".github/dependabot.yml"]),
    ],
)
def test_schemas(schema: str, files: list[str]) -> None:
    """They are what their programs' schemas allow."""
    code, said = _said("check-jsonschema", "--builtin-schema", schema, *files)
    assert code == 0, said
