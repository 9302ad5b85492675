"""The command `triage`, for tests that make their own flows."""

from pathlib import Path

import pytest

from tests.triage.lines import Run


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, which reads its flows from files of this test."""
    return Run(tmp_path, capsys)
