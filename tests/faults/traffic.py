"""What the agents tell: one seeded sequence of flows, which the server sends and the oracle counts.

Flows stand in the order in which they are written to the rings. That is the order of their times but for records of the
DNS proxy, which carry the time of its access log and so are up to one and a half seconds older than their neighbours.
"""

import random
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from exporter.demo import cluster
from exporter.demo.cluster import COREDNS, NODE_1, NODE_2, NODE_3, Party, named, outside
from exporter.demo.events import Call, dns_answer, dns_query, drop, policy_verdict, trace
from exporter.demo.exchanges import NOERROR, NXDOMAIN, Scene
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.flow.flow_pb2 import ESTABLISHED, NEW, REPLY, TO_ENDPOINT, TO_PROXY, TO_STACK
from exporter.hubble.pb.observer import observer_pb2

SECOND = 1_000_000_000
BEGIN = 1_750_000_000 * SECOND
"""Long ago, so that no clock of the machine has a say in what is counted."""
BETWEEN = SECOND // 5
"""From one exchange to the next: thirty flows a second, three hundred in the overlap of ten seconds."""
_LATEST = 3 * SECOND // 2
_PODS = {
    NODE_1: (cluster.FRONTEND_A, cluster.CHECKOUT, cluster.RECOMMENDER),
    NODE_2: (cluster.FRONTEND_B, cluster.CATALOG, cluster.SEARCH, cluster.INVOICE),
    NODE_3: (cluster.CART, cluster.MAILER, cluster.WISHLIST),
}
NODES = tuple(_PODS)
_PARTIES = (
    *(named(f"198.51.100.{number}", f"service{number}.example") for number in range(1, 20)),
    *(outside(f"203.0.113.{number}") for number in range(1, 9)),
)


class Told(NamedTuple):
    """One message of a node: the time that its flow carries, and its bytes."""

    node: str
    time_ns: int
    data: bytes


class _Placed(NamedTuple):
    place_ns: int
    number: int
    late_ns: int
    flow: flow_pb2.Flow


def told(seed: int, nodes: int = 1, disorder: int = 0) -> Iterator[Told]:
    """The sequence, without an end; `nodes` of the cluster's nodes take part.

    With `disorder` each flow may come so many milliseconds late, as relay sends them when its nodes' clocks differ.
    """
    scene, order, waiting = Scene(seed), count(), list[_Placed]()
    for number in count(1):
        start_ns = BEGIN + number * BETWEEN
        for after, late, flow in _exchange(scene, NODES[scene.chance.randrange(nodes)]):
            # No two flows are stamped alike: where they are, nothing else tells them apart for sure.
            place_ns = start_ns + int(after * SECOND) + scene.chance.randrange(1_000_000)
            late_ns = int(max(late * _LATEST, scene.chance.random() * disorder * 1e6))
            heappush(waiting, _Placed(place_ns, next(order), late_ns, flow))
        while waiting and waiting[0].place_ns <= start_ns:
            yield _message(heappop(waiting))


def _message(placed: _Placed) -> Told:
    flow, time_ns = placed.flow, placed.place_ns - placed.late_ns
    flow.time.FromNanoseconds(time_ns)
    response = observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time)
    return Told(flow.node_name, time_ns, response.SerializeToString())


def _exchange(scene: Scene, node: str) -> Iterator[tuple[float, float, flow_pb2.Flow]]:
    """Seconds after its beginning, how late it is as a share of the latest, and the flow, of one exchange."""
    pod, party = scene.chance.choice(_PODS[node]), scene.chance.choice(_PARTIES)
    call = scene.call(pod, party, scene.chance.choice((443, 5432)))
    (kind,) = scene.chance.choices(("policed", "unanswered", "denied", "lookup"), (4, 2, 2, 4))
    match kind:
        case "policed":
            yield 0.0, 0.0, policy_verdict(call, flow_pb2.FORWARDED, "egress")
            yield 0.002, 0.0, trace(call, TO_STACK, NEW, "S")
            yield 1.1, 0.0, trace(call, TO_STACK, NEW, "S")
            yield 1.2, 0.0, trace(call.reply, TO_ENDPOINT, REPLY, "SA", node=node)
            yield 1.3, 0.0, trace(call, TO_STACK, ESTABLISHED, "AP")
            yield 1.4, 0.0, trace(call.reply, TO_ENDPOINT, REPLY, "AP", node=node)
        case "unanswered":
            for later in (0.0, 1.0, 3.0):
                yield later, 0.0, trace(call, TO_STACK, NEW, "S")
        case "denied":
            for later in (0.0, 1.0, 3.0):
                yield later, 0.0, policy_verdict(call, flow_pb2.DROPPED, "", flow_pb2.POLICY_DENIED)
                yield later + 0.001, 0.0, drop(call, flow_pb2.POLICY_DENIED)
        case _:
            yield from _lookup(scene, pod, party)


def _lookup(scene: Scene, pod: Party, party: Party) -> Iterator[tuple[float, float, flow_pb2.Flow]]:
    call: Call = scene.call(pod, COREDNS, 53, "udp")
    name, chance = party.names[0] if party.names else "gone.example", scene.chance
    yield 0.0, 0.0, policy_verdict(call, flow_pb2.REDIRECTED, "dns")
    yield 0.001, 0.0, trace(call, TO_PROXY, NEW)
    query = dns_query(call, f"{name}.", "A")
    answer = dns_answer(query, call, NOERROR if party.names else NXDOMAIN, [party.address] if party.names else [])
    late = chance.random()
    yield 0.002, late, query
    yield 0.01, late, answer
    yield 0.02, 0.0, trace(call.reply, TO_ENDPOINT, REPLY, node=pod.node)


def chance_of(seed: int) -> random.Random:
    """What a test leaves to chance; the seed decides."""
    return random.Random(seed)  # noqa: S311, tests need no secrets
