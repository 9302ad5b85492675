"""The Prometheus versions that are there: the one on the search path, and newer ones in folders of their own.

`EXPORTER_PROMETHEUS_VERSIONS` names the folders, divided by colons; each has `promtool` and `amtool` in it.
"""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.programs import required

VARIABLE = "EXPORTER_PROMETHEUS_VERSIONS"
INSTALLED = "installed"
VERSIONS = (INSTALLED, "2.x", "3.x")
"""The one that is installed must be there in CI; the newest of the second and of the third kind are a bonus."""


def tool(program: str, version: str) -> str:
    """The path of this program of this version; the test is skipped without it."""
    if version == INSTALLED:
        return required(program)
    for folder in filter(None, os.environ.get(VARIABLE, "").split(":")):
        path = Path(folder) / program
        if path.is_file() and _major_of(Path(folder) / "promtool") == version:
            return str(path)
    pytest.skip(f"no {program} of Prometheus {version} in the folders of {VARIABLE}")


@cache
def _major_of(promtool: Path) -> str:
    said = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    # Debian's build of one version says so to the one stream, that of another to the other.
    found = re.search(r"version (\d+)\.", said.stdout + said.stderr)
    return f"{found[1]}.x" if found else ""
