"""How many answers a workload got lately and how many of them failed, and by which transport it asks at all."""

from collections import OrderedDict
from enum import IntEnum
from typing import TYPE_CHECKING

from exporter.destinations.interface import WorkloadName
from exporter.flow import Flow
from exporter.window import WindowStats

if TYPE_CHECKING:
    from exporter.endpoint import Endpoint

_MOMENT_NS = 1_000_000_000


class Result(IntEnum):
    """What became of a query."""

    ANSWERED = 0
    SERVFAIL = 1
    UNANSWERED = 2
    PROXY_ERROR = 3


class Asker:
    """One workload: results of the present window and of the one before, and when a query last passed (flow time)."""

    __slots__ = ("before", "now", "passed_ns", "resolver", "window")

    def __init__(self) -> None:
        self.window, self.now, self.before = 0, [0] * len(Result), [0] * len(Result)
        self.passed_ns: dict[str, int] = {}
        """By transport."""
        self.resolver: tuple[Endpoint, int] | None = None
        """The resolver that it asked last, and at which port."""

    def add(self, result: Result, window: int, weight: int = 1) -> None:
        """Count so many."""
        if window > self.window:
            nothing = [0] * len(Result)
            self.before = self.now if window == self.window + 1 else nothing
            self.now, self.window = [0] * len(Result), window
        self.now[result] += weight

    def number(self, *results: Result) -> int:
        """How many there were lately."""
        return sum(self.now[one] + self.before[one] for one in results or Result)

    def share(self, result: Result) -> float:
        """The share of this result among all."""
        return self.number(result) / (self.number() or 1)


NO_ASKER = Asker()


class Askers:
    """At most `most` workloads; the one that asked least lately leaves first."""

    def __init__(self, most: int, window: float) -> None:
        self._most, self._window_ns, self._evicted = most, int(window * 1e9), 0
        self._askers: OrderedDict[WorkloadName, Asker] = OrderedDict()

    def passed(self, workload: WorkloadName, flow: Flow) -> None:
        """A query of the workload was let pass, on its way to a resolver."""
        transport, time_ns = flow.kind.protocol, flow.time_ns
        asker = self._askers.get(workload)
        if asker is not None and 0 <= time_ns - asker.passed_ns.get(transport, 0) < _MOMENT_NS:
            # Several events show one query, and a busy pod asks many times a second.
            return
        asker = self._asker(workload)
        asker.passed_ns[transport] = max(time_ns, asker.passed_ns.get(transport, 0))
        asker.resolver = flow.destination, flow.destination_port

    def got(self, workload: WorkloadName, result: Result, time_ns: int, weight: int = 1) -> None:
        """Queries of the workload had a result."""
        self._asker(workload).add(result, time_ns // self._window_ns, weight)

    def of(self, workload: WorkloadName) -> Asker:
        """What is known of a workload."""
        return self._askers.get(workload, NO_ASKER)

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._askers), self._most, self._evicted)

    def _asker(self, workload: WorkloadName) -> Asker:
        asker = self._askers.get(workload)
        if asker is None:
            if len(self._askers) >= self._most:
                self._askers.popitem(last=False)
                self._evicted += 1
            asker = self._askers[workload] = Asker()
        else:
            self._askers.move_to_end(workload)
        return asker
