"""Findings as a whole: where each goes, what is counted of it, and what other threads may read."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.findings.delivery import Findings
from exporter.findings.document import to_line
from exporter.findings.interface import Detector, Severity
from exporter.findings.outcomes import OUTCOMES, SINKS, CountKey
from exporter.findings.settings import FindingsSettings
from exporter.findings.webhook import Webhook
from tests.findings.examples import AT_NS, EXAMPLE, finding
from tests.findings.receiver import Receiver, status
from tests.programs import eventually

NEW, UNEXPECTED = Detector


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    """What is logged."""
    with capture_logs() as lines:
        yield lines


def _settings(path: Path | None = None, url: str = "", **others: int) -> FindingsSettings:
    file = {"path": str(path) if path else ""}
    return FindingsSettings.model_validate({"file": file, "webhook": {"url": url, "attempts": 1}, **others})


def _told(findings: Findings) -> dict[tuple[str, str, str], int]:
    return {(key[0].value, key[1].value, key[2].value): number for key, number in findings.counts.items()}


def test_everywhere(tmp_path: Path, log: list[Any]) -> None:
    """A finding is an event of the log, a line of the file and a document of the webhook, and each is counted."""
    path = tmp_path / "findings.jsonl"
    with Receiver() as receiver:
        findings = Findings(_settings(path, receiver.url))
        findings.start()
        findings.announce(EXAMPLE)
        findings.announce(finding(detector=UNEXPECTED, severity=Severity.INFO))
        eventually(lambda: findings.counts.total() == 6, "both are posted")
        findings.stop()
    assert path.read_text().splitlines() == [request.body.decode() for request in receiver.requests]
    assert path.read_text().splitlines()[0] == to_line(EXAMPLE)
    assert [(line["event"], line["log_level"]) for line in log] == [("finding", "warning"), ("finding", "info")]
    assert _told(findings) == {
        (detector, sink, "delivered"): 1
        for detector in ("new_destination", "unexpected_destination")
        for sink in ("log", "file", "webhook")
    }


def test_only_the_log(log: list[Any]) -> None:
    """Without a path and a URL the log is all there is, and nothing else is counted."""
    findings = Findings(_settings())
    findings.start()
    findings.announce(EXAMPLE)
    findings.stop()
    assert findings.sinks == ("log",)
    assert len(log) == 1
    assert _told(findings) == {("new_destination", "log", "delivered"): 1}


def test_a_sink_that_fails_hinders_no_other(tmp_path: Path, log: list[Any]) -> None:
    """A folder that is missing and a receiver that refuses are counted; the log has the finding all the same."""
    with Receiver(status(400)) as receiver:
        findings = Findings(_settings(tmp_path / "none" / "findings.jsonl", receiver.url))
        findings.start()
        findings.announce(EXAMPLE)
        eventually(lambda: findings.counts.total() == 3, "all are counted")
        findings.stop()
    assert _told(findings) == {
        ("new_destination", "log", "delivered"): 1,
        ("new_destination", "file", "failed"): 1,
        ("new_destination", "webhook", "failed"): 1,
    }
    assert sorted(line["event"] for line in log) == ["finding", "findings_file_failed", "webhook_failed"]


def test_suppressed(tmp_path: Path, log: list[Any]) -> None:
    """Beyond the allowance of its workload a finding goes nowhere, which is counted of every sink in use."""
    path = tmp_path / "findings.jsonl"
    findings = Findings(_settings(path, per_workload=2))
    many = [finding(at_ns=AT_NS + number) for number in range(5)]
    for each in many:
        findings.announce(each)
    other = finding(source_workload="cart")
    findings.announce(other)
    findings.stop()
    assert path.read_text().splitlines() == [to_line(each) for each in (*many[:2], other)]
    assert len(log) == 3
    assert _told(findings) == {
        ("new_destination", "log", "delivered"): 3,
        ("new_destination", "file", "delivered"): 3,
        ("new_destination", "log", "suppressed"): 3,
        ("new_destination", "file", "suppressed"): 3,
    }


def test_infos_do_not_hold_back_warnings() -> None:
    """Infos that come first leave half of the allowance."""
    findings = Findings(_settings(per_workload=4))
    for severity in (Severity.INFO,) * 10 + (Severity.WARNING,) * 3:
        findings.announce(finding(severity=severity, detector=NEW if severity is Severity.INFO else UNEXPECTED))
    assert _told(findings) == {
        ("new_destination", "log", "delivered"): 2,
        ("new_destination", "log", "suppressed"): 8,
        ("unexpected_destination", "log", "delivered"): 2,
        ("unexpected_destination", "log", "suppressed"): 1,
    }


def test_recent() -> None:
    """The last findings are kept for pages, oldest first, with those that were suppressed."""
    findings = Findings(_settings(per_workload=1, recent=3))
    many = [finding(at_ns=AT_NS + number) for number in range(5)]
    for each in many:
        findings.announce(each)
    assert findings.recent == tuple(many[2:])


def test_what_is_read_is_a_copy() -> None:
    """A reader keeps what it has read, and changes nothing."""
    findings = Findings(_settings())
    before = findings.counts
    findings.announce(EXAMPLE)
    assert before == Counter()
    findings.counts.clear()
    assert findings.counts.total() == 1


def test_read_while_written() -> None:
    """Threads that read while others count see whole numbers of the past, and in the end nothing is lost."""
    webhooks: list[Webhook] = []
    tells: list[Any] = []

    def made(settings: Any, tell: Any) -> Webhook:  # noqa: ANN401, as Findings calls it
        tells.append(tell)
        webhooks.append(Webhook(settings, tell))
        return webhooks[-1]

    findings = Findings(_settings(url="http://127.0.0.1:1/", recent=10), webhook=made)
    done, faults = threading.Event(), list[str]()

    def read() -> None:
        last = 0
        while not done.is_set():
            total = findings.counts.total()
            if total < last or len(findings.recent) > 10:
                faults.append(f"{total} after {last}")
            last = total

    def post() -> None:
        for _ in range(5_000):
            tells[0](NEW, OUTCOMES[0])

    threads = [threading.Thread(target=work) for work in (read, read, post, post)]
    for thread in threads:
        thread.start()
    for number in range(500):
        findings.announce(finding(at_ns=AT_NS + number))
    for thread in threads[2:]:
        thread.join()
    done.set()
    for thread in threads[:2]:
        thread.join()
    assert faults == []
    # 20 in the log and 480 suppressed there and of the webhook; what the webhook was given still waits.
    assert findings.counts.total() == 10_000 + 20 + 2 * 480


def test_stop_posts_what_waits() -> None:
    """What was announced just before the end is posted."""
    with Receiver() as receiver:
        findings = Findings(_settings(url=receiver.url))
        findings.start()
        for number in range(5):
            findings.announce(finding(pod_name=f"pod-{number}"))
        findings.stop()
    pods = [json.loads(request.body)["source"]["pod"] for request in receiver.requests]
    assert pods == ["pod-0", "pod-1", "pod-2", "pod-3", "pod-4"]


def test_labels_are_closed() -> None:
    """Sinks and outcomes are values of metric labels: every one that is counted is among them."""
    assert SINKS == ("log", "file", "webhook")
    assert OUTCOMES == ("delivered", "suppressed", "dropped", "failed")
    key: CountKey = (NEW, SINKS[0], OUTCOMES[0])
    assert hash(key) == hash(("new_destination", "log", "delivered"))
