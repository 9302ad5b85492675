"""Queries whose response is awaited: how long it takes, and which never get one."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from exporter.destinations.interface import WorkloadName
from exporter.flow import Dns, Flow
from exporter.window import WindowStats


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
        self._queries: OrderedDict[int, Query] = OrderedDict()
        self._cut_ns = 0

    def __bool__(self) -> bool:
        """Whether any is awaited."""
        return bool(self._queries)

    def asked(self, query: Query, record: Dns) -> None:
        """Await the response; the same query sent again is the same query."""
        key = _key(query.flow, record)
        if key in self._queries:
            return
        if len(self._queries) >= self._most:
            self._refused += 1
            return
        self._queries[key] = query

    def answered(self, response: Flow, record: Dns) -> float | None:
        """Seconds between a query and its response; None when the query was not seen."""
        query = self._queries.pop(_key(response.turned(), record), None)
        return None if query is None else max(0.0, (response.time_ns - query.flow.time_ns) / 1e9)

    def failed(self, request: Flow, record: Dns) -> None:
        """The proxy reports that it could not forward it: it has an end, and no answer."""
        self._queries.pop(_key(request, record), None)

    def expired(self, now_ns: int) -> Iterator[Query]:
        """Take out those that have waited for too long; those from before a cut silently."""
        while self._queries:
            key, query = next(iter(self._queries.items()))
            if now_ns - query.flow.time_ns < self._timeout_ns:
                return
            del self._queries[key]
            if query.flow.time_ns > self._cut_ns:
                yield query

    def cut(self, now_ns: int) -> None:
        """The stream was cut: a response to what was asked before may come while nobody listens."""
        self._cut_ns = now_ns

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._queries), self._most, self._refused)


def _key(request: Flow, record: Dns) -> int:
    ends = (request.source_ip, request.source_port, request.destination_ip)
    return hash((*ends, record.query, record.qtypes))
