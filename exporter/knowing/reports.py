"""What `known list` and `known show` say of a workload. The names of the fields are the keys of the JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.detectors.destination_facts import began_of, latest_of
from exporter.detectors.novelty import has_names
from exporter.known.interface import Mark, Row, What, WorkloadKey
from exporter.known.learning import progress
from exporter.known.settings import LearningSettings
from exporter.known.sighting import port_and_protocol
from exporter.known.workload import Remembered, split
from exporter.web.words import moment

_WENT = (What.DESTINATION, What.DENIED)


class Moment(NamedTuple):
    """When it is asked, and by which settings a workload has learnt enough."""

    now_ns: int
    learning: LearningSettings

    @property
    def now(self) -> datetime:
        """The time for people."""
        return moment(self.now_ns) or datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """One destination, with one port, as it was let go there or kept from it."""

    destination: str
    port: str | None
    protocol: str
    kind: str | None
    scope: str | None
    label: str | None
    verdict: str | None
    expectation: str | None
    context: str | None
    first_seen: datetime | None
    active_since: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class KnownWorkload:
    """A workload and how far it has learnt; `missing` is why it is still learning."""

    cluster: str
    namespace: str
    workload: str
    state: str
    since: datetime | None
    missing: tuple[str, ...]
    first_seen: datetime | None
    last_seen: datetime | None
    known: int
    pods: int
    starts: int
    names_seen: bool

    @property
    def title(self) -> str:
        """Whose memory it is."""
        return f"{self.namespace}/{self.workload}"


@dataclass(frozen=True, slots=True)
class Shown:
    """The same with all its destinations, and the addresses that were seen under each name."""

    about: KnownWorkload
    destinations: tuple[Known, ...]
    addresses: Mapping[str, tuple[str, ...]]


def report_of(workload: WorkloadKey, rows: Mapping[Mark, Row], asked: Moment) -> KnownWorkload:
    """What is known of a workload at a time, which is that of its flows when they are ahead."""
    remembered = Remembered(rows)
    learnt = remembered.learnt(workload.name)
    itself = rows.get(Mark(What.WORKLOAD))
    last_ns = max((row.last_ns for mark, row in rows.items() if mark.what in (What.WORKLOAD, *_WENT)), default=0)
    now_ns = max(asked.now_ns, last_ns)
    at = progress(learnt, asked.learning, now_ns)
    return KnownWorkload(
        cluster=workload.cluster,
        namespace=workload.namespace,
        workload=workload.name,
        state=at.state.value,
        since=moment(at.since_ns),
        missing=at.missing,
        first_seen=moment(itself.first_ns if itself else 0),
        last_seen=moment(last_ns),
        known=remembered.destinations,
        pods=remembered.pods,
        starts=len(learnt.starts),
        names_seen=has_names(remembered, now_ns),
    )


def shown_of(workload: WorkloadKey, rows: Mapping[Mark, Row], asked: Moment) -> Shown:
    """All of it; destinations in the order of their names."""
    destinations = sorted(_destinations(rows), key=lambda one: (one.destination, one.protocol, _number(one.port)))
    addresses: dict[str, list[str]] = {}
    for mark in sorted(rows):
        if mark.what is What.ADDRESS:
            address, name = split(mark.name)
            addresses.setdefault(name, []).append(address)
    return Shown(
        report_of(workload, rows, asked),
        tuple(destinations),
        {name: tuple(found) for name, found in sorted(addresses.items())},
    )


def _destinations(rows: Mapping[Mark, Row]) -> Iterator[Known]:
    for mark, row in rows.items():
        if mark.what not in _WENT:
            continue
        service, destination = split(mark.name)
        port, protocol = port_and_protocol(service)
        latest, began = latest_of(row), began_of(row)
        yield Known(
            destination=destination,
            port=port or None,
            protocol=protocol,
            kind=latest.get("kind"),
            scope=latest.get("scope"),
            label=latest.get("label"),
            verdict=latest.get("verdict", "dropped" if mark.what is What.DENIED else None),
            expectation=latest.get("expectation"),
            context=began.get("context"),
            first_seen=moment(row.first_ns),
            active_since=moment(row.since_ns),
            last_seen=moment(row.last_ns),
        )


def _number(port: str | None) -> int:
    return int(port) if port and port.isascii() and port.isdecimal() else 0
