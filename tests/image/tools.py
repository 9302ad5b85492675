"""buildah, podman and mmdebstrap with a storage of their own: nothing of the machine's is read or changed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.programs import ROOT, required

BASE, BUILD_BASE = "localhost/python-base:12", "localhost/python-build-base:12"
_SUITE = "bookworm"
_MINUTES = 15


def check_asked_for() -> None:
    """Skip, unless the proof was asked for by somebody who may do it."""
    if os.environ.get("EXPORTER_PROOF") != "yes":
        pytest.skip("takes minutes: `make proof` runs it")
    if os.geteuid() != 0:
        pytest.skip("a base system is unpacked and mounted, which needs root here")


def done(command: list[str], **options: Any) -> str:  # noqa: ANN401, they are subprocess.run's
    """Run it, and return what it wrote to standard output; a failure tells its last words."""
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60 * _MINUTES, **{"cwd": ROOT, **options}
    )
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    return str(ended.stdout)


def _driver(folder: Path) -> str:
    """`overlay` where the kernel mounts one over this folder; else `vfs`, which copies all of it each time."""
    parts = {name: folder / "try" / name for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(parents=True, exist_ok=True)
    options = ",".join(f"{name}dir={parts[name]}" for name in ("lower", "upper", "work"))
    tried = ["mount", "-t", "overlay", "overlay", "-o", options, str(parts["merged"])]
    if subprocess.run(tried, capture_output=True, check=False).returncode != 0:
        return "vfs"
    done(["umount", str(parts["merged"])])
    return "overlay"


class Tools:
    """The programs, and the folder in which their images and containers are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run")]
        self._storage += ["--storage-driver", _driver(folder)]

    def buildah(self, *arguments: str) -> str:
        """What buildah says."""
        return done([required("buildah"), *self._storage, *arguments])

    def podman(self, *arguments: str) -> list[str]:
        """The command of podman, for who wants to start it."""
        runtime = ["--runtime", required("runc"), "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        return [required("podman"), *self._storage, *runtime, *arguments]

    def bases(self) -> None:
        """Two bases from the packages of a distribution, for no registry is asked: one to run on, one with pip."""
        for name, packages in ((BASE, "python3"), (BUILD_BASE, "python3,python3-venv,python3-pip")):
            archive = self.folder / "base.tar"
            no_docs = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("doc", "man", "locale")]
            done(
                [
                    *(required("mmdebstrap"), "--quiet", "--variant=minbase", *no_docs),
                    *(f"--include={packages},ca-certificates", _SUITE, str(archive)),
                ]
            )
            container = self.buildah("from", "scratch").strip()
            self.buildah("add", "--quiet", container, str(archive), "/")
            self.buildah("commit", "--quiet", "--rm", container, name)
            archive.unlink()

    def wheels(self) -> Path:
        """The locked packages for the base's Python, fetched as pip is set up here: what is built asks no index."""
        folder = self.folder / "wheels"
        for lock in ("requirements.txt", "requirements-build.txt"):
            # Conditions are those of this Python, and the base may have another one: fetch what either wants.
            everything = self.folder / lock
            everything.write_text(re.sub(r" ; .*(?= \\$)", "", (ROOT / lock).read_text(), flags=re.MULTILINE))
            done(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
                    *("--only-binary", ":all:", "--python-version", "3.11", "--dest", str(folder)),
                    *("--requirement", str(everything)),
                ]
            )
        return folder

    def build(self, tag: str, wheels: Path, context: Path = ROOT, **arguments: str) -> None:
        """Build the Dockerfile; pip finds the wheels, and has no index to ask."""
        settings = self.folder / "pip.conf"
        settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
        given = {"PYTHON_IMAGE": BASE, "BUILD_IMAGE": BUILD_BASE, **arguments}
        self.buildah(
            *("bud", "--isolation", "chroot", "--pull-never", "--no-cache", "--timestamp", "0", "--layers=false"),
            *("--volume", f"{wheels}:/wheels:ro", "--volume", f"{settings}:/etc/pip.conf:ro"),
            *(part for name, value in given.items() for part in ("--build-arg", f"{name}={value}")),
            *("--file", str(context / "deploy/Dockerfile"), "--tag", tag, str(context)),
        )

    def packed(self, tag: str) -> int:
        """How many bytes a registry would hold of an image."""
        folder = self.folder / "packed"
        self.buildah("push", "--quiet", "--disable-compression=false", tag, f"oci:{folder}:packed")
        size = sum(blob.stat().st_size for blob in folder.rglob("blobs/sha256/*"))
        shutil.rmtree(folder)
        return size

    def inspect(self, tag: str) -> dict[str, Any]:
        """What is known of an image."""
        (found,) = json.loads(done(self.podman("image", "inspect", tag)))
        return dict(found)


def hardened(network: str = "none") -> tuple[str, ...]:
    """As the chart runs it, in flags of podman: no capability, no disk, nothing to gain."""
    return (
        *("--network", network, "--pull", "never", "--read-only", "--read-only-tmpfs=false", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--memory", "256m", "--memory-swap", "256m", "--pids-limit", "100"),
        # Without these the runtime wants to raise limits that it may not.
        *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"),
    )


HARDENED = hardened()
"""The same, alone in its network."""
