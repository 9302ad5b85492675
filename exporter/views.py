"""Takes the status that the page and the API show: what belongs together under the lock, the rest outside it."""

import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from heapq import nsmallest
from typing import NamedTuple

from exporter.build import build
from exporter.counting import Outcome
from exporter.destinations.interface import WorkloadName
from exporter.hubble.interface import FlowSource
from exporter.journal import hint_of
from exporter.metrics import families
from exporter.metrics.exposition import Exposition
from exporter.metrics.store import Store
from exporter.pipeline import Pipeline
from exporter.recent import Drop
from exporter.settings import Settings
from exporter.settings.fields import effective, fields
from exporter.stream import StreamState
from exporter.web.status import (
    Counts,
    Coverage,
    DestinationRow,
    DropRow,
    Fault,
    ReasonRow,
    SettingRow,
    State,
    Status,
    Stream,
    WorkloadRow,
)
from exporter.web.words import headline, moment, remarks

_MOST_ROWS = 10
_SILENT_NS = 60 * 1_000_000_000
"""A cluster without a single flow for this long is asleep, or we are deaf."""


class _Moment(NamedTuple):
    """What is read together, under the lock."""

    stream: Stream
    coverage: Coverage
    flows: int
    counted: int
    drops: tuple[Drop, ...]


class _Tables(NamedTuple):
    """What the series say, added up."""

    connections: Counter[tuple[str, ...]]
    drops: Counter[tuple[str, ...]]
    destinations: Counter[tuple[str, ...]]
    reasons: Counter[tuple[str, ...]]


class StatusView:
    """Takes the status of one exporter."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        settings: Settings,
        source: FlowSource,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._pipeline, self._store, self._source = pipeline, store, source
        self._products, self._setting_rows = Exposition(store), _rows_of(settings)
        self._wall_ns = wall_ns

    def take(self, *, dead_thread: str = "", finished: bool = False) -> Status:
        """The status now. Series are read slice by slice, so that the stream never waits for a page."""
        now_ns = self._wall_ns()
        at = datetime.fromtimestamp(now_ns / 1e9, UTC)
        with self._pipeline.lock:
            now = self._moment(now_ns, dead_thread, finished)
            counted = {family: series.counted for family, series in self._store.families.items()}
        tables = self._tables()
        workloads = Counter({**dict.fromkeys(tables.drops, 0), **tables.connections})
        return Status(
            at=at,
            headline=headline(now.stream, at, dead_thread),
            remarks=remarks(now.stream, now.coverage),
            build=build(),
            stream=now.stream,
            coverage=now.coverage,
            counts=Counts(
                flows=now.flows,
                counted=now.counted,
                connections=counted[families.CONNECTIONS],
                drops=counted[families.DROPS],
                dns_queries=counted[families.DNS_QUERIES],
                l7_requests=counted[families.L7_REQUESTS],
                series=self._store.ceiling.used,
                workloads=len(workloads),
                destinations=len(tables.destinations),
            ),
            top_workloads=self._workload_rows(workloads, tables),
            top_destinations=tuple(
                DestinationRow(label, kind, scope, number) for (kind, scope, label), number in _top(tables.destinations)
            ),
            drops_by_reason=tuple(ReasonRow(reason, number) for (reason,), number in _top(tables.reasons)),
            last_drops=tuple(_row(drop) for drop in now.drops),
            settings=self._setting_rows,
        )

    def _workload_rows(self, connections: Counter[tuple[str, ...]], tables: _Tables) -> tuple[WorkloadRow, ...]:
        with self._pipeline.lock:
            now_ns = self._pipeline.stream.last_flow_ns
            seen = self._pipeline.sees_dns_of
            return tuple(
                WorkloadRow(
                    namespace, name, number, tables.drops[namespace, name], seen(WorkloadName(namespace, name), now_ns)
                )
                for (namespace, name), number in _top(connections)
            )

    def reconfigure(self, settings: Settings) -> None:
        """Show other settings as those in effect."""
        self._setting_rows = _rows_of(settings)

    def _moment(self, now_ns: int, dead_thread: str, finished: bool) -> _Moment:
        state, outcomes = self._pipeline.stream, self._pipeline.outcomes
        rate = None if finished else self._pipeline.recent.rate
        fault = state.last_fault
        stream = Stream(
            state=State.DEAD if dead_thread else _state(state, now_ns, finished),
            live=state.live,
            source=self._source.description,
            since=moment(state.changed_ns),
            server_version=state.server_version,
            newest_flow=moment(state.last_flow_ns),
            newest_arrival=moment(state.last_arrival_ns),
            flows_per_second=round(rate.per_second, 3) if rate else None,
            rate_seconds=round(rate.seconds, 3) if rate else None,
            nodes=Counter(state.nodes.values()),
            last_fault=Fault(moment(state.last_fault_ns), *fault, hint_of(fault.reason)) if fault else None,
        )
        share = state.coverage.of_cluster
        is_known = not math.isnan(share)
        coverage = Coverage(
            "measured" if is_known else "not_measured",
            share if is_known else None,
            state.lacks_traces,
            dict(state.lost),
            dict(state.decode_errors),
        )
        counted = outcomes.get(Outcome.COUNTED, 0) + outcomes.get(Outcome.IDENTITY_UNRESOLVED, 0)
        return _Moment(stream, coverage, sum(outcomes.values()), counted, self._pipeline.recent.drops)

    def _tables(self) -> _Tables:
        connections, drops, destinations, reasons = tables = _Tables(Counter(), Counter(), Counter(), Counter())
        for values, number in self._products.rows(families.CONNECTIONS, self._pipeline.lock):
            connections[values[:2]] += number
            destinations[values[2:5]] += number
        for values, number in self._products.rows(families.DROPS, self._pipeline.lock):
            drops[values[:2]] += number
            reasons[values[-1:]] += number
        return tables


def _rows_of(settings: Settings) -> tuple[SettingRow, ...]:
    defaults = {field.path: field.default for field in fields(type(settings))}
    values = effective(settings)
    return tuple(SettingRow(path, value, value != defaults[path]) for path, value in values.items())


def _state(stream: StreamState, now_ns: int, finished: bool) -> State:
    if not stream.live:
        return State.FINISHED if finished else State.READING
    if not stream.connected:
        return State.DISCONNECTED if stream.last_fault else State.CONNECTING
    if now_ns - max(stream.last_arrival_ns, stream.changed_ns) > _SILENT_NS and stream.last_arrival_ns:
        return State.SILENT
    if stream.last_arrival_ns < stream.changed_ns or not stream.last_arrival_ns:
        return State.WAITING
    return State.CATCHING_UP if stream.is_behind else State.WORKING


def _top(numbers: Counter[tuple[str, ...]]) -> list[tuple[tuple[str, ...], int]]:
    # Sorting the bare numbers first spares the other thousands of entries a comparison in Python.
    least = sorted(numbers.values(), reverse=True)[:_MOST_ROWS][-1:] or [0]
    candidates = [entry for entry in numbers.items() if entry[1] >= least[0]]
    return nsmallest(_MOST_ROWS, candidates, key=lambda entry: (-entry[1], entry[0]))


def _row(drop: Drop) -> DropRow:
    return DropRow(
        at=moment(drop.time_ns),
        namespace=drop.source.namespace,
        workload=drop.source.name,
        destination=drop.destination.label,
        kind=drop.destination.kind.value,
        address=drop.address,
        port=drop.port,
        protocol=drop.protocol,
        reason=drop.reason,
        node_name=drop.node_name,
        times=drop.times,
    )
