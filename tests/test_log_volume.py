"""However a fault repeats itself, and whatever it invents, the log stays small."""

from collections.abc import Iterator
from itertools import count

import pytest
from structlog.testing import capture_logs

from exporter.flow import Policy
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Disconnected, Event, LostEvents, NodeStatus, Undecodable
from exporter.journal import Journal
from exporter.log import RateLimit
from exporter.service import Service
from exporter.settings import Settings
from exporter.web.server import WebServer
from exporter.web.settings import WebSettings
from tests.flows import flow
from tests.statuses import Events

STORM = 100_000
REASONS = ("connection_refused", "stream_ended", "timeout", "connection_lost", "unavailable")


def _lost(number: int) -> Event:
    return LostEvents(f"source_{number}", number, f"node-{number}")


def _undecodable(number: int) -> Event:
    return Undecodable("invalid_protobuf", f"file-{number}.json:{number}", f"detail {number}")


def _node_error(number: int) -> Event:
    return NodeStatus("error", (f"node-{number % 50}",), f"dial tcp 10.0.0.1:{number}: connection refused")


def _flapping(number: int) -> Event:
    if number % 2:
        return Connected("relay:80", f"v{number}")
    return Disconnected("UNAVAILABLE", REASONS[number % len(REASONS)], f"detail {number}")


def _policies(number: int) -> Event:
    names = tuple(Policy(f"policy-{number}-{each}", "shop", "CiliumNetworkPolicy") for each in range(2))
    return flow(source_port=number % 60_000, egress_allowed_by=names)


@pytest.mark.parametrize(
    ("fault", "most"),
    [(_lost, 20), (_undecodable, 20), (_node_error, 20), (_flapping, 12), (_policies, 500)],
    ids=["lost events", "undecodable messages", "node errors", "flapping connects", "policies"],
)
def test_storm(fault: object, most: int) -> None:
    """100,000 faults of a kind, no two alike, are a handful of lines."""
    assert callable(fault)
    events = Events(fault(number) for number in range(STORM))
    with capture_logs() as lines:
        Service(Settings(), events, Decoder(10), live=True).consume(once=False)
    assert 1 <= len(lines) <= most


def _all_at_once() -> Iterator[Event]:
    for number in range(STORM // 4):
        yield from (fault(number) for fault in (_lost, _undecodable, _node_error, _flapping))


def test_all_storms_at_once() -> None:
    """Faults of all kinds at once are at most 20 lines of each; no kind hides another."""
    with capture_logs() as lines:
        Service(Settings(), Events(_all_at_once()), Decoder(10), live=True).consume(once=False)
    assert len(lines) <= 100
    assert {line["event"] for line in lines} == {
        "events_lost",
        "event_skipped",
        "node_status_changed",
        "stream_connected",
        "stream_disconnected",
    }


def test_a_day_of_flapping() -> None:
    """A connection that comes and goes every second of a day is told a few times a minute, with numbers."""
    now = [0.0]
    with capture_logs():
        journal = Journal(RateLimit(clock=lambda: now[0]))
    with capture_logs() as lines:
        for second in range(86_400):
            now[0] = float(second)
            journal.note(Connected("relay:80"))
            journal.note(Disconnected("UNAVAILABLE", "connection_lost", "reset"))
    assert len(lines) <= 4 * 24 * 60
    assert lines[5]["similar_before"] == 58


def test_held_back_reason_is_told_later() -> None:
    """A change of reason that was one too many is told when its minute is over."""
    now = [0.0]
    with capture_logs():
        journal = Journal(RateLimit(clock=lambda: now[0]))
    with capture_logs() as lines:
        for reason in ("timeout", "tls") * 5:
            journal.note(Disconnected("UNAVAILABLE", reason, ""))
        now[0] = 60.0
        journal.note(Disconnected("UNAVAILABLE", "timeout", ""))
    assert [line["reason"] for line in lines] == ["timeout", "tls", "timeout", "tls", "timeout"]
    assert lines[-1]["similar_before"] == 3


def test_clients() -> None:
    """What clients make fail in the web server is a few lines a minute too."""
    server = WebServer(WebSettings(listen_address="127.0.0.1:0"), lambda _environ, _start: [])
    server.bind()
    assert server._server
    with capture_logs() as lines:
        for number in range(STORM // 100):
            server._server.error_log(f"failed {number}", 40)
            server._server.error_log(f"not worth a line {number}", 10)
    server.stop()
    assert [line["event"] for line in lines] == ["request_failed"] * 5


def test_kinds_share_no_lines() -> None:
    """A kind has its own number of lines per interval, whatever details it invents, and gets them again later."""
    now = [0.0]
    limit = RateLimit(60.0, most_keys=7, clock=lambda: now[0], most_lines=5)
    numbers = count()
    for _ in range(3):
        told = [limit.admit("storm", str(next(numbers))) for _ in range(1000)]
        assert told == [0] * 5 + [None] * 995
        assert limit.admit("other") is not None
        now[0] += 60


def test_several_lines_of_one_key() -> None:
    """A key that may have several lines has them, and then says how many it held back."""
    now = [0.0]
    limit = RateLimit(60.0, clock=lambda: now[0])
    assert [limit.admit("flap", most=2) for _ in range(5)] == [0, 0, None, None, None]
    now[0] = 60.0
    assert [limit.admit("flap", most=2) for _ in range(3)] == [3, 0, None]
