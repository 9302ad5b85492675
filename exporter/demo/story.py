"""The demo's story: two hours of history, then laps in which one of each thing happens.

The same seed gives the same happenings, byte for byte. Times are ns since the beginning of the history, or of the lap.
"""

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from exporter.demo import cluster, normal_day
from exporter.demo.exchanges import Scene
from exporter.demo.incidents import (
    INCIDENTS,
    LEAVING_MINUTE,
    LOST_MINUTE,
    RETURNING_MINUTE,
    beacon,
    no_dns_rule,
)
from exporter.hubble.pb.flow import flow_pb2

MINUTE_NS = 60 * 1_000_000_000
HISTORY_MINUTES, LAP_MINUTES = 120, 30
_HISTORY_LAP = -1
_BEACON_EVERY, _BEACON_FROM = 4, 35
_DNS_BROKEN_EVERY, _DNS_BROKEN_FROM = 5, 50


class Membership(NamedTuple):
    """A node leaves, or comes back."""

    connected: bool


class Heading(NamedTuple):
    """What happens next, for a person who watches."""

    title: str


class Happening(NamedTuple):
    """What is told: a flow or a loss that a node reports, its leaving and coming back, or what all that is about."""

    at_ns: int
    node: str
    event: flow_pb2.Flow | flow_pb2.LostEvent | Membership | Heading


def history(seed: int) -> Iterator[Happening]:
    """The hours before the demo begins: normal days, and what takes more than an hour to be seen for what it is."""
    scene = Scene(seed, _HISTORY_LAP)

    def minute(number: int) -> Iterator[Happening]:
        yield from _flows(normal_day.minute(number, scene))
        if number >= _BEACON_FROM and number % _BEACON_EVERY == 0:
            yield from _flows(beacon(number * 60.0 + 17, scene))
        if number >= _DNS_BROKEN_FROM and number % _DNS_BROKEN_EVERY == 0:
            yield from _flows(no_dns_rule(number * 60.0 + 28, scene))

    yield from _identified(_in_order(HISTORY_MINUTES, minute), seed, _HISTORY_LAP)


def lap(number: int, seed: int) -> Iterator[Happening]:
    """Lap `number`: a normal day on which one of each thing happens."""
    scene = Scene(seed, number)

    def minute(of_lap: int) -> Iterator[Happening]:
        yield from _flows(normal_day.minute(of_lap, scene))
        if of_lap % _BEACON_EVERY == 0:
            yield from _flows(beacon(of_lap * 60.0 + 17, scene))
        for incident in INCIDENTS:
            if incident.minute == of_lap:
                yield _heading(of_lap * MINUTE_NS, incident.title)
                yield from _flows(incident.act(of_lap * 60.0 + 5, scene))
        yield from _troubles(of_lap, scene)

    yield from _identified(_without_absent(_in_order(LAP_MINUTES, minute)), seed, number)


def _troubles(minute: int, scene: Scene) -> Iterator[Happening]:
    """What befalls the observation itself."""
    at_ns = minute * MINUTE_NS + MINUTE_NS // 2
    if minute == LOST_MINUTE:
        yield _heading(at_ns, "events are lost on node-2, in the kernel's ring and in Hubble's queue")
        for source, most in ((flow_pb2.OBSERVER_EVENTS_QUEUE, 200), (flow_pb2.PERF_EVENT_RING_BUFFER, 20)):
            lost = flow_pb2.LostEvent(source=source, num_events_lost=scene.chance.randrange(1, most))
            if source == flow_pb2.PERF_EVENT_RING_BUFFER:
                lost.cpu.value = 1
            yield Happening(at_ns, cluster.NODE_2, lost)
    if minute in (LEAVING_MINUTE, RETURNING_MINUTE):
        returns = minute == RETURNING_MINUTE
        yield _heading(at_ns, f"node-3 {'comes back' if returns else 'leaves'}")
        yield Happening(at_ns, cluster.NODE_3, Membership(connected=returns))


def _heading(at_ns: int, title: str) -> Happening:
    return Happening(at_ns, "", Heading(title))


def _flows(flows: Iterable[flow_pb2.Flow]) -> Iterator[Happening]:
    for flow in flows:
        yield Happening(flow.time.ToNanoseconds(), flow.node_name, flow)


def _in_order(minutes: int, minute: Callable[[int], Iterable[Happening]]) -> Iterator[Happening]:
    """All minutes in the order of time: what a minute begins may go on in later ones, and ends with the last."""
    order = count()
    waiting: list[tuple[int, int, Happening]] = []
    for number in range(minutes):
        for happening in minute(number):
            heappush(waiting, (happening.at_ns, next(order), happening))
        while waiting and waiting[0][0] < (number + 1) * MINUTE_NS:
            yield heappop(waiting)[2]


def _without_absent(happenings: Iterable[Happening]) -> Iterator[Happening]:
    """A node that is away reports nothing."""
    away = set()
    for happening in happenings:
        match happening.event:
            case Membership(connected=True):
                away.discard(happening.node)
            case Membership(connected=False):
                away.add(happening.node)
            case _ if happening.node in away:
                continue
        yield happening


def _identified(happenings: Iterable[Happening], seed: int, lap_number: int) -> Iterator[Happening]:
    """Give each flow an id, as agents do."""
    chance = random.Random(f"{seed}/{lap_number}/ids")  # noqa: S311, a story needs no secrets
    for happening in happenings:
        if isinstance(happening.event, flow_pb2.Flow):
            happening.event.uuid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        yield happening
