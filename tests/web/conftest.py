"""A site to serve, the authority that signs for it, and what is logged meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme

from exporter.settings.web_file import WebFileError, read_web_config
from tests.web.served import Site


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority that everybody here trusts."""
    return trustme.CA()


@pytest.fixture
def site(tmp_path: Path, authority: trustme.CA) -> Iterator[Site]:
    """A site with a certificate."""
    made = Site(tmp_path, authority)
    made.certify()
    yield made
    for server in made.servers:
        server.stop()


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What is logged during the test."""
    with structlog.testing.capture_logs() as captured:
        yield captured


@pytest.fixture
def message_of(site: Site) -> Callable[[str], str]:
    """The message with which a web configuration is refused; the file is called web.yml in it."""

    def refuse(text: str) -> str:
        site.write("web.yml", text)
        with pytest.raises(WebFileError) as raised:
            read_web_config(str(site.file))
        return str(raised.value).replace(f"{site.folder}/", "")

    return refuse
