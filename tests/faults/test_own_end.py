"""Our own process ends and begins again with its position file: nothing is counted again, nothing is left out.

After an end in order two runs count together what one would have counted. A killed process leaves its positions only:
the next run then counts what one would that was told everything and counted what is newer than them.
"""

import json
import signal
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.counts import Counts, Exporter, begin, oracle, processed_in, products
from tests.faults.serving import Served
from tests.faults.traffic import Told, told
from tests.programs import eventually, value_of

SEED, NODES = 5, 3


@pytest.fixture
def server() -> Iterator[Served]:
    """A relay with three nodes, whose rings hold whatever is written while a slow machine starts us."""
    with Served(seed=SEED, nodes=NODES, capacity=65_535) as served:
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


def before_late_records(least: int) -> int:
    """After how many flows, at least so many, records come next that are older than their node's newest flow."""
    flows = list(islice(told(SEED, NODES), least + 500))
    for number in range(least, least + 400):
        places = newest(flows[:number])
        if sum(one.time_ns < places[one.node] for one in flows[number : number + 50]) > 2:
            return number
    raise AssertionError("no record comes late: the test would show nothing")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal(number: signal.Signals, server: Served, tmp_path: Path) -> None:
    """What two runs count is together what one run would have counted, connections and late records included."""
    file, address = tmp_path / "position.json", f"127.0.0.1:{server.port}"
    with Exporter(address, position_file=str(file)) as exporter:
        begin(server, exporter)
        first = before_late_records(2000)
        server.write(first)
        exporter.is_told(first)
        before = exporter.counts()
        assert exporter.end(number) == 0
    places = positions(file)
    assert places == newest(server.told())
    server.write(900)
    with Exporter(address, position_file=str(file)) as exporter:
        exporter.is_told(900)
        server.write(900)
        exporter.is_told(1800)
        after = exporter.counts()
        assert exporter.processed() == 1800
        assert exporter.outcome("replayed") > 100
    assert before + after == oracle(server.told())


def test_ended_again_and_again(server: Served, tmp_path: Path) -> None:
    """Ten runs, each ended in the middle of its stream, count together what one run would have counted."""
    file, address = tmp_path / "position.json", f"127.0.0.1:{server.port}"
    counts, processed = Counts(), 0
    for number in range(10):
        with Exporter(address, position_file=str(file)) as exporter:
            if number == 0:
                begin(server, exporter)
            # Only while it serves: how much there is to read must not depend on how slowly this machine starts it.
            assert exporter.url
            server.order("rate", per_second=2000)
            eventually(partial(_has_processed, exporter, 100), "some flows")
            said = exporter.last_scrape()
        server.order("rate", per_second=0)
        server.write(300)
        counts += products(said)
        processed += processed_in(said)
    with Exporter(address, position_file=str(file)) as exporter:
        exporter.is_told(server.written - processed)
        counts += exporter.counts()
        assert processed + exporter.processed() == server.written
    assert counts == oracle(server.told())


def _has_processed(exporter: Exporter, number: int) -> bool:
    return exporter.processed() > number


def test_killed(server: Served, tmp_path: Path) -> None:
    """After SIGKILL the second run counts what is newer than the positions on disk, and of connections the new ones."""
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
        assert exporter.outcome("replayed") > 100
        processed = [one for one in server.told() if one.time_ns <= places.get(one.node, 0)]
        assert exporter.counts() == oracle([*processed, *fresh]) - oracle(processed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_long_rest(number: signal.Signals, tmp_path: Path) -> None:
    """What a ring no longer has when we begin again is lost, which is said, and all that it still has counts."""
    file = tmp_path / "position.json"
    with Served(seed=22, capacity=255) as server:
        address = f"127.0.0.1:{server.port}"
        with Exporter(address, position_file=str(file)) as exporter:
            begin(server, exporter)
            server.write(200)
            exporter.is_told(200)
            eventually(lambda: positions(file) == newest(server.told()), "the last position")
            exporter.end(number)
        server.write(1000)
        with Exporter(address, position_file=str(file)) as exporter:
            exporter.is_told(255)
            assert exporter.processed() == 255
            eventually(lambda: bool(exporter.events("stream_gap")), "a word on the gap")
            assert value_of(exporter.metrics(), "hubble_egress_exporter_gap_seconds_total") > 0
            # At most 1,200 are new to us, and 745 of the thousand are gone.
            assert value_of(exporter.metrics(), "hubble_egress_exporter_cluster_coverage_ratio") < 0.5
