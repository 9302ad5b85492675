"""A workload that tries every port and every name: it fills its own budget, nobody else's, and hides nothing."""

from collections import Counter

from exporter.connections.connections import Connections
from exporter.connections.settings import ConnectionsSettings
from exporter.counting import Outcome
from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings
from exporter.hubble.settings import SourcesSettings
from exporter.metrics.families import CONNECTIONS, DROPS, PRODUCT
from exporter.metrics.recorder import Recorder
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store
from exporter.pipeline import Pipeline
from exporter.recent import Recent
from tests.flows import at, changed, drop, flow, pod

PORTS, NAMES = 65_535, 100_000
SCANNER, SCANNER_IP = pod("scanner"), "10.0.9.8"


class Bench:
    """A pipeline with the bounds that it ships with."""

    def __init__(self) -> None:
        self.store, self.recent = Store(PRODUCT, MetricsSettings()), Recent()
        self.pipeline = Pipeline(
            SourcesSettings(),
            Destinations(DestinationsSettings()),
            Connections(ConnectionsSettings()),
            Recorder(self.store),
            recent=self.recent,
            wall_ns=lambda: at(0),
        )

    def series_of(self, workload: str) -> int:
        """Live series of a workload in all families."""
        return sum(key[1:2] == (workload,) for series in self.store.families.values() for key in series.live)


def test_a_scan_of_all_ports() -> None:
    """Every drop is counted; ports beyond the budget are `~other`; the last one is shown as it is."""
    bench = Bench()
    for port in range(1, PORTS + 1):
        bench.pipeline.handle(drop(source=SCANNER, destination_port=port, source_port=40_000))
    series = bench.store.families[DROPS]
    assert series.counted == series.kept == PORTS
    assert len(series.live) == 51
    assert series.folded == {"destination_port": PORTS - 50}
    assert bench.recent.drops[0].port == str(PORTS), "what looks at single flows sees them unfolded"
    assert bench.pipeline.outcomes == {Outcome.COUNTED: PORTS}


def test_a_hundred_thousand_names() -> None:
    """A crawler's names become their domain, then `~other`; other workloads keep their series and get new ones."""
    bench = Bench()
    before = flow(destination_names=("api.example.com",), source_port=1)
    bench.pipeline.handle(before)
    for number in range(NAMES):
        # Ten names below each of many domains, then one more of the first domain.
        name = f"n{number % 11}.d{number // 11}.co.uk"
        bench.pipeline.handle(
            flow(
                source=SCANNER,
                source_ip=SCANNER_IP,
                destination_names=(name,),
                source_port=number % 60_000 + 1,
                time_ns=at(number / 100),
            )
        )
    bench.pipeline.handle(
        flow(source=pod("late"), source_ip="10.0.9.9", destination_names=("late.example.com",), source_port=9)
    )
    bench.pipeline.handle(changed(before, time_ns=at(NAMES), source_port=2))

    series = bench.store.families[CONNECTIONS]
    assert series.counted == series.kept == NAMES + 3
    assert bench.series_of("scanner") == 51, "fifty destinations and the rest"
    shown = Counter(key[4] for key in series.live if key[1] == "scanner")
    assert shown["~other"] == shown["*.d0.co.uk"] == 1
    assert [series.live[key].value for key in series.live if key[4] == "api.example.com"] == [2]
    assert [key[1] for key in series.live if key[4] == "late.example.com"] == ["late"]
    assert bench.store.ceiling.used < 65
    assert bench.pipeline.ends(flow(source=SCANNER, destination_names=("x.y.co.uk",)))[1].label == "x.y.co.uk"
