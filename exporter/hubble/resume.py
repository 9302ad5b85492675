"""What was processed lately, so that a reconnect neither counts twice nor leaves out.

After a reconnect the server is asked for everything since a moment before the end (`since_ns`), and what was processed
already is told by its key. Within one connection equal keys are genuine: a retransmission may well be stamped alike.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

from exporter.flow import Flow
from exporter.window import WindowStats

_LAGGARD_NS = 60 * 1_000_000_000
"""Relay sorts up to a hundred events, which takes a minute on a quiet cluster: a node may be so far behind the others.
One that is further behind is a quiet one, for whose sake nobody is asked to tell everything again."""
_NO_FUTURE_NS = 600 * 1_000_000_000
"""A flow further ahead of our clock has a wrong time; as a position it would make us skip everything up to it."""
_CHUNKS = 8
"""Keys are forgotten in parts of the window: forgetting them one by one would cost every flow a look at the oldest."""


class Resume:
    """Positions by node (ns since the epoch), and the keys of the last `bound` flows. One thread uses it."""

    def __init__(
        self,
        bound: int,
        overlap: float,
        positions: Mapping[str, int] | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._bound, self._overlap_ns, self._wall_ns = bound, int(overlap * 1e9), wall_ns
        self._latest_ns = 0
        self.positions: dict[str, int] = dict(positions or {})
        """Time of the newest flow of each node that was processed."""
        self.replayed = 0
        self._chunk_size = max(1, bound // _CHUNKS)
        self._keys: list[int] = []
        self._chunks: deque[tuple[list[int], dict[str, int]]] = deque()
        """Older keys, each part with the positions at its end."""
        # Of what was processed before we started no keys are left.
        self._forgotten: dict[str, int] = dict(self.positions)
        """Positions up to which keys were forgotten: what is older, and of the time since the node was first seen, was
        processed, whatever it is."""
        self._begun: dict[str, int] = dict.fromkeys(self.positions, 0)
        self._until: dict[str, int] = dict(self.positions)
        """Positions of nodes whose flows may come again: those up to there are looked up."""
        self._processed: Counter[int] = Counter()
        self._is_replayable = False

    @property
    def since_ns(self) -> int:
        """From when on the next stream is to be asked for; 0 for new flows only, when nothing was processed yet."""
        if not self.positions:
            return 0
        newest = max(self.positions.values())
        since = min(position for position in self.positions.values() if newest - position <= _LAGGARD_NS)
        # Clocks of nodes differ a little: a request for the future would get nothing.
        return min(since, self._wall_ns()) - self._overlap_ns

    def begins(self, since_ns: int) -> None:
        """A stream begins that was asked for everything `since_ns`: what was processed may come again, of all nodes."""
        self._is_replayable = since_ns > 0
        self._suspect(self.positions)

    def returns(self, node_name: str) -> None:
        """A node was away: relay collects it again with the original request, and so sends again what it sent."""
        if self._is_replayable and node_name in self.positions:
            self._suspect({node_name: self.positions[node_name]})

    def take(self, flow: Flow) -> Flow:
        """The flow, marked as replayed if it was processed before."""
        time_ns, node_name = flow.time_ns, flow.node_name
        position = self.positions.get(node_name, 0)
        if not 0 < time_ns <= self._latest_ns and not self._is_usable(time_ns):
            return flow
        if time_ns > position:
            self.positions[node_name] = time_ns
            if not position:
                self._begun[node_name] = time_ns
        elif position - time_ns > self._overlap_ns and self._is_replayable and node_name not in self._until:
            # Relay tells of a node's failure up to 10 s late; so far back in time goes only a repetition.
            self._suspect({node_name: position})
        key = _key(flow)
        if self._until and self._was_processed(node_name, time_ns, key):
            self.replayed += 1
            flow.replayed = True
            return flow
        self._keys.append(key)
        if len(self._keys) >= self._chunk_size:
            self._turn()
        return flow

    def stats(self) -> WindowStats:
        """For the exporter's own metrics; that old keys leave is how it works, and no loss."""
        return WindowStats(sum(len(keys) for keys, _ in self._chunks) + len(self._keys), self._bound, 0)

    def _is_usable(self, time_ns: int) -> bool:
        self._latest_ns = self._wall_ns() + _NO_FUTURE_NS
        return 0 < time_ns <= self._latest_ns

    def _turn(self) -> None:
        self._chunks.append((self._keys, dict(self.positions)))
        self._keys = []
        if len(self._chunks) >= _CHUNKS:
            _, positions = self._chunks.popleft()
            self._forgotten.update(positions)

    def _suspect(self, positions: Mapping[str, int]) -> None:
        self._until.update(positions)
        self._processed = Counter(self._keys)
        for keys, _ in self._chunks:
            self._processed.update(keys)

    def _was_processed(self, node_name: str, time_ns: int, key: int) -> bool:
        until = self._until.get(node_name)
        if until is None:
            return False
        if time_ns > until:
            if time_ns - until > self._overlap_ns:
                self._until.pop(node_name)
                if not self._until:
                    self._processed.clear()
            return False
        if self._processed.get(key, 0):
            self._processed[key] -= 1
            return True
        return self._begun[node_name] <= time_ns <= self._forgotten.get(node_name, -1)


def _key(flow: Flow) -> int:
    """What tells one event from another. `uuid` does not: some releases leave it out (see the reference of the API)."""
    key = hash(
        (
            flow.time_ns,
            flow.node_name,
            flow.kind.fingerprint,
            flow.source_ip,
            flow.source_port,
            flow.destination_ip,
            flow.destination_port,
        )
    )
    return key if flow.l7 is None else hash((key, flow.l7))
