"""Findings that are posted: what the receiver gets, what is tried again and when, and how it ends."""

import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.testing import capture_logs

from exporter.build import build
from exporter.findings.document import finding_id, to_line
from exporter.findings.interface import Detector
from exporter.findings.outcomes import Outcome
from exporter.findings.settings import WebhookSettings
from exporter.findings.webhook import Webhook
from tests.findings.examples import EXAMPLE, finding
from tests.findings.receiver import Answering, Receiver, hang_up, status, talk_nonsense
from tests.programs import eventually, free_port

NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC).timestamp()


class Posting:
    """A webhook whose waits return at once and are kept, and what it said became of findings."""

    def __init__(self, url: str, **settings: Any) -> None:  # noqa: ANN401, settings have all kinds of values
        self.outcomes: list[Outcome] = []
        self.waits: list[float] = []
        self.clock = 0.0
        model = WebhookSettings.model_validate({"url": url, **settings})
        self.webhook = Webhook(model, self._tell, wait=self.waits.append, clock=lambda: self.clock, wall=lambda: NOW)

    def _tell(self, detector: Detector, outcome: Outcome) -> None:
        assert detector is Detector.NEW_DESTINATION
        self.outcomes.append(outcome)

    def become(self, *outcomes: Outcome) -> None:
        """Wait until that is what became of the findings."""
        eventually(lambda: len(self.outcomes) >= len(outcomes), f"{len(outcomes)} outcomes")
        assert self.outcomes == [*outcomes]

    def post(self) -> Outcome:
        """Post the example and return what became of it."""
        self.webhook.offer(EXAMPLE)
        self.webhook.start()
        eventually(lambda: bool(self.outcomes), "an outcome")
        self.webhook.stop()
        return self.outcomes[0]


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    """What is logged."""
    with capture_logs() as lines:
        yield lines


def test_what_is_posted() -> None:
    """The document is the body, with its type, who sends it, and the id by which repetitions are known."""
    with Receiver() as receiver:
        assert Posting(f"{receiver.url}?team=shop").post() is Outcome.DELIVERED
    (request,) = receiver.requests
    assert (request.method, request.target) == ("POST", "/findings?team=shop")
    assert request.body.decode() == to_line(EXAMPLE)
    assert sorted(request.headers.items()) == [
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        ("Content-Length", str(len(request.body))),
        ("Content-Type", "application/json"),
        ("Host", receiver.address),
        ("User-Agent", f"hubble-egress-exporter/{build().version}"),
        ("X-Hubble-Egress-Delivery", finding_id(EXAMPLE)),
    ]


def test_url_without_a_path() -> None:
    """Without a path it is the root."""
    with Receiver() as receiver:
        assert Posting(f"http://{receiver.address}").post() is Outcome.DELIVERED
    assert receiver.requests[0].target == "/"


