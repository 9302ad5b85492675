"""Recent evidence by workload: pieces of the same kind are counted together, with their first and their last flow."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping

from exporter.destinations.interface import WorkloadName
from exporter.detectors.dns_policies import UNREAD
from exporter.detectors.interface import Evidence, Key
from exporter.flow import Flow
from exporter.window import WindowStats


class Tally:
    """Evidence of one kind while it is gathered; `times` are the latest, as many as make a breakage."""

    __slots__ = ("basis", "count", "facts", "first", "key", "last", "successes", "times")

    def __init__(self, key: Key, flow: Flow, most_times: int) -> None:
        self.key, self.first, self.last, self.count, self.successes = key, flow, flow, 0, 0
        self.basis: tuple[int, int, str] | None = None
        """What `facts` were worked out from."""
        self.facts = UNREAD
        self.times: deque[int] = deque(maxlen=most_times)

    def add(self, flow: Flow) -> None:
        """Count one more flow; flows of several nodes may come out of order."""
        self.count += flow.weight
        self.times.extend((flow.time_ns,) * min(flow.weight, self.times.maxlen or 1))
        if flow.time_ns < self.first.time_ns:
            self.first = flow
        if flow.time_ns >= self.last.time_ns:
            self.last = flow

    def is_frequent(self, window_ns: int) -> bool:
        """Whether there were so many within the window."""
        return len(self.times) == self.times.maxlen and abs(self.times[-1] - self.times[0]) <= window_ns

    def frozen(self, notes: tuple[str, ...] = (), waits_for: tuple[str, ...] = ()) -> Evidence:
        """It as evidence."""
        return Evidence(self.key, self.first, self.last, self.count, notes, waits_for)


class Ledger:
    """At most `most` tallies, and `most_of_one` of one workload; what was quiet for longest leaves first."""

    def __init__(self, most: int, most_of_one: int, most_times: int) -> None:
        self._most, self._most_of_one, self._most_times = most, most_of_one, most_times
        self._in_order: OrderedDict[tuple[WorkloadName, Key], Tally] = OrderedDict()
        self._of: dict[WorkloadName, OrderedDict[Key, Tally]] = {}
        self._evicted = 0
        self.changed: dict[WorkloadName, None] = {}
        """Workloads whose evidence is not what it was when it was last looked at, in the order of their changes."""

    def add(self, workload: WorkloadName, key: Key, flow: Flow) -> None:
        """Take in one piece of evidence."""
        self.changed[workload] = None
        mine = self._of.setdefault(workload, OrderedDict())
        tally = mine.get(key)
        if tally is None:
            self._make_room(workload, mine)
            mine = self._of.setdefault(workload, OrderedDict())
            tally = mine[key] = self._in_order[workload, key] = Tally(key, flow, self._most_times)
        else:
            mine.move_to_end(key)
            self._in_order.move_to_end((workload, key))
        tally.add(flow)

    def of(self, workload: WorkloadName) -> Mapping[Key, Tally]:
        """The evidence of one workload."""
        return self._of.get(workload, {})

    @property
    def workloads(self) -> Iterator[WorkloadName]:
        """Workloads with evidence."""
        return iter(self._of)

    def forget(self, workload: WorkloadName, is_over: Callable[[Key], bool]) -> None:
        """Drop evidence that something else has refuted."""
        for key in [key for key in self.of(workload) if is_over(key)]:
            self._drop(workload, key)

    def expire(self, before_ns: int) -> None:
        """Forget what was last seen before."""
        while self._in_order:
            (workload, key), tally = next(iter(self._in_order.items()))
            if tally.last.time_ns >= before_ns:
                return
            self._drop(workload, key)

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._in_order), self._most, self._evicted)

    def _make_room(self, workload: WorkloadName, mine: OrderedDict[Key, Tally]) -> None:
        if len(mine) >= self._most_of_one:
            self._evicted += 1
            self._drop(workload, next(iter(mine)))
        if len(self._in_order) >= self._most:
            self._evicted += 1
            self._drop(*next(iter(self._in_order)))

    def _drop(self, workload: WorkloadName, key: Key) -> None:
        self.changed[workload] = None
        del self._in_order[workload, key]
        mine = self._of[workload]
        del mine[key]
        if not mine:
            del self._of[workload]
