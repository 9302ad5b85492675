"""The events that an agent sends for what a pod does: few kinds of flows, each made once."""

from collections.abc import Iterator
from random import Random

from exporter.endpoint import Endpoint
from exporter.flow import L7, Dns, Flow, Kind, L7Type, TraceReason, Verdict
from tests.flows import (
    ACK,
    DNS_IP,
    at,
    denied_verdict,
    dns_answer,
    dns_query,
    drop,
    flow,
    host,
    icmp,
    labelled,
    policy_verdict,
    reply_to,
    world,
)

WORLD = world()
_QUERY, _ANSWER = dns_query(), dns_answer()
_RESOLVER = _QUERY.destination
_REFUSED = dns_query(verdict=Verdict.DROPPED).kind
_VERDICT, _DENIED, _DROP, _SYN = policy_verdict().kind, denied_verdict().kind, drop().kind, flow().kind
_MIDDLE = flow(trace_reason=TraceReason.ESTABLISHED, tcp_flags=ACK).kind
_SYN_ACK = reply_to(flow()).kind
_PING = icmp().kind
_DNS_VERDICT = policy_verdict(verdict=Verdict.REDIRECTED, protocol="udp", tcp_flags=0).kind
_HOST, _API_SERVER = host(), labelled("reserved:kube-apiserver", identity=7)
_POLICY_DENIED = 133
_RETRANSMITTED = (0.0, 1.0, 3.0)
NXDOMAIN, SERVFAIL = 3, 2


class Wire:
    """One pod on its node, and the port that it has now."""

    def __init__(self, endpoint: Endpoint, ip: str, node: str, chance: Random) -> None:
        self._endpoint, self._ip, self._node = endpoint, ip, node
        self._port, self._chance = chance.randint(32_768, 60_999), chance

    def lookup(self, time: float, name: str, qtype: str, answer: tuple[str, ...], ttl: int, cname: str) -> list[Flow]:
        """A query that the proxy saw, and its answer."""
        cnames = (f"{cname}.",) if cname else ()
        flows = [*self._asks(time, name, qtype), self._answers(time, Dns(f"{name}.", (qtype,), 0, answer, cnames, ttl))]
        if self._chance.random() < 1 / 5:
            flows.insert(0, self._to(time - 0.001, _DNS_VERDICT, _RESOLVER, DNS_IP, 53, match=1))
        return flows

    def failed_lookup(self, time: float, name: str, rcode: int) -> list[Flow]:
        """A query, and an answer that says no."""
        return [*self._asks(time, name, "A"), self._answers(time, Dns(f"{name}.", ("A",), rcode))]

    def refused_lookup(self, time: float, name: str) -> Flow:
        """A query that the proxy refused."""
        return self._dns(time, _REFUSED, L7(L7Type.REQUEST, Dns(f"{name}.", ("A",), 0)))

    def connection(
        self, time: float, ip: str, port: int, names: tuple[str, ...], to: Endpoint = WORLD, middle: int = 0
    ) -> Iterator[Flow]:
        """The policy's verdict, the SYN, perhaps its answer, and so many packets in the middle."""
        yield self._to(time, _VERDICT, to, ip, port, names, match=1)
        yield self._to(time + 0.0002, _SYN, to, ip, port, names)
        if self._chance.random() < 1 / 4:
            yield Flow(_SYN_ACK, at(time + 0.02), self._node, to, self._endpoint, ip, self._ip, port, self._port)
        for number in range(middle):
            yield self._to(time + 0.05 + number * 5, _MIDDLE, to, ip, port, names)

    def still_open(self, time: float, ip: str, port: int, names: tuple[str, ...]) -> Flow:
        """A packet in the middle of a connection."""
        return self._to(time, _MIDDLE, WORLD, ip, port, names)

    def ping(self, time: float, ip: str, names: tuple[str, ...]) -> Flow:
        """An echo request."""
        self._port = 0
        return self._to(time, _PING, WORLD, ip, 0, names)

    def denied(self, time: float, ip: str, port: int) -> Iterator[Flow]:
        """A connection that policy does not let out: two events for each SYN, which is sent again."""
        for later in _RETRANSMITTED:
            yield self._to(time + later, _DENIED, WORLD, ip, port, drop_reason=_POLICY_DENIED)
            yield self._to(time + later + 0.0001, _DROP, WORLD, ip, port, drop_reason=_POLICY_DENIED)

    def _to(
        self,
        time: float,
        kind: Kind,
        to: Endpoint,
        ip: str,
        port: int,
        names: tuple[str, ...] = (),
        *,
        match: int = 0,
        drop_reason: int = 0,
    ) -> Flow:
        made = Flow(kind, at(time), self._node, self._endpoint, to, self._ip, ip, self._port, port, names)
        made.policy_match_type, made.drop_reason = match, drop_reason
        return made

    def _asks(self, time: float, name: str, qtype: str) -> list[Flow]:
        return [self._dns(time, _QUERY.kind, L7(L7Type.REQUEST, Dns(f"{name}.", (qtype,), 0)))]

    def _answers(self, time: float, record: Dns) -> Flow:
        asked = self._dns(time + 0.012, _ANSWER.kind, L7(L7Type.RESPONSE, record))
        return asked.turned()

    def _dns(self, time: float, kind: Kind, l7: L7) -> Flow:
        made = Flow(kind, at(time), self._node, self._endpoint, _RESOLVER, self._ip, DNS_IP, self._port, 53)
        made.l7 = l7
        return made


def sign_of_life(time: float, node: str) -> Flow:
    """A packet of the node itself to the API server: nodes are never silent."""
    return Flow(_MIDDLE, at(time), node, _HOST, _API_SERVER, "192.168.7.9", "192.168.7.2", 44_444, 6443)
