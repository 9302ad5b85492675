"""What others' linters say of Dockerfile, compose file and workflows: nothing; exceptions have their reasons."""

import json
import re

import pytest

from tests.image.linters import said
from tests.programs import ROOT

_DOCKERFILE = ROOT / "deploy/Dockerfile"


def test_hadolint() -> None:
    """It finds nothing, and nothing is hidden from it."""
    assert "hadolint ignore" not in _DOCKERFILE.read_text()
    assert said("hadolint", "--no-color", str(_DOCKERFILE)) == (0, "")


def test_checkov_of_the_dockerfile() -> None:
    """It finds nothing; what it is told to skip has a reason."""
    arguments = ("--framework", "dockerfile", "--file", "deploy/Dockerfile", "--skip-download", "--output", "json")
    code, told = said("checkov", *arguments)
    report = json.loads(told)
    assert code == 0, report["results"]["failed_checks"]
    assert report["summary"]["passed"] > 100
    skipped = {one["check_id"] for one in report["results"]["skipped_checks"]}
    assert skipped == set(re.findall(r"checkov:skip=(\w+):\w+", _DOCKERFILE.read_text()))


def test_zizmor() -> None:
    """It finds nothing in the workflows that somebody could make use of, and nothing is hidden from it."""
    assert "zizmor: ignore" not in "".join(path.read_text() for path in (ROOT / ".github").rglob("*.y*ml"))
    code, told = said("zizmor", "--offline", "--no-progress", "--min-severity", "medium", "--format", "json", ".github")
    assert (code, json.loads(told)) == (0, [])


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
    code, told = said("check-jsonschema", "--builtin-schema", schema, *files)
    assert code == 0, told
