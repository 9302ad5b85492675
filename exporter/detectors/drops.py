"""Takes in dropped packets as evidence, and packets that pass as what refutes them."""

from collections import OrderedDict
from collections.abc import Callable

from exporter.destinations.directory import Destinations
from exporter.destinations.interface import Destination, WorkloadName
from exporter.detectors.answers import Askers
from exporter.detectors.drop_kinds import POLICY_REASONS, TRANSIENT_REASONS, Dropped, key_of_drop
from exporter.detectors.interface import Key, Kind
from exporter.detectors.ledger import Ledger, Tally
from exporter.flow import Direction, Flow
from exporter.window import WindowStats

_PAIR_NS = 2 * 1_000_000_000
"""A verdict and the drop event of its packet come together; without the other one it stands for itself."""
_RETRIES_NS = 120 * 1_000_000_000
"""A SYN is sent again for so long."""
_TO_RESOLVER, _AT_RESOLVER = Kind.DROP_TO_RESOLVER, Kind.DROP_AT_RESOLVER
_OUTWARD = frozenset({Kind.DROP_NAMED, Kind.DROP_NAMELESS, Kind.DROP_OF_RESOLVER})


class Drops:
    """Not thread-safe: the watch owns it."""

    def __init__(
        self,
        ledger: Ledger,
        askers: Askers,
        destinations: Destinations,
        has_policies: Callable[[], bool],
        most: int,
    ) -> None:
        self._ledger, self._askers, self._destinations = ledger, askers, destinations
        self._has_policies, self._most, self._evicted = has_policies, most, 0
        self._verdicts: OrderedDict[int, tuple[Flow, WorkloadName, Destination | Key]] = OrderedDict()
        """Denied verdicts whose drop event is awaited."""
        self._dropped_ns: OrderedDict[int, int] = OrderedDict()
        """Drop events of late: the verdict may come behind them."""
        self._connections: OrderedDict[int, tuple[int, Key]] = OrderedDict()
        """What the first packet of a connection was evidence of, so that what is sent again is the same."""

    def dropped(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """An egress packet was dropped."""
        self._has_dropped(flow)
        key = self._key_of(flow, source, destination)
        if key is not None:
            self._ledger.add(source, key, flow)

    def denied(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """Policy denied an egress packet; its drop event follows, unless the agent sends none."""
        self._await_drop(flow, source, destination)

    def stopped_inbound(self, flow: Flow, source: WorkloadName, *, is_drop: bool) -> None:
        """A packet to port 53 was stopped on its way in: of interest at a resolver."""
        if flow.drop_reason not in POLICY_REASONS or flow.source.is_world:
            return
        if not self._destinations.resolvers.has(flow.destination, flow.destination_ip):
            return
        workload = self._destinations.workload_of(flow.destination)
        key = Key(Kind.DROP_AT_RESOLVER, destination=f"{workload.namespace}/{workload.name}")
        key = key._replace(port=flow.destination_port, protocol=flow.kind.protocol)
        if is_drop:
            self._has_dropped(flow)
            self._ledger.add(source, key, flow)
        else:
            self._await_drop(flow, source, key)

    def passed_to_resolver(self, flow: Flow, source: WorkloadName) -> None:
        """A packet on its way to port 53 was let pass, or a query was: what was dropped before is over."""
        self._askers.passed(source, flow)
        if not self._is_stopped_at_port_53(source):
            return
        transport, time_ns = flow.kind.protocol, flow.time_ns
        entered = flow.kind.direction == Direction.INGRESS

        def is_over(tally: Tally) -> bool:
            key = tally.key
            if tally.last.time_ns > time_ns:
                return False
            if key.kind is Kind.DROP_AT_RESOLVER:
                return entered
            return key.kind is Kind.DROP_TO_RESOLVER and key.protocol in (transport, "udp")

        self._ledger.forget(source, is_over)

    def answered_by_resolver(self, flow: Flow, source: WorkloadName) -> None:
        """A packet came back from port 53, or a response did: queries reach the resolver."""
        if not self._is_stopped_at_port_53(source):
            return
        transport, time_ns = flow.kind.protocol, flow.time_ns

        def is_over(tally: Tally) -> bool:
            key = tally.key
            if tally.last.time_ns > time_ns or key.kind not in (Kind.DROP_TO_RESOLVER, Kind.DROP_AT_RESOLVER):
                return False
            return key.protocol in (transport, "udp")

        self._ledger.forget(source, is_over)

    def passed(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """A connection was let pass: what was dropped before on its way to this address and port is over."""
        if self._ledger.kinds_of(source) is None and not self._verdicts:
            return
        self._verdicts.pop(_ends(flow), None)
        address, port, protocol, time_ns = flow.destination_ip, flow.destination_port, flow.kind.protocol, flow.time_ns

        def is_over(tally: Tally) -> bool:
            key, last = tally.key, tally.last
            if key.port != port or key.protocol != protocol or last.time_ns > time_ns:
                return False
            if key.kind in _OUTWARD:
                return last.destination_ip == address
            if key.kind is not Kind.DROP_OTHER or key.destination != destination.label:
                return False
            # A datapath that fails now and then fails: only what is sent again of the same connection has passed.
            same = last.source_port == flow.source_port and last.source_ip == flow.source_ip
            return same or last.drop_reason in TRANSIENT_REASONS

        self._ledger.forget(source, is_over)

    @property
    def awaits(self) -> bool:
        """Whether a verdict may turn out to be a drop."""
        return bool(self._verdicts)

    def expire(self, now_ns: int) -> None:
        """Take verdicts whose drop event did not come for the drop."""
        while self._verdicts:
            ends, (flow, source, what) = next(iter(self._verdicts.items()))
            if now_ns - flow.time_ns < _PAIR_NS and flow.time_ns - now_ns < _PAIR_NS:
                break
            del self._verdicts[ends]
            key = what if isinstance(what, Key) else self._key_of(flow, source, what)
            if key is not None:
                self._ledger.add(source, key, flow)

    def stats(self) -> WindowStats:
        """Verdicts whose drop event is awaited, for the exporter's own metrics."""
        return WindowStats(len(self._verdicts), self._most, self._evicted)

    def _key_of(self, flow: Flow, source: WorkloadName, destination: Destination) -> Key | None:
        destinations = self._destinations
        drop = Dropped(flow, source, destination, destinations.dns.given(flow))
        key = key_of_drop(drop, destinations.resolvers, destinations.names)
        if key is None or (key.kind is Kind.DROP_NAMELESS and not self._has_policies()):
            # Without a name only policies say whether a name was meant.
            return None
        if key.kind is Kind.DROP_NAMED:
            key = self._first_of_connection(key, flow)
        return None if self._is_over(source, key, flow) else key

    def _first_of_connection(self, key: Key, flow: Flow) -> Key:
        ends = _ends(flow)
        before = self._connections.get(ends)
        if before is not None and 0 <= flow.time_ns - before[0] <= _RETRIES_NS:
            return before[1]
        if len(self._connections) >= self._most:
            self._connections.popitem(last=False)
        self._connections[ends] = flow.time_ns, key
        return key

    def _is_over(self, source: WorkloadName, key: Key, flow: Flow) -> bool:
        """Whether a query has passed since; flows of several nodes, and of several files, come out of order."""
        if key.kind is not Kind.DROP_TO_RESOLVER:
            return False
        passed_ns = self._askers.of(source).passed_ns
        transports = ("udp", "tcp") if key.protocol == "udp" else (key.protocol,)
        return any(passed_ns.get(transport, 0) > flow.time_ns for transport in transports)

    def _is_stopped_at_port_53(self, source: WorkloadName) -> bool:
        kinds = self._ledger.kinds_of(source)
        return kinds is not None and (_TO_RESOLVER in kinds or _AT_RESOLVER in kinds)

    def _has_dropped(self, flow: Flow) -> None:
        ends = _ends(flow)
        self._verdicts.pop(ends, None)
        if len(self._dropped_ns) >= self._most:
            self._dropped_ns.popitem(last=False)
        self._dropped_ns[ends] = flow.time_ns

    def _await_drop(self, flow: Flow, source: WorkloadName, what: Destination | Key) -> None:
        # What it is evidence of is found out when no drop comes: nearly always one does.
        ends = _ends(flow)
        if abs(flow.time_ns - self._dropped_ns.get(ends, 0)) < _PAIR_NS:
            return
        if len(self._verdicts) >= self._most:
            self._verdicts.popitem(last=False)
            self._evicted += 1
        self._verdicts[ends] = flow, source, what


def _ends(flow: Flow) -> int:
    ends = (flow.source_ip, flow.source_port, flow.destination_ip, flow.destination_port)
    return hash((*ends, flow.kind.protocol))
