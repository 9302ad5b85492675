"""Coverage: what the agents saw and could not reach us, by a formula that is worked out by hand here."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.coverage import SPAN_NS, Coverage

SECOND = 1_000_000_000
NODE = "east/node-1"
PERF, QUEUE, RING = "perf_event_ring_buffer", "observer_events_queue", "hubble_ring_buffer"
Step = Callable[[Coverage], None]


def look(seen: int, at: float, held: int = 4095) -> Step:
    """The server is asked."""
    return lambda coverage: coverage.looked(NODE, seen, held, round(at * SECOND))


def lost(source: str, number: int, *, exact: bool = True) -> Step:
    """Hubble says that it lost events."""
    return lambda coverage: coverage.lost(NODE, source, number, is_exact=exact)


def away(coverage: Coverage) -> None:
    """The stream ends."""
    coverage.detached()


def back(since: int = 1) -> Step:
    """Another one begins."""
    return lambda coverage: coverage.attached(since)


def node_away(coverage: Coverage) -> None:
    """Relay loses the node."""
    coverage.detached(NODE)


def node_back(coverage: Coverage) -> None:
    """Its flows arrive again."""
    coverage.returned(NODE)


BEGUN = (back(0), look(1_000, 0))


@pytest.mark.parametrize(
    ("steps", "ratio"),
    [
        # Nothing lost of 1,000.
        ((look(2_000, 15),), 1.0),
        # 1,000 in the ring and 250 lost before it: 1,250 offered, 250 missed.
        ((lost(PERF, 200), lost(QUEUE, 50), look(2_000, 15)), 0.8),
        # 100 of 1,000 overwritten before we read them.
        ((lost(RING, 100), look(2_000, 15)), 0.9),
        # The worked example of ARCHITECTURE: 1,250 offered, 250 + 100 missed.
        ((lost(PERF, 250), lost(RING, 100), look(2_000, 15)), 0.72),
        # An old agent lost something of these 1,000, nobody knows how much: none of it is sure.
        ((lost(RING, 1, exact=False), look(2_000, 15), look(3_000, 30)), 0.5),
        # More lost than offered is no negative coverage.
        ((lost(RING, 5_000), look(2_000, 15)), 0.0),
        # Away while 1,000 came; the ring holds 4,095: nothing is missed.
        ((away, back(), look(2_000, 15)), 1.0),
        # Away while 10,000 came and the ring kept 4,000 of them.
        ((away, back(), look(11_000, 15, held=4_000)), 0.4),
        # The same, and the stream does not repeat what the ring holds.
        ((away, back(0), look(11_000, 15, held=4_000)), 0.0),
        # Still away at the next look: nothing of it has reached us yet.
        ((node_away, look(2_000, 15)), 0.0),
        # Relay collects a node that returns with the original request: that was for new flows only.
        ((node_away, node_back, look(2_000, 15)), 0.0),
        # The same in a stream that was asked for the past: the node repeats its ring.
        ((away, back(), look(1_000, 0.5), node_away, node_back, look(2_000, 15)), 1.0),
        # The agent restarted and counts from 0: 600 since then.
        ((lost(RING, 60), look(600, 15)), 0.9),
        # Two looks: 3,000 offered, 300 missed.
        ((look(2_000, 15), lost(RING, 300), look(4_000, 30)), 0.9),
        # What is older than five minutes is forgotten.
        ((lost(RING, 500), look(2_000, 15), look(3_000, 320)), 1.0),
    ],
)
def test_ratio(steps: tuple[Step, ...], ratio: float) -> None:
    """One minus missed by offered, over five minutes."""
    coverage = Coverage()
    for step in (*BEGUN, *steps):
        step(coverage)
    assert coverage.ratio(NODE) == pytest.approx(ratio)
    assert coverage.of_cluster == pytest.approx(ratio)
    assert coverage.ratios == {NODE: pytest.approx(ratio)}


@pytest.mark.parametrize("steps", [(), BEGUN, (*BEGUN, look(1_000, 15)), (lost(RING, 5),)])
def test_unknown(steps: tuple[Step, ...]) -> None:
    """Before the second look, and where nothing was offered, coverage is not known, which is not 1."""
    coverage = Coverage()
    for step in steps:
        step(coverage)
    assert math.isnan(coverage.ratio(NODE))
    assert math.isnan(coverage.of_cluster)


def test_without_looks_it_becomes_unknown() -> None:
    """Five minutes after the last look nobody knows."""
    coverage = Coverage()
    for step in (*BEGUN, look(2_000, 15)):
        step(coverage)
    coverage.expire(15 * SECOND + SPAN_NS)
    assert coverage.ratio(NODE) == 1.0
    coverage.expire(15 * SECOND + SPAN_NS + 1)
    assert math.isnan(coverage.ratio(NODE))


def test_the_false_loss_of_a_first_read() -> None:
    """A stream that begins in the past reports one event lost at the ring's edge, which was not; a second one was."""
    coverage = Coverage()
    for step in (*BEGUN, away, back(), lost(RING, 1), look(2_000, 15)):
        step(coverage)
    assert coverage.ratio(NODE) == 1.0
    for step in (lost(RING, 1), look(2_100, 30)):
        step(coverage)
    assert coverage.ratio(NODE) == pytest.approx(1 - 1 / 1_100)


