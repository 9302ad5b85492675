"""Fifty exporters, one on each node, that share one Valkey server and all see something at the same time."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

from exporter.known.interface import Row, What, WorkloadKey, entries
from exporter.known.settings import KnownSettings, LearningSettings
from exporter.known.workload import destination_mark
from exporter.metrics import families
from tests.detectors.watching import HOUR, Steady, Watching
from tests.faults.proxy import Mode, Proxy
from tests.flows import at, pod
from tests.known.valkey_server import ValkeyServer, valkey_store

NODES, WORKLOADS = 50, 10
ARMED = KnownSettings(learning=LearningSettings(min_age=HOUR, quiet=HOUR, starts=0))
"""A workload is armed an hour after it went somewhere first."""
NOW = 2 * HOUR
NEW = ("leak-0.net", "leak-1.net", "leak-2.net")
ADDRESSES = {
    name: f"198.51.100.{number}" for number, name in enumerate(("api.example.com", "mine.net", "ours.net", *NEW))
}


def runs(node: int) -> tuple[int, ...]:
    """The three workloads of a node; each workload is on fifteen nodes."""
    return tuple((node + 3 * place) % WORKLOADS for place in range(3))


def runners(workload: int) -> list[int]:
    """The nodes on which a workload runs."""
    return [node for node in range(NODES) if workload in runs(node)]


def pod_name(workload: int, node: int) -> str:
    """The one pod of a workload on a node."""
    return f"shop{workload}-7d4b9c8f6d-{node:05}"


def time_on(node: int, seconds: float) -> float:
    """When a node sees what all see about then: each a hundredth of a second after the one before it."""
    return seconds + node / 100


class Cluster:
    """The exporters of all nodes, over one clock. The first reaches the server through a proxy that can be cut."""

    def __init__(self, server: ValkeyServer, way: Proxy) -> None:
        self.server, self.way, self.steady = server, way, Steady()
        ports = [way.port, *[server.port] * (NODES - 1)]
        self.nodes = [Watching(valkey_store(port), ARMED, self.steady) for port in ports]

    def join(self) -> None:
        """A node is added, and its exporter starts."""
        self.nodes.append(Watching(valkey_store(self.server.port), ARMED, self.steady))

    def at_once(self, seconds: float, see: Callable[[int], None]) -> None:
        """Let every node see something at that time, each in a thread of its own."""
        self.steady.seconds, start = seconds, Barrier(len(self.nodes))

        def begin(node: int) -> None:
            start.wait()
            see(node)

        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(begin, range(len(self.nodes))))

    def contact(self, node: int, workload: int, seconds: float, name: str) -> None:
        """The pod of a workload on a node asks for a name and connects to its address, a second later."""
        source = pod(f"shop{workload}", pod_name=pod_name(workload, node))
        node_name = f"east/node-{node}"
        self.nodes[node].contact(time_on(node, seconds), name, ADDRESSES[name], source=source, node_name=node_name)

    def known(self, seconds: float) -> None:
        """Every pod goes to the one place that its workload knows."""

        def see(node: int) -> None:
            for workload in runs(node):
                self.contact(node, workload, seconds, "api.example.com")

        self.at_once(seconds, see)

    def announced(self) -> Counter[tuple[str, str]]:
        """How often each destination of each workload was announced, by all exporters together."""
        return Counter((found.source_workload, found.known_as) for one in self.nodes for found in one.found)

    def counted(self) -> int:
        """New destinations that were counted, by all together."""
        for one in self.nodes:
            one.pipeline.take_news()
        rows = (row for one in self.nodes for row in one.series.families[families.NEW_DESTINATIONS].live.values())
        return sum(row.value for row in rows)

    def row(self, workload: int, name: str) -> Row:
        """What the server knows of a destination."""
        return self.nodes[1].store.load(key_of(workload))[destination_mark("443/tcp", name)]


def key_of(workload: int) -> WorkloadKey:
    """Whose memory it is."""
    return WorkloadKey("east", "shop", f"shop{workload}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Fifty nodes whose workloads have learnt one destination each and are armed now."""
    with ExitStack() as stack:
        server = stack.enter_context(ValkeyServer(tmp_path))
        whole = Cluster(server, stack.enter_context(Proxy(server.port)))
        whole.known(0)
        whole.known(NOW - 100)
        yield whole
        for one in whole.nodes:
            one.store.close()


