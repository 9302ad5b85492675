"""The exporter under the month: pipeline, memory and findings as a live stream uses them, with clocks of the month."""

from exporter.connections.connections import Connections
from exporter.connections.settings import ConnectionsSettings
from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings
from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.detectors.unexpected import Where
from exporter.findings.interface import Finding
from exporter.flow import Flow
from exporter.hubble.interface import Connected
from exporter.hubble.settings import SourcesSettings
from exporter.judging import Clocks, Judging
from exporter.known.interface import Row, Store
from exporter.known.memory import MemoryStore
from exporter.known.settings import KnownSettings
from exporter.metrics import families
from exporter.metrics.recorder import Recorder
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store as Series
from exporter.pipeline import Pipeline
from exporter.stream import StreamState
from tests.flows import BASE, SECOND
from tests.month.harness import CRITICAL, Notification

_ACTIVE_NS, _PERSISTENT_NS = 15 * 60 * SECOND, 3600 * SECOND
_LOUD = ("public", "metadata")


class Exporter:
    """What a month is played to. Findings are notifications; what goes on for an hour is a critical one."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store or MemoryStore()
        self._now_ns = BASE
        self._said: list[Notification] = []
        self._critical: set[Where] = set()
        self._begin()

    def _begin(self) -> None:
        clocks = Clocks(lambda: self._now_ns, lambda: (self._now_ns - BASE) / SECOND, max)
        self.judging = Judging(self._store, KnownSettings(), DestinationsDetectorSettings(), self._found, clocks)
        self._pipeline = Pipeline(
            SourcesSettings(),
            Destinations(DestinationsSettings()),
            Connections(ConnectionsSettings()),
            Recorder(Series(families.PRODUCT, MetricsSettings())),
            stream=StreamState(live=True),
            judging=self.judging,
            wall_ns=lambda: self._now_ns,
        )
        self._pipeline.handle(Connected("the month", "1.19.0"))

    def handle(self, flow: Flow) -> None:
        """Take a flow in, as it arrives."""
        self._now_ns = max(self._now_ns, flow.time_ns)
        self._pipeline.handle(flow)
        if self.judging.inbox.is_filling:
            self.judging.step()

    def tick(self, now_ns: int) -> None:
        """Let time pass, and look which unexpected destinations go on, as the alert rules do."""
        self._now_ns = max(self._now_ns, now_ns)
        self._pipeline.tick()
        self.judging.step()
        for where, row in self.judging.memory.unexpected:
            if where not in self._critical and where.scope in _LOUD and self._is_persistent(row):
                self._critical.add(where)
                self._say(row.last_ns, where, CRITICAL)

    def restart(self) -> None:
        """End in order and begin with what is stored."""
        self.judging.finish()
        self._begin()

    def notifications(self) -> list[Notification]:
        """What was said since the last call."""
        self.judging.step()
        said, self._said = self._said, []
        return said

    def _is_persistent(self, row: Row) -> bool:
        return self._now_ns - row.last_ns <= _ACTIVE_NS and row.last_ns - row.since_ns >= _PERSISTENT_NS

    def _say(self, at_ns: int, where: Where, severity: str) -> None:
        workload = where.workload
        said = Notification(at_ns, workload.namespace, workload.name, where.label, severity, where.port)
        self._said.append(said)

    def _found(self, finding: Finding) -> None:
        self._said.append(
            Notification(
                finding.at_ns,
                finding.source_namespace,
                finding.source_workload,
                finding.known_as,
                finding.severity.value,
                finding.destination_port,
            )
        )
