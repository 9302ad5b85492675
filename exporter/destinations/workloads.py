"""Whose flow it is: one label for one pod, whether it is seen locally, remotely or in an L7 record."""

from collections import OrderedDict
from typing import NamedTuple

from exporter.destinations.folding import fold_pod_name
from exporter.destinations.interface import HOST, UNKNOWN, WorkloadName
from exporter.endpoint import Endpoint
from exporter.window import WindowStats

_MOST_RENAMED = 1000


class Renamed(NamedTuple):
    """A pod, and its workload as it was guessed and as it is."""

    namespace: str
    pod_name: str
    before: str
    after: str


class Workloads:
    """Names of workloads; remembers what the owning node said of a pod, for at most `bound` pods."""

    def __init__(self, bound: int, most_nodes: int = 10_000) -> None:
        self._bound, self._most_nodes = bound, most_nodes
        self._pods: OrderedDict[tuple[str, str], str] = OrderedDict()
        self.nodes: set[str] = set()
        self._names: dict[int, WorkloadName] = {}
        self._unowned: dict[tuple[str, str], list[int]] = {}
        """Serial numbers of endpoints that their owner did not report, by pod: what it says later may rename them."""
        self.renamed: list[Renamed] = []
        """Pods whose workload was guessed by their names until their owner told it, since somebody took note."""
        self.evicted = 0
        self.nodes_refused = 0

    def saw_node(self, node_name: str) -> None:
        """Remember a node: static pods carry its name as their suffix."""
        if not node_name or node_name in self.nodes:
            return
        if len(self.nodes) >= self._most_nodes:
            self.nodes_refused += 1
            return
        self.nodes.add(node_name)
        self._forget_names()

    def learn(self, endpoint: Endpoint) -> None:
        """Remember the workload of a pod that the observing node owns."""
        if not endpoint.workloads or not endpoint.pod_name:
            return
        pod, name = (endpoint.home, endpoint.pod_name), _reported_name(endpoint)
        if self._pods.get(pod) == name:
            return
        if pod not in self._pods and len(self._pods) >= self._bound:
            self._pods.popitem(last=False)
            self.evicted += 1
        if pod not in self._pods and len(self.renamed) < _MOST_RENAMED:
            before = fold_pod_name(endpoint.pod_name, self.nodes)
            if before != name:
                self.renamed.append(Renamed(*pod, before, name))
        self._pods[pod] = name
        for renamed in self._unowned.pop(pod, ()):
            self._names.pop(renamed, None)

    def name_of(self, endpoint: Endpoint) -> WorkloadName:
        """The workload of an endpoint; total."""
        if not endpoint.pod_name:
            # The outside has as many endpoints as there are names and CIDRs in policies: too many to remember.
            return self._name(endpoint)
        name = self._names.get(endpoint.serial)
        if name is None:
            if len(self._names) >= self._bound:
                self._forget_names()
            name = self._names[endpoint.serial] = self._name(endpoint)
            if not endpoint.workloads:
                self._unowned.setdefault((endpoint.home, endpoint.pod_name), []).append(endpoint.serial)
        return name

    def _forget_names(self) -> None:
        self._names.clear()
        self._unowned.clear()

    def _name(self, endpoint: Endpoint) -> WorkloadName:
        namespace = endpoint.home
        if endpoint.workloads:
            return WorkloadName(namespace, _reported_name(endpoint))
        if endpoint.pod_name:
            known = self._pods.get((namespace, endpoint.pod_name))
            return WorkloadName(namespace, known or fold_pod_name(endpoint.pod_name, self.nodes))
        entity = endpoint.entity
        if entity is None:
            return WorkloadName(namespace, UNKNOWN)
        # Host-network pods and host processes are one: the packet does not tell them apart.
        return HOST if entity in ("host", "remote-node") else WorkloadName("", f"~{entity}")

    def stats(self) -> dict[str, WindowStats]:
        """Pods and nodes remembered, for the exporter's own metrics."""
        return {
            "pods": WindowStats(len(self._pods), self._bound, self.evicted),
            "node_names": WindowStats(len(self.nodes), self._most_nodes, self.nodes_refused),
        }


def _reported_name(endpoint: Endpoint) -> str:
    workload = endpoint.workloads[0]
    if workload.kind == "Node":
        # The controller of a static pod is its node, which is in the pod's name already.
        return endpoint.pod_name.removesuffix(f"-{workload.name}") or workload.name
    return workload.name or UNKNOWN
