"""What was processed lately, so that a reconnect neither counts twice nor leaves out.

After a reconnect the server is asked for everything since a moment before the end (`since_ns`), and what was processed
already is told by its key. Relay asks a node that returns the same question again, and may say so late or never. So a
flow is a repetition too if it has the key of one that was processed and is older than the newest of its node.
Otherwise equal keys are genuine: a retransmission may well be stamped alike, and its twin is beside it then.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from exporter.flow import L7, Dns, Flow, Http, Kafka
from exporter.stable import number_of, number_of_all
from exporter.window import WindowStats

_LAGGARD_NS = 60 * 1_000_000_000
"""Relay sorts up to a hundred events, which takes a minute on a quiet cluster: a node may be so far behind the others.
One that is further behind is a quiet one, for whose sake nobody is asked to tell everything again."""
_NO_FUTURE_NS = 600 * 1_000_000_000
"""A flow further ahead of our clock has a wrong time; as a position it would make us skip everything up to it."""
_CHUNKS = 8
"""Keys are forgotten in parts of the window: forgetting them one by one would cost every flow a look at the oldest."""


@dataclass(slots=True)
class _Repetition:
    """A node's flows come again, those up to `until_ns`: each is told once for each time it was processed."""

    until_ns: int
    newest_ns: int = 0
    matched: Counter[int] = field(default_factory=Counter)


class Processed(NamedTuple):
    """What a process leaves behind: keys of what it processed last, each as often as it was processed."""

    keys: list[int]
    forgotten: dict[str, int]
    """By node: up to which time (ns) keys were forgotten."""
    begun: dict[str, int]
    """By node: the time (ns) of the first flow that was processed."""


class _Keys:
    """Keys of flows that were processed one after the other.

    They are only appended until somebody asks: to write each into a table would be a cache miss per flow.
    """

    __slots__ = ("_counted", "_times", "appended")

    def __init__(self) -> None:
        self.appended: list[int] = []
        self._times: dict[int, int] = {}
        self._counted = 0

    def times(self, key: int) -> int:
        """How often it was processed."""
        if self._counted < len(self.appended):
            for new in self.appended[self._counted :]:
                self._times[new] = self._times.get(new, 0) + 1
            self._counted = len(self.appended)
        return self._times.get(key, 0)


