"""The whole path of one event, on one screen: role, whose flow, where to, counted already?, count.

All state of the exporter's stages has this one owner, behind one lock, taken once per event, once per tick and once
per slice of a scrape. Nothing under the lock does I/O.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from exporter.attending import Attending
from exporter.chosen import Chosen
from exporter.connections.connections import Connections
from exporter.connections.stand_in import StandIn
from exporter.counting import Outcome, Role, owns_source, role_of
from exporter.coverage import Gap
from exporter.destinations.directory import Destinations
from exporter.destinations.interface import Destination, WorkloadName
from exporter.destinations.settings import DestinationsSettings
from exporter.detectors.dns import DnsDetector
from exporter.detectors.settings import DetectorsSettings
from exporter.expectations.expectations import Expectations
from exporter.expectations.interface import Expectation
from exporter.expectations.manifests import Manifests
from exporter.expectations.settings import ExpectationsSettings
from exporter.flow import Direction, Dns, EventType, Flow, Kind, Verdict
from exporter.hubble.interface import Connected, Disconnected, Event, LostEvents, Nodes, NodeStatus, Undecodable
from exporter.hubble.settings import SourcesSettings
from exporter.judging import Judging
from exporter.known.settings import KnownSettings
from exporter.metrics.recorder import Recorder, is_carried_to_world
from exporter.metrics.store import Hit
from exporter.noticing import Noticing, Started
from exporter.recent import Recent
from exporter.records import Records, asking, counted
from exporter.remembering import Handover, Remembering
from exporter.seeing import Seeing
from exporter.stream import StreamState
from exporter.window import WindowStats

_TRACE, _POLICY_VERDICT = int(EventType.TRACE), int(EventType.POLICY_VERDICT)
_DROP, _EGRESS, _INGRESS = int(EventType.DROP), int(Direction.EGRESS), int(Direction.INGRESS)
_PACKETS = frozenset({_TRACE, _POLICY_VERDICT, _DROP})
_DROPPED = int(Verdict.DROPPED)
_UNDECIDED = (Outcome.DIRECTION_UNKNOWN, Outcome.REPLY_UNKNOWN)
_UNEXPECTED = Expectation.UNEXPECTED
_MOST_KINDS = 4096
Step = Callable[[Flow], Outcome]


class Pipeline:
    """One owner of all state. `handle` is called by the stream thread, `tick` by the ticker."""

    def __init__(  # noqa: PLR0913, it owns all boxes
        self,
        sources: SourcesSettings,
        destinations: Destinations,
        connections: Connections,
        recorder: Recorder,
        *,
        expectations: Expectations | None = None,
        stream: StreamState | None = None,
        recent: Recent | None = None,
        detectors: DetectorsSettings | None = None,
        judging: Judging | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.lock = threading.Lock()
        self.stream = stream or StreamState()
        self.recent = recent or Recent()
        self.expectations = expectations or Expectations(ExpectationsSettings())
        # A Counter would look for its `__setitem__` each time.
        self.outcomes: defaultdict[Outcome, int] = defaultdict(int)
        self._destinations, self._connections = destinations, connections
        self._recorder, self._wall_ns = recorder, wall_ns
        self._stand_in = StandIn(self.stream.most_nodes)
        self._chosen = chosen = Chosen(sources)
        self.dns = dns = DnsDetector(
            (detectors or DetectorsSettings()).dns, destinations, self.expectations, self.stream.is_blind
        )
        self._noticing = Noticing(dns, recorder)
        known, inbox = (judging.settings, judging.inbox) if judging else (KnownSettings(), None)
        self._seeing = Seeing(destinations, self.expectations, self.stream.coverage, inbox, known, chosen)
        self._attending = Attending(self.stream, self._seeing, recorder, judging)
        records = Records(destinations, connections, recorder, self.recent, chosen, self._seeing, dns.watch)
        self._remembering = Remembering(destinations, connections, self._not_egress)
        self.handover = Handover(self.lock, connections, self.stream.coverage)
        self._step_of: dict[int, Step] = {}
        self._l7_step_of: dict[tuple[int, int, type] | None, Step] = {}
        self._steps: dict[Role | Outcome, Step] = {
            Role.START: self._start,
            Role.START_IF_WORLD: self._start_if_world,
            Role.CONTINUATION: self._continuation,
            Role.TCP_CONTINUATION: self._goes_on,
            Role.ANSWER: lambda flow: self._passed_by(flow, Outcome.REPLY),
            Role.TCP_ANSWER: _always(Outcome.REPLY),
            Role.DROP: self._drop,
            Role.DROP_IF_WORLD: self._drop_if_world,
            Role.DENIED_VERDICT: self._denied_verdict,
            Role.DNS_QUERY: records.dns_query,
            Role.DNS_ERROR: records.dns_error,
            Role.DNS_RESPONSE: records.dns_response,
            Role.L7_EXCHANGE: lambda flow: records.l7_exchange(asking(flow)),
            Role.L7_DENIED: lambda flow: records.denied(asking(flow)),
            # The packet may still answer or continue a connection that we count, or show that something came in.
            **{outcome: partial(self._passed_by, outcome=outcome) for outcome in Outcome},
        }

    def handle(self, event: Event) -> Outcome | None:
        """Take one event in, and return what became of it when it is a flow. Total: no event makes it fail."""
        with self.lock:
            if not isinstance(event, Flow):
                self._happened(event)
                return None
            flow = self.stream.arrived(event, self._wall_ns())
            kind = flow.kind
            if flow.replayed:
                self.outcomes[Outcome.REPLAYED] += flow.weight
                self._remembering.again(flow)
                return Outcome.REPLAYED
            if not kind.replies_inside_tcp:
                self._destinations.learn(flow)
            if kind.is_reply:
                self.stream.sees_replies = True
            if flow.time_ns > self._noticing.due_ns:
                self._noticing.saw(flow.time_ns)
            outcome = (self._step_of.get(kind.serial) or self._find_step(kind))(flow)
            self.outcomes[outcome] += flow.weight
            return outcome

    def _happened(self, event: Event) -> None:
        match event:
            case LostEvents():
                self.stream.lost_events(event)
            case NodeStatus():
                self.stream.node_status(event)
            case Nodes():
                self.stream.looked(event, self._wall_ns())
            case Connected():
                self.stream.has_connected(event, self._wall_ns())
            case Disconnected():
                self.stream.has_disconnected(event, self._wall_ns())
                self.dns.watch.cut(self.stream.last_flow_ns)
            case Undecodable():
                self.stream.decode_errors[event.reason] += 1
            case _:
                pass

    def ends(self, flow: Flow) -> tuple[WorkloadName, Destination]:
        """Whose flow it is and where it goes, for the log: read as it is written, answers from their sender's side."""
        flow = asking(flow)
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
            self.recent.sample(sum(self.outcomes.values()), wall_ns)
            flow_now = self.stream.last_flow_ns + self.stream.quiet_ns(wall_ns)
            self._connections.expire(flow_now)
            self._destinations.expire(flow_now)
            self.stream.coverage.expire(wall_ns)
            self._attending.tick(flow_now)
            if self.stream.connected:
                self._noticing.let_pass(flow_now)
            if self.stream.live:
                # What a file has counted stays: its end is not silence.
                self._recorder.store.tick(self._recorder.store.steady_ns())

    def finish(self) -> None:
        """The input has ended: what was to be waited for has not come."""
        with self.lock:
            self._noticing.let_pass(self.stream.current_ns)

    def take_news(self) -> None:
        """Count what the memory has found since the last time."""
        with self.lock:
            self._attending.take_news()

    def take_hits(self) -> list[Hit]:
        """Budgets that were reached for the first time since the last call."""
        with self.lock:
            return self._recorder.store.take_hits()

    def take_stand_ins(self) -> list[str]:
        """Nodes whose verdicts began to stand in for their drops since the last call."""
        with self.lock:
            return self._stand_in.take_new()

    def take_breakages(self) -> Started:
        """The last causes of broken name resolution that have begun since the last call."""
        with self.lock:
            return self._noticing.take_started()

    @property
    def nodes_without_drops(self) -> int:
        """Nodes whose verdicts stand in for their drops now."""
        return len(self._stand_in.nodes)

    def take_gaps(self) -> list[Gap]:
        """Gaps of coverage found since the last call."""
        with self.lock:
            return self._attending.take_gaps()

    def expect(self, read: Manifests) -> None:
        """Answer by these policies from now on."""
        with self.lock:
            self.expectations.replace(read)
            self._seeing.forget_answers()
            self.dns.reconsider()

    def reconfigure(self, sources: SourcesSettings, destinations: DestinationsSettings) -> None:
        """Judge by other settings from now on; what was counted and learnt stays."""
        with self.lock:
            self._chosen.reconfigure(sources)
            self._destinations.reconfigure(destinations)

    @property
    def resolver_labels(self) -> tuple[str, ...]:
        """Labels by which an endpoint is a resolver."""
        return self._destinations.resolvers.labels

    def sees_dns_of(self, workload: WorkloadName, time_ns: int) -> bool:
        """Whether the workload's DNS passes the proxy; if not, nothing is known of what it asks."""
        return self._destinations.sees_dns_of(workload, time_ns)

    def cache_stats(self) -> dict[str, WindowStats]:
        """Entries, bounds and evictions of all stages."""
        nodes = WindowStats(len(self.stream.nodes), self.stream.most_nodes, self.stream.nodes_refused)
        return {
            **self._connections.stats(),
            **self._destinations.stats(),
            **self.expectations.stats(),
            **self.dns.watch.stats(),
            "latency_namespaces": self._recorder.latency.stats(),
            "nodes": nodes,
            "chosen_workloads": self._chosen.stats(),
            "contacts": self._seeing.stats(),
        }

    def _find_step(self, kind: Kind) -> Step:
        """What is to be done with flows of a kind that was not seen yet."""
        if len(self._step_of) >= _MOST_KINDS:
            self._step_of.clear()
            self._l7_step_of.clear()
        step = self._l7 if kind.event_type == EventType.L7 else self._steps[role_of(kind, None)]
        self._step_of[kind.serial] = step
        return step

    def _l7(self, flow: Flow) -> Outcome:
        l7 = flow.l7
        form = (flow.kind.serial, l7.type, l7.record.__class__) if l7 else None
        step = self._l7_step_of.get(form)
        if step is None:
            step = self._steps[role_of(flow.kind, l7)]
            if form:
                self._l7_step_of[form] = step
        return step(flow)

    def _continuation(self, flow: Flow) -> Outcome:
        self._at_port_53(flow)
        self._seeing.goes_on(flow)
        return Outcome.SAME_CONNECTION if self._connections.continues(flow) else Outcome.ESTABLISHED

    def _goes_on(self, flow: Flow) -> Outcome:
        self._seeing.goes_on(flow)
        return Outcome.ESTABLISHED

    def _start(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        return self._connection(flow, source, self._destinations.destination_of(flow, source))

    def _start_if_world(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        destination = self._destinations.destination_of(flow, source)
        outcome = self._not_egress(flow, destination)
        if outcome is not None:
            self._at_port_53(flow)
            return outcome
        return self._connection(flow, source, destination)

    def _connection(self, flow: Flow, source: WorkloadName, destination: Destination) -> Outcome:
        if flow.source.is_world:
            return Outcome.WORLD_SOURCE
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        if flow.kind.event_type == _POLICY_VERDICT:
            self._recorder.policy_verdict(flow, source, destination)
        self.dns.watch.drops.passed(flow, source, destination)
        if self._destinations.resolvers.is_asked(flow):
            self.dns.watch.drops.passed_to_resolver(flow, source)
        answer = self._seeing.begins(flow, source, destination)
        to_world = is_carried_to_world(flow, destination)
        if not self._connections.start(flow, awaits_answer=to_world):
            return Outcome.SAME_CONNECTION
        self._recorder.connection(flow, source, destination, unexpected=answer.expectation is _UNEXPECTED)
        self._bypass(flow, source, destination)
        if to_world:
            self._recorder.world_start(flow)
        return counted(destination)

    def _drop(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        return self._dropped(flow, source, self._destinations.destination_of(flow, source))

    def _drop_if_world(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        destination = self._destinations.destination_of(flow, source)
        return self._not_egress(flow, destination) or self._dropped(flow, source, destination)

    def _dropped(self, flow: Flow, source: WorkloadName, destination: Destination) -> Outcome:
        if self._stand_in.dropped(flow.node_name):
            return Outcome.POLICY_VERDICT
        return self._count_drop(flow, source, destination)

    def _count_drop(self, flow: Flow, source: WorkloadName, destination: Destination) -> Outcome:
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        answer = self._seeing.begins(flow, source, destination)
        self._recorder.drop(flow, source, destination, unexpected=answer.expectation is _UNEXPECTED)
        self._bypass(flow, source, destination)
        self.recent.dropped(flow, source, destination)
        self.dns.watch.drops.dropped(flow, source, destination)
        return counted(destination)

    def _bypass(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """A contact, whether it was let pass or not, may be DNS elsewhere."""
        transport = self._destinations.resolvers.bypass(flow, source, destination)
        if transport:
            self._recorder.dns_bypass(flow, source, transport)

    def _denied_verdict(self, flow: Flow) -> Outcome:
        source = self._destinations.source_of(flow)
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        destination = self._destinations.destination_of(flow, source)
        self._recorder.policy_verdict(flow, source, destination)
        if self._stand_in.denied(flow.node_name, flow.time_ns):
            return self._count_drop(flow, source, destination)
        self.dns.watch.drops.denied(flow, source, destination)
        return Outcome.POLICY_VERDICT

    def _passed_by(self, flow: Flow, outcome: Outcome) -> Outcome:
        """A packet that is no egress of its own: an answer, part of a connection, or something that came in."""
        if flow.kind.event_type not in _PACKETS:
            return outcome
        if flow.kind.event_type == _DROP:
            self._stand_in.dropped(flow.node_name)
        self._at_port_53(flow)
        if flow.kind.event_type == _TRACE:
            node_name = self._connections.answered_node(flow)
            if node_name is not None:
                self._recorder.world_answer(node_name, flow.weight)
                return Outcome.REPLY
            if outcome in _UNDECIDED and self._connections.continues(flow):
                return Outcome.SAME_CONNECTION
        if flow.kind.direction != _EGRESS and not flow.kind.is_reply:
            self._connections.saw_inbound(flow)
        return outcome

    def _at_port_53(self, flow: Flow) -> None:
        """A packet that starts no egress and is on its way to a resolver, or back: stopped there, or let pass."""
        resolvers = self._destinations.resolvers
        if resolvers.is_asked(flow):
            source, drops = self._destinations.source_of(flow), self.dns.watch.drops
            if self._chosen.chooses and self._chosen.excludes(source):
                return
            if flow.kind.verdict != _DROPPED:
                drops.passed_to_resolver(flow, source)
            elif flow.kind.direction == _INGRESS:
                drops.stopped_inbound(flow, source, is_drop=flow.kind.event_type == _DROP)
        elif resolvers.answers(flow):
            self.dns.watch.drops.answered_by_resolver(flow, self._destinations.workload_of(flow.destination))

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


def _always(outcome: Outcome) -> Step:
    """What is to be done with flows that are nothing but this outcome."""
    return lambda _: outcome
