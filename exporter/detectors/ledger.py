"""Recent evidence by workload: pieces of the same kind are counted together, with their first and their last flow."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count

from exporter.destinations.interface import WorkloadName
from exporter.detectors.dns_policies import UNREAD
from exporter.detectors.interface import Evidence, Key, Kind
from exporter.flow import Flow
from exporter.window import WindowStats

_NOISE = frozenset({Kind.NXDOMAIN, Kind.SERVFAIL, Kind.UNANSWERED, Kind.PROXY_ERROR, Kind.DROP_NAMELESS})
"""Of these anybody can make as many as he likes; what was seen once of them gives way to everything else."""


class Tally:
    """Evidence of one kind while it is gathered; `times` are the latest, as many as make a breakage."""

    __slots__ = ("_most_times", "basis", "count", "facts", "first", "heads", "key", "last", "successes", "times")

    def __init__(self, key: Key, flow: Flow, most_times: int) -> None:
        self.key, self.first, self.last, self.count, self.successes = key, flow, flow, 0, 0
        self.heads: tuple[str, ...] = ()
        """What may have been meant by the name, where an answer refutes that it fails."""
        self.basis: tuple[object, ...] | None = None
        """What `facts` were worked out from."""
        self.facts = UNREAD
        # No deque, which takes ten times as much room for a few.
        self.times: tuple[int, ...] = ()
        self._most_times = most_times

    def add(self, flow: Flow) -> None:
        """Count one more flow; flows of several nodes may come out of order."""
        self.count += flow.weight
        most = self._most_times
        self.times = (*self.times, *(flow.time_ns,) * min(flow.weight, most))[-most:]
        if flow.time_ns < self.first.time_ns:
            self.first = flow
        if flow.time_ns >= self.last.time_ns:
            self.last = flow

    def is_frequent(self, window_ns: int, number: int = 0) -> bool:
        """Whether there were so many within the window; as many as are remembered unless it is said."""
        number = number or self._most_times
        latest = self.times[-number:]
        return len(latest) == number and max(latest) - min(latest) <= window_ns

    def frozen(self, notes: tuple[str, ...] = ()) -> Evidence:
        """It as evidence."""
        return Evidence(self.key, self.first, self.last, self.count, notes)


class Ledger:
    """At most `most` tallies, and `most_of_one` of one workload; what was quiet for longest leaves first."""

    def __init__(self, most: int, most_of_one: int, most_times: int) -> None:
        self._most, self._most_of_one, self._most_times = most, most_of_one, most_times
        self._in_order: OrderedDict[tuple[WorkloadName, Key], Tally] = OrderedDict()
        self._of: dict[WorkloadName, OrderedDict[Key, Tally]] = {}
        self._kinds: dict[WorkloadName, dict[Kind, int]] = {}
        self._evicted = 0
        # By flow time, which is not the order of arrival; a time may be old, the tally then knows a newer one.
        self._by_time: list[tuple[int, int, WorkloadName, Tally]] = []
        self._serials = count()
        self.changed: dict[WorkloadName, None] = {}
        """Workloads whose evidence is not what it was when it was last looked at, in the order of their changes."""

    def add(self, workload: WorkloadName, key: Key, flow: Flow) -> Tally:
        """Take in one piece of evidence."""
        self.changed[workload] = None
        mine = self._of.setdefault(workload, OrderedDict())
        tally = mine.get(key)
        if tally is None:
            self._make_room(workload, mine)
            mine = self._of.setdefault(workload, OrderedDict())
            tally = mine[key] = self._in_order[workload, key] = Tally(key, flow, self._most_times)
            kinds = self._kinds.setdefault(workload, {})
            kinds[key.kind] = kinds.get(key.kind, 0) + 1
            self._remind(workload, tally)
        else:
            mine.move_to_end(key)
            self._in_order.move_to_end((workload, key))
        tally.add(flow)
        return tally

    def of(self, workload: WorkloadName) -> Mapping[Key, Tally]:
        """The evidence of one workload."""
        return self._of.get(workload, {})

    def kinds_of(self, workload: WorkloadName) -> Mapping[Kind, int] | None:
        """How many pieces of each kind the workload has; None for most workloads, of which there is nothing to ask."""
        return self._kinds.get(workload)

    @property
    def workloads(self) -> Iterator[WorkloadName]:
        """Workloads with evidence."""
        return iter(self._of)

    def forget(self, workload: WorkloadName, is_over: Callable[[Tally], bool]) -> None:
        """Drop evidence that something else has refuted."""
        self._drop_all(workload, [tally.key for tally in self.of(workload).values() if is_over(tally)])

    def rename(self, before: WorkloadName, after: WorkloadName, is_of: Callable[[Tally], bool]) -> None:
        """Give evidence to the workload that it is of, as is known now."""
        moved = [tally for tally in self.of(before).values() if is_of(tally)]
        self._drop_all(before, [tally.key for tally in moved])
        for tally in moved:
            self.add(after, tally.key, tally.first).count += tally.count - tally.first.weight
            if tally.last is not tally.first:
                self.of(after)[tally.key].last = tally.last

    def expire(self, before_ns: int) -> None:
        """Forget what was last seen before."""
        while self._by_time and self._by_time[0][0] < before_ns:
            _, _, workload, tally = heappop(self._by_time)
            if self.of(workload).get(tally.key) is not tally:
                continue
            if tally.last.time_ns >= before_ns:
                self._remind(workload, tally)
            else:
                self._drop_all(workload, [tally.key])

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._in_order), self._most, self._evicted)

    def _remind(self, workload: WorkloadName, tally: Tally) -> None:
        if len(self._by_time) > 2 * self._most:
            # Of what was evicted or refuted nothing is to be forgotten.
            live = [(one.last.time_ns, next(self._serials), name, one) for (name, _), one in self._in_order.items()]
            self._by_time = sorted(live)
        heappush(self._by_time, (tally.last.time_ns, next(self._serials), workload, tally))

    def _make_room(self, workload: WorkloadName, mine: OrderedDict[Key, Tally]) -> None:
        if len(mine) >= self._most_of_one:
            self._evicted += 1
            oldest = next(iter(mine))
            noise = next((key for key, one in mine.items() if key.kind in _NOISE and one.count == 1), oldest)
            self._drop_all(workload, [noise])
        if len(self._in_order) >= self._most:
            self._evicted += 1
            owner, key = next(iter(self._in_order))
            self._drop_all(owner, [key])

    def _drop_all(self, workload: WorkloadName, keys: Iterable[Key]) -> None:
        for key in keys:
            self.changed[workload] = None
            del self._in_order[workload, key]
            mine = self._of[workload]
            del mine[key]
            kinds = self._kinds[workload]
            kinds[key.kind] -= 1
            if not kinds[key.kind]:
                del kinds[key.kind]
            if not mine:
                del self._of[workload], self._kinds[workload]
