"""The ring of one node: its newest events, each under the number of its writing.

A ring is a value without a lock: all rings of a relay are read and written under the condition of its `Peers`.
"""

from typing import NamedTuple

from exporter.hubble.pb.flow import flow_pb2

DEFAULT_CAPACITY = 4095
_MOST = 65535
_MINUTE_NS = 60 * 1_000_000_000


class Record(NamedTuple):
    """An event as it was written. `arrival` orders the records of all rings of a relay."""

    arrival: int
    time_ns: int
    event: flow_pb2.Flow | flow_pb2.LostEvent


class Ring:
    """The last `capacity` records; `end` is the position of the next one, `oldest` that of the oldest there is."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        """Make an empty ring.

        Raises:
            ValueError: when the capacity is not one that Hubble accepts.
        """
        if not 0 < capacity <= _MOST or capacity & (capacity + 1):
            raise ValueError(f"the capacity of a ring is 2^n-1 and at most {_MOST}, not {capacity}")
        self.capacity = capacity
        self.end = 0
        self.seen_flows = 0
        self._records: list[Record] = []

    @property
    def oldest(self) -> int:
        """Position of the oldest record that is not overwritten."""
        return max(0, self.end - self.capacity)

    def __len__(self) -> int:
        return self.end - self.oldest

    def __getitem__(self, position: int) -> Record:
        if not self.oldest <= position < self.end:
            raise IndexError(position)
        return self._records[position % self.capacity]

    def write(self, record: Record) -> None:
        """Add a record, over the oldest one when the ring is full."""
        if len(self._records) < self.capacity:
            self._records.append(record)
        else:
            self._records[self.end % self.capacity] = record
        self.end += 1
        self.seen_flows += isinstance(record.event, flow_pb2.Flow)

    def end_at(self, arrival: int) -> int:
        """What `end` was before the given arrival."""
        position = self.end
        while position > self.oldest and self[position - 1].arrival >= arrival:
            position -= 1
        return position

    def flows_per_second(self, now_ns: int) -> float:
        """Flows of the last minute, or of the time that a full ring reaches back to, if that is less."""
        since_ns, flows = now_ns - _MINUTE_NS, 0
        for position in range(self.end - 1, self.oldest - 1, -1):
            record = self[position]
            if record.time_ns < since_ns:
                break
            flows += isinstance(record.event, flow_pb2.Flow)
        else:
            if self.oldest:
                since_ns = self[self.oldest].time_ns
        return flows * 1e9 / max(now_ns - since_ns, 1)
