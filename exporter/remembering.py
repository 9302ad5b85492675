"""What outlives the process, and what is taken from a flow that was processed before: it counts nothing again.

After a kill the process before has left no memory, and its last flows come again: without them the next packet of a
connection that it counted would look like a new one.
"""

import threading
from collections.abc import Callable

from exporter.connections.connections import Connections
from exporter.counting import Outcome, Role, role_of
from exporter.coverage import Coverage
from exporter.destinations.directory import Destinations
from exporter.destinations.interface import Destination
from exporter.flow import Direction, Dns, EventType, Flow
from exporter.hubble.positions import Lists, Looks
from exporter.metrics.recorder import is_carried_to_world

_PACKETS = frozenset(map(int, (EventType.TRACE, EventType.POLICY_VERDICT, EventType.DROP)))
NotEgress = Callable[[Flow, Destination], Outcome | None]


class Remembering:
    """Takes from flows that come again what the counted ones left. Not thread-safe: the pipeline owns it."""

    def __init__(self, destinations: Destinations, connections: Connections, not_egress: NotEgress) -> None:
        """`not_egress` says why a start of unknown direction is none, and remembers what came in."""
        self._destinations, self._connections, self._not_egress = destinations, connections, not_egress

    def again(self, flow: Flow) -> None:
        """Remember; within one process that changes nothing, for an older event never shortens a window."""
        if flow.kind.replies_inside_tcp:
            return
        self._destinations.learn(flow)
        role = role_of(flow.kind, flow.l7)
        if role is Role.START or role is Role.START_IF_WORLD:
            self._start(flow, role)
        elif role is Role.ANSWER and flow.kind.event_type == EventType.TRACE:
            self._connections.answered_node(flow)
        elif role is Role.CONTINUATION:
            self._connections.continues(flow)
        elif flow.l7 and isinstance(flow.l7.record, Dns):
            self._dns(flow, flow.l7.record, role)
        elif flow.kind.event_type in _PACKETS and flow.kind.direction != Direction.EGRESS and not flow.kind.is_reply:
            self._connections.saw_inbound(flow)

    def _dns(self, flow: Flow, record: Dns, role: Role | Outcome) -> None:
        if role is Role.DNS_QUERY:
            self._connections.asked(flow, record.query)
            self._destinations.dns.saw(self._destinations.source_of(flow), flow.time_ns)
        elif role is Role.DNS_RESPONSE:
            self._destinations.dns.answered(flow, record, self._destinations.asker_of(flow))

    def _start(self, flow: Flow, role: Role) -> None:
        destination = self._destinations.destination_of(flow, self._destinations.source_of(flow))
        if role is Role.START_IF_WORLD and self._not_egress(flow, destination) is not None:
            return
        if not flow.source.is_world:
            self._connections.start(flow, awaits_answer=is_carried_to_world(flow, destination))


class Handover:
    """What the next process needs to go on as if it were this one; taken and given back under the pipeline's lock."""

    def __init__(self, lock: threading.Lock, connections: Connections, coverage: Coverage) -> None:
        self._lock, self._connections, self._coverage = lock, connections, coverage

    def remembered(self) -> Lists:
        """The windows of connections, so that one that both processes see counts once."""
        with self._lock:
            return self._connections.remembered()

    def looks(self) -> Looks:
        """What the server said last of its nodes: what grows while we are away, and the rings forget, is a gap."""
        with self._lock:
            return self._coverage.seen

    def restore(self, remembered: Lists, looks: Looks) -> None:
        """Go on with what the process before has left.

        Raises:
            ValueError: when what is remembered is something else.
        """
        with self._lock:
            self._coverage.restore(looks)
            self._connections.restore(remembered)
