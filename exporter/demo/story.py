"""What happens in the demo's cluster: a round of ordinary egress, and some of each thing worth noticing.

The same seed and start give the same flows, byte for byte.
"""

import random
from collections.abc import Iterator

from exporter.demo import cluster
from exporter.demo.cluster import API_SERVER, CATALOG, CATALOG_REMOTE, CHECKOUT, DATABASE_REMOTE, FRONTEND, REPORT
from exporter.demo.events import Side, connection, dns, drop, http, side, trace
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2

ROUND_SECONDS = 60.0
_PAYMENTS = Side(
    cluster.world("fqdn:api.payments.example", "cidr:203.0.113.10/32", identity=16777301),
    "203.0.113.10",
    443,
    ("api.payments.example",),
)
_MAIL = Side(cluster.world("cidr:198.51.100.0/24", identity=16777302), "198.51.100.25", 587)
_NAMELESS = Side(cluster.world(), "192.0.2.77", 8443)
_METADATA = Side(cluster.world(), "169.254.169.254", 80)
_TIME = Side(cluster.world("cidr:2001-db8-7--0/48", identity=16777303), "2001:db8:7::123", 123)
_PARTNER = Side(
    cluster.world("fqdn:*.partner.example", identity=16777304), "203.0.113.44", 80, ("files.partner.example",)
)


def begin() -> Iterator[observer_pb2.GetFlowsResponse]:
    """What relay sends first: the nodes that it is connected to."""
    yield observer_pb2.GetFlowsResponse(
        node_status=relay_pb2.NodeStatusEvent(state_change=relay_pb2.NODE_CONNECTED, node_names=cluster.NODES),
        node_name=cluster.NODES[0],
    )


def play(number: int, start_ns: int, seed: int) -> Iterator[observer_pb2.GetFlowsResponse]:
    """Round `number` of the story, its flows spread over `ROUND_SECONDS` from `start_ns` (ns since the epoch) on."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311, a story needs no secrets
    flows = list(_scenes(number, chance))
    step_ns = int(ROUND_SECONDS * 1e9 / len(flows))
    for index, flow in enumerate(flows):
        flow.time.FromNanoseconds(start_ns + index * step_ns + chance.randrange(step_ns))
        flow.uuid = f"{number:08x}-{index:04x}"
        yield observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time)
    if number % 5 == 4:  # noqa: PLR2004, now and then
        lost = flow_pb2.LostEvent(source=flow_pb2.HUBBLE_RING_BUFFER, num_events_lost=chance.randrange(1, 20))
        yield observer_pb2.GetFlowsResponse(lost_events=lost, node_name=cluster.NODES[1])


def _scenes(number: int, chance: random.Random) -> Iterator[flow_pb2.Flow]:
    ports = iter(range(32768 + number * 50 % 28000, 65000))
    yield from _normal_day(ports, chance)
    yield from _what_policy_stops(ports)
    yield from _what_stands_out(ports)


def _normal_day(ports: Iterator[int], chance: random.Random) -> Iterator[flow_pb2.Flow]:
    for _ in range(chance.randrange(3, 7)):
        yield from connection(side(FRONTEND, next(ports)), side(CATALOG_REMOTE, 8080), policy="frontend")
    yield from connection(side(CATALOG, next(ports)), side(DATABASE_REMOTE, 5432))
    for name, rcode, ips in (
        ("api.payments.example.shop.svc.cluster.local.", 3, ()),
        ("api.payments.example.svc.cluster.local.", 3, ()),
        ("api.payments.example.cluster.local.", 3, ()),
        ("api.payments.example.", 0, ("203.0.113.10",)),
    ):
        yield from dns(side(CHECKOUT, next(ports)), name, rcode=rcode, ips=ips)
    for _ in range(chance.randrange(1, 4)):
        yield from connection(side(CHECKOUT, next(ports)), _PAYMENTS, policy="checkout")
    yield from connection(side(CHECKOUT, next(ports)), _MAIL)
    yield from connection(side(CATALOG, next(ports)), _TIME, "udp")
    yield from connection(side(REPORT, next(ports)), Side(API_SERVER, cluster.API_SERVER_ADDRESS, 6443))
    host = Side(cluster.HOST, cluster.HOST_ADDRESS, next(ports))
    packet = trace(host, Side(cluster.world(), "203.0.113.123", 123), "udp", new=True)
    packet.traffic_direction = flow_pb2.TRAFFIC_DIRECTION_UNKNOWN
    yield packet


def _what_policy_stops(ports: Iterator[int]) -> Iterator[flow_pb2.Flow]:
    yield from drop(side(FRONTEND, next(ports)), _NAMELESS, "tcp", flow_pb2.POLICY_DENIED)
    yield from drop(side(REPORT, next(ports)), _METADATA, "tcp", flow_pb2.POLICY_DENY)
    yield from drop(side(REPORT, next(ports)), _MAIL, "tcp", flow_pb2.NO_EGRESS_GATEWAY)
    yield from dns(side(REPORT, next(ports)), "paste.leak.example.", refused=True)


def _what_stands_out(ports: Iterator[int]) -> Iterator[flow_pb2.Flow]:
    port = next(ports)
    yield from connection(side(FRONTEND, port), _PARTNER, verdict=flow_pb2.REDIRECTED, policy="frontend-l7")
    yield from http(side(FRONTEND, port), _PARTNER, method="GET", code=200)
    yield from http(side(FRONTEND, port), _PARTNER, method="PUT", code=403, denied=True)
    yield from connection(side(CHECKOUT, next(ports)), _NAMELESS, verdict=flow_pb2.AUDIT)
    yield from connection(side(CATALOG), Side(cluster.world(), "192.0.2.9"), "icmp")
