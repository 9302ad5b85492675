"""What was not seen: how much of what the agents saw could reach us, by node, over the last five minutes.

    offered = growth of seen_flows + what was lost before the ring (perf buffer, events queue)
    missed  = all losses + growth while we were not attached, less what the ring still held when we came back
    coverage = 1 - missed / offered

Losses of the ring are counted before the filters and we receive filtered flows, so received / (received + lost) would
be wrong. ARCHITECTURE has a worked example. Owned by the pipeline; all times are our own clock's.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SPAN_NS = 300 * 1_000_000_000
_BEFORE_RING = ("perf_event_ring_buffer", "observer_events_queue")
_RING = "hubble_ring_buffer"


class Gap(NamedTuple):
    """A time of which the rings had forgotten a part when we came back."""

    node_name: str
    seconds: float
    missed: int


class _Interval(NamedTuple):
    at_ns: int
    offered: int
    missed: int


@dataclass(slots=True)
class _Node:
    seen: int = -1
    """The agent's own count at the last look; -1 before the first."""
    seen_ns: int = 0
    stream: int = 0
    """The stream of the last look."""
    away_in: int = -1
    """The stream that it left, and has not come back to."""
    was_away: bool = False
    lost_before: int = 0
    lost_in_ring: int = 0
    lost_unknown: int = 0
    """Messages of an old agent, each a loss of unknown size."""
    forgiven_in: int = 0
    """The stream whose first read at the ring's edge has reported its false loss."""
    intervals: deque[_Interval] = field(default_factory=deque)
    offered: int = 0
    missed: int = 0


class Coverage:
    """Of at most `most` nodes. Not thread-safe: the pipeline owns it."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._nodes: dict[str, _Node] = {}
        # A stream that comes and goes must not cost a walk over all nodes: what holds of all is held once.
        self._stream = 0
        self._is_away = True
        self._repeats = False
        self.refused = 0
        self.server_flows: dict[str, int] = {}
        """What the agents count themselves, added up over their restarts, by node."""
        self.estimated = 0
        self.gap_seconds = 0.0
        self._gaps: list[Gap] = []

    def attached(self, since_ns: int) -> None:
        """A stream begins, which repeats what the rings still hold if it has a `since_ns`."""
        self._stream += 1
        self._is_away, self._repeats = False, since_ns > 0

    def detached(self, *node_names: str) -> None:
        """Nothing can arrive from now on: of these nodes, or of any when none is named."""
        if not node_names:
            self._is_away = True
        for name in node_names:
            node = self._node(name)
            if node is not None:
                node.away_in, node.was_away = self._stream, True

    def returned(self, node_name: str) -> None:
        """A node's flows arrive again."""
        if node_name in self._nodes:
            self._nodes[node_name].away_in = -1

    def lost(self, node_name: str, source: str, number: int, *, is_exact: bool) -> None:
        """Hubble says that it lost events; before 1.19 a loss of the ring is one message of unknown size."""
        node = self._node(node_name)
        if node is None:
            return
        if source in _BEFORE_RING:
            node.lost_before += number
        elif source == _RING and number == 1 and self._repeats and node.forgiven_in != self._stream:
            node.forgiven_in = self._stream
        elif source == _RING and not is_exact and number == 1:
            node.lost_unknown += 1
        else:
            node.lost_in_ring += number

    def looked(self, node_name: str, seen: int, held: int, at_ns: int) -> None:
        """The server says that a node has seen so many flows since it started, and that its ring holds so many."""
        node = self._node(node_name)
        if node is None:
            return
        before, before_ns = node.seen, node.seen_ns
        is_away = self._is_away or node.away_in == self._stream
        was_away = is_away or node.was_away or node.stream != self._stream
        node.seen, node.seen_ns, node.was_away, node.stream = seen, at_ns, is_away, self._stream
        losses = node.lost_before, node.lost_in_ring, node.lost_unknown
        node.lost_before = node.lost_in_ring = node.lost_unknown = 0
        if before < 0:
            # The first look: what was before it is nobody's loss.
            self.server_flows.setdefault(node_name, 0)
            return
        growth = seen - before if seen >= before else seen
        self.server_flows[node_name] += growth
        repeated = held if self._repeats and not is_away else 0
        missed = max(0, growth - repeated) if was_away else 0
        if missed and not is_away:
            self._gap(node_name, missed, growth, (at_ns - before_ns) / 1e9)
        estimated = growth if losses[2] and not missed else 0
        self.estimated += estimated
        offered = growth + losses[0]
        self._add(node, _Interval(at_ns, offered, min(offered, losses[0] + losses[1] + estimated + missed)))

    @property
    def seen(self) -> dict[str, list[int]]:
        """By node, how many flows its agent had seen at the last look, and when that was (ns)."""
        return {name: [node.seen, node.seen_ns] for name, node in self._nodes.items() if node.seen >= 0}

    def restore(self, seen: Mapping[str, Sequence[int]]) -> None:
        """Take what the process before saw last: what the rings have forgotten since is a gap."""
        for name, (number, at_ns) in seen.items():
            node = self._node(name)
            if node is not None:
                node.seen, node.seen_ns = number, at_ns
                self.server_flows.setdefault(name, 0)

    def ratio(self, node_name: str) -> float:
        """Coverage of a node; NaN when it is not known."""
        node = self._nodes.get(node_name)
        return _ratio(node.offered, node.missed) if node else math.nan

    @property
    def ratios(self) -> dict[str, float]:
        """Coverage of every node."""
        return {name: _ratio(node.offered, node.missed) for name, node in self._nodes.items()}

    @property
    def of_cluster(self) -> float:
        """Coverage of all nodes together; NaN when it is not known."""
        nodes = self._nodes.values()
        return _ratio(sum(node.offered for node in nodes), sum(node.missed for node in nodes))

    @property
    def is_offered(self) -> bool:
        """Whether the agents saw anything in the last five minutes."""
        return any(node.offered for node in self._nodes.values())

    def take_gaps(self) -> list[Gap]:
        """Gaps found since the last call."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def expire(self, now_ns: int) -> None:
        """Forget what is older than five minutes: without looks coverage becomes unknown, never 1."""
        for node in self._nodes.values():
            _expire(node, now_ns)

    def _node(self, name: str) -> _Node | None:
        node = self._nodes.get(name)
        if node is None:
            if len(self._nodes) >= self._most:
                self.refused += 1
                return None
            node = self._nodes[name] = _Node()
        return node

    def _gap(self, node_name: str, missed: int, growth: int, seconds: float) -> None:
        share = seconds * missed / growth
        self.gap_seconds += share
        self._gaps.append(Gap(node_name, share, missed))

    def _add(self, node: _Node, interval: _Interval) -> None:
        node.intervals.append(interval)
        node.offered += interval.offered
        node.missed += interval.missed
        _expire(node, interval.at_ns)


def _expire(node: _Node, now_ns: int) -> None:
    while node.intervals and now_ns - node.intervals[0].at_ns > SPAN_NS:
        oldest = node.intervals.popleft()
        node.offered -= oldest.offered
        node.missed -= oldest.missed


def _ratio(offered: int, missed: int) -> float:
    return 1 - missed / offered if offered else math.nan
