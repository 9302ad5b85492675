"""The packages of a release: what is locked is there as wheels for both of its architectures."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import ROOT

_RELEASE: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_LOCKS = ("requirements.txt", "requirements-build.txt")


@pytest.mark.parametrize(
    "platform", [one["platform"] for one in _RELEASE["jobs"]["image"]["strategy"]["matrix"]["include"]]
)
def test_wheels_for(platform: str, tmp_path: Path) -> None:
    """For the Python of the release's base each locked package has a wheel with a locked hash: nothing is compiled."""
    if os.environ.get("EXPORTER_PROOF") != "yes":
        pytest.skip("fetches some 20 MB: `make proof` runs it")
    # What Debian 12 has: glibc 2.36.
    accepted = [f"manylinux_2_{minor}_{_MACHINES[platform]}" for minor in (36, 34, 31, 28, 24, 17)]
    accepted.append(f"manylinux2014_{_MACHINES[platform]}")
    version = _python_of(_RELEASE["env"]["BASE"])
    for lock in _LOCKS:
        # Conditions are those of this Python: fetch what any wants.
        everything = tmp_path / lock
        everything.write_text(re.sub(r" ; .*(?= \\$)", "", (ROOT / lock).read_text(), flags=re.MULTILINE))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", "--python-version", version, "--dest", str(tmp_path / "wheels")]
        command += [part for one in accepted for part in ("--platform", one)]
        ended = subprocess.run([*command, "-r", str(everything)], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
    machines = {path.stem.rpartition("-")[2] for path in (tmp_path / "wheels").iterdir()} - {"any"}
    assert machines
    assert all(_MACHINES[platform] in machine for machine in machines)


def _python_of(base: str) -> str:
    found = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", base)
    assert found, base
    return found[1]
