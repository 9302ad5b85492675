"""One image for all tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.image.tools import Tools, check_asked_for

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Image(NamedTuple):
    """What was built, and with what."""

    tag: str
    tools: Tools
    wheels: Path


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image of this checkout on a base that was made here."""
    check_asked_for()
    # Not below pytest's folders: a storage that is left over would be large, and mounts would be in it.
    with tempfile.TemporaryDirectory(prefix="hubble-egress-image-", ignore_cleanup_errors=True) as folder:
        tools = Tools(Path(folder))
        tools.bases()
        wheels = tools.wheels()
        tag = "localhost/hubble-egress-exporter:test"
        tools.build(tag, wheels, VERSION="0.1.0", REVISION=COMMIT)
        yield Image(tag, tools, wheels)
