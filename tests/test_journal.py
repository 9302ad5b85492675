"""What happens on the stream, in the log."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.coverage import Gap
from exporter.destinations.interface import WorkloadName
from exporter.detectors.interface import Cause
from exporter.flow import Policy
from exporter.hubble.interface import Connected, Disconnected, Event, Ignored, LostEvents, NodeStatus, Undecodable
from exporter.journal import Journal
from exporter.log import RateLimit
from exporter.metrics.store import Hit
from tests.flows import flow

CONNECTED = Connected("relay:80", "cilium v1.19.4")
REFUSED = Disconnected("UNAVAILABLE", "connection_refused", "connect failed")
TIMEOUT = Disconnected("DEADLINE_EXCEEDED", "timeout", "too slow")


class Told:
    """A journal, the lines that it wrote, and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        limits = RateLimit(clock=lambda: self.now), RateLimit(3600.0, clock=lambda: self.now)
        with capture_logs():
            self._journal = Journal(*limits)

    def lines(self, *events: Event) -> list[dict[str, Any]]:
        """The lines written for these events."""
        with capture_logs() as lines:
            for event in events:
                self._journal.note(event)
        return [dict(line) for line in lines]

    def names(self, *events: Event) -> list[str]:
        """Their event names."""
        return [line["event"] for line in self.lines(*events)]


def test_connected() -> None:
    """A stream that opens is one line, with the server's address and version."""
    assert Told().lines(CONNECTED) == [
        {
            "event": "stream_connected",
            "log_level": "info",
            "address": "relay:80",
            "server_version": "cilium v1.19.4",
        }
    ]


def test_one_line_per_changed_reason() -> None:
    """An unreachable Observer is one line per changed reason, however often it is tried."""
    lines = Told().lines(*[REFUSED] * 50, *[TIMEOUT] * 50, REFUSED)
    assert [line["reason"] for line in lines] == ["connection_refused", "timeout", "connection_refused"]
    assert {line["log_level"] for line in lines} == {"warning"}


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("connection_refused", "nothing listens"),
        ("name_resolution", "does not resolve"),
        ("socket_missing", "no such socket"),
        ("permission_denied", "may not open the socket"),
        ("timeout", "no answer"),
        ("no_observer", "no Hubble Observer"),
        ("tls", "TLS"),
        ("something_new", "trying again"),
    ],
)
def test_hints(reason: str, word: str) -> None:
    """Each reason says what to look at."""
    line = Told().lines(Disconnected("UNAVAILABLE", reason, "detail"))[0]
    assert word in line["hint"]
    assert (line["code"], line["reason"], line["detail"]) == ("UNAVAILABLE", reason, "detail")


def test_reason_again_after_a_connection() -> None:
    """The same reason is told again when the stream was open in between."""
    told = Told()
    assert told.names(REFUSED, CONNECTED, REFUSED) == [
        "stream_disconnected",
        "stream_connected",
        "stream_disconnected",
    ]


def test_server_that_hangs_up() -> None:
    """A server that accepts and hangs up again and again does not fill the log."""
    told = Told()
    names: list[str] = []
    for _ in range(60):
        names += told.names(CONNECTED, REFUSED)
        told.now += 1.0
    assert len(names) <= 4


def test_outage_long_after_a_held_back_line() -> None:
    """An outage is told although the last reconnection, an hour ago, came too soon after another to be told."""
    told = Told()
    told.lines(CONNECTED, REFUSED, CONNECTED)
    told.now += 3600
    assert told.names(REFUSED) == ["stream_disconnected"]


@pytest.mark.parametrize(
    ("event", "other", "name", "level"),
    [
        (
            LostEvents("hubble_ring_buffer", 7, "node-1"),
            LostEvents("perf_event_ring_buffer", 7, "node-1"),
            "events_lost",
            "warning",
        ),
        (
            NodeStatus("error", ("node-1",), "dial failed"),
            NodeStatus("connected", ("node-1",), "dial failed"),
            "node_status_changed",
            "info",
        ),
        (
            Undecodable("invalid_json", "a.json:7", "x"),
            Undecodable("line_too_long", "a.json:7", "x"),
            "event_skipped",
            "warning",
        ),
        (
            Undecodable("invalid_json", "a.json:7", "x"),
            Undecodable("invalid_json", "b.json:7", "x"),
            "event_skipped",
            "warning",
        ),
    ],
)
def test_repeats_are_held_back(event: Event, other: Event, name: str, level: str) -> None:
    """A loss, a node's state and a broken line are told once a minute, then with the number held back."""
    told = Told()
    first, second = told.lines(event, event, event, other)
    assert (first["event"], first["log_level"], "similar_before" in first) == (name, level, False)
    assert (second["event"], "similar_before" in second) == (name, False)
    told.now += 60
    (third,) = told.lines(event)
    assert third["similar_before"] == 2


