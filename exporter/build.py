"""Which build this is: version, Python and commit."""

import platform
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

_COMMIT_LENGTH = 12


class Build(NamedTuple):
    """What `build_info` and `--version` say."""

    version: str
    python: str
    commit: str


@cache
def build() -> Build:
    """The build of the running exporter; what is not known is `unknown`."""
    return Build(_version(), platform.python_version(), _commit())


def _version() -> str:
    try:
        return metadata.version("hubble-egress-exporter")
    except metadata.PackageNotFoundError:
        return "unknown"


def _commit() -> str:
    """The commit that a wheel carries (`commit.txt`, written when it is built), or the checkout's own."""
    try:
        return resources.files("exporter").joinpath("commit.txt").read_text().strip()
    except OSError:
        return read_head(Path(__file__).parent.parent / ".git") or "unknown"


def read_head(git: Path) -> str:
    """The commit of a checkout, read without git; `""` where there is none."""
    try:
        head = (git / "HEAD").read_text().strip()
        reference = head.removeprefix("ref: ")
        if reference == head:
            return head[:_COMMIT_LENGTH]
        loose = git / reference
        if loose.exists():
            return loose.read_text().strip()[:_COMMIT_LENGTH]
        packed = (git / "packed-refs").read_text().splitlines()
        return next((line[:_COMMIT_LENGTH] for line in packed if line.endswith(f" {reference}")), "")
    except OSError:
        return ""