def test_each_is_announced_once_by_all_together(cluster: Cluster) -> None:
    """Fifteen nodes see the same new destinations of a workload at once, in different orders: one of them says so."""
    assert (cluster.counted(), cluster.announced()) == (WORKLOADS, {}), "each first destination, while learning"

    def see(node: int) -> None:
        for turn in range(len(NEW)):
            for workload in runs(node):
                cluster.contact(node, workload, NOW, NEW[(turn + node) % len(NEW)])

    cluster.at_once(NOW, see)
    assert cluster.announced() == {(f"shop{workload}", name): 1 for workload in range(WORKLOADS) for name in NEW}
    assert cluster.counted() == WORKLOADS + WORKLOADS * len(NEW)


def test_all_know_the_union_and_so_does_who_joins(cluster: Cluster) -> None:
    """What each has seen is there once, first and last of all; then nothing of it is new on any node, old or added."""

    def see(node: int) -> None:
        for workload in runs(node):
            cluster.contact(node, workload, NOW, NEW[node % len(NEW)])

    cluster.at_once(NOW, see)
    for one in cluster.nodes:
        one.judging.finish()
    for workload in range(WORKLOADS):
        pods = entries(cluster.nodes[0].store.load(key_of(workload)), What.POD)
        assert set(pods) == {f"{pod_name(workload, node)} 77" for node in runners(workload)}
        for place, name in enumerate(NEW):
            saw = [node for node in runners(workload) if node % len(NEW) == place]
            row = cluster.row(workload, name)
            assert (row.first_ns, row.last_ns) == tuple(at(time_on(node, NOW) + 1) for node in (saw[0], saw[-1]))

    announced, counted = cluster.announced(), cluster.counted()
    cluster.join()

    def meet(node: int) -> None:
        for workload in range(WORKLOADS):
            for name in ("api.example.com", *NEW):
                cluster.contact(node, workload, NOW + 100, name)

    cluster.at_once(NOW + 100, meet)
    assert (cluster.announced(), cluster.counted()) == (announced, counted)
    for one in cluster.nodes:
        one.judging.finish()
        seen = {surveyed.workload: surveyed.known for surveyed in one.judging.memory.workloads}
        assert seen == {key_of(workload): 1 + len(NEW) for workload in range(WORKLOADS)}


def test_one_that_was_cut_off_adds_what_it_saw(cluster: Cluster) -> None:
    """It says so itself meanwhile, marked as degraded, also what others say; then all know it, and it is theirs."""
    cluster.way.set(Mode.RESET)
    cluster.way.cut()

    def see(node: int) -> None:
        names = ("mine.net", "ours.net") if node == 0 else ("ours.net",)
        for workload in runs(node):
            for name in names:
                cluster.contact(node, workload, NOW, name)

    cluster.at_once(NOW, see)
    assert {(found.known_as, found.degraded) for found in cluster.nodes[0].found} == {
        ("mine.net", True),
        ("ours.net", True),
    }
    assert len(cluster.nodes[0].found) == 2 * len(runs(0))
    others = Counter((found.source_workload, found.degraded) for one in cluster.nodes[1:] for found in one.found)
    assert others == {(f"shop{workload}", False): 1 for workload in range(WORKLOADS)}

    cluster.way.set(Mode.FORWARD)
    announced = cluster.announced()
    cluster.known(NOW + 100)
    assert not cluster.nodes[0].judging.memory.degraded
    for workload in runs(0):
        assert cluster.row(workload, "mine.net").first_ns == at(NOW + 1)
        assert cluster.row(workload, "ours.net").first_ns == at(NOW + 1), "the first of all that saw it"

    def meet(node: int) -> None:
        for workload in set(runs(node)) & set(runs(0)):
            cluster.contact(node, workload, NOW + 200, "mine.net")

    cluster.at_once(NOW + 200, meet)
    assert cluster.announced() == announced
