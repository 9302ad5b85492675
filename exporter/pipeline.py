"""The whole path of one event, on one screen: role, whose flow, where to, counted already?, count.

All state of the exporter's stages has this one owner, behind one lock, taken once per event, once per tick and once
per slice of a scrape. Nothing under the lock does I/O.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase

from exporter.connections.connections import Connections
from exporter.counting import Outcome, Role, owns_source, role_of
from exporter.destinations.directory import Destinations, is_unresolved
from exporter.destinations.interface import Destination, WorkloadName
from exporter.destinations.settings import DestinationsSettings
from exporter.flow import Direction, Dns, EventType, Flow, Http, Kafka, L7Type
from exporter.hubble.interface import Connected, Disconnected, Event, LostEvents, NodeStatus, Undecodable
from exporter.hubble.settings import SourcesSettings
from exporter.metrics.recorder import Recorder, is_carried_to_world
from exporter.metrics.store import Hit
from exporter.recent import Recent
from exporter.stream import StreamState
from exporter.window import WindowStats

_NO_FUTURE_NS = 600 * 1_000_000_000
"""Clocks of nodes differ a little; a time further ahead than this would empty every window at once."""

_TRACE = int(EventType.TRACE)
_PACKETS = frozenset({_TRACE, int(EventType.POLICY_VERDICT), int(EventType.DROP)})
_UNDECIDED = (Outcome.DIRECTION_UNKNOWN, Outcome.REPLY_UNKNOWN)


class Pipeline:
    """One owner of all state. `handle` is called by the stream thread, `tick` by the ticker."""

    def __init__(
        self,
        sources: SourcesSettings,
        destinations: Destinations,
        connections: Connections,
        recorder: Recorder,
        *,
        stream: StreamState | None = None,
        recent: Recent | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.lock = threading.Lock()
        self.stream = stream or StreamState()
        self.recent = recent or Recent()
        self.outcomes: Counter[Outcome] = Counter()
        self._sources, self._destinations, self._connections = sources, destinations, connections
        self._recorder, self._wall_ns = recorder, wall_ns
        self._chosen: dict[WorkloadName, bool] = {}
        self._chosen_resets = 0
        self._all_chosen = not sources.chooses
        self._flow_now = 0
        self._steps: dict[Role, Callable[[Flow], Outcome]] = {
            Role.START: lambda flow: self._start(flow, certain=True),
            Role.START_IF_WORLD: lambda flow: self._start(flow, certain=False),
            Role.CONTINUATION: self._continuation,
            Role.ANSWER: lambda flow: self._passed_by(flow, Outcome.REPLY),
            Role.DROP: lambda flow: self._drop(flow, certain=True),
            Role.DROP_IF_WORLD: lambda flow: self._drop(flow, certain=False),
            Role.DENIED_VERDICT: self._denied_verdict,
            Role.DNS_QUERY: lambda flow: self._dns_query(flow, is_error=False),
            Role.DNS_ERROR: lambda flow: self._dns_query(flow, is_error=True),
            Role.DNS_RESPONSE: lambda flow: self._dns_response(flow.turned()),
            Role.L7_EXCHANGE: lambda flow: self._l7_exchange(_asking(flow)),
            Role.L7_DENIED: lambda flow: self._denied_by_proxy(_asking(flow)),
        }

    def handle(self, event: Event) -> Outcome | None:
        """Take one event in, and return what became of it when it is a flow. Total: no event makes it fail."""
        with self.lock:
            if isinstance(event, Flow):
                flow = self._timed(event)
                self.stream.saw_flow(flow, self._wall_ns())
                self._destinations.learn(flow)
                outcome = self._flow(flow)
                self.outcomes[outcome] += flow.weight
                return outcome
            match event:
                case LostEvents():
                    self.stream.lost_events(event)
                case NodeStatus():
                    self.stream.node_status(event)
                case Connected():
                    self.stream.has_connected(event, self._wall_ns())
                case Disconnected():
                    self.stream.has_disconnected(event, self._wall_ns())
                case Undecodable():
                    self.stream.decode_errors[event.reason] += 1
                case _:
                    pass
        return None

    def ends(self, flow: Flow) -> tuple[WorkloadName, Destination]:
        """Whose flow it is and where it goes, for the log: read as it is written, answers from their sender's side."""
        flow = _asking(flow)
        record = flow.l7.record if flow.l7 else None
        with self.lock:
            source = self._destinations.source_of(flow)
            if isinstance(record, Dns):
                return source, self._destinations.asked(record.query, source)
            return source, self._destinations.destination_of(flow, source)

    def tick(self) -> None:
        """Let time pass, so that windows end on a silent stream too. Called every second."""
        with self.lock:
            wall_ns = self._wall_ns()
            self.recent.sample(self.outcomes.total(), wall_ns)
            flow_now = self._flow_now + self.stream.quiet_ns(wall_ns)
            self._connections.expire(flow_now)
            self._destinations.expire(flow_now)
            if self.stream.live:
                # What a file has counted stays: its end is not silence.
                self._recorder.store.tick(self._recorder.store.steady_ns())

    def take_hits(self) -> list[Hit]:
        """Budgets that were reached for the first time since the last call."""
        with self.lock:
            return self._recorder.store.take_hits()

    def reconfigure(self, sources: SourcesSettings, destinations: DestinationsSettings) -> None:
        """Judge by other settings from now on; what was counted and learnt stays."""
        with self.lock:
            self._sources, self._all_chosen = sources, not sources.chooses
            self._chosen.clear()
            self._destinations.reconfigure(destinations)

    def cache_stats(self) -> dict[str, WindowStats]:
        """Entries, bounds and evictions of all stages."""
        nodes = WindowStats(len(self.stream.nodes), self.stream.most_nodes, self.stream.nodes_refused)
        chosen = WindowStats(len(self._chosen), self._sources.workload_cache, self._chosen_resets)
        return {**self._connections.stats(), **self._destinations.stats(), "nodes": nodes, "chosen_workloads": chosen}

    def _flow(self, flow: Flow) -> Outcome:
        role = role_of(flow)
        if isinstance(role, Outcome):
            # The packet may still answer or continue a connection that we count, or show that something came in.
            return self._passed_by(flow, role) if flow.event_type in _PACKETS else role
        return self._steps[role](flow)

    def _continuation(self, flow: Flow) -> Outcome:
        return Outcome.SAME_CONNECTION if self._connections.continues(flow) else Outcome.ESTABLISHED

    def _start(self, flow: Flow, *, certain: bool) -> Outcome:
        source = self._destinations.source_of(flow)
        destination = self._destinations.destination_of(flow, source)
        if not certain and (why_not := self._not_egress(flow, destination)):
            return why_not
        if flow.source.is_world:
            return Outcome.WORLD_SOURCE
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        if flow.event_type == EventType.POLICY_VERDICT:
            self._recorder.policy_verdict(flow, source, destination)
        if not self._connections.start(flow):
            return Outcome.SAME_CONNECTION
        self._recorder.connection(flow, source, destination)
        if is_carried_to_world(flow, destination):
            self._connections.await_answer(flow)
            self._recorder.world_start(flow)
        return _counted(destination)

    def _drop(self, flow: Flow, *, certain: bool) -> Outcome:
        source = self._destinations.source_of(flow)
        destination = self._destinations.destination_of(flow, source)
        if not certain and (why_not := self._not_egress(flow, destination)):
            return why_not
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        self._recorder.drop(flow, source, destination)
        self.recent.dropped(flow, source, destination)
        return _counted(destination)

    def _denied_verdict(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        self._recorder.policy_verdict(flow, source, self._destinations.destination_of(flow, source))
        return Outcome.POLICY_VERDICT

    def _denied_by_proxy(self, flow: Flow) -> Outcome:
        record = flow.l7.record if flow.l7 else None
        source = self._destinations.source_of(flow)
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        if isinstance(record, Dns):
            destination = self._destinations.asked(record.query, source)
            self._recorder.dns_query(flow, source, record)
        else:
            destination = self._destinations.destination_of(flow, source)
            if isinstance(record, Http | Kafka):
                self._recorder.l7_request(flow, source, destination, record)
        self._recorder.denied_by_proxy(flow, source, destination)
        self.recent.dropped(flow, source, destination)
        return _counted(destination)

    def _dns_query(self, flow: Flow, *, is_error: bool) -> Outcome:
        record = _dns(flow)
        # The proxy reports a failed forward on top of the query that it let pass.
        if is_error and self._connections.was_asked(flow, record.query):
            return Outcome.SAME_EXCHANGE
        source = self._destinations.source_of(flow)
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        self._connections.asked(flow, record.query)
        self._recorder.dns_query(flow, source, record)
        return Outcome.COUNTED

    def _dns_response(self, flow: Flow) -> Outcome:
        record = _dns(flow)
        source = self._destinations.source_of(flow)
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        expansion = self._destinations.is_expansion(record.query, source)
        self._recorder.dns_response(flow, source, record, expansion=expansion)
        return Outcome.COUNTED

    def _l7_exchange(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        if self._is_excluded(source):
            return Outcome.EXCLUDED
        destination = self._destinations.destination_of(flow, source)
        if flow.l7 and isinstance(flow.l7.record, Http | Kafka):
            self._recorder.l7_request(flow, source, destination, flow.l7.record)
        return _counted(destination)

    def _passed_by(self, flow: Flow, outcome: Outcome) -> Outcome:
        """A packet that is no egress of its own: an answer, part of a connection, or something that came in."""
        if flow.event_type == _TRACE:
            node_name = self._connections.answered_node(flow)
            if node_name is not None:
                self._recorder.world_answer(node_name, flow.weight)
                return Outcome.REPLY
            if outcome in _UNDECIDED and self._connections.continues(flow):
                return Outcome.SAME_CONNECTION
        if flow.direction != Direction.EGRESS and not flow.is_reply:
            self._connections.saw_inbound(flow)
        return outcome

    def _not_egress(self, flow: Flow, destination: Destination) -> Outcome | None:
        """Why a start without a direction is not egress, or None when it is: from here to world, and no answer."""
        if not destination.external or flow.source.is_world:
            self._connections.saw_inbound(flow)
            return Outcome.DIRECTION_UNKNOWN
        if self._connections.is_answer(flow):
            return Outcome.REPLY
        if self._connections.is_upstream(flow):
            return Outcome.PROXY_UPSTREAM
        return None if owns_source(flow) else Outcome.OTHER_NODE

    def _is_excluded(self, source: WorkloadName) -> bool:
        if self._all_chosen:
            return False
        chosen = self._chosen.get(source)
        if chosen is None:
            if len(self._chosen) >= self._sources.workload_cache:
                self._chosen.clear()
                self._chosen_resets += 1
            chosen = self._chosen[source] = is_chosen(source, self._sources)
        return not chosen

    def _timed(self, flow: Flow) -> Flow:
        """The flow with a time that can be relied on; keeps the newest one."""
        time_ns = flow.time_ns
        if self.stream.live and not self._flow_now:
            self._flow_now = min(time_ns, self._wall_ns()) if time_ns > 0 else self._wall_ns()
        if time_ns <= 0:
            self.stream.decode_errors["time_missing"] += 1
            return flow._replace(time_ns=self._flow_now)
        if time_ns > self._flow_now:
            if self.stream.live and time_ns > self._wall_ns() + _NO_FUTURE_NS:
                self.stream.decode_errors["time_in_future"] += 1
                return flow._replace(time_ns=self._flow_now)
            self._flow_now = time_ns
        return flow


def is_chosen(source: WorkloadName, sources: SourcesSettings) -> bool:
    """Whether the settings want this workload's egress counted."""
    name = f"{source.namespace}/{source.name}"
    if source.namespace in sources.exclude_namespaces:
        return False
    if any(fnmatchcase(name, pattern) for pattern in sources.exclude_workloads):
        return False
    if sources.include_namespaces and source.namespace not in sources.include_namespaces:
        return False
    return not sources.include_workloads or any(fnmatchcase(name, pattern) for pattern in sources.include_workloads)


def _asking(flow: Flow) -> Flow:
    """An L7 record from the side that asked: a response comes with its sides the other way round."""
    return flow.turned() if flow.l7 and flow.l7.type == L7Type.RESPONSE else flow


def _dns(flow: Flow) -> Dns:
    return flow.l7.record if flow.l7 and isinstance(flow.l7.record, Dns) else Dns("", (), 0, (), (), 0)


def _counted(destination: Destination) -> Outcome:
    return Outcome.IDENTITY_UNRESOLVED if is_unresolved(destination) else Outcome.COUNTED
