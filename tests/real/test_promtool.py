"""The real promtool reads what we expose, and has nothing to complain about."""

import subprocess
from pathlib import Path

import pytest

from tests.programs import required, run

SCENARIOS = Path(__file__).parent.parent / "scenarios"


@pytest.mark.parametrize(
    "command",
    [
        ("demo", "--once"),
        ("replay", "--once", *(str(path) for path in sorted(SCENARIOS.glob("*/flows.jsonl")))),
    ],
    ids=["demo", "all scenarios"],
)
def test_promtool_check_metrics(command: tuple[str, ...]) -> None:
    """`promtool check metrics` passes on the whole exposition, without a word."""
    promtool = required("promtool")
    ended = run(*command)
    assert ended.returncode == 0
    check = subprocess.run(
        [promtool, "check", "metrics"], input=ended.stdout, capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
