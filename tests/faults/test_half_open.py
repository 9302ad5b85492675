"""A server that is there and says nothing: the stream is replaced, and goes on where it was when there is an answer."""

import signal
from collections.abc import Iterator

import pytest

from tests.faults.counts import Exporter, begin, compare
from tests.faults.proxy import Mode, Proxy
from tests.faults.serving import Served
from tests.programs import eventually

_SILENT = (Mode.BLACK_HOLE, Mode.STALL)


@pytest.fixture
def server() -> Iterator[Served]:
    """A relay with three nodes."""
    with Served(seed=7, nodes=3) as served:
        yield served


def test_server_stands_still(server: Served) -> None:
    """A process that is stopped in mid-stream is given up within some checks, and nothing is lost or counted twice."""
    with Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        server.order("rate", per_second=500)
        exporter.is_told(300)
        server.send(signal.SIGSTOP)
        try:
            # These wait in its pipe, and are written when it goes on.
            server.post("rate", per_second=0)
            server.post("write", number=200)
            exporter.has_ended("half_open")
            exporter.has_ended("timeout", 2)
        finally:
            server.send(signal.SIGCONT)
        server.write(200)
        compare(exporter, server)


@pytest.mark.parametrize("mode", _SILENT)
def test_network_stands_still(mode: Mode, server: Served) -> None:
    """So is a connection whose bytes go nowhere, whether they are lost or come in the end, while flows go on."""
    with Proxy(server.port) as proxy, Exporter(proxy.address) as exporter:
        begin(server, exporter)
        server.write(500)
        exporter.is_told(500)
        for times in range(1, 4):
            proxy.set(mode)
            server.write(100)
            exporter.has_ended("half_open", times)
            exporter.has_ended("timeout", exporter.ended("timeout") + 1)
            proxy.set(Mode.FORWARD)
            server.write(100)
            exporter.is_told(server.written)
        compare(exporter, server)


def test_busy_server(server: Served) -> None:
    """A server that answers no question in time but sends flows is there: its stream is not given up."""
    with Exporter(f"127.0.0.1:{server.port}", check_interval="50ms", connect_timeout="2s") as exporter:
        begin(server, exporter)
        server.order("set", silent=True)
        server.order("rate", per_second=500)
        eventually(lambda: server.count("unanswered") > 1, "questions that were given up")
        server.order("rate", per_second=0)
        server.order("set", silent=False)
        assert exporter.ended("half_open") == 0
        assert server.count("calls") == 1
        compare(exporter, server)
