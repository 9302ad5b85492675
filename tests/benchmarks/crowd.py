"""A crowd that never calls the same place twice in a row: 5,000 workloads, 200,000 destinations, any of each to any.

It is there to fill whatever has a bound, and written to be made quickly: nothing is in it that we do not read.
"""

import random
from collections.abc import Iterator
from itertools import count

from exporter.demo.cluster import Party, named
from exporter.demo.exchanges import Flows, Scene, connection, denied, lookup
from exporter.hubble.pb.flow import flow_pb2
from tests.benchmarks.population import Population

WORKLOADS = 5_000
DESTINATIONS = 200_000
_STEP = 7919
"""Has no divisor in common with the number of destinations: so many calls later all of them were called."""
_BETWEEN = 0.006
"""Seconds of the flows' time from one call to the next: about a thousand flows in a second."""


def crowd(begin_ns: int) -> Iterator[flow_pb2.Flow]:
    """Flows without an end, nearly in the order of time."""
    scene = Scene(0)
    people = Population(random.Random(0), WORKLOADS)  # noqa: S311, no secrets
    for number in count():
        pod = scene.chance.choice(people.workloads).pods[number % 2]
        destination = _destination(number * _STEP % DESTINATIONS)
        for flow in _call(number, scene, pod, destination):
            if flow.traffic_direction != flow_pb2.INGRESS:
                flow.time.FromNanoseconds(begin_ns + flow.time.ToNanoseconds())
                yield flow


def _call(number: int, scene: Scene, pod: Party, destination: Party) -> Flows:
    at = number * _BETWEEN
    match number % 10:
        case 0:
            return denied(scene.call(pod, destination, 443), at, policy="deny")
        case 1 | 2:
            return lookup(scene, pod, destination.names[0], at, [destination.address])
        case _:
            return connection(scene.call(pod, destination, 443), at, policy="allow")


def _destination(number: int) -> Party:
    # More than the addresses of RFC 2544: two names may share one, as on a CDN.
    address = f"198.{18 + number // 65_536 % 2}.{number // 256 % 256}.{number % 256}"
    return named(address, f"destination-{number}.example")
