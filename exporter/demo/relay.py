"""A relay in front of agents, without the network between them: what is written to its nodes, calls read.

Semantics are those of Hubble Relay 1.19 (cilium pkg/hubble/relay); the gRPC around it is in `observer.py`.
"""

import time
from collections.abc import Callable, Sequence

from exporter.demo.peers import Membership, Peer, Peers
from exporter.demo.query import compile_query
from exporter.demo.ring import DEFAULT_CAPACITY, Record, Ring
from exporter.demo.sorting import Sorting
from exporter.demo.stream import Stream
from exporter.hubble.pb.observer import observer_pb2

_GONE = "rpc error: code = Unavailable desc = error reading from server: EOF"


class Relay:
    """Writers write, calls read, nodes leave and come back; every method may be called from any thread."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, str]],
        *,
        capacity: int = DEFAULT_CAPACITY,
        sorting: Sorting | None = None,
        waits: bool = False,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Put `nodes` (`cluster/node` and address) behind the relay.

        With `waits`, a writer waits for a call with `follow`, and then for room in its ring: nothing is ever lost.
        """
        self._peers = Peers({name: Peer(name, address, Ring(capacity)) for name, address in nodes}, waits)
        self._sorting = sorting or Sorting()
        self._now_ns = now_ns
        self._streams: set[Stream] = set()
        self._newest_ns = 0
        self._watchers: list[Callable[[bool], None]] = []

    def write(self, response: observer_pb2.GetFlowsResponse) -> bool:
        """Write a flow or a loss to its node's ring; False when the relay is closed.

        A loss without a time gets that of the newest flow.
        """
        event = response.flow if response.HasField("flow") else response.lost_events
        peers = self._peers
        with peers.changed:
            peer = peers.members[response.node_name]
            peers.changed.wait_for(lambda: peers.closed or not peers.waits or self._has_room(peer.ring))
            if peers.closed:
                return False
            time_ns = response.time.ToNanoseconds() if response.HasField("time") else self._newest_ns
            self._newest_ns = max(self._newest_ns, time_ns)
            peer.write(Record(peers.arrive(), time_ns, event))
            peers.changed.notify_all()
            return True

    def leave(self, name: str, message: str = _GONE) -> None:
        """Take a node away: calls that read it are told with NODE_ERROR, new ones with NODE_UNAVAILABLE."""
        self._set_connected(name, connected=False, message=message)

    def rejoin(self, name: str) -> None:
        """Bring a node back: calls with `follow` read it again, as they first asked, and are told nothing."""
        self._set_connected(name, connected=True, message="")

    def wait_no_more(self) -> None:
        """From now on writers overwrite what is not read in time, as agents do."""
        with self._peers.changed:
            self._peers.waits = False

    def close(self) -> None:
        """End the story: writers stop, and calls end when they have read what there is."""
        with self._peers.changed:
            self._peers.closed = True
            self._peers.changed.notify_all()

    def stream(self, request: observer_pb2.GetFlowsRequest) -> Stream:
        """Begin a call of GetFlows.

        Raises:
            BadRequestError: when Hubble would refuse it.
        """
        query = compile_query(request)
        with self._peers.changed:
            stream = Stream(self._peers, query, self._sorting, self._now_ns)
            self._streams.add(stream)
            self._peers.changed.notify_all()
        return stream

    def end(self, stream: Stream) -> None:
        """End a call, whether it was read to its end or not."""
        with self._peers.changed:
            self._streams.discard(stream)
            stream.cancel()

    def watch(self, watcher: Callable[[bool], None]) -> None:
        """Be told now, and after each change of the nodes, whether there is any that can be read."""
        self._watchers.append(watcher)
        watcher(bool(self._peers.connected))

    @property
    def newest_ns(self) -> int:
        """The time of the newest flow that was written: the clock of a story that is told faster than life."""
        return self._newest_ns

    @property
    def peers(self) -> Peers:
        """The nodes, for those who report on them."""
        return self._peers

    def _has_room(self, ring: Ring) -> bool:
        return any(stream.follows for stream in self._streams) and all(
            stream.has_room(ring) for stream in self._streams
        )

    def _set_connected(self, name: str, *, connected: bool, message: str) -> None:
        peers = self._peers
        with peers.changed:
            peer = peers.members[name]
            if peer.connected is connected:
                return
            peer.connected = connected
            peers.memberships.append(Membership(peers.arrive(), peer, connected, message))
            peers.changed.notify_all()
            # A reader begins when its call sees the change; until then what is written is not kept for it.
            peers.changed.wait_for(
                lambda: peers.closed or not peers.waits or all(stream.caught_up for stream in self._streams)
            )
            reachable = bool(peers.connected)
        for watcher in self._watchers:
            watcher(reachable)
