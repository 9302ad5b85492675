"""The nodes behind the demo's relay, and what all calls share."""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.demo.ring import Record, Ring
from exporter.hubble.pb.flow import flow_pb2


@dataclass(eq=False)
class Peer:
    """One node: `name` is `cluster/node`, `namespaces` are those seen in its flows."""

    name: str
    address: str
    ring: Ring
    connected: bool = True
    namespaces: set[str] = field(default_factory=set)

    @property
    def cluster(self) -> str:
        """The cluster in the node's name."""
        return self.name.rpartition("/")[0]

    def write(self, record: Record) -> None:
        """Add to the ring and note the namespaces."""
        self.ring.write(record)
        if isinstance(record.event, flow_pb2.Flow):
            self.namespaces.update(filter(None, (record.event.source.namespace, record.event.destination.namespace)))


class Membership(NamedTuple):
    """A node left, with what relay says about it, or came back."""

    arrival: int
    peer: Peer
    connected: bool
    message: str


@dataclass(eq=False)
class Peers:
    """Everything that writers and calls share. It is touched only while `changed` is held, and every change notifies.

    Whatever happens has an arrival number, so that each call sees it in the same order, however late it reads.
    """

    members: dict[str, Peer]
    waits: bool
    changed: threading.Condition = field(default_factory=threading.Condition)
    memberships: list[Membership] = field(default_factory=list)
    arrivals: int = 0
    closed: bool = False

    def arrive(self) -> int:
        """The number of what happens now."""
        self.arrivals += 1
        return self.arrivals

    @property
    def connected(self) -> list[Peer]:
        """The nodes that relay reaches."""
        return [peer for peer in self.members.values() if peer.connected]

    @property
    def unavailable(self) -> list[Peer]:
        """The nodes that it does not."""
        return [peer for peer in self.members.values() if not peer.connected]
