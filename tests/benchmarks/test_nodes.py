"""The row `nodes` measures whom it says it does, and counts what exporters have sent."""

from collections import Counter, defaultdict
from pathlib import Path

from exporter.known.interface import Fact, Mark, What, WorkloadKey, seen
from tests.benchmarks.node_stores import NODES, Node, contacts_of
from tests.benchmarks.nodes import _measured
from tests.detectors.watching import Steady
from tests.known.valkey_server import ValkeyServer, valkey_store


def test_population() -> None:
    """Thirty pods on each of fifty nodes: 270 Deployments of five pods on five nodes, and three DaemonSets."""
    nodes_of, pods_of = defaultdict[str, set[int]](set), defaultdict[str, set[str]](set)
    for node in range(NODES):
        contacts = contacts_of(node)
        assert len({contact.source.pod_name for contact in contacts}) == 30
        assert set(Counter(contact.source.pod_name for contact in contacts).values()) == {15}
        assert len({(contact.source.pod_name, contact.name, contact.address) for contact in contacts}) == 450
        for contact in contacts:
            workload = contact.source.workloads[0].name
            nodes_of[workload].add(node)
            pods_of[workload].add(contact.source.pod_name)
    assert Counter(map(len, nodes_of.values())) == {5: 270, 50: 3}
    assert Counter(map(len, pods_of.values())) == {5: 270, 50: 3}


def test_facts_of_a_node(tmp_path: Path) -> None:
    """Its thirty workloads, each with a pod, a revision, its DNS, news, fifteen names with addresses; and the node."""
    with ValkeyServer(tmp_path) as server:
        node = Node(7, server.port, Steady())
        node.meet()
        node.watching.judging.finish()
        assert node.watching.store.size().entries == 30 * (1 + 1 + 1 + 1 + 1 + 15 + 15) + 1
        node.watching.store.close()


def test_what_scripts_do_is_no_command(tmp_path: Path) -> None:
    """A merge of three facts is one command, whatever its script asks of the server."""
    with ValkeyServer(tmp_path) as server:
        store, workload = valkey_store(server.port), WorkloadKey("east", "shop", "web")
        facts = [Fact(workload, Mark(What.POD, str(number)), seen(number)) for number in range(3)]
        store.merge(facts[:1])
        _, used = _measured(server, lambda: store.merge(facts))
        store.close()
    assert used.commands == used.calls["evalsha"] == 1
    assert used.calls["hget"] == 3
    assert used.received > sum(len(fact.mark.name) for fact in facts)
