"""Bounded memory of what was seen a moment ago, by flow time.

Where keys are made of several values they are hashes: two keys that share one of 2**64 numbers are not worth a tuple.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import NamedTuple


class WindowStats(NamedTuple):
    """Entries now, the bound, and how many entries had to leave before their time."""

    entries: int
    bound: int
    evicted: int


class Window:
    """Keys with the flow time (ns) at which each was last seen, at most `bound` of them, for `span` seconds."""

    def __init__(self, bound: int, span: float) -> None:
        self._bound, self._span_ns = bound, int(span * 1e9)
        self._times: OrderedDict[Hashable, int] = OrderedDict()
        self._evicted = 0

    def add(self, key: Hashable, time_ns: int) -> None:
        """Remember `key`; the entry unseen for longest leaves when the window is full."""
        times = self._times
        seen = times.get(key)
        if seen is not None:
            times.move_to_end(key)
            if time_ns < seen:
                # Events of one connection may arrive out of order: an older one never shortens the window.
                return
        elif len(times) >= self._bound:
            _, oldest = times.popitem(last=False)
            self._evicted += time_ns - oldest <= self._span_ns
        times[key] = time_ns

    def has(self, key: Hashable, time_ns: int) -> bool:
        """Whether `key` was seen within the span before or after `time_ns`."""
        seen = self._times.get(key)
        return seen is not None and abs(time_ns - seen) <= self._span_ns

    def last_ns(self, key: Hashable) -> int:
        """When `key` was last seen; 0 when it is not known."""
        return self._times.get(key, 0)

    def expire(self, now_ns: int) -> None:
        """Forget what is older than the span."""
        while self._times:
            key = next(iter(self._times))
            if now_ns - self._times[key] <= self._span_ns:
                return
            del self._times[key]

    def remembered(self) -> list[list[int]]:
        """Keys with their times, those unseen for longest first; for windows whose keys are numbers."""
        return [[key, time_ns] for key, time_ns in self._times.items() if isinstance(key, int)]

    def restore(self, remembered: Iterable[tuple[int, int]]) -> None:
        """Remember what another process remembered at its end."""
        for key, time_ns in remembered:
            self.add(key, time_ns)

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._times), self._bound, self._evicted)
