"""Flows that each make a series of their own, to fill an exporter up, and flows that all add to one series."""

import random
from collections.abc import Iterator
from itertools import count

from exporter.demo import cluster
from exporter.demo.events import Call, trace
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.flow.flow_pb2 import NEW, TO_STACK
from tests.benchmarks.population import Population
from tests.benchmarks.processes import Exporter
from tests.benchmarks.reels import write_reel
from tests.benchmarks.server import Server
from tests.benchmarks.session import Session, soon

MARKER = "marker"
"""The workload of the flows that add to one series."""

_DESTINATIONS = 40
"""Destinations of each workload: fewer than the default of metrics.destinations-per-workload."""
_PACKET_NS = 100_000
_SPARE = 200
"""Series that come by the way, such as those of each node."""


def distinct(series: int, begin_ns: int) -> Iterator[flow_pb2.Flow]:
    """As many first packets of connections, each of another pair of workload and destination."""
    # Chance is not asked for anything here, but a population has some.
    people = Population(random.Random(0), 1 + series // _DESTINATIONS, "filling")  # noqa: S311, no secrets
    for number in range(series):
        pod = people.workloads[number // _DESTINATIONS].pods[0]
        yield _first_packet(Call(pod, 40_000, people.new_name(), 443), begin_ns + number * _PACKET_NS)


def markers(begin_ns: int, every_ns: int) -> Iterator[flow_pb2.Flow]:
    """Connections without an end of one workload: the value of its series says which of them have been counted."""
    pod = cluster.pod(f"{MARKER}-0", MARKER, "bench/node-00", "10.60.0.1", 60_000, namespace="bench")
    destination = cluster.named("198.51.100.99", "marked.example")
    for number in count():
        yield _first_packet(Call(pod, 1024 + number % 60_000, destination, 443), begin_ns + number * every_ns)


def fill(session: Session, server: Server, exporter: Exporter, series: int) -> int:
    """Let the exporter have so many series, whatever it has now; how many it has then."""
    reel = write_reel(session.folder / "distinct", distinct(series, soon()))
    played = 0
    for goal in (series - _SPARE, series):
        missing = max(0, goal - exporter.series())
        server.called()
        server.play(reel, played, played + missing)
        server.end()
        played += missing
    return exporter.series()


def _first_packet(call: Call, at_ns: int) -> flow_pb2.Flow:
    flow = trace(call, TO_STACK, NEW, "S")
    flow.time.FromNanoseconds(at_ns)
    return flow
