"""How relay merges what its nodes send: a short heap in the order of time (cilium pkg/hubble/relay/observer)."""

import time
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2

Response = observer_pb2.GetFlowsResponse


class Sorting(NamedTuple):
    """Relay's constants. Without a drain time-out only a full heap lets responses out, so that no clock decides."""

    length: int = 100
    drain_seconds: float | None = 1.0
    error_seconds: float = 10.0


class Merge:
    """Responses in, responses out; `due` says when to call `tick` if none comes in.

    Errors of nodes with the same message become one, if they come within `error_seconds` after the first.
    """

    def __init__(
        self,
        sorting: Sorting,
        length: int,
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._sorting, self._length, self._clock, self._now_ns = sorting, length, clock, now_ns
        self._heap: list[tuple[int, int, Response]] = []
        self._order = count()
        self._quiet_since = 0.0
        self._error: Response | None = None
        self._error_due = 0.0

    @property
    def due(self) -> float | None:
        """The time of the clock at which something leaves although nothing comes in; None for never."""
        drain = self._sorting.drain_seconds
        times = [self._quiet_since + drain] if self._heap and drain is not None else []
        return min([*times, self._error_due] if self._error else times, default=None)

    def accept(self, response: Response) -> Iterator[Response]:
        """Take one response, and give those that it pushes out."""
        if response.node_status.state_change != relay_pb2.NODE_ERROR:
            yield from self._sort(response)
        elif self._error and self._error.node_status.message == response.node_status.message:
            self._error.node_status.node_names.extend(response.node_status.node_names)
        else:
            yield from self._let_error_go()
            self._error, self._error_due = response, self._clock() + self._sorting.error_seconds
        yield from self._let_error_go(only_due=True)

    def tick(self) -> Iterator[Response]:
        """Give what has waited long enough: after a quiet time all that is older than that time."""
        yield from self._let_error_go(only_due=True)
        now = self._clock()
        drain = self._sorting.drain_seconds
        if drain is not None and now >= self._quiet_since + drain:
            self._quiet_since = now
            newest_ns = self._now_ns() - int(drain * 1e9)
            while self._heap and self._heap[0][0] <= newest_ns:
                yield heappop(self._heap)[2]

    def end(self) -> Iterator[Response]:
        """Give the rest."""
        yield from self._let_error_go()
        while self._heap:
            yield heappop(self._heap)[2]

    def _let_error_go(self, *, only_due: bool = False) -> Iterator[Response]:
        if self._error and not (only_due and self._clock() < self._error_due):
            error, self._error = self._error, None
            yield from self._sort(error)

    def _sort(self, response: Response) -> Iterator[Response]:
        self._quiet_since = self._clock()
        if len(self._heap) >= self._length:
            yield heappop(self._heap)[2]
        heappush(self._heap, (response.time.ToNanoseconds(), next(self._order), response))
