"""What is known of the stream itself: connected or not, nodes, losses, lag, faults. Owned by the pipeline."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from exporter.coverage import SPAN_NS, Coverage
from exporter.flow import EventType, Flow
from exporter.hubble.interface import ASKED_ANEW, Connected, Disconnected, LostEvents, Nodes, NodeStatus
from exporter.hubble.releases import EXACT_LOSSES, release_of

LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds in seconds: relay's sorting buffer delays up to 100 events, which is long on a quiet cluster."""

_SOON_NS = int(LAG_BUCKETS[0] * 1e9)
_NO_FUTURE_NS = 600 * 1_000_000_000
"""Clocks of nodes differ a little; a time further ahead than this would empty every window at once."""
_ALWAYS_NS = 1 << 63
_NO_TRACES_NS = 300 * 1_000_000_000
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
    first_flow_ns: int = 0
    last_flow_ns: int = 0
    current_ns: int = 0
    """Flow time of the flow that arrived last, whatever other clocks said before."""
    sees_replies: bool = False
    """Whether replies come at all: a recording may have one direction only."""
    last_arrival_ns: int = 0
    changed_ns: int = 0
    """Wall time at which it connected or lost its connection; 0 before the first attempt has ended."""
    last_fault: Disconnected | None = None
    last_fault_ns: int = 0
    types: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Events by Hubble's number of their type."""
    lost: Counter[str] = field(default_factory=Counter)
    lost_ns: dict[str, int] = field(default_factory=dict)
    """Flow time of the last loss that Hubble told of, by node."""
    connects: Counter[tuple[str, str]] = field(default_factory=Counter)
    decode_errors: Counter[str] = field(default_factory=Counter)
    nodes: dict[str, str] = field(default_factory=dict)
    coverage: Coverage = field(init=False)
    _traces: tuple[int, int] = (0, 0)
    """How many trace events there were, and since when there is none more although the agents see flows."""
    lacks_traces: bool = False
    """Whether the agents see flows and send no trace events: forwarded connections are not seen then."""
    _exact: set[str] = field(default_factory=set)
    """Nodes that count what their ring loses."""
    lag_counts: list[int] = field(default_factory=lambda: [0] * (len(LAG_BUCKETS) + 1))
    lag_ns: int = 0
    """The sum of all lags."""
    _latest_ns: int = _ALWAYS_NS
    """No flow is younger, as far as we know; of a live stream it is set when one seems to be."""

    def __post_init__(self) -> None:
        """Judge times by our clock if they are of the present."""
        if self.live:
            self._latest_ns = 0
        self.coverage = Coverage(self.most_nodes)

    def arrived(self, flow: Flow, wall_ns: int) -> Flow:
        """Take note of a flow that arrived at `wall_ns`; it is handed on with a time that can be relied on."""
        if 0 < flow.time_ns <= self._latest_ns:
            time_ns = flow.time_ns
        else:
            flow = self._timed(flow, wall_ns)
            time_ns = flow.time_ns
        if time_ns > self.last_flow_ns:
            self.first_flow_ns = self.first_flow_ns or time_ns
            self.last_flow_ns = time_ns
        self.last_arrival_ns, self.current_ns = wall_ns, time_ns
        self.types[flow.kind.event_type] += flow.weight
        if self.nodes.get(flow.node_name) != "connected" and flow.node_name:
            self._node(flow.node_name, "connected")
            self.coverage.returned(flow.node_name)
        # What happened before we connected is backlog: it says how long we were away, not how slow we are.
        if self.live and time_ns >= self.changed_ns and not flow.replayed:
            lag_ns = wall_ns - time_ns
            # Most flows are fresh.
            self.lag_counts[0 if lag_ns <= _SOON_NS else bisect_left(LAG_BUCKETS, lag_ns / 1e9)] += 1
            if lag_ns > 0:
                self.lag_ns += lag_ns
        return flow

    def _timed(self, flow: Flow, wall_ns: int) -> Flow:
        """The flow with the newest time known where it has none, or one that lies too far ahead of our clock."""
        if self.live:
            self._latest_ns = wall_ns + _NO_FUTURE_NS
        if flow.time_ns > self._latest_ns:
            self.decode_errors["time_in_future"] += 1
        elif flow.time_ns <= 0:
            self.decode_errors["time_missing"] += 1
        else:
            return flow
        return replace(flow, time_ns=self.last_flow_ns or (wall_ns if self.live else 0))

    @property
    def event_types(self) -> Counter[str]:
        """Events by the name of their type."""
        names: Counter[str] = Counter()
        for event_type, number in self.types.items():
            names[_EVENT_TYPES.get(event_type, "other")] += number
        return names

    @property
    def lag_sum(self) -> float:
        """The sum of all lags in seconds."""
        return self.lag_ns / 1e9

    def quiet_ns(self, wall_ns: int) -> int:
        """Time since the newest flow arrived, on a live stream that has caught up; 0 in a file or a backlog."""
        if not self.live or not self.last_flow_ns or self.is_behind:
            return 0
        return max(0, wall_ns - self.last_arrival_ns)

    @property
    def is_behind(self) -> bool:
        """Whether the newest flow was old already when it arrived: a backlog is being read."""
        return self.last_arrival_ns - self.last_flow_ns > _CAUGHT_UP_NS

    def is_blind(self, node_name: str) -> bool:
        """Whether some of a node's flows of the last minutes are known to be missing."""
        if not self.sees_replies or self.coverage.ratio(node_name) < 1:
            return True
        lost_ns = self.lost_ns.get(node_name)
        # What was lost before the first flow was lost just before it.
        return lost_ns is not None and self.last_flow_ns - (lost_ns or self.first_flow_ns) <= SPAN_NS

    def lost_events(self, event: LostEvents) -> None:
        """Add a loss as Hubble counts it."""
        self.lost[event.source] += event.number
        if event.node_name in self.nodes or len(self.lost_ns) < self.most_nodes:
            self.lost_ns[event.node_name] = self.last_flow_ns
        self.coverage.lost(event.node_name, event.source, event.number, is_exact=event.node_name in self._exact)

    def node_status(self, event: NodeStatus) -> None:
        """Take relay's word on its nodes."""
        for name in event.node_names:
            self._node(name, event.state)
            if event.state == "connected":
                self.coverage.returned(name)
            else:
                self.coverage.detached(name)

    def looked(self, event: Nodes, wall_ns: int) -> None:
        """Take what the server says of its nodes, at `wall_ns`."""
        for node in event.nodes:
            if not node.connected:
                continue
            if (release := release_of(node.version)) and release >= EXACT_LOSSES:
                self._exact.add(node.name)
            self.coverage.looked(node.name, node.seen_flows, node.ring_flows, wall_ns)
        self._forget_nodes({node.name for node in event.nodes})
        number, since_ns = self._traces
        if self.types[EventType.TRACE] != number or not since_ns or not self.coverage.is_offered:
            self._traces, self.lacks_traces = (self.types[EventType.TRACE], wall_ns), False
        elif wall_ns - since_ns >= _NO_TRACES_NS:
            self.lacks_traces = True

    def has_connected(self, event: Connected, wall_ns: int = 0) -> None:
        """A stream is open, from `wall_ns` on."""
        self.changed_ns = wall_ns
        self.connected = self.connected_once = True
        self.address, self.server_version = event.address, event.server_version
        self.connects["OK", "connected"] += 1
        self.coverage.attached(event.since_ns)

    def has_disconnected(self, event: Disconnected, wall_ns: int = 0) -> None:
        """An attempt failed or the stream ended, at `wall_ns`."""
        if self.connected or not self.changed_ns:
            self.changed_ns = wall_ns
        self.connected = False
        self.coverage.detached()
        if event.reason != ASKED_ANEW:
            self.last_fault, self.last_fault_ns = event, wall_ns
        self.connects[event.code, event.reason] += 1

    def _forget_nodes(self, listed: set[str]) -> None:
        """A node that the server does not list any more has left the cluster: its last state is nobody's fault."""
        for name in self.nodes.keys() - listed if listed else ():
            del self.nodes[name]

    def _node(self, name: str, state: str) -> None:
        if name in self.nodes or len(self.nodes) < self.most_nodes:
            self.nodes[name] = state
        else:
            self.nodes_refused += 1
