"""What the README shows of the demo is what the demo prints: whoever types its commands sees the same."""

import json
import re
from pathlib import Path

import pytest

from tests.programs import run

ROOT = Path(__file__).resolve().parent.parent


def shown(command: str) -> list[str]:
    """The lines that the README prints behind the command that begins so, up to the next command or the end."""
    readme = (ROOT / "README.md").read_text()
    (block,) = (one for one in re.findall(r"^```\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) if command in one)
    behind: str = block.partition(command)[2].partition("\n$ ")[0]
    return behind.splitlines()[1:]


def assert_printed(lines: list[str], printed: str) -> None:
    """The lines are printed as they are and in this order; at `...` some may be left out, and nowhere else."""
    parts = [part.strip("\n") for part in re.split(r"^ *\.\.\.$", "\n".join(lines), flags=re.MULTILINE)]
    pattern = "\n(?:.*\n)*?".join(re.escape(part) for part in parts if part)
    assert re.match(rf"{pattern}(?:\n|\Z)", printed), printed


def test_metrics_of_the_demo() -> None:
    """The samples below `make demo` are those of the story that is told to its end."""
    readme = (ROOT / "README.md").read_text()
    samples = re.findall(r"^hubble_egress_\w+\{.*\} \d+$", readme, re.MULTILINE)
    printed = run("demo", "--once").stdout.splitlines()
    assert len(samples) == 5
    assert set(samples) <= set(printed)


def test_triage_of_the_demo(tmp_path: Path) -> None:
    """The finding about one workload is what triage says of the dump."""
    assert run("demo", "--dump", "demo.jsonl", cwd=tmp_path).returncode == 0
    ended = run("triage", "--workload", "wishlist", "demo.jsonl", cwd=tmp_path)
    assert_printed(shown("$ hubble-egress-exporter demo --dump demo.jsonl"), ended.stdout)


def test_findings_of_the_demo(tmp_path: Path) -> None:
    """The summaries are those of its first warnings."""
    assert run("demo", "--once", "--findings.file.path", "findings.jsonl", cwd=tmp_path).returncode == 0
    findings = [json.loads(line) for line in (tmp_path / "findings.jsonl").read_text().splitlines()]
    summaries = [finding["summary"] for finding in findings if finding["severity"] == "warning"]
    assert_printed(shown("$ jq -r 'select(.severity"), "\n".join(summaries))


def test_what_is_left_out_is_marked() -> None:
    """A line that is not printed, or one too few without a mark, is a difference."""
    assert_printed(["a", "...", "c"], "a\nb\nc\nd")
    assert_printed(["a", "b"], "a\nb\nc\nd")
    for wrong in (["a", "c"], ["b"], ["a", "...", "x"], ["a", "...", "d", "e"]):
        with pytest.raises(AssertionError):
            assert_printed(wrong, "a\nb\nc\nd")
