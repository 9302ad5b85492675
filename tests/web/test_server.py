"""The HTTP side over real sockets: formats, methods, limits, health, and an address that cannot be had."""

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from exporter.triage.health import Health
from exporter.triage.interface import NOTHING_SEEN, Report
from exporter.web.destinations import DestinationsReport
from exporter.web.routes import Exposed, Routes
from exporter.web.server import CannotListenError, WebServer
from exporter.web.settings import WebSettings, split_address
from exporter.web.status import Status
from tests.programs import DEADLINE, eventually
from tests.statuses import NOTHING_REMEMBERED, full

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

METRICS = b"# HELP a b\n" + b"a 1\n" * 1000


class Views:
    """What the service shows, as a test wants it."""

    def __init__(self) -> None:
        self.sick, self.waiting, self.fault, self.reloads = "", "", "", 0
        self.source = "relay:80"
        self.entered, self.leave = threading.Semaphore(0), threading.Event()
        self.leave.set()

    def exposition(self, accept: str) -> Exposed:
        """Metrics, when the test lets them go."""
        self.entered.release()
        self.leave.wait(DEADLINE)
        return Exposed(METRICS, f"text/plain; of={accept or 'nothing'}")

    def unhealthy(self) -> str:
        """Why it is not healthy."""
        return self.sick

    def unready(self) -> str:
        """Why it is not ready."""
        return self.waiting

    def status(self) -> Status:
        """What the landing page says."""
        return full()

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
        """What is wrong with the settings."""
        self.reloads += 1
        return self.fault


