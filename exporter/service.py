"""Builds the boxes, starts and stops them, and answers what the pages ask."""

import gc
import threading
from collections.abc import Callable
from functools import partial

from exporter import log
from exporter.cluster_samples import cluster_samples
from exporter.connections.connections import Connections
from exporter.destinations.directory import Destinations
from exporter.expectations.expectations import Expectations
from exporter.expectations.manifests import Manifests
from exporter.expectations.sources import Sources
from exporter.findings.delivery import Findings
from exporter.flow import Flow
from exporter.flow_lines import FlowLines
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import AT_ONCE, Disconnected, FlowSource
from exporter.journal import Journal
from exporter.judging import Clocks, Judging, Memory
from exporter.known.interface import Store as KnownStore
from exporter.known.memory import MemoryStore
from exporter.known_samples import known_samples
from exporter.log import logger
from exporter.metrics import families
from exporter.metrics.exposition import Exposition
from exporter.metrics.families import Family
from exporter.metrics.recorder import Recorder
from exporter.metrics.scrape import OPENMETRICS, TEXT, exposition, wants_openmetrics
from exporter.metrics.selfmetrics import Snapshot, registry_of
from exporter.metrics.store import Store
from exporter.metrics.switches import Switches
from exporter.pipeline import Pipeline
from exporter.recent import Recent
from exporter.reload import Reading, Reload
from exporter.settings import Settings
from exporter.settings.web_file import read_web_config
from exporter.signals import Signals
from exporter.snapshots import snapshot
from exporter.stream import StreamState
from exporter.triage.health import Health, health
from exporter.triage.interface import Report
from exporter.triage.report import report
from exporter.views import StatusView
from exporter.web.destinations import DestinationsReport, destinations_report
from exporter.web.live import LiveConfig
from exporter.web.routes import Exposed, Routes
from exporter.web.server import WebServer
from exporter.web.status import Status

_TICK_SECONDS = 1.0
_YOUNG_OBJECTS = 20_000
"""New objects (some MiB) after which the garbage collector looks for cycles among them."""
_SIGNAL_SECONDS = 0.2

FORGETFUL = (
    "The memory of destinations does not work: what is known may be announced as new, and what is new forgotten."
)
"""A remark of the status."""