class Resume:
    """Positions by node (ns since the epoch), and the keys of the last `bound` flows. One thread uses it."""

    def __init__(
        self,
        bound: int,
        overlap: float,
        positions: Mapping[str, int] | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        *,
        processed: Processed | None = None,
    ) -> None:
        """`positions` and what was `processed` are those of the process before; without the latter no key is known."""
        self._bound, self._overlap_ns, self._wall_ns = bound, int(overlap * 1e9), wall_ns
        self._latest_ns = 0
        self.positions: dict[str, int] = dict(positions or {})
        """Time of the newest flow of each node that was processed."""
        self.replayed = 0
        self._chunk_size = max(1, bound // _CHUNKS)
        self._keys = _Keys()
        self._chunks: deque[tuple[_Keys, dict[str, int]]] = deque()
        """Older keys, each part with the positions at its end."""
        self._forgotten: dict[str, int] = dict(self.positions if processed is None else processed.forgotten)
        """Positions up to which keys were forgotten: what is older, and of the time since the node was first seen, was
        processed, whatever it is."""
        self._begun: dict[str, int] = dict.fromkeys(self.positions, 0)
        if processed is not None:
            self._keys.appended += processed.keys[-bound:]
            self._begun |= processed.begun
        self._repeated: dict[str, _Repetition] = {}
        """Nodes whose flows may come again."""
        self._is_replayable = False
        self._numbers: dict[str, int] = {}

    @property
    def since_ns(self) -> int:
        """From when on the next stream is to be asked for; 0 for new flows only, when nothing was processed yet."""
        if not self.positions:
            return 0
        newest = max(self.positions.values())
        since = min(position for position in self.positions.values() if newest - position <= _LAGGARD_NS)
        # Clocks of nodes differ a little: a request for the future would get nothing.
        return min(since, self._wall_ns()) - self._overlap_ns

    @property
    def leaves_out(self) -> bool:
        """Whether a node that comes back to this stream would begin with new flows, and a new stream with old ones."""
        return not self._is_replayable and bool(self.positions)

    def begins(self, since_ns: int) -> None:
        """A stream begins that was asked for everything `since_ns`: what was processed may come again, of all nodes."""
        self._is_replayable = since_ns > 0
        self._repeated = {node_name: _Repetition(position) for node_name, position in self.positions.items()}

    def returns(self, node_name: str) -> None:
        """A node was away: relay collects it again with the original request, and so sends again what it sent."""
        if self._is_replayable and node_name in self.positions:
            self._repeated[node_name] = _Repetition(self.positions[node_name])

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
        key = _key(flow, self._number_of(node_name))
        # Most flows are newer than all before them, and no node has just come back.
        is_doubtful = self._repeated or (time_ns < position and self._is_replayable)
        if is_doubtful and self._is_repetition(node_name, time_ns, position, key):
            self.replayed += 1
            flow.replayed = True
            return flow
        keys = self._keys.appended
        keys.append(key)
        if len(keys) >= self._chunk_size:
            self._turn()
        return flow

    def remembered(self) -> Processed:
        """What the next process needs to tell what comes again from what is new."""
        keys = [key for chunk, _ in self._chunks for key in chunk.appended]
        return Processed(keys + self._keys.appended, dict(self._forgotten), dict(self._begun))

    def stats(self) -> WindowStats:
        """For the exporter's own metrics; that old keys leave is how it works, and no loss."""
        entries = sum(len(keys.appended) for keys, _ in self._chunks) + len(self._keys.appended)
        return WindowStats(entries, self._bound, 0)

    def _number_of(self, node_name: str) -> int:
        number = self._numbers.get(node_name)
        if number is None:
            number = self._numbers[node_name] = number_of(node_name)
        return number

    def _is_usable(self, time_ns: int) -> bool:
        self._latest_ns = self._wall_ns() + _NO_FUTURE_NS
        return 0 < time_ns <= self._latest_ns

    def _turn(self) -> None:
        self._chunks.append((self._keys, dict(self.positions)))
        self._keys = _Keys()
        if len(self._chunks) >= _CHUNKS:
            _, positions = self._chunks.popleft()
            self._forgotten.update(positions)

    def _is_repetition(self, node_name: str, time_ns: int, position: int, key: int) -> bool:
        repetition = self._repeated.get(node_name)
        if repetition is not None and time_ns - repetition.until_ns > self._overlap_ns:
            del self._repeated[node_name]
            repetition = None
        if self._begins_anew(repetition, time_ns, position, key):
            repetition = self._repeated[node_name] = _Repetition(position)
        if repetition is None or time_ns > repetition.until_ns:
            return False
        is_known = repetition.matched[key] < self._times(key)
        repetition.matched[key] += 1
        repetition.newest_ns = max(repetition.newest_ns, time_ns)
        return is_known or self._begun[node_name] <= time_ns <= self._forgotten.get(node_name, -1)

    def _begins_anew(self, repetition: _Repetition | None, time_ns: int, position: int, key: int) -> bool:
        """Whether a node is back without a word: relay tells of a failure up to 10 s late, of a clean end never."""
        if time_ns >= position or not self._is_replayable:
            return False
        if repetition is None or time_ns > repetition.until_ns:
            # So far back in time goes only a repetition, whatever its key.
            return position - time_ns > self._overlap_ns or self._times(key) > 0
        return time_ns < repetition.newest_ns and key in repetition.matched and self._times(key) > 0

    def _times(self, key: int) -> int:
        """How often it was processed, as far as is known."""
        return self._keys.times(key) + sum(keys.times(key) for keys, _ in self._chunks)


def _key(flow: Flow, node_number: int) -> int:
    """What tells one event from another. `uuid` does not: some releases leave it out (see the reference of the API).

    Made of numbers only, so that the next process finds the same: it reads the keys of this one.
    """
    addresses = crc32(f"{flow.source_ip} {flow.destination_ip}".encode())
    kind = flow.kind.fingerprint
    key = hash((flow.time_ns, node_number, kind, addresses, flow.source_port, flow.destination_port))
    return key if flow.l7 is None else hash((key, *_content(flow.l7)))


def _content(l7: L7) -> tuple[int, ...]:
    match l7.record:
        case Dns(query, qtypes, rcode, ips, cnames, ttl):
            asked = number_of_all((query, *qtypes))
            if not ips and not cnames:
                return l7.type, rcode, asked
            return l7.type, rcode, asked, number_of_all(ips), number_of_all(cnames), ttl
        case Http(method, code):
            return l7.type, code, number_of(method)
        case Kafka(api_key, error_code):
            return l7.type, error_code, number_of(api_key)
        case None:
            return (l7.type,)
