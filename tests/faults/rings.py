"""The rings of the nodes behind one server, and the calls that read them; all of it under one condition."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2
from tests.faults.traffic import Told

_BATCH = 64


class Record(NamedTuple):
    """Something to be sent; `arrival` orders what all nodes wrote."""

    arrival: int
    time_ns: int
    data: bytes


@dataclass(eq=False)
class Ring:
    """All that a node ever wrote, of which the last `capacity` can be read."""

    name: str
    capacity: int = 4095
    connected: bool = True
    leaves: int = 0
    """How often relay lost it."""
    returned: int = 0
    """Where it ended when it came back: a call without `since` goes on there."""
    records: list[Record] = field(default_factory=list)

    @property
    def oldest(self) -> int:
        """Position of the oldest record that is not overwritten."""
        return max(0, len(self.records) - self.capacity)

    def start(self, since_ns: int, end: int) -> int:
        """Where a call begins: behind the newest record older than `since_ns` (cilium pkg/hubble/observer)."""
        if not since_ns:
            return end
        older = (n for n in range(len(self.records) - 1, self.oldest - 1, -1) if self.records[n].time_ns < since_ns)
        return next(older, self.oldest - 1) + 1


class Rings:
    """What is written and said, and who reads it."""

    def __init__(self, nodes: Iterable[str], capacity: int) -> None:
        self.changed = threading.Condition()
        self.nodes = {name: Ring(name, capacity) for name in nodes}
        self.said: list[Record] = []
        self.written = self.calls = 0
        self._arrivals = 0

    def write(self, messages: Iterable[Told]) -> None:
        """Add what nodes tell to their rings; a node of which nobody has heard joins."""
        with self.changed:
            for message in messages:
                ring = self.nodes.setdefault(message.node, Ring(message.node))
                ring.records.append(self._record(message.time_ns, message.data))
                self.written += 1
            self.changed.notify_all()

    def say(self, *messages: bytes) -> None:
        """Send bytes to every call that runs, between its flows, and to none that comes later."""
        with self.changed:
            self.said.extend(self._record(0, data) for data in messages)
            self.changed.notify_all()

    def leave(self, names: list[str], message: str) -> None:
        """Relay loses nodes: calls go on without them, and one NODE_ERROR tells of all; a clean end has no message."""
        with self.changed:
            for name in names:
                self.nodes[name].connected = False
                self.nodes[name].leaves += 1
            self.changed.notify_all()
        if message:
            self.say(node_status(relay_pb2.NODE_ERROR, names, message))

    def come(self, name: str) -> None:
        """Relay reaches a node again, and asks it what each call first asked for; nobody is told."""
        with self.changed:
            ring = self.nodes[name]
            ring.connected, ring.returned = True, len(ring.records)
            self.changed.notify_all()

    def _record(self, time_ns: int, data: bytes) -> Record:
        self._arrivals += 1
        return Record(self._arrivals, time_ns, data)


class Reading:
    """One call of GetFlows: batches of messages until it is ended; without `follow` what there is now."""

    def __init__(self, rings: Rings, since_ns: int, *, follow: bool = True, without: Iterable[str] = ()) -> None:
        self._rings, self._since_ns, self._follow = rings, since_ns, follow
        self._without = set(without)
        self.ended = False
        with rings.changed:
            rings.calls += 1
            self._said = len(rings.said)
            self._leaves = {ring.name: ring.leaves for ring in rings.nodes.values()}
            self._positions = {
                ring.name: ring.start(since_ns, len(ring.records))
                for ring in rings.nodes.values()
                if ring.connected and ring.name not in self._without
            }

    def end(self) -> None:
        """End the iteration."""
        with self._rings.changed:
            self.ended = True
            self._rings.changed.notify_all()

    def __iter__(self) -> Iterator[list[bytes]]:
        while not self.ended:
            with self._rings.changed:
                batch, moved = self._take()
                if not moved and self._follow and not self.ended:
                    self._rings.changed.wait()
            if not moved and not self._follow:
                return
            if batch:
                yield [record.data for record in sorted(batch)]

    def _take(self) -> tuple[list[Record], bool]:
        """What is to be sent next, and whether anything was read at all."""
        batch = self._rings.said[self._said :]
        self._said += len(batch)
        moved = bool(batch)
        for ring in self._rings.nodes.values():
            if ring.name in self._without:
                continue
            if self._leaves.get(ring.name, 0) < ring.leaves:
                self._leaves[ring.name] = ring.leaves
                self._positions.pop(ring.name, None)
            if not ring.connected:
                continue
            # A node that has joined, or is back, is asked the original question.
            position = self._positions.setdefault(ring.name, ring.start(self._since_ns, ring.returned))
            if position < ring.oldest:
                batch.append(Record(0, 0, lost_events(ring.oldest - position, ring.name)))
                position = ring.oldest
            found = ring.records[position : position + _BATCH]
            self._positions[ring.name] = position + len(found)
            batch.extend(record for record in found if record.time_ns >= self._since_ns)
            moved = moved or bool(found)
        return batch, moved


def node_status(state: relay_pb2.NodeState.ValueType, names: Iterable[str], message: str = "") -> bytes:
    """Relay's word on nodes."""
    status = relay_pb2.NodeStatusEvent(state_change=state, node_names=names, message=message)
    return observer_pb2.GetFlowsResponse(node_status=status, node_name="demo/node-1").SerializeToString()


def lost_events(number: int, name: str) -> bytes:
    """What an agent says of flows that were overwritten before they were read."""
    lost = flow_pb2.LostEvent(source=flow_pb2.HUBBLE_RING_BUFFER, num_events_lost=number)
    return observer_pb2.GetFlowsResponse(lost_events=lost, node_name=name).SerializeToString()
