"""What the landing page and `/api/v1/status` say: the shapes of the data.

The names of these fields are the API: API.md lists them, and they stay.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from exporter.build import Build


class State(StrEnum):
    """What the stream is doing, in one word."""

    WORKING = "working"
    CATCHING_UP = "catching_up"
    SILENT = "silent"
    WAITING = "waiting"
    CONNECTING = "connecting"
    DISCONNECTED = "disconnected"
    READING = "reading"
    FINISHED = "finished"
    DEAD = "dead"


class Fault(NamedTuple):
    """Why the last attempt failed or the last stream ended."""

    at: datetime | None
    code: str
    reason: str
    detail: str
    hint: str


class Stream(NamedTuple):
    """Where flows come from, and how that goes."""

    state: State
    live: bool
    source: str
    since: datetime | None
    server_version: str
    newest_flow: datetime | None
    newest_arrival: datetime | None
    flows_per_second: float | None
    rate_seconds: float | None
    nodes: Mapping[str, int]
    last_fault: Fault | None


class Coverage(NamedTuple):
    """What is known of what we did not see. `state` is `measured`, or `not_measured` when nobody can tell."""

    state: str
    ratio: float | None
    """Share of what the agents saw in the last five minutes that could reach us."""
    lacks_traces: bool
    """The agents see flows and send no trace events."""
    lost_events: Mapping[str, int]
    skipped: Mapping[str, int]


class Counts(NamedTuple):
    """What was counted since the start."""

    flows: int
    counted: int
    connections: int
    drops: int
    dns_queries: int
    l7_requests: int
    series: int
    workloads: int
    destinations: int


class WorkloadRow(NamedTuple):
    """A workload and what it did."""

    namespace: str
    workload: str
    connections: int
    drops: int
    dns_visible: bool
    """Whether its DNS passes the proxy; where it does not, nothing is known of what it asks."""


class DestinationRow(NamedTuple):
    """A destination and how often it was reached."""

    destination: str
    kind: str
    scope: str
    connections: int


class ReasonRow(NamedTuple):
    """A drop reason and how often it was given."""

    reason: str
    drops: int


class DropRow(NamedTuple):
    """One of the last drops."""

    at: datetime | None
    namespace: str
    workload: str
    destination: str
    kind: str
    address: str
    port: str
    protocol: str
    reason: str
    node_name: str
    times: int


class SettingRow(NamedTuple):
    """A setting in effect, as written in YAML, secrets masked."""

    path: str
    value: str
    changed: bool


class Status(NamedTuple):
    """Everything, at one moment."""

    at: datetime
    headline: str
    remarks: tuple[str, ...]
    build: Build
    stream: Stream
    coverage: Coverage
    counts: Counts
    top_workloads: tuple[WorkloadRow, ...]
    top_destinations: tuple[DestinationRow, ...]
    drops_by_reason: tuple[ReasonRow, ...]
    last_drops: tuple[DropRow, ...]
    settings: tuple[SettingRow, ...]
