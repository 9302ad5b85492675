"""One call of GetFlows: every node's ring is read, and what they give is merged (cilium pkg/hubble/relay/observer)."""

import time
from collections.abc import Callable, Iterator

from exporter.demo.peers import Membership, Peer, Peers
from exporter.demo.query import Query
from exporter.demo.reader import Reader
from exporter.demo.ring import Ring
from exporter.demo.sorting import Merge, Response, Sorting
from exporter.hubble.pb.relay import relay_pb2


class Stream:
    """Reads from the moment at which it is made. One thread iterates; any thread may cancel."""

    def __init__(self, peers: Peers, query: Query, sorting: Sorting, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Begin to read; `peers.changed` must be held."""
        self.follows = query.follow
        self._peers, self._query, self._now_ns = peers, query, now_ns
        self._readers = {peer: self._reader(peer, peer.ring.end) for peer in peers.connected}
        self._memberships = len(peers.memberships)
        self._greeting = list(self._node_statuses())
        self._ended = False
        wanted = query.number * len(peers.members)
        self._merge = Merge(sorting, min(wanted, sorting.length) if wanted else sorting.length, now_ns=now_ns)

    def __iter__(self) -> Iterator[Response]:
        yield from self._greeting
        while (response := self._receive()) or not self._ended:
            yield from self._merge.accept(response) if response else self._merge.tick()
        yield from self._merge.end()

    def cancel(self) -> None:
        """End the iteration at once, even while it waits."""
        with self._peers.changed:
            self._ended = True
            self._readers.clear()
            self._peers.changed.notify_all()

    def has_room(self, ring: Ring) -> bool:
        """Whether a record can be written to the ring without overwriting one that is still to be read."""
        return all(
            reader.ring is not ring or reader.ended or ring.end - reader.position < ring.capacity
            for reader in self._readers.values()
        )

    @property
    def caught_up(self) -> bool:
        """Whether it has seen every node that left or came back."""
        return self._memberships == len(self._peers.memberships)

    def _receive(self) -> Response | None:
        """The next response in the order of arrival; None when the merge is due, or all has been read."""
        due = self._merge.due
        changed = self._peers.changed
        with changed:
            while not self._ended:
                if response := self._take():
                    return response
                if not self._readers or self._peers.closed:
                    self._ended = True
                elif due is None:
                    changed.wait()
                elif (left := due - time.monotonic()) > 0:
                    changed.wait(left)
                else:
                    break
        return None

    def _take(self) -> Response | None:
        """The next thing to be sent of all that has arrived; None when nothing is left."""
        while not self._ended:
            reader, response = self._next_reader(), None
            if membership := self._membership_before(reader):
                response = self._change(membership)
            elif reader:
                response = reader.take()
            else:
                return None
            if self._peers.waits:
                self._peers.changed.notify_all()
            if response:
                return response
        return None

    def _next_reader(self) -> Reader | None:
        """The reader with the earliest arrival; those that have ended are forgotten."""
        self._readers = {peer: reader for peer, reader in self._readers.items() if not reader.ended}
        waiting = [reader for reader in self._readers.values() if reader.next_arrival is not None]
        return min(waiting, key=lambda reader: reader.next_arrival or 0, default=None)

    def _membership_before(self, reader: Reader | None) -> Membership | None:
        """The next node that left or came back, if that was before what the reader would read."""
        if self.caught_up:
            return None
        membership = self._peers.memberships[self._memberships]
        arrival = reader.next_arrival if reader else None
        return membership if arrival is None or membership.arrival < arrival else None

    def _change(self, membership: Membership) -> Response | None:
        """Go on without a node that left, or with one that came back, which is asked the original question again."""
        self._memberships += 1
        peer = membership.peer
        if not membership.connected:
            left = self._readers.pop(peer, None)
            return self._status(relay_pb2.NODE_ERROR, [peer], membership.message) if left else None
        if self.follows and self._readers:
            self._readers[peer] = self._reader(peer, peer.ring.end_at(membership.arrival))
        return None

    def _reader(self, peer: Peer, end: int) -> Reader:
        return Reader(peer.name, peer.ring, self._query, end, self._now_ns)

    def _node_statuses(self) -> Iterator[Response]:
        if connected := self._peers.connected:
            yield self._status(relay_pb2.NODE_CONNECTED, connected)
        if unavailable := self._peers.unavailable:
            yield self._status(relay_pb2.NODE_UNAVAILABLE, unavailable)

    def _status(self, state: relay_pb2.NodeState.ValueType, peers: list[Peer], message: str = "") -> Response:
        response = Response(
            node_status=relay_pb2.NodeStatusEvent(
                state_change=state, node_names=[peer.name for peer in peers], message=message
            ),
            # Relay's own messages carry the name of the node it runs on.
            node_name=next(iter(self._peers.members)),
        )
        response.time.FromNanoseconds(self._now_ns())
        return response
