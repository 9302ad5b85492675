"""What is remembered of workloads, and what a store of it must do.

Everything is a fact: a mark of a workload that was seen first, and last, at some time. Facts merge in any order to the
same result, so that several exporters share one memory without a leader, and a state is never stored: it follows from
facts (see `learning`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

EPISODE_NS = 2 * 3600 * 1_000_000_000
"""Silence that ends an episode of contacts: so long that an hourly job is one, a daily one is not."""


class WorkloadKey(NamedTuple):
    """Whose memory it is."""

    cluster: str
    namespace: str
    name: str


class What(StrEnum):
    """What a fact is about; `Mark.name` says which one."""

    WORKLOAD = "workload"
    """The workload itself, with an empty name."""
    DESTINATION = "destination"
    """Somewhere it went: port, protocol, and registered domain, entity, workload, range, or address without a name."""
    DENIED = "denied"
    """Somewhere it was not let go; named alike."""
    ADDRESS = "address"
    """An address that a name had: `203.0.113.10 example.com`."""
    POD = "pod"
    """A run of a pod: its name and the number that its agent gave it, which the next run does not have."""
    START = "start"
    """A pod whose first flow was seen while its node was watched: it has just started."""
    REVISION = "revision"
    """The template hash of a ReplicaSet, as the names of its pods show it."""
    NOVELTY = "novelty"
    """A span of time (`learning.SPAN_NS`, by its number) in which something new was seen."""
    DNS = "dns"
    """That its DNS passed the proxy, with an empty name."""
    TOLD = "told"
    """Something that was announced and must not be again."""
    NODE = "node"
    """Of the workload `node_key`: that flows of the node arrive; its episode is how long they have, without a gap."""

    # Part of every mark: the enum's own hash is written in Python.
    __hash__ = str.__hash__


LASTING = frozenset({What.WORKLOAD, What.START, What.NOVELTY, What.TOLD})
"""Facts that expire with their workload only: what it has learnt rests on them."""


class Mark(NamedTuple):
    """Which fact of a workload."""

    what: What
    name: str = ""


class Row(NamedTuple):
    """What is known of a mark. Times are the flows' own, in ns since the epoch.

    `since_ns` begins the present episode. `began` is a JSON text of the first sighting, `latest` one of the last.
    """

    first_ns: int
    last_ns: int
    since_ns: int
    began: str = ""
    latest: str = ""


class Fact(NamedTuple):
    """A row with all that it takes to find it again."""

    workload: WorkloadKey
    mark: Mark
    row: Row


class Size(NamedTuple):
    """How much a store holds; `bytes` is 0 where that is not known."""

    entries: int
    bytes: int


class Fault(StrEnum):
    """Why a store does not work, as metrics and log say it."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    FULL = "full"
    READ_ONLY = "read_only"
    CORRUPT = "corrupt"
    NEWER_SCHEMA = "newer_schema"
    BUSY = "busy"
    OTHER = "other"

    __hash__ = str.__hash__


class StoreError(Exception):
    """The store cannot do what was asked; `detail` says what happened, where, and what to do."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault, self.detail = fault, detail


class Store(Protocol):
    """Keeps facts. One thread uses it. Every method but `close` raises StoreError when the store does not work."""

    shared: bool
    """Whether other exporters write to it too."""
    evicted: int
    """Facts that left because the store was full."""

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """All that is known of a workload; empty when nothing is."""
        ...

    def merge(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Merge facts into what stands there (`merged`), and return for each what stood there before it.

        All of them are on disk, or with the server, when this returns: either all or none. Of several exporters that
        merge the same mark for the first time exactly one is told None.
        """
        ...

    def workloads(self) -> list[WorkloadKey]:
        """Of whom something is known, in order."""
        ...

    def facts(self, last_since_ns: int = 0) -> Iterator[Fact]:
        """All facts that were seen last at that time or later."""
        ...

    def forget(self, workload: WorkloadKey, marks: Collection[Mark] | None = None) -> int:
        """Forget these marks of a workload, or the whole of it; returns how many facts there were."""
        ...

    def expire(self, before_ns: int) -> int:
        """Forget what was seen last before that time; what is `LASTING` only with its workload. Returns how many."""
        ...

    def size(self) -> Size:
        """How much it holds."""
        ...

    def close(self) -> None:
        """Give up files and connections; never raises."""
        ...


def merged(one: Row, other: Row) -> Row:
    """One row of two: earliest first, latest last, one episode if the silence between them is short enough.

    Commutative and idempotent. Also associative, but for `since_ns` when what lies between two episodes comes last.
    """
    # Nearly always the other is a later sighting; texts only decide between equal times.
    if one.first_ns < other.first_ns and one.last_ns < other.last_ns:
        first, early, late = one, one, other
    else:
        first = one if _first(one) <= _first(other) else other
        late, early = (one, other) if _last(one) >= _last(other) else (other, one)
    since_ns = late.since_ns
    if early.since_ns < since_ns <= early.last_ns + EPISODE_NS:
        since_ns = early.since_ns
    return Row(first.first_ns, late.last_ns, since_ns, first.began, late.latest)


def expires(mark: Mark, row: Row, workload: Row | None, before_ns: int) -> bool:
    """Whether a fact is to be forgotten; `workload` is the row of the workload itself."""
    if mark.what in LASTING:
        return workload is None or workload.last_ns < before_ns
    return row.last_ns < before_ns


def seen(at_ns: int, began: str = "", latest: str = "") -> Row:
    """The row of something that is seen for the first time."""
    return Row(at_ns, at_ns, at_ns, began, latest)


def node_key(node_name: str) -> WorkloadKey:
    """Where it is remembered that a node is watched; no workload is called so."""
    return WorkloadKey("", node_name, "~node")


def entries(rows: Mapping[Mark, Row], what: What) -> dict[str, Row]:
    """The rows of one kind by their name."""
    return {mark.name: row for mark, row in rows.items() if mark.what is what}


def _first(row: Row) -> tuple[int, str]:
    return row.first_ns, row.began


def _last(row: Row) -> tuple[int, str]:
    return row.last_ns, row.latest
