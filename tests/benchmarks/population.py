"""Who takes part in the synthetic traffic: pods of many workloads, what is outside, and what nobody has seen before."""

import random
from itertools import accumulate, count
from typing import NamedTuple

from exporter.demo.cluster import CLUSTER, Party, named, outside
from exporter.hubble.pb.flow import flow_pb2

_NODES = 50
_WORKLOADS_PER_NAMESPACE = 20
_PODS = 2
_HABITS = 8
"""Destinations that a workload calls day by day; it calls the first of them most."""
_PORTS = (443, 8080, 5432, 6379, 9092, 3306, 80, 8443)
_INSIDE = 0.6
"""Share of the habits that are other workloads."""


class Contact(NamedTuple):
    """Where a workload goes: any of these parties, at this port."""

    parties: tuple[Party, ...]
    port: int


class Workload(NamedTuple):
    """Pods that do the same, and where they go."""

    pods: tuple[Party, ...]
    contacts: list[Contact]


class Population:
    """The same seed gives the same population."""

    def __init__(self, chance: random.Random, workloads: int, team: str = "team") -> None:
        """`team` begins the names of their namespaces: another one keeps two populations apart."""
        self._chance, self._team = chance, team
        self._addresses, self._outside, self._unseen = count(), count(), count()
        self.workloads = [Workload(self._pods(number), []) for number in range(workloads)]
        for workload in self.workloads:
            workload.contacts.extend(self._habit(number) for number in range(_HABITS))
        # The n-th habit is called 1/n times as often as the first.
        self._habit_weights = list(accumulate(1 / (number + 1) for number in range(_HABITS)))

    def on_node(self, node: str) -> list[Workload]:
        """The workloads that have a pod on a node, with the pods that are there."""
        there = [
            Workload(tuple(pod for pod in workload.pods if pod.node == node), workload.contacts)
            for workload in self.workloads
        ]
        return [workload for workload in there if workload.pods]

    def contact(self, workload: Workload) -> Contact:
        """Where the workload goes as it always does."""
        return self._chance.choices(workload.contacts, cum_weights=self._habit_weights)[0]

    def unseen(self) -> Contact:
        """A destination that nobody has called before: a name, an address without one, or a port of an address."""
        number = next(self._unseen)
        match number % 3:
            case 0:
                party = self.new_name()
            case 1:
                party = outside(self._public(), labels=(f"cidr:{self._public()}/32",))
            case _:
                return Contact((self.workloads[number % len(self.workloads)].pods[0],), 10_000 + number % 50_000)
        return Contact((party,), 443)

    def new_name(self) -> Party:
        """A name with an address and a registered domain of its own."""
        return named(self._public(), f"destination-{next(self._outside)}.example")

    def _habit(self, number: int) -> Contact:
        port = _PORTS[number % len(_PORTS)]
        if self._chance.random() < _INSIDE:
            return Contact(self._chance.choice(self.workloads).pods, port)
        name = f"api{next(self._outside)}.service.example"
        return Contact(tuple(named(self._public(), name) for _ in range(self._chance.randrange(1, 4))), port)

    def _pods(self, number: int) -> tuple[Party, ...]:
        namespace = f"{self._team}-{number // _WORKLOADS_PER_NAMESPACE:03}"
        return tuple(self._pod(f"service-{number:04}", namespace, 20_000 + number) for _ in range(_PODS))

    def _pod(self, workload: str, namespace: str, identity: int) -> Party:
        number = next(self._addresses)
        node = number % _NODES
        labels = [
            f"k8s:app.kubernetes.io/name={workload}",
            f"k8s:app.kubernetes.io/part-of={namespace}",
            f"k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name={namespace}",
            f"k8s:io.cilium.k8s.policy.cluster={CLUSTER}",
            f"k8s:io.cilium.k8s.policy.serviceaccount={workload}",
            f"k8s:io.kubernetes.pod.namespace={namespace}",
        ]
        remote = flow_pb2.Endpoint(
            identity=identity,
            namespace=namespace,
            pod_name=f"{workload}-7d4b9c8f6d-{number:05}",
            cluster_name=CLUSTER,
            labels=labels,
        )
        owned = flow_pb2.Endpoint(ID=number % 4000 + 1, workloads=[flow_pb2.Workload(name=workload, kind="Deployment")])
        owned.MergeFrom(remote)
        address = f"10.{node}.{number // _NODES // 250}.{number // _NODES % 250}"
        return Party(address, owned, remote, f"bench/node-{node:02}")

    def _public(self) -> str:
        # The range of RFC 2544, which is there for benchmarks and is judged as public; one address after the other.
        number = next(self._outside) % 131_072
        return f"198.{18 + number // 65_536}.{number // 256 % 256}.{number % 256}"
