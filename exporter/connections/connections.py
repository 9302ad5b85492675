"""A connection is counted once, at the first event that shows it.

Monitor aggregation, several observation points and policy verdicts show one connection many times. Later events of
the same 5-tuple are the same connection inside a sliding window: for TCP counted from the last start event, since
SYNs are retransmitted up to 32 s apart; for other protocols from the last event.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from exporter.connections.settings import ConnectionsSettings
from exporter.flow import Flow, Verdict
from exporter.stable import number_of_all
from exporter.window import Window, WindowStats

_REDIRECTED = int(Verdict.REDIRECTED)
_MEMORIES = ("tcp", "other", "inbound", "redirects", "queries")


class Connections:
    """What was counted lately. Not thread-safe: the pipeline owns it.

    There are many, so each is two numbers: the garbage collector, which looks through all objects, has none to look at.
    """

    def __init__(self, settings: ConnectionsSettings) -> None:
        self._bound = settings.window
        # One table per window length, each in the order of its last events: what is to expire is always in front.
        self._tcp = _Table(int(settings.tcp_window * 1e9))
        self._other = _Table(int(settings.other_window * 1e9))
        self._evicted = 0
        self._inbound = Window(settings.window, settings.other_window)
        self._redirects = Window(settings.window, settings.proxy_window)
        self._queries = Window(settings.window, settings.dns_window)

    def start(self, flow: Flow, *, awaits_answer: bool = False) -> bool:
        """Whether this start event shows a connection that is not counted yet; it is from now on.

        `awaits_answer`: it goes to world, and its first answer is to be counted.
        """
        key, time_ns = _tuple_key(flow), flow.time_ns
        table = self._tcp if flow.kind.is_tcp else self._other
        if flow.kind.verdict == _REDIRECTED:
            self._redirects.add(_redirect_key(flow), time_ns)
        is_new = not table.has(key, time_ns)
        if is_new:
            self._insert(table, key, time_ns)
        else:
            table.refresh(key, time_ns)
        if not flow.source_port:
            # An aggregated line without one stands for many connections: the kind of event that counted the first of
            # them counts the next ones too, the other kinds repeat them.
            counted_at = table.counted_at.setdefault(key, flow.kind.event_type)
            is_new = is_new or (flow.aggregated and counted_at == flow.kind.event_type)
        if is_new and awaits_answer:
            table.waiting[key] = flow.node_name
        return is_new

    def continues(self, flow: Flow) -> bool:
        """Whether this event belongs to a counted connection; keeps those alive that have no start events."""
        key, table = _tuple_key(flow), self._table(flow)
        if not table.has(key, flow.time_ns):
            return False
        if table is self._other:
            table.refresh(key, flow.time_ns)
        return True

    def answered_node(self, reply: Flow) -> str | None:
        """Node of the connection to world that `reply` answers first: TCP with SYN+ACK, others with any reply."""
        if reply.kind.is_tcp and not reply.kind.answers_tcp:
            return None
        key, table = _reverse_key(reply), self._table(reply)
        if key not in table.waiting or not table.has(key, reply.time_ns):
            return None
        return table.waiting.pop(key)

    def saw_inbound(self, flow: Flow) -> None:
        """Remember a tuple that came in, so that what goes back is not taken for egress."""
        self._inbound.add(_tuple_key(flow), flow.time_ns)

    def is_answer(self, flow: Flow) -> bool:
        """Whether the reverse of this tuple was seen: then it answers, whatever else it looks like."""
        key = _reverse_key(flow)
        return self._table(flow).has(key, flow.time_ns) or self._inbound.has(key, flow.time_ns)

    def is_upstream(self, flow: Flow) -> bool:
        """Whether the proxy was just handed a connection of this source identity to this address and port."""
        return self._redirects.has(_redirect_key(flow), flow.time_ns)

    def asked(self, flow: Flow, query: str) -> None:
        """Remember a DNS query, for the proxy may report an error on it later."""
        self._queries.add(_query_key(flow, query), flow.time_ns)

    def was_asked(self, flow: Flow, query: str) -> bool:
        """Whether this DNS query was counted when it was asked."""
        return self._queries.has(_query_key(flow, query), flow.time_ns)

    def expire(self, now_ns: int) -> None:
        """Forget what is older than its window."""
        for table in (self._tcp, self._other):
            table.expire(now_ns)
        for window in (self._inbound, self._redirects, self._queries):
            window.expire(now_ns)

    def remembered(self) -> Mapping[str, Sequence[Sequence[int | str]]]:
        """Everything, as lists of JSON: key, flow time (ns), and for connections what else is known of them."""
        windows = {"inbound": self._inbound, "redirects": self._redirects, "queries": self._queries}
        return {
            "tcp": self._tcp.remembered(),
            "other": self._other.remembered(),
            **{name: [list(entry) for entry in window.remembered()] for name, window in windows.items()},
        }

    def restore(self, remembered: Mapping[str, Sequence[Sequence[int | str]]]) -> None:
        """Go on with what another process remembered at its end; counted there is counted.

        Raises:
            ValueError: when it is something else; nothing of it is remembered then.
        """
        entries = {name: [_entry(entry) for entry in remembered.get(name, ())] for name in _MEMORIES}
        tcp, other = entries["tcp"][-self._bound :], entries["other"]
        # Both share the bound, which may be smaller than it was.
        self._tcp.restore(tcp)
        self._other.restore(other[max(0, len(other) + len(tcp) - self._bound) :])
        windows = {"inbound": self._inbound, "redirects": self._redirects, "queries": self._queries}
        for name, window in windows.items():
            window.restore((entry.key, entry.time_ns) for entry in entries[name])

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions per window, for the exporter's own metrics."""
        return {
            "connections": WindowStats(self._tcp.entries + self._other.entries, self._bound, self._evicted),
            "inbound": self._inbound.stats(),
            "redirects": self._redirects.stats(),
            "dns_queries": self._queries.stats(),
        }

    def _table(self, flow: Flow) -> "_Table":
        return self._tcp if flow.kind.is_tcp else self._other

    def _insert(self, table: "_Table", key: int, time_ns: int) -> None:
        if key in table.times:
            table.forget(key)
        if len(self._tcp.times) + len(self._other.times) >= self._bound:
            fullest = self._tcp if self._tcp.entries >= self._other.entries else self._other
            self._evicted += fullest.evict(time_ns)
        table.times[key] = time_ns


