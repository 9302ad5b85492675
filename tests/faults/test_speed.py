"""A server or a network that is slower or faster than we are."""

from tests.faults.counts import Exporter, begin, compare
from tests.faults.proxy import Proxy
from tests.faults.serving import Served

_MIB = 1024 * 1024
_FLOOD = 40_000


def test_slow_network() -> None:
    """A network on which every piece is late is no half-open one: the stream is not given up, and all flows count."""
    with Served(seed=41) as server, Proxy(server.port) as proxy, Exporter(proxy.address, connect_timeout="10s") as ours:
        begin(server, ours)
        proxy.delay = 0.1
        for _ in range(10):
            server.write(50)
        compare(ours, server)
        assert (ours.ended("connected"), server.count("calls")) == (1, 1)


def test_server_that_is_faster_than_we_are() -> None:
    """What we have not read stays with the server: forty thousand flows at full speed take no memory here."""
    with Served(seed=42) as server, Exporter(f"127.0.0.1:{server.port}", connect_timeout="10s") as exporter:
        begin(server, exporter)
        server.write(4000)
        exporter.is_told(4000)
        for portion in (1, 2):
            if portion == 2:
                before = exporter.memory
            server.order("set", flood=_FLOOD)
            server.write(1)
            exporter.is_told(4000 + portion * (_FLOOD + 1))
        assert exporter.memory - before < 32 * _MIB
        assert exporter.processed() == 4002 + 2 * _FLOOD
