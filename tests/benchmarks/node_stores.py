"""Many exporters' worth of pipelines, judging and stores, each of a node of its own, in one thread and over one clock.

The population: each node has thirty pods, of 270 Deployments with five replicas each and of three DaemonSets. Each
workload goes to fifteen names with an address each, and every pod to each of them once in five minutes, which is when a
contact is noted again (`known.refresh`): nobody is noted more often. Pods, once there, stay.

Run as a process: `python -m tests.benchmarks.node_stores PORT PROCESSES NUMBER` does what its standard input says, and
says what came of it.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from exporter import log
from exporter.endpoint import Endpoint
from exporter.known.interface import Fact, Row
from exporter.known.recall import JITTER
from exporter.known.settings import KnownSettings, StoreKind, ValkeySettings
from exporter.known.sighting import Watched
from exporter.known.stores import open_store
from exporter.log import Level, LogSettings
from tests.detectors.watching import Steady, Watching
from tests.flows import at, flow, pod

NODES, PODS, REPLICAS, DAEMON_SETS, DESTINATIONS = 50, 30, 5, 3, 15
_REFRESH_MINUTES = 5
_NAMES = 400
_T = TypeVar("_T")


class Contact(NamedTuple):
    """Where a pod goes."""

    source: Endpoint
    name: str
    address: str
    port: int


def contacts_of(node: int) -> list[Contact]:
    """All contacts of the pods of a node."""
    replicas = (PODS - DAEMON_SETS) * NODES
    placed = [(f"app-{number // REPLICAS}", number) for number in range(node, replicas, NODES)]
    placed += [(f"agent-{number}", replicas + node * DAEMON_SETS + number) for number in range(DAEMON_SETS)]
    return [
        _contact(workload, number, destination, DESTINATIONS * place + destination)
        for place, (workload, number) in enumerate(placed)
        for destination in range(DESTINATIONS)
    ]


def _contact(workload: str, number: int, destination: int, place: int) -> Contact:
    source = pod(workload, pod_name=f"{workload}-7d4b9c8f6d-{number:05}")
    name = (sum(workload.encode()) * DESTINATIONS + destination) % _NAMES
    return Contact(source, f"api.name-{name}.example", f"198.51.{name // 200}.{1 + name % 200}", 20_000 + place)


class Node:
    """An exporter with a store as `run` opens it; how long the store took is kept."""

    def __init__(self, number: int, port: int, steady: Steady) -> None:
        self._name, self._contacts = f"east/node-{number}", contacts_of(number)
        self.merges: list[float] = []
        self.loads: list[float] = []
        address = ValkeySettings(address=f"127.0.0.1:{port}", timeout=60)
        known = KnownSettings(store=StoreKind.VALKEY, valkey=address)
        store = open_store(known)
        merge, self.written = store.merge, 0

        def counted(facts: Sequence[Fact]) -> list[Row | None]:
            self.written += len(facts)
            return merge(facts)

        store.merge = _timed(counted, self.merges)  # type: ignore[method-assign] # the same, timed
        store.load = _timed(store.load, self.loads)  # type: ignore[method-assign] # the same, timed
        self.watching = Watching(store, known, steady, JITTER)

    def minute(self, number: int) -> None:
        """A fifth of the contacts in a minute of flow time, as that turns up every five minutes."""
        self.meet(self._contacts[number % _REFRESH_MINUTES :: _REFRESH_MINUTES], 60 * number)

    def meet(self, contacts: Sequence[Contact] | None = None, seconds: float = 0) -> None:
        """These contacts, or all of them: what waits then is judged one by one, as by the thread of `run`."""
        watching = self.watching
        watching.judging.inbox.offer(Watched((self._name,), at(seconds)))
        for contact in self._contacts if contacts is None else contacts:
            watching.pipeline.handle(
                flow(
                    time_ns=at(seconds),
                    node_name=self._name,
                    source=contact.source,
                    source_port=contact.port,
                    destination_ip=contact.address,
                    destination_names=(contact.name,),
                )
            )
        watching.judging.step()


def _timed(work: Callable[..., _T], waits: list[float]) -> Callable[..., _T]:
    def timed(*arguments: object) -> _T:
        began = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            waits.append(time.perf_counter() - began)

    return timed


class Exporters:
    """The nodes of one process, which do what they are told."""

    def __init__(self, port: int, numbers: Sequence[int]) -> None:
        self._port, self._numbers, self._steady, self._minutes = port, numbers, Steady(), 0
        self._nodes = [Node(number, port, self._steady) for number in numbers]

    def pass_(self, minutes: int) -> None:
        """Let time pass."""
        for _ in range(minutes):
            self._steady.seconds = 60 * self._minutes
            for node in self._nodes:
                node.minute(self._minutes)
            self._minutes += 1

    def start(self, number: int) -> None:
        """End some exporters in order, start them anew, and let them meet all their contacts."""
        for place in range(number):
            self._nodes[place].watching.judging.close()
            self._nodes[place] = Node(self._numbers[place], self._port, self._steady)
        for node in self._nodes[:number]:
            node.meet(seconds=60 * self._minutes)
        self._minutes += 1

    def ask(self, _: int) -> None:
        """Ask the store something."""
        for node in self._nodes:
            node.watching.store.size()

    def told(self) -> dict[str, object]:
        """What came of it since the last time."""
        merges = [wait for node in self._nodes for wait in node.merges]
        loads = [wait for node in self._nodes for wait in node.loads]
        written = sum(node.written for node in self._nodes)
        for node in self._nodes:
            node.merges.clear()
            node.loads.clear()
            node.written = 0
        degraded = sum(node.watching.judging.memory.degraded for node in self._nodes)
        return {"merges": merges, "loads": loads, "written": written, "degraded": degraded}


def main() -> None:
    """Do what each line says: a word and a number."""
    log.configure(LogSettings(level=Level.ERROR))
    port, processes, number = map(int, sys.argv[1:])
    exporters = Exporters(port, range(number, NODES, processes))
    commands = {"pass": exporters.pass_, "start": exporters.start, "ask": exporters.ask}
    for line in sys.stdin:
        word, *rest = line.split()
        commands[word](int(rest[0]) if rest else 0)
        print(json.dumps(exporters.told()), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
