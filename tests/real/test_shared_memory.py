"""Two exporters that share one Valkey server: what one has learnt the other knows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.findings.interface import Context
from exporter.known.learning import State
from tests.detectors.watching import DAY, HOUR, Steady, Watching
from tests.flows import pod
from tests.known.valkey_server import ValkeyServer, valkey_store

NOW = 16 * DAY


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of its own."""
    with ValkeyServer(tmp_path) as started:
        yield started


@pytest.fixture
def two(server: ValkeyServer) -> tuple[Watching, Watching]:
    """Two exporters, of two nodes, that have watched the pods of one workload for sixteen days."""
    steady = Steady()
    both = Watching(valkey_store(server.port), steady=steady), Watching(valkey_store(server.port), steady=steady)
    for hour in range(16 * 24):
        steady.seconds = hour * HOUR
        for number, one in enumerate(both):
            source = pod(pod_name=f"cart-7d4b9c8f6d-x2k4{number + 2}")
            one.contact(hour * HOUR + number, source=source, node_name=f"east/node-{number}")
    assert [one.progress(NOW).state for one in both] == [State.ARMED, State.ARMED]
    return both


def test_announced_once_per_cluster(two: tuple[Watching, Watching]) -> None:
    """A new destination that both see is announced by the one that saw it first, and counted once."""
    for turn in range(10):
        for one in two if turn % 2 else reversed(two):
            one.contact(NOW + turn * 100, f"leak-{turn}.net", f"198.51.100.{turn}")
    assert sum(len(one.found) for one in two) == 10
    assert sorted(found.known_as for one in two for found in one.found) == [f"leak-{turn}.net" for turn in range(10)]
    news = two[0].news() + two[1].news()
    assert sum(number for (_, _, context), number in news.items() if context != Context.LEARNING) == 10


def test_known_port_of_a_name_that_the_other_saw(two: tuple[Watching, Watching]) -> None:
    """A name that only the other exporter has seen is known here too: on another port only the port is new."""
    first, second = two
    first.contact(NOW, "leak.net", "198.51.100.7")
    first.steady.seconds = NOW + 100
    second.contact(NOW + 100, "leak.net", "198.51.100.7", destination_port=22)
    assert [found.novelty for found in second.found] == ["port"]


def test_new_exporter_learns_from_the_memory(two: tuple[Watching, Watching], server: ValkeyServer) -> None:
    """A node that joins has nothing to learn: its exporter knows the workload, and what it goes to that is new."""
    third = Watching(valkey_store(server.port), steady=two[0].steady)
    third.contact(NOW + 100, node_name="east/node-9")
    assert not third.found
    third.contact(NOW + 200, "leak.net", "198.51.100.7", node_name="east/node-9")
    assert [found.context for found in third.warnings] == [Context.STEADY]


def test_server_gone_and_back(two: tuple[Watching, Watching], server: ValkeyServer) -> None:
    """While the server is gone detection goes on, marked as degraded; afterwards the server knows what was learnt."""
    first, second = two
    server.pause()
    server.stop()
    first.contact(NOW, "leak.net", "198.51.100.7")
    assert [(found.known_as, found.degraded) for found in first.warnings] == [("leak.net", True)]
    server.start()
    first.steady.seconds = NOW + 100
    first.contact(NOW + 100)
    first.judging.finish()
    assert not first.judging.memory.degraded
    second.contact(NOW + 200, "leak.net", "198.51.100.7")
    assert not second.found


def test_full_server(two: tuple[Watching, Watching], server: ValkeyServer) -> None:
    """A full server still says what it knows: who joins then detects what is new, and what it saw is written later."""
    server.ask("CONFIG", "SET", "maxmemory", 1)
    third = Watching(valkey_store(server.port), steady=two[0].steady)
    third.contact(NOW - 10, source=pod("web"), node_name="east/node-9")
    third.contact(NOW, node_name="east/node-9")
    assert not third.found
    third.contact(NOW + 100, "leak.net", "198.51.100.7", node_name="east/node-9")
    assert [(found.known_as, found.degraded) for found in third.warnings] == [("leak.net", True)]
    server.ask("CONFIG", "SET", "maxmemory", 0)
    third.steady.seconds = NOW + 200
    third.contact(NOW + 200, node_name="east/node-9")
    assert not third.judging.memory.degraded
    two[0].contact(NOW + 300, "leak.net", "198.51.100.7")
    assert not two[0].found
