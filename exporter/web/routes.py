"""What each path answers, as a WSGI application."""

import gzip
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, Protocol

from exporter.log import logger
from exporter.triage import written
from exporter.triage.health import Health
from exporter.triage.interface import Report
from exporter.web import destinations
from exporter.web.api import to_json
from exporter.web.destinations import DestinationsReport
from exporter.web.page import CONTENT_SECURITY_POLICY, landing
from exporter.web.status import Status

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_FRESH = ("Cache-Control", "no-store")
_SAFE = (("Content-Security-Policy", CONTENT_SECURITY_POLICY), ("X-Content-Type-Options", "nosniff"))
# Taken at the same time: adding up all series costs time, and health checks need the other spare threads.
_MOST_PAGES = 2
# Below this a compressed answer is hardly smaller and costs more.
_WORTH_COMPRESSING = 1400


class Exposed(NamedTuple):
    """An exposition and its content type."""

    body: bytes
    content_type: str


class Views(Protocol):
    """What the pages show; the service implements it."""

    def exposition(self, accept: str) -> Exposed:
        """All metrics, in the format that the Accept header asks for."""
        ...

    def unhealthy(self) -> str:
        """Why the process should be restarted, or an empty text."""
        ...

    def unready(self) -> str:
        """Why it is not ready, or an empty text."""
        ...

    def status(self) -> Status:
        """What the landing page and `/api/v1/status` say."""
        ...

    def triage(self, *, brief: bool = False) -> Report:
        """What is broken now, in brief without what to do about it."""
        ...

    def health(self) -> Health:
        """Names whose resolution fails."""
        ...

    def destinations(self) -> DestinationsReport:
        """New and unexpected destinations."""
        ...

    def reload(self) -> str:
        """Read the settings again; what is wrong with them, or an empty text."""
        ...


class Answer(NamedTuple):
    """One HTTP answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT
    headers: tuple[tuple[str, str], ...] = ()


class Routes:
    """The WSGI application."""

    def __init__(self, views: Views, max_scrapes: int, *, lifecycle: bool = False) -> None:
        self._views, self._lifecycle = views, lifecycle
        self._scrapes = threading.BoundedSemaphore(max_scrapes)
        self._pages = threading.BoundedSemaphore(_MOST_PAGES)
        self._ever_scraped, self._awaited = False, threading.Event()
        self.scrapes_refused = 0
        self._paths: dict[str, Callable[[WSGIEnvironment], Answer]] = {
            "/": self._page(self._landing, _HTML),
            "/api/v1/status": self._page(lambda: to_json(views.status()), _JSON),
            "/api/v1/triage": self._page(lambda: written.to_json(views.triage()).encode(errors="replace"), _JSON),
            "/api/v1/dns": self._page(lambda: written.to_json(views.health()).encode(errors="replace"), _JSON),
            "/api/v1/destinations": self._page(lambda: destinations.to_json(views.destinations()), _JSON),
            "/metrics": self._metrics,
            "/-/healthy": lambda _: _verdict(views.unhealthy(), "healthy"),
            "/-/ready": lambda _: _verdict(views.unready(), "ready"),
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        body, headers = answer.body, [("Content-Type", answer.content_type), *answer.headers]
        if len(body) >= _WORTH_COMPRESSING:
            headers.append(("Vary", "Accept-Encoding"))
            if _accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
                # Level 1: a scrape must be cheap for us first, and small second.
                body = gzip.compress(body, compresslevel=1, mtime=0)
                headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def last_scrape(self, most_seconds: float) -> None:
        """Return when a scrape that begins now was answered, or the time is over; at once when there never was one."""
        if self._ever_scraped:
            self._awaited = awaited = threading.Event()
            logger().info("last_scrape_awaited", seconds=most_seconds)
            awaited.wait(most_seconds)

    def _answer(self, environ: "WSGIEnvironment") -> Answer:
        if environ["PATH_INFO"] == "/-/reload":
            return self._reload(environ["REQUEST_METHOD"])
        route = self._paths.get(environ["PATH_INFO"])
        if route is None:
            return Answer(HTTPStatus.NOT_FOUND, b"There is nothing here; try / or /metrics.\n")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"Use GET or HEAD.\n", headers=(("Allow", "GET, HEAD"),))
        return route(environ)

    def _reload(self, method: str) -> Answer:
        if not self._lifecycle:
            return Answer(HTTPStatus.FORBIDDEN, b"Reloading is off; --web.enable-lifecycle allows it.\n")
        if method not in ("POST", "PUT"):
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"Use POST or PUT.\n", headers=(("Allow", "POST, PUT"),))
        if fault := self._views.reload():
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"The settings were not reloaded:\n{fault}\n".encode())
        return Answer(HTTPStatus.OK, b"reloaded\n")

    def _landing(self) -> bytes:
        views = self._views
        page = landing(views.status(), views.triage(brief=True), views.health(), views.destinations())
        return page.encode(errors="replace")

    def _page(self, write: Callable[[], bytes], content_type: str) -> "Callable[[WSGIEnvironment], Answer]":
        def answer(_: "WSGIEnvironment") -> Answer:
            if not self._pages.acquire(blocking=False):
                busy = b"Too many pages at the same time; try again.\n"
                return Answer(HTTPStatus.SERVICE_UNAVAILABLE, busy, headers=(("Retry-After", "1"),))
            try:
                return Answer(HTTPStatus.OK, write(), content_type, (_FRESH, *_SAFE))
            finally:
                self._pages.release()

        return answer

    def _metrics(self, environ: "WSGIEnvironment") -> Answer:
        if not self._scrapes.acquire(blocking=False):
            self.scrapes_refused += 1
            busy = b"Too many scrapes at the same time (web.max-scrapes); try again.\n"
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, busy, headers=(("Retry-After", "1"),))
        awaited = self._awaited
        try:
            exposed = self._views.exposition(environ.get("HTTP_ACCEPT", ""))
        finally:
            self._scrapes.release()
        if environ["REQUEST_METHOD"] == "GET":
            self._ever_scraped = True
            awaited.set()
        return Answer(HTTPStatus.OK, exposed.body, exposed.content_type, (_FRESH,))


def _verdict(fault: str, word: str) -> Answer:
    if fault:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"not {word}: {fault}\n".encode())
    return Answer(HTTPStatus.OK, f"{word}\n".encode())


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is welcome: by its own name, or by `*` where its own name is not given (RFC 9110, 12.5.3)."""
    welcome: dict[str, bool] = {}
    for offer in accept_encoding.lower().split(","):
        coding, _, quality = offer.partition(";")
        welcome[coding.strip()] = quality.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return welcome.get("gzip", welcome.get("*", False))
