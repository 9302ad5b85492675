"""Queries whose response is awaited: how long it takes, and which never get one."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from exporter.destinations.interface import WorkloadName
from exporter.flow import Dns, Flow
from exporter.window import WindowStats

_MOST_NODES = 10_000
_SKEW_NS = 30 * 1_000_000_000
"""Clocks of nodes differ: another node's time says nothing of a query before it is so much ahead."""


class Query(NamedTuple):
    """A query that the proxy let pass, whose it was, and what was meant."""

    flow: Flow
    workload: WorkloadName
    name: str
    is_expansion: bool


class Awaited:
    """At most `most` queries; one that finds no room is not awaited, so that nothing is called unanswered for it."""

    def __init__(self, most: int, timeout: float) -> None:
        self._most, self._timeout_ns, self._refused = most, int(timeout * 1e9), 0
        self._queries: dict[int, Query] = {}
        self._by_time: list[tuple[int, int, int]] = []
        """Time, serial number and key: flows of several nodes come out of order."""
        self._serials = count()
        self._node_ns: dict[str, int] = {}
        """By node, the time of its last query or response: what its own clock says."""
        self._cut_ns = 0

    def __bool__(self) -> bool:
        """Whether any is awaited."""
        return bool(self._queries)

    def asked(self, query: Query, record: Dns) -> None:
        """Await the response; the same query sent again is the same query.

        A line of an export that stands for several queries says nothing of the order of any.
        """
        flow = query.flow
        self._saw(flow)
        key = _key(flow.source_ip, flow.source_port, flow.destination_ip, record)
        if flow.aggregated or key in self._queries:
            return
        if len(self._queries) >= self._most:
            self._refused += 1
            return
        self._queries[key] = query
        if len(self._by_time) >= 4 * self._most:
            # Of those that were answered nothing is awaited.
            live = ((one.flow.time_ns, next(self._serials), key) for key, one in self._queries.items())
            self._by_time = sorted(live)
            return
        heappush(self._by_time, (flow.time_ns, next(self._serials), key))

    def answered(self, response: Flow, record: Dns) -> float | None:
        """Seconds between a query and its response; None when the query was not seen."""
        self._saw(response)
        key = _key(response.destination_ip, response.destination_port, response.source_ip, record)
        query = self._queries.pop(key, None)
        return None if query is None else max(0.0, (response.time_ns - query.flow.time_ns) / 1e9)

    def failed(self, request: Flow, record: Dns) -> None:
        """The proxy reports that it could not forward it: it has an end, and no answer."""
        key = _key(request.source_ip, request.source_port, request.destination_ip, record)
        self._queries.pop(key, None)

    def expired(self, now_ns: int) -> Iterator[Query]:
        """Take out those that have waited for too long; those from before a cut silently."""
        waiting = []
        while self._by_time and now_ns - self._by_time[0][0] >= self._timeout_ns:
            time_ns, serial, key = heappop(self._by_time)
            query = self._queries.get(key)
            if query is None or query.flow.time_ns != time_ns:
                continue
            node_ns = self._node_ns.get(query.flow.node_name, 0)
            if max(node_ns, now_ns - _SKEW_NS) - time_ns < self._timeout_ns:
                waiting.append((time_ns, serial, key))
                continue
            del self._queries[key]
            if time_ns > self._cut_ns:
                yield query
        for entry in waiting:
            heappush(self._by_time, entry)

    def cut(self, now_ns: int) -> None:
        """The stream was cut: a response to what was asked before may come while nobody listens."""
        self._cut_ns = now_ns

    def _saw(self, flow: Flow) -> None:
        if len(self._node_ns) >= _MOST_NODES:
            self._node_ns.clear()
        self._node_ns[flow.node_name] = flow.time_ns

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._queries), self._most, self._refused)


def _key(asker: str, port: int, resolver: str, record: Dns) -> int:
    return hash((asker, port, resolver, record.query, record.qtypes))
