"""The server ends in every way that servers end, and comes back: each flow that it still has counts once."""

import signal
from collections.abc import Iterator

import pytest

from tests.faults.counts import Exporter, begin, compare, oracle
from tests.faults.proxy import Mode, Proxy
from tests.faults.serving import Served
from tests.programs import eventually, value_of


@pytest.fixture
def server() -> Iterator[Served]:
    """A relay with three nodes."""
    with Served(seed=21, nodes=3) as served:
        yield served


def test_killed_and_back_with_its_ring(server: Served) -> None:
    """A relay that is killed has kept nothing, but its agents have: what they wrote meanwhile counts too."""
    with Proxy(server.port) as proxy, Exporter(proxy.address) as exporter:
        begin(server, exporter)
        server.write(1000)
        exporter.is_told(700)
        server.kill()
        exporter.has_ended("connection_lost")
        with Served(seed=21, nodes=3, written=1500) as again:
            proxy.upstream = again.port
            again.write(300)
            compare(exporter, again)
            assert exporter.outcome("replayed") > 100


def test_killed_and_back_without_its_ring(server: Served) -> None:
    """An agent that is killed has lost its ring: what it writes from then on counts, once, and nothing else."""
    with Proxy(server.port) as proxy, Exporter(proxy.address) as exporter:
        begin(server, exporter)
        server.write(1000)
        exporter.is_told(1000)
        server.kill()
        with Served(seed=21, nodes=3, skip=1200) as again:
            proxy.upstream = again.port
            exporter.has_ended("connected", 2)
            again.write(600)
            exporter.is_told(1600)
            assert exporter.processed() == 1600
            assert exporter.counts() == oracle(server.told() + again.told())


def test_ring_overrun_while_we_are_away(server: Served) -> None:
    """What a ring no longer has when we are back is lost, which is said, and all that it still has counts."""
    with Served(seed=22, capacity=255) as small, Proxy(small.port) as proxy, Exporter(proxy.address) as exporter:
        begin(small, exporter)
        small.write(200)
        exporter.is_told(200)
        proxy.upstream = server.port
        server.order("unserve", methods=["GetFlows"])
        proxy.cut()
        exporter.has_ended("no_observer")
        small.write(1000)
        proxy.upstream = small.port
        proxy.cut()
        exporter.is_told(200 + 255)
        assert exporter.processed() == 200 + 255
        assert exporter.counts() == oracle(small.told()[:200] + small.told()[-255:])
        assert value_of(exporter.metrics(), "hubble_egress_exporter_gap_seconds_total") > 0
        # A thousand were written while we were away, and 255 of them are there.
        assert value_of(exporter.metrics(), "hubble_egress_exporter_cluster_coverage_ratio") < 0.5


@pytest.mark.parametrize("grace", [None, 0.05])
def test_goaway(grace: float | None, server: Served) -> None:
    """A server that stops, at once or with grace, and serves again at the same port."""
    with Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        server.write(200)
        exporter.is_told(200)
        for _ in range(5):
            server.order("restart", grace=grace)
            server.write(200)
            exporter.is_told(server.written)
        compare(exporter, server)
        assert exporter.ended("connected") > 5


def test_hangs_up_after_some_flows(server: Served) -> None:
    """Streams that end well after so many messages, more than the overlap has, go on where they were."""
    server.order("set", hang_up_after=450)
    with Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        server.write(1500)
        compare(exporter, server)
        assert exporter.ended("stream_ended") > 3


@pytest.mark.parametrize("level", ["connection", "call"])
def test_accepts_and_hangs_up(level: str, server: Served) -> None:
    """It is called no more often than the delays allow, which double; each attempt makes two connections at most.

    From 1 ms on, less a fifth each, eighteen attempts take 105 seconds, which no test lasts; meanwhile one that does
    not wait makes a hundred.
    """
    reason = "stream_ended" if level == "call" else "connection_lost"
    with Proxy(server.port) as proxy, Proxy(server.port) as other:
        if level == "call":
            server.order("set", hang_up_after=0)
        else:
            proxy.set(Mode.RESET)
            other.set(Mode.RESET)
        with (
            Exporter(proxy.address, backoff_max="1000s") as patient,
            Exporter(other.address, backoff_max="1ms") as hasty,
        ):
            hasty.has_ended(reason, 100)
            assert 1 < patient.ended(reason) < 18
            assert proxy.attempts < 2 * 18
            assert hasty.ended(reason) >= 100


def test_stopped_for_good(server: Served) -> None:
    """A signal ends us at once while the server is away."""
    with Exporter(f"127.0.0.1:{server.port}", backoff_min="100s", backoff_max="100s") as exporter:
        begin(server, exporter)
        server.kill()
        eventually(lambda: exporter.sample("connected") == 0, "the end of the stream")
        assert exporter.end(signal.SIGINT) == 0
