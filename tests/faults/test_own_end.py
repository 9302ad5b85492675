"""Our own process ends and begins again with its position file: nothing is counted again, nothing newer is left out.

What the first run remembers of names and connections ends with it. So the families are compared each of whose flows
counts by itself, and for connections what the second run counts is what one would that began with these flows.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.hubble.pb.observer import observer_pb2
from tests.faults.counts import Counts, Exporter, begin, oracle
from tests.faults.serving import Served
from tests.faults.traffic import Told
from tests.programs import eventually

_ALONE = tuple(f"hubble_egress_{name}_total" for name in ("drops", "dns_queries", "dns_responses", "policy_verdicts"))


@pytest.fixture
def server() -> Iterator[Served]:
    """A relay with three nodes."""
    with Served(seed=5, nodes=3) as served:
        yield served


def positions(file: Path) -> dict[str, int]:
    """What is in the position file; nothing before there is one."""
    found: dict[str, int] = json.loads(file.read_text())["positions"] if file.exists() else {}
    return found


def newest(flows: list[Told]) -> dict[str, int]:
    """The newest time of each node."""
    return {name: max(told.time_ns for told in flows if told.node == name) for name in {told.node for told in flows}}


def behind(flows: list[Told], places: dict[str, int]) -> list[Told]:
    """The flows that are newer than their node's position."""
    return [told for told in flows if told.time_ns > places.get(told.node, 0)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal(number: signal.Signals, server: Served, tmp_path: Path) -> None:
    """What two runs count is together what one run would have counted of the same flows.

    The exception is a record that is written after the end and stamped before it: no position tells it from others.
    """
    file, address = tmp_path / "position.json", f"127.0.0.1:{server.port}"
    with Exporter(address, position_file=str(file)) as exporter:
        begin(server, exporter)
        server.write(2000)
        exporter.is_told(2000)
        before = exporter.counts()
        assert exporter.end(number) == 0
    places = positions(file)
    assert places == newest(server.told())
    server.write(900)
    with Exporter(address, position_file=str(file)) as exporter:
        fresh = behind(server.told()[2000:], places)
        exporter.is_told(len(fresh))
        server.write(900)
        fresh += server.told()[2900:]
        exporter.is_told(len(fresh))
        after = exporter.counts()
        assert exporter.processed() == len(fresh)
        assert exporter.outcome("replayed") > 100
    assert alone(before + after) == alone(oracle(server.told()[:2000] + fresh))
    left_out = set(server.told()[2000:]) - set(fresh)
    assert all(observer_pb2.GetFlowsResponse.FromString(told.data).flow.HasField("l7") for told in left_out)
    assert after == oracle(fresh)


def test_killed(server: Served, tmp_path: Path) -> None:
    """After SIGKILL the second run counts exactly what is newer than the positions that were on disk."""
    file, address = tmp_path / "position.json", f"127.0.0.1:{server.port}"
    with Exporter(address, position_file=str(file)) as exporter:
        begin(server, exporter)
        server.order("rate", per_second=1000)
        eventually(lambda: exporter.processed() > 500 and len(positions(file)) == 3, "a position")
        exporter.end(signal.SIGKILL)
    places = positions(file)
    server.order("rate", per_second=0)
    server.write(500)
    with Exporter(address, position_file=str(file)) as exporter:
        fresh = behind(server.told(), places)
        exporter.is_told(len(fresh))
        assert exporter.processed() == len(fresh)
        assert exporter.counts() == oracle(fresh)
        assert exporter.outcome("replayed") > 100


def alone(counts: Counts) -> Counts:
    """The samples of families each of whose flows counts by itself."""
    return Counts({sample: number for sample, number in counts.items() if sample.startswith(_ALONE)})
