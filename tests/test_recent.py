"""What is remembered of the last moments: drops and the rate of flows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.interface import Destination, DestinationKind, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.flow import Flow, Verdict
from exporter.recent import Drop, Rate, Recent
from tests.flows import ACK, SECOND, WORLD_IP, at, changed, dns_query, drop, http_request, icmp
from tests.statuses import Shown

CART = WorkloadName("shop", "cart")
WORLD = Destination(DestinationKind.WORLD, "world", Scope.PUBLIC)


def _dropped(event: Flow) -> Drop:
    recent = Recent()
    recent.dropped(event, CART, WORLD)
    (found,) = recent.drops
    return found


def test_drop() -> None:
    """A drop keeps its time, both ends, port, protocol, reason and node."""
    assert _dropped(drop(time_ns=at(3))) == Drop(
        at(3), CART, WORLD, WORLD_IP, "443", "tcp", "policy_denied", "east/node-1"
    )


@pytest.mark.parametrize(
    ("event", "port", "protocol", "reason", "address"),
    [
        (drop(tcp_flags=ACK), "~other", "tcp", "policy_denied", WORLD_IP),
        (drop(drop_reason=181), "443", "tcp", "policy_deny", WORLD_IP),
        (drop(drop_reason=9999), "443", "tcp", "reason_9999", WORLD_IP),
        (icmp(event_type=1, drop_reason=133), "", "icmp", "policy_denied", WORLD_IP),
        (dns_query(verdict=Verdict.DROPPED), "53", "udp", "dns_denied", ""),
        (http_request(verdict=Verdict.DROPPED), "80", "tcp", "l7_denied", WORLD_IP),
    ],
)
def test_labels_of_a_drop(event: Flow, port: str, protocol: str, reason: str, address: str) -> None:
    """Port and reason are the labels that it is counted under; a refused query has no address, only the name asked."""
    found = _dropped(event)
    assert (found.port, found.protocol, found.reason, found.address) == (port, protocol, reason, address)


@given(st.integers(1, 5), st.lists(st.integers(1, 9), max_size=30))
def test_last_drops_property(most: int, ports: list[int]) -> None:
    """As many different drops as the bound are kept, the one that was last seen first."""
    recent = Recent(most)
    for second, port in enumerate(ports):
        recent.dropped(drop(time_ns=at(second), destination_port=port), CART, WORLD)
    newest_first = list(dict.fromkeys(map(str, reversed(ports))))
    assert [found.port for found in recent.drops] == newest_first[:most]


def test_drops_that_differ_in_address_and_time_only_share_an_entry() -> None:
    """The entry has the last of them and their number, aggregated lines by their weight."""
    recent = Recent()
    same = (drop(), drop(destination_ip="203.0.113.9"), drop(weight=5), drop(drop_reason=181))
    for second, event in enumerate(same):
        recent.dropped(changed(event, time_ns=at(second)), CART, WORLD)
    assert [(found.reason, found.time_ns, found.address, found.times) for found in recent.drops] == [
        ("policy_deny", at(3), WORLD_IP, 1),
        ("policy_denied", at(2), WORLD_IP, 7),
    ]


def test_what_left_the_view_is_counted_anew() -> None:
    """The number is that of the entry, not of all time."""
    recent = Recent(1)
    for port in (1, 1, 2, 1):
        recent.dropped(drop(destination_port=port), CART, WORLD)
    assert [(found.port, found.times) for found in recent.drops] == [("1", 1)]


def test_pipeline_remembers_what_it_counts() -> None:
    """Every counted drop is remembered, with the name asked for a refused query; verdicts and replies are not."""
    shown = Shown()
    refused = dns_query("paste.example.", verdict=Verdict.DROPPED)
    shown.take(drop(), drop(is_reply=True), drop(direction=1), refused, http_request(verdict=Verdict.DROPPED))
    shown.take(drop(event_type=5))
    assert [(found.destination.label, found.reason) for found in shown.pipeline.recent.drops] == [
        ("world", "l7_denied"),
        ("paste.example", "dns_denied"),
        ("world", "policy_denied"),
    ]


def _sampled(*samples: tuple[float, int]) -> Rate | None:
    recent = Recent()
    for seconds, flows in samples:
        recent.sample(flows, at(seconds))
    return recent.rate


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        ([], None),
        ([(0, 5)], None),
        ([(0, 5), (1, 15)], Rate(10.0, 1.0)),
        ([(0, 0), (30, 60)], Rate(2.0, 30.0)),
        ([(0, 0), (30, 300), (60, 300)], Rate(5.0, 60.0)),
        ([(0, 0), (30, 300), (61, 331)], Rate(1.0, 31.0)),
        ([(0, 0), (600, 1200)], Rate(2.0, 600.0)),
        ([(0, 7), (60, 7)], Rate(0.0, 60.0)),
        ([(10, 0), (5, 100)], None),
        ([(10, 0), (5, 100), (6, 104)], Rate(4.0, 1.0)),
        ([(10, 0), (10, 100)], None),
    ],
    ids=[
        "no tick yet",
        "one tick",
        "two ticks",
        "half a minute",
        "a minute",
        "more than a minute",
        "ticks too slow",
        "silence",
        "clock set back",
        "after the clock was set back",
        "clock stands still",
    ],
)
def test_rate(samples: list[tuple[float, int]], rate: Rate | None) -> None:
    """Flows per second are those of the last minute, or of what there is of it."""
    assert _sampled(*samples) == rate


@given(st.lists(st.tuples(st.integers(-5, 100), st.integers(0, 1000)), max_size=200))
def test_rate_property(steps: list[tuple[int, int]]) -> None:
    """The ring is bounded and the rate is never negative, whatever the clock does."""
    recent, wall, flows = Recent(), at(0), 0
    for seconds, more in steps:
        wall, flows = wall + seconds * SECOND, flows + more
        recent.sample(flows, wall)
        assert len(recent._samples) <= 61
        assert recent.rate is None or recent.rate.per_second >= 0


def test_rate_comes_from_ticks() -> None:
    """The pipeline samples at each tick, weights included."""
    shown = Shown()
    shown.pass_time(1)
    shown.take(drop(), drop(weight=9, aggregated=True))
    shown.pass_time(5)
    assert shown.pipeline.recent.rate == Rate(2.0, 5.0)
