"""A memory and its detector behind a real pipeline, for tests that tell them what happens hour by hour."""

from collections import Counter
from itertools import count
from typing import Unpack

from exporter.connections.connections import Connections
from exporter.connections.settings import ConnectionsSettings
from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings
from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.detectors.unexpected import Where
from exporter.endpoint import Endpoint
from exporter.findings.interface import Finding, Severity
from exporter.flow import Flow
from exporter.hubble.settings import SourcesSettings
from exporter.judging import Clocks, Judging
from exporter.known.interface import Row, Store, WorkloadKey
from exporter.known.learning import Progress
from exporter.known.memory import MemoryStore
from exporter.known.recall import Jitter
from exporter.known.settings import KnownSettings
from exporter.metrics import families
from exporter.metrics.recorder import Recorder
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store as Series
from exporter.pipeline import Pipeline
from tests import flows
from tests.flows import FlowFields, at, changed, dns_answer, drop, flow, pod, remote_pod

HOUR, DAY = 3600, 86_400
RESOLVER = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104, labels=("k8s:k8s-app=kube-dns",))
PODS = tuple(f"cart-7d4b9c8f6d-{suffix}" for suffix in ("x2k4q", "b7wz5", "k9d2x", "zz4vh", "h6t8n", "q5r7m"))
"""Pods of one ReplicaSet."""


class Steady:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """What it says now."""
        return self.seconds


class Watching:
    """Flows go in, findings come out. Times are seconds since the beginning."""

    def __init__(
        self,
        store: Store | None = None,
        known: KnownSettings | None = None,
        steady: Steady | None = None,
        jitter: Jitter = max,
    ) -> None:
        self.found: list[Finding] = []
        self.store = store or MemoryStore()
        self.steady, self._jitter = steady or Steady(), jitter
        self._ports = count(20_000)
        self.begin(known or KnownSettings())

    def begin(self, known: KnownSettings) -> None:
        """Start the exporter; the store is what the one before has left."""
        clocks = Clocks(lambda: flows.BASE + int(self.steady() * 1e9), self.steady, self._jitter)
        detector = DestinationsDetectorSettings()
        self.judging = Judging(self.store, known, detector, self.found.append, clocks)
        self.series = Series(families.PRODUCT, MetricsSettings())
        self.pipeline = Pipeline(
            SourcesSettings(),
            Destinations(DestinationsSettings()),
            Connections(ConnectionsSettings()),
            Recorder(self.series),
            judging=self.judging,
        )

    def restart(self, known: KnownSettings | None = None) -> None:
        """End in order, and start again."""
        self.judging.finish()
        self.begin(known or self.judging.settings)

    def see(self, *events: Flow) -> None:
        """Take flows in and judge them."""
        for event in events:
            self.pipeline.handle(event)
        self.judging.step()

    def contact(
        self, seconds: float, name: str = "api.example.com", address: str = "203.0.113.10", **more: Unpack[FlowFields]
    ) -> None:
        """The pod asks for a name, and connects to it."""
        source = more.get("source")
        asker = source if isinstance(source, Endpoint) else pod()
        answer = dns_answer(f"{name}.", address, ttl=30, time_ns=at(seconds), source=RESOLVER, destination=asker)
        self.see(answer)
        begun = flow(
            time_ns=at(seconds + 1), destination_ip=address, source_port=self._port(), destination_names=(name,)
        )
        self.see(changed(begun, **more))

    def connect(self, seconds: float, address: str = "203.0.113.10", **more: Unpack[FlowFields]) -> None:
        """The pod connects; without names unless they are given."""
        self.see(changed(flow(time_ns=at(seconds), destination_ip=address, source_port=self._port()), **more))

    def deny(self, seconds: float, address: str = "203.0.113.10", **more: Unpack[FlowFields]) -> None:
        """Policy drops the pod's connection."""
        self.see(changed(drop(time_ns=at(seconds), destination_ip=address, source_port=self._port()), **more))

    def _port(self) -> int:
        return next(self._ports) % 10_000 + 20_000

    def learn(self, days: int = 16, name: str = "api.example.com", **more: Unpack[FlowFields]) -> None:
        """The workload goes to one name every hour of these days: it is armed then, without a start of a pod."""
        for hour in range(days * 24):
            self.contact(hour * HOUR, name, **more)

    @property
    def warnings(self) -> list[Finding]:
        """What somebody would look at."""
        return [one for one in self.found if one.severity is Severity.WARNING]

    def progress(self, seconds: float, workload: str = "cart") -> Progress:
        """How far a workload of shop is."""
        return self.judging.detector.progress_of(WorkloadKey("east", "shop", workload), at(seconds))

    def news(self) -> Counter[tuple[str, ...]]:
        """What was counted in `new_destinations`: novelty, expectation and context."""
        self.pipeline.take_news()
        rows = self.series.families[families.NEW_DESTINATIONS].live.values()
        return Counter({one.key[4:]: one.value for one in rows})

    def listed(self) -> dict[Where, Row]:
        """The unexpected destinations that are exported."""
        self.judging.finish()
        return dict(self.judging.memory.unexpected)
