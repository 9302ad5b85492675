"""What happens to the nodes behind a relay: every flow of every node counts once."""

from collections.abc import Iterator

import pytest

from exporter.hubble.pb.relay import relay_pb2
from tests.faults.counts import Exporter, begin, compare
from tests.faults.proxy import Proxy
from tests.faults.rings import lost_events, node_status
from tests.faults.serving import Served
from tests.faults.traffic import NODES
from tests.programs import eventually

_GONE = "rpc error: code = Unavailable desc = error reading from server: EOF"


@pytest.fixture
def server() -> Iterator[Served]:
    """A relay with three nodes, which are a second apart."""
    with Served(seed=11, nodes=3, disorder=1000) as served:
        yield served


@pytest.fixture
def proxy(server: Served) -> Iterator[Proxy]:
    """What lies in between."""
    with Proxy(server.port) as between:
        yield between


@pytest.fixture
def exporter(server: Served, proxy: Proxy) -> Iterator[Exporter]:
    """Reads a stream that has been cut once: it was asked for from a moment in the past."""
    with Exporter(proxy.address) as ours:
        begin(server, ours)
        server.write(600)
        ours.is_told(600)
        proxy.cut()
        ours.has_ended("connected", 2)
        server.write(1)
        ours.is_told(601)
        yield ours


def test_a_node_joins() -> None:
    """Of a node that joins without notice all flows count."""
    with Served(seed=12, nodes=3, known=1) as server, Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        server.write(600)
        compare(exporter, server)
        assert exporter.sample('nodes{state="connected"}') == 3


@pytest.mark.parametrize("after", [10, 1200])
@pytest.mark.parametrize("message", [_GONE, ""])
def test_nodes_return(after: int, message: str, server: Served, exporter: Exporter) -> None:
    """Nodes that return are told again from where the stream began: soon after it or later, with notice or without.

    Without a message the stream of a node ended well, and relay says nothing.
    """
    server.write(after)
    exporter.is_told(server.written)
    server.order("leave", names=NODES[:2], message=message)
    server.write(200)
    server.order("come", name=NODES[0])
    server.write(200)
    server.order("come", name=NODES[1])
    server.write(600)
    compare(exporter, server)


@pytest.mark.parametrize("is_late", [False, True])
def test_nodes_return_to_the_first_stream(is_late: bool, server: Served) -> None:
    """A first stream asks for new flows only, so that relay would leave out what a node wrote while it was away.

    A notice comes up to ten seconds late, here seven: then the node is back already, and its flows were left out.
    """
    with Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        server.write(600)
        exporter.is_told(600)
        server.order("leave", names=NODES[:2], message="" if is_late else _GONE)
        server.write(100)
        for name in NODES[:2]:
            server.order("come", name=name)
        server.write(100)
        if is_late:
            server.say(node_status(relay_pb2.NODE_ERROR, NODES[:2], _GONE))
        compare(exporter, server)
        assert exporter.ended("asked_anew") == 1


def test_notice_comes_late(server: Served, exporter: Exporter) -> None:
    """Relay holds errors back for ten seconds, to tell of many nodes at once: a node may be back before."""
    server.write(1200)
    for _ in range(3):
        server.order("leave", names=NODES, message="")
        server.write(50)
        for name in NODES:
            server.order("come", name=name)
        server.write(50)
        server.say(node_status(relay_pb2.NODE_ERROR, NODES, _GONE))
        server.write(50)
    compare(exporter, server)


@pytest.mark.parametrize("capacity", [63, 4095])
def test_ring_shorter_than_the_overlap(capacity: int) -> None:
    """A busy node's ring reaches back a few seconds only, so that its repetition is no long step back in time."""
    with (
        Served(seed=13, nodes=3, capacity=capacity) as server,
        Proxy(server.port) as proxy,
        Exporter(proxy.address) as exporter,
    ):
        begin(server, exporter)
        for _ in range(20):
            server.write(50)
            exporter.is_told(server.written)
        proxy.cut()
        exporter.has_ended("connected", 2)
        for _ in range(20):
            server.write(50)
            exporter.is_told(server.written)
        server.order("leave", names=[NODES[1]], message="")
        server.write(20)
        server.order("come", name=NODES[1])
        server.write(20)
        compare(exporter, server)


def test_words_in_between(server: Served, exporter: Exporter) -> None:
    """States of nodes and losses between the flows move none of them."""
    for state in (relay_pb2.NODE_CONNECTED, relay_pb2.NODE_UNAVAILABLE, relay_pb2.NODE_GONE, relay_pb2.NODE_ERROR, 99):
        server.say(node_status(relay_pb2.NodeState.ValueType(state), NODES, "a word"), lost_events(7, NODES[0]))
        server.write(40)
    compare(exporter, server, lost=35)


def test_a_node_refuses_the_mask(server: Served) -> None:
    """A node that does not know a path of the mask is asked for less, and then all its flows count."""
    server.order("refuse", node=NODES[1], paths=["policy_log"])
    with Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        exporter.has_ended("mask_refused")
        # Both are streams of new flows: what is written before the second call is not ours.
        eventually(lambda: server.count("calls") == 2, "a second call")
        server.write(600)
        compare(exporter, server)
        assert exporter.sample('field_mask{mask="oldest"}') == 1
