"""Programs of others that look at what is deployed, as `.ci/image-tools` installs them."""

import os
import subprocess

import pytest

from tests.programs import ROOT, required


def said(program: str, *arguments: str) -> tuple[int, str]:
    """Exit code and standard output of a linter that runs in the checkout; skips unless the proof was asked for."""
    if os.environ.get("EXPORTER_PROOF") != "yes":
        pytest.skip("programs of some hundred MB: `make proof` installs and runs them")
    command = [required(program), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return ended.returncode, ended.stdout
