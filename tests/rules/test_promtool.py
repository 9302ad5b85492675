"""The real promtool reads the rules, and its unit tests of them pass on every version."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.rules.reading import RULES
from tests.rules.versions import VERSIONS, tool

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("version", VERSIONS)
def test_rules_are_valid(version: str) -> None:
    """`promtool check rules` finds no fault in any rule file."""
    files = [str(path) for path in sorted(RULES.glob("*.yaml"))]
    check = subprocess.run(
        [tool("promtool", version), "check", "rules", *files], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("version", VERSIONS)
def test_alert(version: str, file: Path) -> None:
    """The alert fires and stays silent as its promtool file says."""
    said = _said(tool("promtool", version))[file]
    assert said.strip() == "SUCCESS", f"{file.name}\n{said}"


@cache
def _said(promtool: str) -> dict[Path, str]:
    """What promtool says of each file; one process for all of them, for most of the time goes into its start."""
    ended = subprocess.run(
        [promtool, "test", "rules", *map(str, FILES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # Versions differ in whether they name the file; all of them keep the order.
    parts = re.split(r"^  (?=SUCCESS|FAILED:)", ended.stdout, flags=re.MULTILINE)[1:]
    assert len(parts) == len(FILES), ended.stdout
    return {file: part.partition("Unit Testing:")[0] for file, part in zip(FILES, parts, strict=True)}


def test_a_failure_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several files the one that fails is told from the others."""
    text = "rule_files: [rules.yaml]\ntests: [{alert_rule_test: [{eval_time: 0, alertname: A, exp_alerts: [%s]}]}]"
    (tmp_path / "rules.yaml").write_text("groups: [{name: a, rules: [{alert: A, expr: vector(1)}]}]")
    files = [tmp_path / name for name in ("first.yaml", "second.yaml", "third.yaml")]
    for file, expected in zip(files, ("{}", "", "{}"), strict=True):
        file.write_text(text % expected)
    monkeypatch.setattr("tests.rules.test_promtool.FILES", files)
    said = _said.__wrapped__(tool("promtool", VERSIONS[0]))
    assert [said[file].split()[0] for file in files] == ["SUCCESS", "FAILED:", "SUCCESS"]
