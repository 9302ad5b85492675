"""The real promtool reads the rules, and its unit tests of them pass on every version."""

import os
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.rules.needed import laid_out
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
    said = _of_all(tool("promtool", version))[file]
    assert said == "SUCCESS", f"{file.name}\n{said}"


@cache
def _of_all(promtool: str) -> dict[Path, str]:
    """What promtool says of each file; one process a processor, for each takes its time to start."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        copies = [laid_out(file, RULES, Path(folder) / file.stem) for file in FILES]
        shares = range(min(os.cpu_count() or 1, len(FILES)))
        said = pool.map(lambda share: _said(promtool, copies[share :: len(shares)]), shares)
        results: dict[Path, str] = {}
        for share, those in zip(shares, said, strict=True):
            results |= zip(FILES[share :: len(shares)], those, strict=True)
        return results


def _said(promtool: str, files: Sequence[Path]) -> list[str]:
    ended = subprocess.run(
        [promtool, "test", "rules", *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # Versions differ in whether they name the file; all of them keep the order.
    parts = re.split(r"^  (?=SUCCESS|FAILED:)", ended.stdout, flags=re.MULTILINE)[1:]
    assert len(parts) == len(files), ended.stdout
    return [part.partition("Unit Testing:")[0].strip() for part in parts]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failure_names_its_file(version: str, tmp_path: Path) -> None:
    """Of several files the one that fails is told from the others."""
    text = "rule_files: [rules.yaml]\ntests: [{alert_rule_test: [{eval_time: 0, alertname: A, exp_alerts: [%s]}]}]"
    (tmp_path / "rules.yaml").write_text("groups: [{name: a, rules: [{alert: A, expr: vector(1)}]}]")
    files = [tmp_path / name for name in ("first.yaml", "second.yaml", "third.yaml")]
    for file, expected in zip(files, ("{}", "", "{}"), strict=True):
        file.write_text(text % expected)
    first, second, third = _said(tool("promtool", version), files)
    assert (first, third) == ("SUCCESS", "SUCCESS")
    assert second.startswith("FAILED:")