class Service:
    """One exporter over one source. `run` for a process that serves, `consume` for a source that ends.

    Raises:
        ExpectationsError: when one of the files of `expectations.files` cannot be used.
        WebFileError: when the file of `web.config.file` cannot be used.
    """

    def __init__(  # noqa: PLR0913, what a test or a benchmark puts in comes by name
        self,
        settings: Settings,
        source: FlowSource,
        decoder: Decoder,
        *,
        live: bool,
        reading: Reading | None = None,
        store: KnownStore | None = None,
        remembers: bool = True,
        clocks: Clocks | None = None,
    ) -> None:
        """Build the boxes; `reading` gives the settings anew when a reload asks for it.

        `store` keeps the memory of destinations, without one it ends with the process; with `remembers` False there is
        none, and nothing is new. `clocks` are those of the memory.
        """
        self._settings, self._source, self._live = settings, source, live
        self._store = Store(families.PRODUCT, settings.metrics)
        self._products = Exposition(self._store)
        self._recorder = Recorder(
            self._store,
            Switches(settings.metrics.labels),
            latency_namespaces=settings.metrics.latency_namespaces,
        )
        self.findings = Findings(settings.findings)
        self.judging = (
            Judging(
                store or MemoryStore(),
                settings.known,
                settings.detectors.destinations,
                self.findings.announce,
                clocks,
            )
            if remembers
            else None
        )
        self.pipeline = Pipeline(
            settings.sources,
            Destinations(settings.destinations),
            Connections(settings.connections),
            self._recorder,
            stream=StreamState(live=live, most_nodes=settings.hubble.nodes),
            recent=Recent(settings.web.recent_drops),
            expectations=Expectations(settings.expectations),
            detectors=settings.detectors,
            judging=self.judging,
        )
        self._expected = Sources(settings.expectations, follow=live)
        self.pipeline.expect(self._expected.read)
        self._journal, self._flow_lines = Journal(), FlowLines(settings.log, self.pipeline)
        self._status = StatusView(self.pipeline, self._store, settings, source)
        self.reloading = Reload(settings, reading, self._apply)
        self._routes = Routes(self, settings.web.max_scrapes, lifecycle=settings.web.enable_lifecycle)
        self._decoder = decoder
        self._registry = registry_of(self._snapshot)
        web_file = settings.web.config.file
        self._web = WebServer(settings.web, self._routes, LiveConfig(web_file, read_web_config) if web_file else None)
        source.report_to(self.pipeline.handle)
        self.signals = Signals()
        self._stopping = self.signals.stopping
        self._dead, self._ended = "", False
        self._threads: list[threading.Thread] = []

    def consume(self, *, once: bool = True) -> None:
        """Read the source to its end; with `once` also a live one, to the first time its stream ends."""
        self._read(once=once)
        if once and self.judging:
            self.judging.finish()
            self.pipeline.take_news()

    def _read(self, *, once: bool) -> None:
        handle, note = self.pipeline.handle, self._journal.note
        judging = self.judging if once else None
        for event in self._source.events():
            outcome = handle(event)
            if judging and judging.inbox.is_filling:
                # Nobody else empties it while a source is read once.
                judging.step()
            if isinstance(event, Flow):
                if event.egress_allowed_by or event.egress_denied_by:
                    note(event)
                if self._flow_lines.wanted and outcome is not None:
                    self._flow_lines.note(event, outcome)
            elif once and isinstance(event, Disconnected) and event.reason not in AT_ONCE:
                if event.code != "OK":
                    note(event)
                return
            else:
                note(event)

    def consume_to_its_end(self) -> None:
        """`consume`, while this thread hears signals: one that comes just before a read would wait for its end."""
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.consume()
            except BaseException as error:  # noqa: BLE001, it is raised again in the thread that asked
                failed.append(error)

        reader = threading.Thread(target=work, name="stream", daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(_SIGNAL_SECONDS)
        if failed:
            raise failed[0]

    def run(self, ready: Callable[[str], None], *, finished: Callable[[], bool] = lambda: False) -> int:
        """Serve until a signal or a dead thread ends it; returns the exit code.

        `ready` is told the base URL once the port is bound and the threads run. `finished` is asked when a source has
        ended, and says whether the process should end too.

        Raises:
            CannotListenError: when the port cannot be bound.
        """
        url = self._web.bind()
        self._web.start()
        self._spawn("stream", lambda: self._stream(finished))
        self._spawn("ticker", self._tick)
        self._spawn("expectations", partial(self._expected.work, self._expect))
        for watcher in self._expected.cluster.watchers if self._expected.cluster else ():
            # They leave nothing behind, and may wait for an API server that says nothing: nobody waits for them.
            self._spawn(watcher.state.kind.resource, watcher.work, is_waited_for=False)
        if self.judging:
            self.findings.start()
            self._spawn("memory", partial(self.judging.work, self._stopping.is_set))
        _spare_the_collector()
        logger().info("exporter_started", url=url, source=self._source.description)
        ready(url)
        # The kernel may hand a signal to any thread; Python handles it in this one, which must wake up for that.
        while not self._stopping.wait(_SIGNAL_SECONDS):
            if self.signals.take_reload():
                self.reload()
        self.signals.deafen()
        self._source.stop()
        self._expected.stop()
        if self.judging:
            # It waits for what arrives, and nothing does any more.
            self.judging.inbox.arrived.set()
        for thread in self._threads:
            # One that waits for standard input cannot be woken; it ends with the process.
            thread.join(timeout=2)
        self.findings.stop()
        if self.signals.terminated:
            self._routes.last_scrape(self._settings.web.last_scrape)
        self._web.stop()
        logger().info("exporter_stopped", dead_thread=self._dead or None)
        return 1 if self._dead else 0

    def stop(self) -> None:
        """End `run` in order."""
        self._stopping.set()

    def stopped_within(self, seconds: float) -> bool:
        """Whether `run` was told to end, now or in the next seconds."""
        return self._stopping.wait(seconds)

    def totals(self) -> dict[Family, int]:
        """What was counted so far, by product family."""
        with self.pipeline.lock:
            return {family: series.counted for family, series in self._store.families.items()}

    def reload(self) -> str:
        """Read the settings again, and soon the expectations; what is wrong with the settings, or an empty text."""
        self._expected.read_again()
        return self.reloading()

    def exposition(self, accept: str) -> Exposed:
        """All metrics, as text or OpenMetrics."""
        as_openmetrics = wants_openmetrics(accept)
        body = exposition(self._products, self.pipeline.lock, self._registry, as_openmetrics=as_openmetrics)
        return Exposed(body, OPENMETRICS if as_openmetrics else TEXT)

    def unhealthy(self) -> str:
        """Only a dead thread is a reason to restart; an unreachable Hubble is not."""
        return f"the {self._dead} thread is dead" if self._dead else ""

    def unready(self) -> str:
        """Ready once the stream has connected, until it ends; a file or the demo is there anyway."""
        if self._stopping.is_set():
            return "it is ending"
        if self._live and not self.pipeline.stream.connected_once:
            return "the stream has not connected yet"
        return ""

    def status(self) -> Status:
        """What the landing page and `/api/v1/status` say."""
        status = self._status.take(dead_thread=self._dead, finished=self._ended)
        forgetful = (FORGETFUL,) if self.judging and self.judging.memory.degraded else ()
        return status._replace(remarks=(*status.remarks, *self._expected.remarks, *forgetful))

    def triage(self, *, brief: bool = False) -> Report:
        """What `/api/v1/triage` and, in brief, the landing page say of broken name resolution."""
        return report(self.pipeline, brief=brief)

    def health(self) -> Health:
        """What `/api/v1/dns` and the landing page say of failing names."""
        return health(self.pipeline)

    def destinations(self) -> DestinationsReport:
        """What `/api/v1/destinations` and the landing page say of new and unexpected destinations."""
        return destinations_report(self.judging.memory if self.judging else Memory(), self.findings.recent)

    def _snapshot(self) -> Snapshot:
        """What the exporter says about itself."""
        taken = snapshot(
            self.pipeline,
            self._recorder,
            self._decoder,
            self._settings.hubble,
            self._source.stats(),
            self._routes,
            self.reloading,
        )
        samples = {**taken.samples, **cluster_samples(self._expected.cluster)}
        if self.judging is not None:
            samples |= known_samples(self.judging, self.findings)
        return taken._replace(samples=samples)

    def _apply(self, settings: Settings) -> None:
        """Let the boxes go on with other settings; what they have counted and learnt stays."""
        log.configure(settings.log)
        self.pipeline.reconfigure(settings.sources, settings.destinations)
        self._flow_lines = FlowLines(settings.log, self.pipeline)
        self._status.reconfigure(settings)
        self._source.choose(settings.sources)

    def _spawn(self, name: str, work: Callable[[], None], *, is_waited_for: bool = True) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException:  # noqa: BLE001, whatever it was, it is logged and the process ends
                # Half an exporter is worse than none: end the process, and let Kubernetes start it again.
                self._dead = name
                logger().exception("thread_died", thread=name)
                self._stopping.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        if is_waited_for:
            self._threads.append(thread)
        thread.start()

    def _stream(self, finished: Callable[[], bool]) -> None:
        self.consume(once=False)
        self._ended = True
        if finished():
            self.stop()

    def _expect(self, read: Manifests, is_new: bool) -> None:
        """Reading thousands of policies takes seconds: the stream goes on meanwhile with those that it has."""
        if is_new:
            self.pipeline.expect(read)
        with self.pipeline.lock:
            self.pipeline.expectations.is_current = self._expected.files.successful

    def _tick(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            self.pipeline.tick()
            self._journal.budgets(self.pipeline.take_hits())
            self._journal.gaps(self.pipeline.take_gaps())
            self._journal.stand_ins(self.pipeline.take_stand_ins())
            self._journal.breakages(self.pipeline.take_breakages())
            self._journal.traces(lacking=self.pipeline.stream.lacks_traces)


def _spare_the_collector() -> None:
    """Let the garbage collector look rarely, and not at what is there for good: no flow leaves a cycle behind.

    With Python's own thresholds it takes a tenth of the time of a flow.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