def _is_signed(body: bytes, signature: str, key: bytes) -> bool:
    """HMAC as RFC 2104 has it: two hashes, with the key on two pads."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + body).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()
    return hmac.compare_digest(signature, f"sha256={outer}")


def test_signature() -> None:
    """With a secret the body is signed, so that the receiver knows whom it is from."""
    with Receiver() as receiver:
        assert Posting(receiver.url, secret="s3cret-ü").post() is Outcome.DELIVERED  # noqa: S106, of the test
    (request,) = receiver.requests
    assert _is_signed(request.body, request.headers["X-Hubble-Egress-Signature"], "s3cret-ü".encode())


def test_secret_that_is_replaced(tmp_path: Path, log: list[Any]) -> None:
    """The file of the secret is read for every attempt; while it is missing or empty, the previous one is in effect."""
    file = tmp_path / "secret"
    with Receiver() as receiver:
        posting = Posting(receiver.url, secret_file=str(file))
        posting.webhook.start()
        for number, text in enumerate((b"one\n", b"two\r\n", b"", b"\xff", b"three"), start=1):
            file.write_bytes(text)
            posting.webhook.offer(EXAMPLE)
            posting.become(*[Outcome.DELIVERED] * number)
        file.unlink()
        posting.webhook.offer(EXAMPLE)
        posting.become(*[Outcome.DELIVERED] * 6)
        posting.webhook.stop()
    for request, key in zip(receiver.requests, (b"one", b"two", b"two", b"two", b"three", b"three"), strict=True):
        assert _is_signed(request.body, request.headers["X-Hubble-Egress-Signature"], key)
    assert [(line["event"], line["error"]) for line in log] == [
        ("webhook_secret_not_read", "it is empty"),
        ("webhook_secret_not_read", "it is no UTF-8 text"),
        ("webhook_secret_not_read", "No such file or directory"),
    ]


def test_nothing_leaves_unsigned(tmp_path: Path, log: list[Any]) -> None:
    """Without a secret that there should be nothing is posted."""
    with Receiver() as receiver:
        assert Posting(receiver.url, secret_file=str(tmp_path / "none"), attempts=2).post() is Outcome.FAILED
    assert receiver.requests == []
    assert log[0]["error"] == "findings.webhook.secret-file cannot be used: No such file or directory"


def test_tried_again() -> None:
    """What a server does not take for now is posted again, the same with the same id, after a second."""
    with Receiver(status(500), hang_up, status(200)) as receiver:
        posting = Posting(receiver.url)
        assert posting.post() is Outcome.DELIVERED
    first, second, third = receiver.requests
    assert first.body == second.body == third.body
    assert {request.headers["X-Hubble-Egress-Delivery"] for request in receiver.requests} == {finding_id(EXAMPLE)}
    assert posting.waits == [1, 2]


def test_delays_grow_to_a_minute(log: list[Any]) -> None:
    """Delays double from 1 s to 1 m; after the last attempt the finding has failed, which one line says."""
    with Receiver(*[status(503)] * 9) as receiver:
        posting = Posting(f"{receiver.url}?token=hidden", attempts=9)
        assert posting.post() is Outcome.FAILED
    assert posting.waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert len(receiver.requests) == 9
    assert log == [
        {
            "event": "webhook_failed",
            "log_level": "warning",
            "url": receiver.url,
            "error": "HTTP status 503",
            "id": finding_id(EXAMPLE),
            "attempts": 9,
            "similar_before": 0,
        }
    ]


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        *[("7", 7), (" 30 ", 30), ("60", 60), ("61", 60), ("9" * 5000, 60), ("0", 1)],
        *[("Thu, 09 Oct 2025 09:00:45 GMT", 45), ("Thu, 09 Oct 2025 08:00:00 GMT", 1)],
        *[("Fri, 10 Oct 2025 09:00:00 GMT", 60), ("-3", 1), ("soon", 1), ("Thu, 99 Oct 9999 99:99:99 GMT", 1)],
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_retry_after(code: int, retry_after: str, delay: float) -> None:
    """A server may ask for a longer delay, in seconds or as a time, up to a minute."""
    with Receiver(status(code, Retry_After=retry_after)) as receiver:
        posting = Posting(receiver.url)
        assert posting.post() is Outcome.DELIVERED
    assert posting.waits == [delay]


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_statuses_that_pass(code: int) -> None:
    """These are tried again."""
    with Receiver(status(code)) as receiver:
        assert Posting(receiver.url).post() is Outcome.DELIVERED
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 413, 422, 499])
def test_statuses_that_stay(code: int, log: list[Any]) -> None:
    """These will not be better the next time."""
    with Receiver(status(code, Retry_After="1")) as receiver:
        posting = Posting(receiver.url)
        assert posting.post() is Outcome.FAILED
    assert len(receiver.requests) == 1
    assert posting.waits == []
    assert (log[0]["error"], log[0]["attempts"]) == (f"HTTP status {code}", 1)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_statuses_that_take(code: int) -> None:
    """Any status of success will do."""
    with Receiver(status(code)) as receiver:
        assert Posting(receiver.url).post() is Outcome.DELIVERED


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(code: int, log: list[Any]) -> None:
    """Findings go where the settings say, and nowhere else."""
    with Receiver() as elsewhere, Receiver(status(code, Location=elsewhere.url)) as receiver:
        assert Posting(receiver.url).post() is Outcome.FAILED
    assert len(receiver.requests) == 1
    assert elsewhere.requests == []
    assert log[0]["error"] == f"HTTP status {code}: redirects are not followed"


def test_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of proxies is not for us."""
    with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
        assert Posting(receiver.url).post() is Outcome.DELIVERED
    assert len(receiver.requests) == 1
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [(hang_up, "the connection was closed without an answer"), (talk_nonsense, "no HTTP answer (BadStatusLine)")],
)
def test_servers_that_do_not_answer(answer: Answering, error: str, log: list[Any]) -> None:
    """What is no answer is tried again."""
    with Receiver(answer, answer) as receiver:
        posting = Posting(receiver.url, attempts=2)
        assert posting.post() is Outcome.FAILED
    assert posting.waits == [1]
    assert [line["error"] for line in log] == [error]