def test_gap() -> None:
    """A time of which the ring has forgotten a part is told, in seconds, by the share that is missing."""
    coverage = Coverage()
    for step in (*BEGUN, away, back(), look(11_000, 100, held=4_000)):
        step(coverage)
    assert coverage.gap_seconds == pytest.approx(60.0)
    (gap,) = coverage.take_gaps()
    assert (gap.node_name, gap.missed) == (NODE, 6_000)
    assert gap.seconds == pytest.approx(60.0)
    assert coverage.take_gaps() == []


def test_the_servers_own_count() -> None:
    """What the agents saw since we first looked, over restarts of theirs."""
    coverage = Coverage()
    for step in (*BEGUN, look(1_500, 15), look(200, 30), look(300, 45)):
        step(coverage)
    assert coverage.server_flows == {NODE: 800}


def test_estimated_losses() -> None:
    """An old agent's message stands for at most what its node saw meanwhile; a new one's for its number."""
    coverage = Coverage()
    for step in (*BEGUN, lost(RING, 1, exact=False), look(1_400, 15), lost(RING, 7), look(2_000, 30)):
        step(coverage)
    assert coverage.estimated == 400


def test_cluster() -> None:
    """All nodes together, each by what it was offered."""
    coverage = Coverage()
    coverage.attached(0)
    for name, seen in (("a", 0), ("b", 0), ("a", 900), ("b", 100)):
        if name == "b" and seen:
            coverage.lost("b", RING, 50, is_exact=True)
        coverage.looked(name, seen, 4095, SECOND)
    assert coverage.ratios == {"a": 1.0, "b": 0.5}
    assert coverage.of_cluster == pytest.approx(0.95)


def test_bound() -> None:
    """Nodes beyond the bound are not measured, and counted."""
    coverage = Coverage(most=2)
    for name in "abc":
        coverage.looked(name, 0, 4095, SECOND)
    assert (set(coverage.ratios), coverage.refused) == ({"a", "b"}, 1)


STEPS = st.one_of(
    st.tuples(st.just("look"), st.integers(0, 50_000), st.integers(0, 4095)),
    st.tuples(st.sampled_from((PERF, QUEUE, RING)), st.integers(1, 500), st.booleans()),
    st.tuples(st.sampled_from(("away", "back", "node away", "node back")), st.just(0), st.just(0)),
)


@given(st.lists(STEPS, max_size=40))
def test_property_a_ratio_is_a_ratio(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is told in whatever order, coverage lies between 0 and 1 or is not known, and counters never fall."""
    coverage, now = Coverage(), 0.0
    before = (0, 0.0, 0)
    for what, number, more in steps:
        now += 7
        {
            "look": look(number, now, more),
            "away": away,
            "back": back(number),
            "node away": node_away,
            "node back": node_back,
        }.get(what, lost(what, number, exact=bool(more)))(coverage)
        ratio = coverage.ratio(NODE)
        assert math.isnan(ratio) or 0 <= ratio <= 1
        after = (coverage.estimated, coverage.gap_seconds, coverage.server_flows.get(NODE, 0))
        assert all(old <= new for old, new in zip(before, after, strict=True))
        before = after
