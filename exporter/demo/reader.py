"""One call's way through one node's ring: what the agent of that node would send."""

from collections.abc import Callable

from exporter.demo.query import Query, start
from exporter.demo.ring import Record, Ring
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2


class Reader:
    """Reads from where the request begins to where it ends, and says what was overwritten before it was read."""

    def __init__(self, node_name: str, ring: Ring, query: Query, end: int, now_ns: Callable[[], int]) -> None:
        """Begin; without `follow` the call ends at `end`, where the ring ended when it began."""
        self.node_name = node_name
        self.ring = ring
        self.position = start(query, ring, end)
        self._query = query
        self._now_ns = now_ns
        self._stop = None if query.follow else end
        self._sent = 0
        self._past_until = False

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to send, now or later."""
        if self._past_until:
            return True
        if self._stop is None:
            return False
        return self.position >= self._stop or 0 < self._query.number <= self._sent

    @property
    def next_arrival(self) -> int | None:
        """When the next record arrived; None when there is none yet."""
        position = max(self.position, self.ring.oldest)
        return self.ring[position].arrival if position < self.ring.end else None

    def take(self) -> observer_pb2.GetFlowsResponse | None:
        """Read one record; None when it is not to be sent.

        Lost events pass filters and time range (cilium pkg/hubble/observer/local_observer.go).
        """
        if self.position < self.ring.oldest:
            return self._overrun()
        record = self.ring[self.position]
        self.position += 1
        if isinstance(record.event, flow_pb2.LostEvent):
            return self._lost(record.event, record.time_ns)
        return self._flow(record, record.event)

    def _flow(self, record: Record, flow: flow_pb2.Flow) -> observer_pb2.GetFlowsResponse | None:
        query = self._query
        if query.until_ns is not None and record.time_ns > query.until_ns:
            self._past_until = True
            return None
        if (query.since_ns is not None and record.time_ns < query.since_ns) or not query.passes(flow):
            return None
        self._sent += 1
        masked = query.mask(flow)
        # Both come from the masked flow: without them in the mask they are missing outside too.
        return observer_pb2.GetFlowsResponse(
            flow=masked, node_name=masked.node_name, time=masked.time if masked.HasField("time") else None
        )

    def _overrun(self) -> observer_pb2.GetFlowsResponse:
        oldest = self.ring.oldest if self._stop is None else min(self.ring.oldest, self._stop)
        number, self.position = oldest - self.position, oldest
        now_ns = self._now_ns()
        lost = flow_pb2.LostEvent(source=flow_pb2.HUBBLE_RING_BUFFER, num_events_lost=number)
        # Since 1.19: when the first and the last of the losses that one message sums up were noticed.
        lost.first.FromNanoseconds(now_ns)
        lost.last.FromNanoseconds(now_ns)
        return self._lost(lost, now_ns)

    def _lost(self, lost: flow_pb2.LostEvent, time_ns: int) -> observer_pb2.GetFlowsResponse:
        response = observer_pb2.GetFlowsResponse(lost_events=lost, node_name=self.node_name)
        response.time.FromNanoseconds(time_ns)
        return response