def test_lines_of_one_file() -> None:
    """Many broken lines of one file are one line of the log."""
    broken = [Undecodable("invalid_json", f"a.json:{number}", "x") for number in range(100)]
    assert Told().names(*broken) == ["event_skipped"]


A, B = Policy("allow-dns", "shop", "CiliumNetworkPolicy"), Policy("wide", "", "CiliumClusterwideNetworkPolicy")


@pytest.mark.parametrize(
    ("allowed", "denied", "expected"),
    [
        ((), (), []),
        ((A,), (), []),
        ((), (B,), []),
        ((A, B), (), [["CiliumNetworkPolicy/shop/allow-dns", "CiliumClusterwideNetworkPolicy/wide"]]),
        ((), (B, A), [["CiliumClusterwideNetworkPolicy/wide", "CiliumNetworkPolicy/shop/allow-dns"]]),
    ],
)
def test_several_policies(allowed: Sequence[Policy], denied: Sequence[Policy], expected: list[list[str]]) -> None:
    """The policies of a verdict that has several are named in the log, for the metric only says `~multiple`."""
    lines = Told().lines(flow(egress_allowed_by=tuple(allowed), egress_denied_by=tuple(denied)))
    assert [line["policies"] for line in lines] == expected


def test_several_policies_rarely() -> None:
    """They are named once an hour for one source."""
    told = Told()
    event = flow(egress_allowed_by=(A, B))
    assert told.names(event, event) == ["policies_matched"]
    told.now += 3599
    assert told.names(event) == []
    told.now += 1
    assert told.names(event) == ["policies_matched"]


def test_silent_events() -> None:
    """Flows and what carries nothing for us are no lines."""
    assert Told().names(flow(), Ignored("agent_event")) == []


def test_budgets() -> None:
    """A budget that is used up is told with the setting that can be changed and the workload that hit it."""
    with capture_logs() as lines:
        Journal().budgets(
            [
                Hit("metrics.destinations-per-workload", "shop", "cart", "connections"),
                Hit("metrics.series", "", "node-1", "world_connection_starts"),
            ]
        )
    assert [(line["event"], line["log_level"]) for line in lines] == [("budget_reached", "warning")] * 2
    assert [(line["setting"], line["workload"], line["family"]) for line in lines] == [
        ("metrics.destinations-per-workload", "shop/cart", "connections"),
        ("metrics.series", "node-1", "world_connection_starts"),
    ]


def test_what_the_ticker_tells() -> None:
    """Gaps and nodes without drops are a line each, a lack of traces one when it begins and one when it ends.

    Of breakages with the same cause there are two in a minute: an outage of DNS has thousands.
    """
    told = Told()
    with capture_logs() as lines:
        told._journal.gaps([Gap("n", 60.04, 6000)] * 3)
        told._journal.stand_ins(["n", "m"])
        told._journal.breakages([(WorkloadName("shop", f"w{number}"), Cause.NXDOMAIN) for number in range(5)])
        for lacking in (False, True, True, False, False):
            told._journal.traces(lacking=lacking)
    assert [(line["event"], line.get("node_name")) for line in lines] == [
        ("stream_gap", "n"),
        ("drops_from_verdicts", "n"),
        ("drops_from_verdicts", "m"),
        *[("dns_breakage", None)] * 2,
        ("no_trace_events", None),
        ("trace_events_arrive", None),
    ]
    assert (lines[0]["seconds"], lines[0]["missed_events"]) == (60.0, 6000)
    assert (lines[3]["namespace"], lines[3]["workload"], lines[3]["cause"]) == ("shop", "w0", "nxdomain")


def test_connected_says_what_was_asked_for() -> None:
    """The oldest release, the field mask and the start in the past, where there are any."""
    (line,) = Told().lines(Connected("relay:80", "hubble-relay v1.19.4", "1.16", "oldest", 1_700_000_000_000_000_000))
    assert (line["oldest_release"], line["field_mask"]) == ("1.16", "oldest")
    assert line["since"] == "2023-11-14T22:13:20+00:00"