@pytest.mark.parametrize("how", ["hang", "trickle"])
def test_servers_that_are_late(how: str, log: list[Any]) -> None:
    """An attempt ends in time when nothing comes, and when something comes without an end; it is tried again."""
    receiver = Receiver()
    receiver.answer(*[getattr(receiver, how)] * 2)
    with receiver:
        posting = Posting(receiver.url, attempts=2, timeout="200ms")
        assert posting.post() is Outcome.FAILED
    assert posting.waits == [1]
    assert [line["error"] for line in log] == ["no answer in findings.webhook.timeout"]


def test_nobody_listens(log: list[Any]) -> None:
    """A refused connection is tried again; the log has neither query nor address of more than the URL."""
    posting = Posting(f"http://127.0.0.1:{free_port()}/x?token=hidden", attempts=3)
    assert posting.post() is Outcome.FAILED
    assert posting.waits == [1, 2]
    assert [line["error"] for line in log] == ["Connection refused"]
    assert "hidden" not in str(log)


def test_many_attempts() -> None:
    """However many attempts there may be, the delay stays a minute."""
    posting = Posting(f"http://127.0.0.1:{free_port()}/", attempts=1_100)
    assert posting.post() is Outcome.FAILED
    assert posting.waits == [1, 2, 4, 8, 16, 32, *[60] * 1_093]


def test_name_that_does_not_resolve(log: list[Any]) -> None:
    """A name that nobody has is a failed attempt, and one that nobody can have too."""
    assert Posting("http://nobody.invalid/", attempts=1).post() is Outcome.FAILED
    assert Posting(f"http://{'a' * 64}.example/", attempts=1).post() is Outcome.FAILED
    assert len(log) == 2


class Tls:
    """An authority with its file, and a receiver's context."""

    def __init__(self, folder: Path, name: str = "127.0.0.1") -> None:
        self.authority = trustme.CA()
        self.file = folder / "ca.crt"
        self.file.write_bytes(self.authority.cert_pem.bytes())
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name).configure_cert(self.context)


def test_tls(tmp_path: Path) -> None:
    """Over TLS, with the authority of the settings."""
    tls = Tls(tmp_path)
    with Receiver(tls=tls.context) as receiver:
        assert Posting(receiver.url, ca_file=str(tls.file)).post() is Outcome.DELIVERED
    assert receiver.requests[0].body.decode() == to_line(EXAMPLE)


def test_tls_that_hangs(tmp_path: Path, log: list[Any]) -> None:
    """An answer that trickles over TLS ends in time too."""
    tls = Tls(tmp_path)
    receiver = Receiver(tls=tls.context)
    receiver.answer(receiver.trickle)
    with receiver:
        posting = Posting(receiver.url, ca_file=str(tls.file), attempts=1, timeout="300ms")
        assert posting.post() is Outcome.FAILED
    assert log[0]["error"] == "no answer in findings.webhook.timeout"


def test_tls_of_somebody_else(tmp_path: Path, log: list[Any]) -> None:
    """A certificate of an authority that is not trusted, or of another name, gets nothing."""
    other_name = Tls(tmp_path, "other.example")
    with Receiver(tls=other_name.context) as receiver:
        assert Posting(receiver.url, attempts=1).post() is Outcome.FAILED
        assert Posting(receiver.url, attempts=1, ca_file=str(other_name.file)).post() is Outcome.FAILED
    assert receiver.requests == []
    assert [line["error"] for line in log] == [
        "the certificate is refused: unable to get local issuer certificate",
        "the certificate is refused: IP address mismatch, certificate is not valid for '127.0.0.1'.",
    ]


def test_authority_that_is_corrected(tmp_path: Path, log: list[Any]) -> None:
    """The file of the authority is read for every attempt, and a fault in it is said."""
    tls = Tls(tmp_path)
    pem = tls.file.read_bytes()
    with Receiver(tls=tls.context) as receiver:
        for content in (None, b"nothing", pem):
            tls.file.unlink(missing_ok=True)
            if content:
                tls.file.write_bytes(content)
            posting = Posting(receiver.url, attempts=1, ca_file=str(tls.file))
            assert posting.post() is (Outcome.DELIVERED if content is pem else Outcome.FAILED)
    assert [line["error"] for line in log] == [
        "findings.webhook.ca-file cannot be used: No such file or directory",
        "findings.webhook.ca-file cannot be used: no certificate in PEM form is in it",
    ]


