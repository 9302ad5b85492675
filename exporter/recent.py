"""What the landing page shows of the last moments: the last drops, and how fast flows arrive. Owned by the pipeline."""

from collections import deque
from typing import NamedTuple

from exporter.destinations.interface import Destination, WorkloadName
from exporter.flow import Flow
from exporter.metrics.recorder import port_of_drop, reason_of_drop

_SPAN_NS = 60 * 1_000_000_000
_SAMPLES = 61
"""A tick a second; slower ticks reach further back, and the span cuts them off."""


class Drop(NamedTuple):
    """The last of some drops that differ in address and time only, with the label values they were counted under."""

    time_ns: int
    source: WorkloadName
    destination: Destination
    address: str
    """Where the packet went; empty for a refused DNS query, whose packet went to the resolver."""
    port: str
    protocol: str
    reason: str
    node_name: str
    times: int = 1
    """How many there were since the first of them came into view."""


class Rate(NamedTuple):
    """Flows per second, and over how many seconds that is true."""

    per_second: float
    seconds: float


class Recent:
    """The last drops and a minute of samples. Flows cost nothing here, drops an entry in a small table.

    A packet that nobody answers is sent again, and who looks for a way out tries many addresses: such drops share one
    entry, so that one workload does not push all others out of view.
    """

    def __init__(self, most_drops: int = 20) -> None:
        self._most_drops = most_drops
        self._drops: dict[tuple[object, ...], Drop] = {}
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES)

    def dropped(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """Remember a drop that was counted."""
        reason = reason_of_drop(flow)
        address = "" if reason == "dns_denied" else flow.destination_ip
        port = port_of_drop(flow)
        same = (source, destination, port, flow.kind.protocol, reason, flow.node_name)
        before = self._drops.pop(same, None)
        times = flow.weight + (before.times if before else 0)
        self._drops[same] = Drop(
            flow.time_ns, source, destination, address, port, flow.kind.protocol, reason, flow.node_name, times
        )
        if len(self._drops) > self._most_drops:
            del self._drops[next(iter(self._drops))]

    def sample(self, flows: int, wall_ns: int) -> None:
        """Take note of how many flows there were up to now."""
        if self._samples and wall_ns <= self._samples[-1][0]:
            # The clock was set back: rates over its jump would be nonsense.
            self._samples.clear()
        self._samples.append((wall_ns, flows))
        while wall_ns - self._samples[0][0] > _SPAN_NS and len(self._samples) > 2:  # noqa: PLR2004, a rate needs two
            self._samples.popleft()

    @property
    def rate(self) -> Rate | None:
        """Flows per second over the last minute or what there is of it; None before the second sample."""
        if len(self._samples) < 2:  # noqa: PLR2004, a rate needs two
            return None
        (first_ns, first), (last_ns, last) = self._samples[0], self._samples[-1]
        seconds = (last_ns - first_ns) / 1e9
        return Rate((last - first) / seconds, seconds)

    @property
    def drops(self) -> tuple[Drop, ...]:
        """The last drops, the newest first."""
        return tuple(reversed(self._drops.values()))
