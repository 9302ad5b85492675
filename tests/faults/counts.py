"""What must come out: the oracle counts the same flows once, in this process and without a network."""

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Event, SourceStats
from exporter.hubble.settings import SourcesSettings
from exporter.service import Service
from exporter.settings import Settings
from tests.faults.serving import Served
from tests.faults.traffic import Told
from tests.programs import Process, eventually, value_of

_FLOWS = "hubble_egress_exporter_flows_total"
_OVER_TIME = re.compile(
    r"hubble_egress_(exporter_|dns_breakage|dns_latency|dns_failures_.*unanswered"
    r"|new_destinations|nameless_|known_destinations|destination_fanout|workloads|unexpected_destination_)"
)
_FAST = {"backoff_min": "1ms", "backoff_max": "20ms", "check_interval": "200ms", "connect_timeout": "300ms"}
Counts = Counter[str]
"""Samples of the product families by name and labels."""


class _Once:
    """A source that tells each flow once."""

    description = "the oracle"

    def __init__(self, flows: Iterable[Told]) -> None:
        self._flows, self.decoder = flows, Decoder(10_000)

    def events(self) -> Iterator[Event]:
        """The flows."""
        return (self.decoder.decode_bytes(message.data) for message in self._flows)

    def choose(self, sources: SourcesSettings) -> None:
        """Leave out nothing."""

    def report_to(self, take: Callable[[Event], object]) -> None:
        """Nothing to report."""

    def stats(self) -> SourceStats:
        """Nothing to say."""
        return SourceStats()

    def stop(self) -> None:
        """Nothing to stop."""


def oracle(flows: Iterable[Told]) -> Counts:
    """What one exporter counts that is told each of these flows once."""
    source = _Once(flows)
    service = Service(Settings(), source, source.decoder, live=False)
    service.consume()
    return products(service.exposition("").body.decode())


def products(exposition: str) -> Counts:
    """The samples of the product families that count flows.

    What is worked out of several flows over time, or by the memory's own thread, is left out.
    """
    lines = (line.rpartition(" ") for line in exposition.splitlines())
    return Counter(
        {
            sample: int(float(value))
            for sample, _, value in lines
            if sample.startswith("hubble_egress_") and not _OVER_TIME.match(sample)
        }
    )


def processed_in(exposition: str) -> int:
    """Flows that were taken for new ones."""
    lines = [line for line in exposition.splitlines() if line.startswith(f"{_FLOWS}{{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines if '"replayed"' not in line)


class Exporter(Process):
    """The command `run`, which tries again at once and looks after its connection all the time."""

    def __init__(self, address: str, **settings: str) -> None:
        """`settings` are those of `hubble`."""
        values = {"address": address, **_FAST, **settings}
        super().__init__("run", *(f"--hubble.{name.replace('_', '-')}={value}" for name, value in values.items()))

    @property
    def memory(self) -> int:
        """What it holds in memory, in bytes."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def counts(self) -> Counts:
        """What it has counted."""
        return products(self.metrics())

    def outcome(self, name: str) -> int:
        """Flows with this outcome."""
        return int(value_of(self.metrics(), f'{_FLOWS}{{outcome="{name}"}}'))

    def processed(self) -> int:
        """Flows that it took for new ones."""
        return processed_in(self.metrics())

    def last_scrape(self) -> str:
        """End it by SIGTERM, and return what the scrape says that it waits for: all that it has counted."""
        self.send(signal.SIGTERM)
        said = ""
        while True:
            try:
                said = self.metrics()
            except OSError:
                assert self.wait() == 0
                return said

    def ended(self, reason: str) -> int:
        """Attempts and streams that ended for this reason."""
        found = (line.rpartition(" ") for line in self.metrics().splitlines() if f'reason="{reason}"' in line)
        return sum(int(float(value)) for sample, _, value in found if "_connects_total" in sample)

    def has_ended(self, reason: str, times: int = 1) -> None:
        """Return when so many attempts and streams ended for this reason."""
        eventually(lambda: self.ended(reason) >= times, f"{times} times {reason}")

    def sample(self, name: str) -> int:
        """A sample of its own metrics."""
        return int(value_of(self.metrics(), f"hubble_egress_exporter_{name}"))

    def connected(self) -> None:
        """Return when a stream is open."""
        eventually(lambda: self.sample("connected") == 1, "a stream")

    def is_told(self, number: int) -> None:
        """Return when it has taken so many flows for new ones."""
        eventually(lambda: self.processed() >= number, f"{number} flows that are new")


def begin(server: Served, exporter: Exporter) -> None:
    """Return when a call reads the rings: a start asks for what comes, and what was before is not ours."""
    exporter.connected()
    eventually(lambda: server.count("calls") > 0, "a call")


def compare(exporter: Exporter, server: Served, *, lost: int = 0) -> None:
    """All flows of the server count once, and `lost` is what it says it has lost."""
    exporter.is_told(server.written)
    processed, counted, expected = exporter.processed(), exporter.counts(), oracle(server.told())
    assert processed == server.written, f"{processed} flows were new, and {server.written} were written"
    assert counted == expected, f"too much: {counted - expected}, too little: {expected - counted}"
    assert exporter.sample('lost_events_total{source="hubble_ring_buffer"}') == lost