class _Entry(NamedTuple):
    key: int
    time_ns: int
    waiting: str = ""
    counted_at: int = 0


class _Table:
    """Counted connections whose windows are equally long, those without events for longest in front."""

    def __init__(self, span_ns: int) -> None:
        self.span_ns = span_ns
        self.times: OrderedDict[int, int] = OrderedDict()
        """Flow time (ns) of the last event that counts for the window."""
        self.waiting: dict[int, str] = {}
        """Node on which an answer from world is still awaited."""
        self.counted_at: dict[int, int] = {}
        """Event type that counted it; of those without a source port only."""

    @property
    def entries(self) -> int:
        return len(self.times)

    def remembered(self) -> list[list[int | str]]:
        return [
            [key, time_ns, self.waiting.get(key, ""), self.counted_at.get(key, 0)]
            for key, time_ns in self.times.items()
        ]

    def restore(self, entries: Iterable["_Entry"]) -> None:
        for key, time_ns, waiting, counted_at in entries:
            self.times[key] = time_ns
            if waiting:
                self.waiting[key] = waiting
            if counted_at:
                self.counted_at[key] = counted_at

    def has(self, key: int, time_ns: int) -> bool:
        last_ns = self.times.get(key)
        return last_ns is not None and -self.span_ns <= time_ns - last_ns <= self.span_ns

    def refresh(self, key: int, time_ns: int) -> None:
        # Events may arrive out of order: an older one never shortens the window.
        if time_ns > self.times[key]:  # noqa: PLR1730, `max` would be a call for each start
            self.times[key] = time_ns
        self.times.move_to_end(key)

    def forget(self, key: int) -> None:
        del self.times[key]
        self._forget_rest(key)

    def evict(self, now_ns: int) -> bool:
        """Let the one in front go; whether its time was not over."""
        key, last_ns = self.times.popitem(last=False)
        self._forget_rest(key)
        return -self.span_ns <= now_ns - last_ns <= self.span_ns

    def expire(self, now_ns: int) -> None:
        times = self.times
        while times and now_ns - times[key := next(iter(times))] > self.span_ns:
            del times[key]
            self._forget_rest(key)

    def _forget_rest(self, key: int) -> None:
        if self.waiting:
            self.waiting.pop(key, None)
        if self.counted_at:
            self.counted_at.pop(key, None)


def _entry(written: Sequence[int | str]) -> _Entry:
    match written:
        case [int(key), int(time_ns)] if time_ns > 0:
            return _Entry(key, time_ns)
        case [int(key), int(time_ns), str(waiting), int(counted_at)] if time_ns > 0:
            return _Entry(key, time_ns, waiting, counted_at)
    raise ValueError("an entry is a key, a time in nanoseconds, and perhaps a node and an event type")


# Keys outlive the process, in the file of `hubble.position-file`: they are hashes of numbers only.


def _tuple_key(flow: Flow) -> int:
    source, destination = crc32(flow.source_ip.encode()), crc32(flow.destination_ip.encode())
    return hash((source, flow.source_port, destination, flow.destination_port, flow.kind.protocol_number))


def _reverse_key(flow: Flow) -> int:
    source, destination = crc32(flow.source_ip.encode()), crc32(flow.destination_ip.encode())
    return hash((destination, flow.destination_port, source, flow.source_port, flow.kind.protocol_number))


def _query_key(flow: Flow, query: str) -> int:
    return hash((number_of_all((flow.source_ip, flow.destination_ip, query)), flow.source_port))


def _redirect_key(flow: Flow) -> int:
    return hash((flow.source.identity, crc32(flow.destination_ip.encode()), flow.destination_port))
