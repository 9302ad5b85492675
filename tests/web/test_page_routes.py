"""Where the landing page and the status are served, and how."""

import io
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest

from exporter.triage.health import Health
from exporter.triage.interface import NOTHING_SEEN, Report
from exporter.web.destinations import DestinationsReport
from exporter.web.routes import Exposed, Routes
from exporter.web.status import Status
from tests.statuses import NOTHING_REMEMBERED, full

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = ["/", "/api/v1/status", "/api/v1/triage", "/api/v1/dns", "/api/v1/destinations"]


class Shows:
    """What is shown, and what happens while it is taken."""

    def __init__(self) -> None:
        self.taken = full()
        self.meanwhile: Callable[[], object] = lambda: None

    def exposition(self, accept: str) -> Exposed:
        """Nothing."""
        return Exposed(b"", accept)

    def unhealthy(self) -> str:
        """All is well."""
        return ""

    def unready(self) -> str:
        """All is well."""
        return ""

    def status(self) -> Status:
        """The status."""
        self.meanwhile()
        return self.taken

    def triage(self, *, brief: bool = False) -> Report:  # noqa: ARG002, it has none
        """Nothing is broken."""
        return NOTHING_SEEN

    def health(self) -> Health:
        """No name fails."""
        return Health(())

    def destinations(self) -> DestinationsReport:
        """Nothing is known."""
        return NOTHING_REMEMBERED

    def reload(self) -> str:
        """Nothing to read."""
        return ""


def _get(routes: Routes, path: str, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401, WSGI
        answered.extend((status, dict(headers)))

    body = b"".join(routes(environ, start_response))
    return answered[0], answered[1], body


@pytest.mark.parametrize(
    ("path", "kind"), [(path, "application/json" if "api" in path else "text/html; charset=utf-8") for path in PAGES]
)
def test_pages(path: str, kind: str) -> None:
    """The page and the status are served fresh, as what they are."""
    status, headers, body = _get(Routes(Shows(), 4), path)
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == ("200 OK", kind, "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert body


@pytest.mark.parametrize("path", PAGES)
def test_head(path: str) -> None:
    """HEAD has the same length and no body."""
    routes = Routes(Shows(), 4)
    assert _get(routes, path, "HEAD")[1]["Content-Length"] == _get(routes, path)[1]["Content-Length"]
    assert _get(routes, path, "HEAD")[2] == b""


@pytest.mark.parametrize("path", PAGES)
def test_post(path: str) -> None:
    """Nothing can be changed here."""
    assert _get(Routes(Shows(), 4), path, "POST")[0] == "405 Method Not Allowed"


def test_policy_forbids_scripts() -> None:
    """The browser is told to run nothing, load nothing, and let no other site frame the page."""
    policy = _get(Routes(Shows(), 4), "/")[1]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy


def test_most_pages_at_a_time() -> None:
    """Two pages may be taken at a time; a third is told to come again, and health is answered all the while."""
    shows = Shows()
    routes = Routes(shows, 4)
    inside, go_on = threading.Barrier(3), threading.Event()
    answers: list[str] = []

    def wait() -> None:
        inside.wait(30)
        go_on.wait(30)

    shows.meanwhile = wait
    readers = [threading.Thread(target=lambda: answers.append(_get(routes, "/")[0])) for _ in range(2)]
    for reader in readers:
        reader.start()
    inside.wait(30)
    status, headers, _ = _get(routes, "/api/v1/status")
    assert (status, headers["Retry-After"]) == ("503 Service Unavailable", "1")
    assert _get(routes, "/-/healthy")[0] == "200 OK"
    assert _get(routes, "/metrics")[0] == "200 OK"
    go_on.set()
    for reader in readers:
        reader.join(30)
    assert answers == ["200 OK"] * 2
    shows.meanwhile = lambda: None
    assert _get(routes, "/")[0] == f"{HTTPStatus.OK.value} OK"


def test_a_failure_frees_the_place() -> None:
    """A page that fails does not take its place with it."""
    shows = Shows()
    routes = Routes(shows, 4)

    def fail() -> None:
        raise ValueError("no")

    shows.meanwhile = fail
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            _get(routes, "/")
    shows.meanwhile = lambda: None
    assert _get(routes, "/")[0] == "200 OK"
