"""The lines of flows at level `debug`."""

import threading
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.counting import Outcome
from exporter.flow import Flow, Verdict
from exporter.flow_lines import FlowLines
from exporter.hubble.decode import Decoder
from exporter.log import Level, LogSettings, Sampler
from exporter.service import Service
from exporter.settings import Settings
from tests.flows import dns_query, dns_response, drop, flow, reply_to
from tests.statuses import CONNECTED, Events, Shown


def _line(event: Flow) -> dict[str, Any]:
    shown = Shown()
    outcome = shown.pipeline.handle(event)
    assert outcome
    with capture_logs() as written:
        lines = FlowLines(LogSettings(level=Level.DEBUG), shown.pipeline)
        lines.note(event, outcome)
    (line,) = written
    return dict(line)


def test_line() -> None:
    """A line says whose flow it is, where it goes, the verdict, and what became of it."""
    assert _line(flow(destination_names=("api.example.com",))) == {
        "event": "flow_seen",
        "log_level": "debug",
        "workload": "shop/cart",
        "destination": "api.example.com",
        "destination_port": 443,
        "protocol": "tcp",
        "verdict": "forwarded",
        "outcome": "counted",
        "node_name": "east/node-1",
        "flows_between": 0,
    }


@pytest.mark.parametrize(
    ("event", "workload", "destination", "verdict", "outcome"),
    [
        (drop(), "shop/cart", "world", "dropped", Outcome.COUNTED),
        (dns_query("paste.example."), "shop/cart", "paste.example", "forwarded", Outcome.COUNTED),
        (dns_response("paste.example."), "shop/cart", "paste.example", "forwarded", Outcome.COUNTED),
        (reply_to(flow()), "~unknown", "shop/cart", "forwarded", Outcome.REPLY),
        (flow(verdict=77), "shop/cart", "world", "verdict_77", Outcome.COUNTED),
        (flow(verdict=Verdict.TRANSLATED, event_type=7), "shop/cart", "world", "translated", Outcome.TRACE_SOCK),
    ],
    ids=["drop", "query", "response", "reply", "new verdict", "not counted"],
)
def test_any_flow(event: Flow, workload: str, destination: str, verdict: str, outcome: Outcome) -> None:
    """Every flow can have a line, counted or not; a DNS record names what was asked."""
    line = _line(event)
    assert (line["workload"], line["destination"]) == (workload, destination)
    assert (line["verdict"], line["outcome"]) == (verdict, outcome.value)


class Unlocked:
    """Takes lines, and insists that the pipeline's lock is free meanwhile."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def debug(self, *_: object, **__: object) -> None:
        """Take a line."""
        assert not self._lock.locked()


def test_never_under_the_lock() -> None:
    """A slow terminal holds up nobody: the lock is free while a line is written."""
    shown = Shown()
    lines = FlowLines(LogSettings(level=Level.DEBUG), shown.pipeline)
    lines._log = Unlocked(shown.pipeline.lock)  # type: ignore[assignment]
    lines.note(flow(), Outcome.COUNTED)


def test_sampled() -> None:
    """Of flows that come faster, as many per second get a line as the setting says; the next one says how many not."""
    now = [100.0]
    shown = Shown()
    with capture_logs() as written:
        lines = FlowLines(LogSettings(level=Level.DEBUG), shown.pipeline, Sampler(10, clock=lambda: now[0]))
        for _ in range(5000):
            lines.note(flow(), Outcome.SAME_CONNECTION)
            now[0] += 0.001
    assert len(written) == 10 + 49
    assert sum(line["flows_between"] for line in written) + len(written) <= 5000
    assert {line["flows_between"] for line in written[11:]} <= {98, 99, 100}


def test_all_of_a_few() -> None:
    """Flows that come slowly all have a line."""
    now = [100.0]
    sampler = Sampler(10, clock=lambda: now[0])
    for _ in range(50):
        now[0] += 0.1001
        assert sampler.admit() == 0


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (LogSettings(level=Level.DEBUG), True),
        (LogSettings(), False),
        (LogSettings(level=Level.WARN), False),
        (LogSettings(level=Level.DEBUG, flow_lines_per_second=0), False),
    ],
)
def test_wanted(settings: LogSettings, wanted: bool) -> None:
    """Only at level debug, and if at least one line per second may be written."""
    assert FlowLines(settings, Shown().pipeline).wanted is wanted


@pytest.mark.parametrize(("level", "lines"), [(Level.DEBUG, 2), (Level.INFO, 0)])
def test_through_the_service(level: Level, lines: int) -> None:
    """The service writes the lines of what it reads; at other levels flows are not even offered."""
    settings = Settings(log=LogSettings(level=level))
    with capture_logs() as written:
        running = Service(settings, Events([CONNECTED, flow(), drop()]), Decoder(10), live=True)
        if level is not Level.DEBUG:
            running._flow_lines.note = pytest.fail  # type: ignore[method-assign, assignment]
        running.consume(once=False)
    assert [line["event"] for line in written].count("flow_seen") == lines