def test_plaintext_where_tls_should_be(log: list[Any]) -> None:
    """A server that speaks no TLS gets nothing."""
    with Receiver() as receiver:
        assert Posting(receiver.url.replace("http", "https"), attempts=1).post() is Outcome.FAILED
    assert receiver.requests == []
    assert log[0]["error"].startswith("TLS failed: ")


def test_full_queue() -> None:
    """While one is posted as many wait as the queue takes; one more is dropped, and the others come in order."""
    receiver = Receiver()

    def late(handler: BaseHTTPRequestHandler) -> None:
        receiver.hang(handler)
        status(200)(handler)

    receiver.answer(late)
    findings = [finding(pod_name=f"pod-{number}") for number in range(4)]
    with receiver:
        posting = Posting(receiver.url, queue=2)
        posting.webhook.start()
        posting.webhook.offer(findings[0])
        eventually(lambda: len(receiver.requests) == 1, "the first is posted")
        for each in findings[1:]:
            posting.webhook.offer(each)
        posting.become(Outcome.DROPPED)
        receiver.released.set()
        posting.become(Outcome.DROPPED, *[Outcome.DELIVERED] * 3)
        posting.webhook.stop()
    assert [json.loads(request.body)["source"]["pod"] for request in receiver.requests] == ["pod-0", "pod-1", "pod-2"]


def test_stop_ends_the_waiting() -> None:
    """A finding that waits for its next attempt is tried once more, at once, and so is what is queued behind it."""
    outcomes: list[Outcome] = []
    with Receiver(status(503, Retry_After="60"), status(503), status(200)) as receiver:
        settings = WebhookSettings(url=receiver.url, attempts=1000)
        # It really waits: without its end this test would take a minute, and fail.
        webhook = Webhook(settings, lambda _, outcome: outcomes.append(outcome))
        webhook.offer(EXAMPLE)
        webhook.offer(EXAMPLE)
        webhook.start()
        eventually(lambda: len(receiver.requests) == 1, "the first attempt")
        webhook.stop()
        assert webhook._thread is not None
        assert not webhook._thread.is_alive()
    assert outcomes == [Outcome.FAILED, Outcome.DELIVERED]
    assert len(receiver.requests) == 3


def test_stop_within_the_timeout() -> None:
    """When the time of the end is over, what is left is dropped and not tried."""
    receiver = Receiver()
    entered = threading.Event()
    posting = Posting(receiver.url)

    def late(handler: BaseHTTPRequestHandler) -> None:
        entered.set()
        receiver.released.wait()
        # The timeout is 10 s.
        posting.clock = 11.0
        status(503)(handler)

    receiver.answer(late)
    with receiver:
        posting.webhook.start()
        posting.webhook.offer(EXAMPLE)
        posting.webhook.offer(EXAMPLE)
        assert entered.wait(60)
        stopping = threading.Thread(target=posting.webhook.stop)
        stopping.start()
        eventually(posting.webhook._stopping.is_set, "the stop")
        receiver.released.set()
        stopping.join()
        posting.become(Outcome.FAILED, Outcome.DROPPED)
    assert len(receiver.requests) == 1


def test_after_the_stop() -> None:
    """What comes after the end is dropped, and what came to a webhook that never began as well."""
    posting = Posting("http://127.0.0.1:1/")
    posting.webhook.offer(EXAMPLE)
    posting.webhook.stop()
    posting.become(Outcome.DROPPED)
    posting.webhook.offer(EXAMPLE)
    posting.become(Outcome.DROPPED, Outcome.DROPPED)


def test_a_finding_that_cannot_be_written(log: list[Any]) -> None:
    """A mistake of ours costs one finding and not the thread."""
    endless: dict[str, object] = {}
    endless["self"] = endless
    with Receiver() as receiver:
        posting = Posting(receiver.url)
        posting.webhook.start()
        posting.webhook.offer(finding(flow=endless))
        posting.webhook.offer(EXAMPLE)
        posting.become(Outcome.FAILED, Outcome.DELIVERED)
        posting.webhook.stop()
    assert [line["event"] for line in log] == ["webhook_broken"]
