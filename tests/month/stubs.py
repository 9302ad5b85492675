"""What people build by hand: sets of what was seen, that are declared complete after eighteen days.

Both fail on the month, as they do in life; they show that the month is worth passing.
"""

from collections.abc import Iterator

from exporter.destinations.domains import registered_domain
from exporter.flow import Direction, Dns, EventType, Flow, Verdict
from tests.month.harness import WARNING, Notification
from tests.month.simulator import MONTH_NS

_PACKETS = (EventType.DROP, EventType.TRACE, EventType.POLICY_VERDICT)


class FirstSeen:
    """Says everything that a workload had not reached when the month began, once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, ...]] = set()
        self._said: list[Notification] = []

    def handle(self, flow: Flow) -> None:
        """Look at what a pod sends to the outside."""
        if flow.kind.direction != Direction.EGRESS or flow.kind.is_reply or not flow.source.workloads:
            return
        workload = flow.source.workloads[0].name
        for destination in self.destinations(flow):
            port = str(flow.destination_port)
            key = (flow.source.namespace, workload, destination, port)
            if key not in self._seen and flow.time_ns >= MONTH_NS:
                said = Notification(flow.time_ns, flow.source.namespace, workload, destination, WARNING, port)
                self._said.append(said)
            self._seen.add(key)

    def destinations(self, flow: Flow) -> Iterator[str]:
        """What the flow leads to."""
        raise NotImplementedError

    def tick(self, now_ns: int) -> None:
        """Time is nothing to it."""

    def restart(self) -> None:
        """It keeps its set."""

    def notifications(self) -> list[Notification]:
        """What it said since the last call."""
        said, self._said = self._said, []
        return said


class ByAddress(FirstSeen):
    """Knows addresses."""

    def destinations(self, flow: Flow) -> Iterator[str]:
        """The address of a packet to the world."""
        if flow.kind.event_type in _PACKETS and flow.destination.is_world:
            yield flow.destination_ip


class ByDomain(FirstSeen):
    """Knows registered domains, and the names that policy refuses; passes by what has no name."""

    def destinations(self, flow: Flow) -> Iterator[str]:
        """The domains of a packet to the world, or of a refused query."""
        if flow.kind.event_type in _PACKETS and flow.destination.is_world:
            yield from (registered_domain(name) or name for name in flow.destination_names)
        elif flow.kind.verdict == Verdict.DROPPED and flow.l7 and isinstance(flow.l7.record, Dns):
            yield flow.l7.record.query.rstrip(".")
