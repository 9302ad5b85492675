"""A service without network for tests of what it shows: events go in by hand, the clock is moved by hand."""

from collections.abc import Callable, Iterable, Iterator

from exporter.connections.connections import Connections
from exporter.destinations.directory import Destinations
from exporter.hubble.interface import (
    Connected,
    Disconnected,
    Event,
    LostEvents,
    Nodes,
    NodeSeen,
    NodeStatus,
    SourceStats,
    Undecodable,
)
from exporter.hubble.settings import SourcesSettings
from exporter.judging import Memory
from exporter.metrics import families
from exporter.metrics.recorder import Recorder
from exporter.metrics.store import Store
from exporter.pipeline import Pipeline
from exporter.recent import Recent
from exporter.settings import Settings
from exporter.stream import StreamState
from exporter.views import StatusView
from exporter.web.destinations import destinations_report
from exporter.web.status import Status
from tests.flows import SECOND, at, dns_query, drop, flow, http_response

CONNECTED = Connected("relay:80", "cilium v1.19.4")
REFUSED = Disconnected("UNAVAILABLE", "connection_refused", "connect failed: 10.0.0.1:80")

NOTHING_REMEMBERED = destinations_report(Memory(), ())


class Events:
    """A source that has these events and ends."""

    def __init__(self, events: Iterable[Event] = (), description: str = "relay:80") -> None:
        self._events, self.description = events, description

    def events(self) -> Iterator[Event]:
        """All of them."""
        yield from self._events

    def report_to(self, take: Callable[[Event], object]) -> None:
        """Nothing to report."""

    def stats(self) -> SourceStats:
        """Nothing to say."""
        return SourceStats()

    def choose(self, sources: SourcesSettings) -> None:
        """All the same to it."""

    def stop(self) -> None:
        """There is nothing to stop."""


class Shown:
    """A pipeline and the status of it, at a time that the test says."""

    def __init__(self, *, live: bool = True, settings: Settings | None = None, source: str = "relay:80") -> None:
        settings = settings or Settings()
        self.wall = at(0)
        self.store = Store(families.PRODUCT, settings.metrics)
        self.pipeline = Pipeline(
            settings.sources,
            Destinations(settings.destinations),
            Connections(settings.connections),
            Recorder(self.store),
            stream=StreamState(live=live),
            recent=Recent(settings.web.recent_drops),
            wall_ns=lambda: self.wall,
        )
        self.view = StatusView(
            self.pipeline, self.store, settings, Events(description=source), wall_ns=lambda: self.wall
        )

    def take(self, *events: Event) -> Status:
        """The status after these events."""
        for event in events:
            self.pipeline.handle(event)
        return self.view.take()

    def pass_time(self, seconds: float) -> None:
        """Let the clock run, with a tick at the end."""
        self.wall += round(seconds * SECOND)
        self.pipeline.tick()


def full() -> Status:
    """A status in which every field has a value."""
    shown = Shown(settings=Settings.model_validate({"web": {"timeout": 5.0}}))
    shown.pipeline.tick()
    status = shown.take(
        REFUSED,
        CONNECTED,
        Nodes((NodeSeen("east/node-1", "cilium v1.19.4", 1_000, 4_095),)),
        NodeStatus("connected", ("east/node-1",), ""),
        NodeStatus("unavailable", ("east/node-2",), "dial failed"),
        LostEvents("hubble_ring_buffer", 1200, "east/node-1"),
        # Relay lists the nodes that it does not reach as well, without counts.
        Nodes(
            (
                NodeSeen("east/node-1", "cilium v1.19.4", 11_000, 4_095),
                NodeSeen("east/node-2", "", 0, 0, connected=False),
            )
        ),
        Undecodable("invalid_protobuf", "stream", "cut off"),
        flow(destination_names=("api.example.com",)),
        drop(),
        dns_query(verdict=2),
        http_response(),
    )
    assert status.stream.state == "working"
    shown.pass_time(10)
    return shown.take()
