"""A connection is counted once, at the first event that shows it.

Monitor aggregation, several observation points and policy verdicts show one connection many times. Later events of
the same 5-tuple are the same connection inside a sliding window: for TCP counted from the last start event, since
SYNs are retransmitted up to 32 s apart; for other protocols from the last event.
"""

from collections import OrderedDict
from dataclasses import dataclass

from exporter.connections.settings import ConnectionsSettings
from exporter.flow import Flow, Verdict
from exporter.window import Window, WindowStats


@dataclass(slots=True)
class _Connection:
    last_ns: int
    span_ns: int
    counted_at: int
    """Event type that counted it."""
    waiting_node: str | None = None
    """Node on which an answer from world is still awaited."""


class Connections:
    """What was counted lately. Not thread-safe: the pipeline owns it."""

    def __init__(self, settings: ConnectionsSettings) -> None:
        self._bound = settings.window
        self._tcp_ns, self._other_ns = int(settings.tcp_window * 1e9), int(settings.other_window * 1e9)
        # One table per window length, each in the order of its last events: what is to expire is always in front.
        self._tcp: OrderedDict[int, _Connection] = OrderedDict()
        self._other: OrderedDict[int, _Connection] = OrderedDict()
        self._evicted = 0
        self._inbound = Window(settings.window, settings.other_window)
        self._redirects = Window(settings.window, settings.proxy_window)
        self._queries = Window(settings.window, settings.dns_window)

    def start(self, flow: Flow) -> bool:
        """Whether this start event shows a connection that is not counted yet; it is from now on."""
        key = _tuple_key(flow)
        if flow.verdict == Verdict.REDIRECTED:
            self._redirects.add(_redirect_key(flow), flow.time_ns)
        entry = self._current(key, flow)
        if entry is None:
            self._insert(key, flow)
            return True
        self._refresh(key, entry, flow)
        # An aggregated line without a source port stands for many connections: the kind of event that counted the
        # first of them counts the next ones too, the other kinds repeat them.
        return flow.aggregated and not flow.source_port and entry.counted_at == flow.event_type

    def continues(self, flow: Flow) -> bool:
        """Whether this event belongs to a counted connection; keeps those alive that have no start events."""
        key = _tuple_key(flow)
        is_tcp = flow.protocol == "tcp"
        entry = (self._tcp if is_tcp else self._other).get(key)
        if entry is None or abs(flow.time_ns - entry.last_ns) > entry.span_ns:
            return False
        if not is_tcp:
            self._refresh(key, entry, flow)
        return True

    def await_answer(self, flow: Flow) -> None:
        """Remember that the connection of `flow` goes to world and that its first answer is to be counted."""
        entry = self._current(_tuple_key(flow), flow)
        if entry is not None:
            entry.waiting_node = flow.node_name

    def answered_node(self, reply: Flow) -> str | None:
        """Node of the connection to world that `reply` answers first: TCP with SYN+ACK, others with any reply."""
        if reply.protocol == "tcp" and not reply.answers_tcp:
            return None
        entry = self._current(_reverse_key(reply), reply)
        if entry is None or entry.waiting_node is None:
            return None
        node, entry.waiting_node = entry.waiting_node, None
        return node

    def saw_inbound(self, flow: Flow) -> None:
        """Remember a tuple that came in, so that what goes back is not taken for egress."""
        self._inbound.add(_tuple_key(flow), flow.time_ns)

    def is_answer(self, flow: Flow) -> bool:
        """Whether the reverse of this tuple was seen: then it answers, whatever else it looks like."""
        key = _reverse_key(flow)
        return self._current(key, flow) is not None or self._inbound.has(key, flow.time_ns)

    def is_upstream(self, flow: Flow) -> bool:
        """Whether the proxy was just handed a connection of this source identity to this address and port."""
        return self._redirects.has(_redirect_key(flow), flow.time_ns)

    def asked(self, flow: Flow, query: str) -> None:
        """Remember a DNS query, for the proxy may report an error on it later."""
        self._queries.add(hash((_tuple_key(flow), query)), flow.time_ns)

    def was_asked(self, flow: Flow, query: str) -> bool:
        """Whether this DNS query was counted when it was asked."""
        return self._queries.has(hash((_tuple_key(flow), query)), flow.time_ns)

    def expire(self, now_ns: int) -> None:
        """Forget what is older than its window."""
        for table in (self._tcp, self._other):
            while table and now_ns - (oldest := next(iter(table.values()))).last_ns > oldest.span_ns:
                table.popitem(last=False)
        for window in (self._inbound, self._redirects, self._queries):
            window.expire(now_ns)

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions per window, for the exporter's own metrics."""
        return {
            "connections": WindowStats(len(self._tcp) + len(self._other), self._bound, self._evicted),
            "inbound": self._inbound.stats(),
            "redirects": self._redirects.stats(),
            "dns_queries": self._queries.stats(),
        }

    def _table(self, flow: Flow) -> OrderedDict[int, _Connection]:
        return self._tcp if flow.protocol == "tcp" else self._other

    def _current(self, key: int, flow: Flow) -> _Connection | None:
        """The counted connection of this key, if the flow is within its window."""
        entry = self._table(flow).get(key)
        return entry if entry is not None and _within(entry, flow.time_ns) else None

    def _refresh(self, key: int, entry: _Connection, flow: Flow) -> None:
        # Events may arrive out of order: an older one never shortens the window.
        entry.last_ns = max(entry.last_ns, flow.time_ns)
        self._table(flow).move_to_end(key)

    def _insert(self, key: int, flow: Flow) -> None:
        table = self._table(flow)
        if table.pop(key, None) is None and len(self._tcp) + len(self._other) >= self._bound:
            fullest = max(self._tcp, self._other, key=len)
            _, oldest = fullest.popitem(last=False)
            self._evicted += _within(oldest, flow.time_ns)
        span = self._tcp_ns if flow.protocol == "tcp" else self._other_ns
        table[key] = _Connection(flow.time_ns, span, flow.event_type)


def _within(entry: _Connection, time_ns: int) -> bool:
    return abs(time_ns - entry.last_ns) <= entry.span_ns


def _tuple_key(flow: Flow) -> int:
    return hash((flow.source_ip, flow.source_port, flow.destination_ip, flow.destination_port, flow.protocol))


def _reverse_key(flow: Flow) -> int:
    return hash((flow.destination_ip, flow.destination_port, flow.source_ip, flow.source_port, flow.protocol))


def _redirect_key(flow: Flow) -> int:
    return hash((flow.source.identity, flow.destination_ip, flow.destination_port))