class Site:
    """A running server over those views."""

    def __init__(self, settings: WebSettings) -> None:
        self.views = Views()
        self.routes = Routes(self.views, settings.max_scrapes, lifecycle=settings.enable_lifecycle)
        self.server = WebServer(settings, self.routes)
        self.url = self.server.bind()
        self.port = int(self.url.rpartition(":")[2])
        self.server.start()

    def ask(
        self, path: str, method: str = "GET", host: str = "127.0.0.1", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body."""
        connection = http.client.HTTPConnection(host, self.port, timeout=DEADLINE)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@pytest.fixture
def site() -> Iterator[Site]:
    """A server with two scrapes at a time and an impatient time-out."""
    running = Site(WebSettings(listen_address="127.0.0.1:0", max_scrapes=2, timeout=0.3))
    yield running
    running.views.leave.set()
    running.server.stop()


def test_metrics(site: Site) -> None:
    """Serves the exposition in the format that was asked for, never cached."""
    status, headers, body = site.ask("/metrics", Accept="application/openmetrics-text")
    assert (status, body) == (HTTPStatus.OK, METRICS)
    assert headers["content-type"] == "text/plain; of=application/openmetrics-text"
    assert headers["cache-control"] == "no-store"
    assert int(headers["content-length"]) == len(METRICS)


@pytest.mark.parametrize(
    ("offered", "packed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*;q=0, gzip", True),
        ("*, gzip;q=0", False),
        ("*", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip(site: Site, offered: str, packed: bool) -> None:
    """Compresses for those who take gzip, and says that the answer depends on it."""
    _, headers, body = site.ask("/metrics", **{"Accept-Encoding": offered})
    assert headers["vary"] == "Accept-Encoding"
    assert (headers.get("content-encoding") == "gzip") == packed
    assert (gzip.decompress(body) if packed else body) == METRICS


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
def test_head(site: Site, path: str) -> None:
    """HEAD answers with the headers of GET and without a body."""
    status, headers, body = site.ask(path, "HEAD")
    _, of_get, _ = site.ask(path)
    assert (status, body) == (HTTPStatus.OK, b"")
    assert headers["content-length"] == of_get["content-length"]
    assert headers["content-type"] == of_get["content-type"]


def test_head_sends_no_body(site: Site) -> None:
    """Nothing follows the headers on the wire: a client library would hide what does."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=DEADLINE) as raw:
        raw.sendall(b"HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = b""
        while part := raw.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n")


def test_unknown_path(site: Site) -> None:
    """Says where to look instead."""
    status, _, body = site.ask("/nothing")
    assert status == HTTPStatus.NOT_FOUND
    assert b"/metrics" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(site: Site, method: str) -> None:
    """Nothing can be changed here."""
    status, headers, _ = site.ask("/metrics", method)
    assert (status, headers["allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "GET, HEAD")


def test_health_and_readiness(site: Site) -> None:
    """Two questions with an answer each; the reason stands in the body."""
    assert site.ask("/-/healthy")[::2] == (HTTPStatus.OK, b"healthy\n")
    assert site.ask("/-/ready")[::2] == (HTTPStatus.OK, b"ready\n")
    site.views.waiting = "the stream has not connected yet"
    assert site.ask("/-/ready")[::2] == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        b"not ready: the stream has not connected yet\n",
    )
    assert site.ask("/-/healthy")[0] == HTTPStatus.OK
    site.views.sick = "the ticker thread is dead"
    assert site.ask("/-/healthy")[::2] == (HTTPStatus.SERVICE_UNAVAILABLE, b"not healthy: the ticker thread is dead\n")


def test_too_many_scrapes(site: Site) -> None:
    """A scrape beyond the limit gets 503 at once and is counted, while health is still answered."""
    site.views.leave.clear()
    running = [threading.Thread(target=site.ask, args=("/metrics",)) for _ in range(2)]
    for thread in running:
        thread.start()
        assert site.views.entered.acquire(timeout=DEADLINE)
    status, headers, _ = site.ask("/metrics")
    assert (status, headers["retry-after"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "1")
    assert site.ask("/-/healthy")[0] == HTTPStatus.OK
    assert site.routes.scrapes_refused == 1
    site.views.leave.set()
    for thread in running:
        thread.join(DEADLINE)
    assert site.ask("/metrics")[0] == HTTPStatus.OK


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\nHost: a"], ids=["silent", "half a request"])
def test_slow_clients_are_hung_up_on(site: Site, sent: bytes) -> None:
    """A client that sends nothing more is disconnected after the time-out, without a log line or a lost thread."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=DEADLINE) as slow:
        slow.sendall(sent)
        while slow.recv(1024):
            pass
    assert site.ask("/-/healthy")[0] == HTTPStatus.OK


def test_clients_that_take_nothing_are_hung_up_on() -> None:
    """A client that asks for much and reads none of it does not keep a thread for ever."""
    begun, closed = threading.Event(), threading.Event()

    class Endless:
        """A body without an end, which tells when the server gives up on it."""

        def __iter__(self) -> Iterator[bytes]:
            """More and more."""
            while True:
                begun.set()
                yield b"x" * 65536

        def close(self) -> None:
            """The server is done with it."""
            closed.set()

    def application(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Endless:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Endless()

    server = WebServer(WebSettings(listen_address="127.0.0.1:0", timeout=0.3), application)
    port = int(server.bind().rpartition(":")[2])
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as greedy:
            greedy.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(DEADLINE)
            assert closed.wait(DEADLINE)
    finally:
        server.stop()


def test_all_interfaces() -> None:
    """Without a host both IPv4 and IPv6 are served; port 0 takes a free one and the URL names it."""
    running = Site(WebSettings(listen_address=":0"))
    try:
        assert running.url == f"http://localhost:{running.port}"
        assert running.ask("/-/healthy", host="127.0.0.1")[0] == HTTPStatus.OK
        if not socket.has_ipv6 or not _can_bind("::1"):
            pytest.skip("this host has no IPv6")
        assert running.ask("/-/healthy", host="::1")[0] == HTTPStatus.OK
    finally:
        running.server.stop()


def test_one_ipv6_address() -> None:
    """An address in brackets is IPv6."""
    if not _can_bind("::1"):
        pytest.skip("this host has no IPv6")
    running = Site(WebSettings(listen_address="[::1]:0"))
    try:
        assert running.url == f"http://[::1]:{running.port}"
        assert running.ask("/-/healthy", host="::1")[0] == HTTPStatus.OK
    finally:
        running.server.stop()


def test_port_in_use(site: Site) -> None:
    """One clear line that says what to change."""
    second = WebServer(WebSettings(listen_address=f"127.0.0.1:{site.port}"), site.routes)
    with pytest.raises(CannotListenError, match=r"^cannot listen on 127\.0\.0\.1:\d+: something else listens there"):
        second.bind()


def test_foreign_address(site: Site) -> None:
    """An address that no interface has."""
    with pytest.raises(CannotListenError, match="no interface of this host has that address"):
        WebServer(WebSettings(listen_address="192.0.2.1:0"), site.routes).bind()


def test_stop_frees_the_port() -> None:
    """After a stop nobody listens."""
    running = Site(WebSettings(listen_address="127.0.0.1:0"))
    running.server.stop()
    eventually(lambda: _can_bind("127.0.0.1", running.port), "a free port")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [(":9968", "", 9968), ("0.0.0.0:1", "0.0.0.0", 1), ("[::]:0", "::", 0), ("localhost:65535", "localhost", 65535)],
)
def test_listen_addresses(text: str, host: str, port: int) -> None:
    """Host and port, with IPv6 in brackets."""
    assert split_address(text) == (host, port)


@pytest.mark.parametrize("text", ["", "9968", "localhost", "::1:9968", "a:65536", "a:-1", "a:b", "[::1]"])
def test_bad_listen_addresses(text: str) -> None:
    """Anything else is refused, with what to write instead."""
    with pytest.raises(ValueError, match="write HOST:PORT"):
        split_address(text)


def _can_bind(host: str, port: int = 0) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reload(method: str) -> None:
    """With web.enable-lifecycle it reads the settings again, and answers 500 with what is wrong."""
    site = Site(WebSettings(listen_address="127.0.0.1:0", enable_lifecycle=True))
    try:
        assert site.ask("/-/reload", method)[::2] == (200, b"reloaded\n")
        site.views.fault = "a.yaml:3:1: unknown key"
        assert site.ask("/-/reload", method)[::2] == (
            500,
            b"The settings were not reloaded:\na.yaml:3:1: unknown key\n",
        )
        status, headers, _ = site.ask("/-/reload")
        assert (status, headers["allow"], site.views.reloads) == (405, "POST, PUT", 2)
    finally:
        site.server.stop()


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_reload_is_off(method: str) -> None:
    """Without it nobody reloads over HTTP."""
    site = Site(WebSettings(listen_address="127.0.0.1:0"))
    try:
        assert site.ask("/-/reload", method)[::2] == (403, b"Reloading is off; --web.enable-lifecycle allows it.\n")
        assert site.views.reloads == 0
    finally:
        site.server.stop()


def test_the_last_scrape() -> None:
    """Waiting for it ends with a scrape that began after it, or with the time; nobody waits who was never scraped."""
    site = Site(WebSettings(listen_address="127.0.0.1:0"))
    try:
        site.routes.last_scrape(DEADLINE * 1000)
        site.ask("/metrics")
        waiting = threading.Thread(target=site.routes.last_scrape, args=(DEADLINE,))
        waiting.start()
        eventually(lambda: bool(site.ask("/metrics")) and not waiting.is_alive(), "the end of the wait")
        site.routes.last_scrape(0.0)
        site.ask("/metrics", "HEAD")
    finally:
        site.server.stop()


def test_a_look_at_the_headers_is_no_scrape() -> None:
    """HEAD carries no samples: nobody waits for another, and it is not the last one."""
    site = Site(WebSettings(listen_address="127.0.0.1:0"))
    try:
        site.ask("/metrics", "HEAD")
        site.routes.last_scrape(DEADLINE * 1000)
        site.ask("/metrics")
        waiting = threading.Thread(target=site.routes.last_scrape, args=(DEADLINE * 1000,))
        waiting.start()
        for _ in range(5):
            site.ask("/metrics", "HEAD")
        assert waiting.is_alive()
        eventually(lambda: bool(site.ask("/metrics")) and not waiting.is_alive(), "the end of the wait")
    finally:
        site.server.stop()
