"""What is known of the stream itself: connected or not, nodes, losses, lag, faults. Owned by the pipeline."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from exporter.flow import EventType, Flow
from exporter.hubble.interface import ASKED_ANEW, Connected, Disconnected, LostEvents, NodeStatus

LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds in seconds: relay's sorting buffer delays up to 100 events, which is long on a quiet cluster."""

_CAUGHT_UP_NS = 60 * 1_000_000_000
_EVENT_TYPES: dict[int, str] = {
    EventType.DROP: "drop",
    EventType.POLICY_VERDICT: "policy_verdict",
    EventType.TRACE: "trace",
    EventType.L7: "l7",
    EventType.TRACE_SOCK: "trace_sock",
    EventType.CAPTURE: "capture",
}


@dataclass(slots=True)
class StreamState:
    """Counters and last words of the source. `live` is false for files, whose times are not ours."""

    live: bool = False
    most_nodes: int = 10_000
    nodes_refused: int = 0
    address: str = ""
    server_version: str = ""
    connected: bool = False
    connected_once: bool = False
    last_flow_ns: int = 0
    last_arrival_ns: int = 0
    changed_ns: int = 0
    """Wall time at which it connected or lost its connection; 0 before the first attempt has ended."""
    last_fault: Disconnected | None = None
    last_fault_ns: int = 0
    event_types: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    connects: Counter[tuple[str, str]] = field(default_factory=Counter)
    decode_errors: Counter[str] = field(default_factory=Counter)
    nodes: dict[str, str] = field(default_factory=dict)
    lag_counts: list[int] = field(default_factory=lambda: [0] * (len(LAG_BUCKETS) + 1))
    lag_sum: float = 0.0

    def saw_flow(self, flow: Flow, wall_ns: int) -> None:
        """Take note of one flow that arrived at `wall_ns`."""
        time_ns, node_name = flow.time_ns, flow.node_name
        self.event_types[_EVENT_TYPES.get(flow.event_type, "other")] += flow.weight
        self.last_flow_ns = max(self.last_flow_ns, time_ns)
        self.last_arrival_ns = wall_ns
        if self.nodes.get(node_name) != "connected" and node_name:
            self._node(node_name, "connected")
        # What happened before we connected is backlog: it says how long we were away, not how slow we are.
        if self.live and time_ns >= self.changed_ns:
            lag = (wall_ns - time_ns) / 1e9 if wall_ns > time_ns else 0.0
            self.lag_counts[bisect_left(LAG_BUCKETS, lag)] += 1
            self.lag_sum += lag

    def quiet_ns(self, wall_ns: int) -> int:
        """Time since the newest flow arrived, on a live stream that has caught up; 0 in a file or a backlog."""
        if not self.live or not self.last_flow_ns or self.is_behind:
            return 0
        return max(0, wall_ns - self.last_arrival_ns)

    @property
    def is_behind(self) -> bool:
        """Whether the newest flow was old already when it arrived: a backlog is being read."""
        return self.last_arrival_ns - self.last_flow_ns > _CAUGHT_UP_NS

    def lost_events(self, event: LostEvents) -> None:
        """Add a loss as Hubble counts it."""
        self.lost[event.source] += event.number

    def node_status(self, event: NodeStatus) -> None:
        """Take relay's word on its nodes."""
        for name in event.node_names:
            self._node(name, event.state)

    def has_connected(self, event: Connected, wall_ns: int = 0) -> None:
        """A stream is open, from `wall_ns` on."""
        self.changed_ns = wall_ns
        self.connected = self.connected_once = True
        self.address, self.server_version = event.address, event.server_version
        self.connects["OK", "connected"] += 1

    def has_disconnected(self, event: Disconnected, wall_ns: int = 0) -> None:
        """An attempt failed or the stream ended, at `wall_ns`."""
        if self.connected or not self.changed_ns:
            self.changed_ns = wall_ns
        self.connected = False
        if event.reason != ASKED_ANEW:
            self.last_fault, self.last_fault_ns = event, wall_ns
        self.connects[event.code, event.reason] += 1

    def _node(self, name: str, state: str) -> None:
        if name in self.nodes or len(self.nodes) < self.most_nodes:
            self.nodes[name] = state
        else:
            self.nodes_refused += 1
