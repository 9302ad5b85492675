"""A memory written by hand: two workloads in one cluster, and one in another."""

from exporter.known.interface import Fact, Mark, Row, What, WorkloadKey, node_key, seen
from tests.flows import at

DAY = 86_400
CART = WorkloadKey("east", "shop", "cart")
HOST = WorkloadKey("east", "", "~host")
WEST = WorkloadKey("west", "shop", "web")
LATEST = (
    '{"kind":"fqdn","scope":"public","label":"api.example.com","address":"203.0.113.10","verdict":"forwarded",'
    '"expectation":"not_covered"}'
)
DROPPED = '{"kind":"world","scope":"public","label":"world","verdict":"dropped","expectation":"unexpected"}'
BEGAN = '{"context":"learning","pod":"cart-7d4b9c8f6d-x2k4q","node":"east/node-1"}'


def _span(first: float, last: float, latest: str = "") -> Row:
    return Row(at(first), at(last), at(first), BEGAN if latest else "", latest)


FACTS = (
    Fact(CART, Mark(What.WORKLOAD), _span(0, 2 * DAY)),
    Fact(CART, Mark(What.DNS), _span(0, 2 * DAY)),
    Fact(CART, Mark(What.POD, "cart-7d4b9c8f6d-x2k4q 77"), _span(10, 2 * DAY)),
    Fact(CART, Mark(What.START, "cart-7d4b9c8f6d-x2k4q 77"), seen(at(10))),
    Fact(CART, Mark(What.NOVELTY, "83333"), _span(0, DAY)),
    Fact(CART, Mark(What.DESTINATION, "443/tcp example.com"), _span(0, 2 * DAY, LATEST)),
    Fact(CART, Mark(What.DESTINATION, "8443/tcp example.com"), _span(DAY, DAY, LATEST)),
    Fact(CART, Mark(What.ADDRESS, "203.0.113.10 example.com"), _span(0, DAY)),
    Fact(CART, Mark(What.ADDRESS, "203.0.113.9 example.com"), _span(0, DAY)),
    Fact(CART, Mark(What.DENIED, "25/tcp 192.0.2.10"), _span(DAY, DAY + 60, DROPPED)),
    Fact(CART, Mark(What.TOLD, "unexpected 25/tcp 192.0.2.10"), seen(at(DAY))),
    Fact(HOST, Mark(What.WORKLOAD), _span(0, 60)),
    Fact(HOST, Mark(What.DESTINATION, "query evil.example"), _span(0, 60, DROPPED)),
    Fact(WEST, Mark(What.WORKLOAD), _span(0, DAY)),
    Fact(WEST, Mark(What.DESTINATION, "443/tcp example.com"), _span(0, DAY, LATEST)),
    Fact(node_key("east/node-1"), Mark(What.NODE), _span(0, 2 * DAY)),
)
