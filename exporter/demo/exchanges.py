"""What a call looks like from its first packet to its last: flows in the order and at the times of their packets."""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle

from exporter.demo.cluster import COREDNS, Party
from exporter.demo.events import Call, dns_answer, dns_query, drop, http, policy_verdict, trace
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.flow.flow_pb2 import ESTABLISHED, NEW, REPLY, TO_ENDPOINT, TO_OVERLAY, TO_PROXY, TO_STACK

NOERROR, NXDOMAIN = 0, 3
_PACKET = 0.002
"""Seconds between two packets of an exchange."""
_RETRIES = (0.0, 1.0, 3.0)
"""When a SYN without an answer is sent again, in seconds: Linux doubles the wait each time."""
_POLICY_REASONS = (flow_pb2.POLICY_DENIED, flow_pb2.POLICY_DENY)

Flows = Iterator[flow_pb2.Flow]


class Scene:
    """What is not written down: chance, which the seed decides, and source ports, of which each call has its own."""

    def __init__(self, seed: int, lap: int = 0) -> None:
        self.chance = random.Random(f"{seed}/{lap}")  # noqa: S311, a story needs no secrets
        self._ports = cycle(range(32768, 61000))

    def call(self, source: Party, destination: Party, port: int, protocol: str = "tcp") -> Call:
        """A call that nobody has made before."""
        return Call(source, next(self._ports), destination, port, protocol)


def connection(call: Call, at: float, *, policy: str = "", verdict: int = flow_pb2.FORWARDED) -> Flows:
    """A connection that passes and ends; with `policy` or another `verdict`, egress of the source is restricted."""
    flows = [policy_verdict(call, verdict, policy)] if policy or verdict != flow_pb2.FORWARDED else []
    point = TO_PROXY if verdict == flow_pb2.REDIRECTED else _way_out(call)
    if point != TO_ENDPOINT:
        flows.append(trace(call, point, NEW, "S"))
    if call.destination.node:
        flows.append(trace(call, TO_ENDPOINT, NEW, "S", node=call.destination.node, direction=flow_pb2.INGRESS))
    flows.append(trace(call.reply, TO_ENDPOINT, REPLY, "SA", node=call.source.node))
    if call.protocol == "tcp" and point != TO_ENDPOINT:
        flows += [
            trace(call, point, ESTABLISHED, "AP"),
            trace(call.reply, TO_ENDPOINT, REPLY, "AP", node=call.source.node),
            trace(call, point, ESTABLISHED, "AF"),
        ]
    yield from _timed(flows, at)


def long_connection(call: Call, at: float, seconds: float, policy: str) -> Flows:
    """What an open connection shows once in the monitor's interval, here a coarse one of a minute."""
    yield from _timed([policy_verdict(call, flow_pb2.FORWARDED, policy), trace(call, _way_out(call), NEW, "S")], at)
    yield from _timed([trace(call.reply, TO_ENDPOINT, REPLY, "SA", node=call.source.node)], at + _PACKET)
    for later in range(60, int(seconds), 60):
        yield from _timed([trace(call, _way_out(call), ESTABLISHED, "AP")], at + later)


def host_connection(call: Call, at: float) -> Flows:
    """A process on the host network: no endpoint program saw it leave, so the agent gives no direction."""
    unknown = flow_pb2.TRAFFIC_DIRECTION_UNKNOWN
    start = trace(call, flow_pb2.TO_NETWORK, NEW, "S", direction=unknown)
    answer = trace(call.reply, flow_pb2.TO_HOST, REPLY, "SA", node=call.source.node, direction=unknown)
    yield from _timed([start, answer], at)


def denied(call: Call, at: float, reason: int = flow_pb2.POLICY_DENIED, policy: str = "") -> Flows:
    """A packet that is dropped, and sent again: policy shows a verdict and a drop each time, other reasons a drop."""
    for later in _RETRIES:
        verdicts = [policy_verdict(call, flow_pb2.DROPPED, policy, reason)] if reason in _POLICY_REASONS else []
        yield from _timed([*verdicts, drop(call, reason)], at + later)


def lookup(
    scene: Scene, source: Party, name: str, at: float, answer: Sequence[str] = (), *, search: bool = False
) -> Flows:
    """A name is asked for, A and AAAA, through the DNS proxy; with `search`, its expansions are tried before it."""
    expansions = [f"{name}.{suffix}" for suffix in _suffixes(source)] if search else []
    for number, asked in enumerate([*expansions, name]):
        call = scene.call(source, COREDNS, 53, "udp")
        flows = [policy_verdict(call, flow_pb2.REDIRECTED, "dns"), trace(call, TO_PROXY, NEW), _upstream(call)]
        for qtype in ("A", "AAAA"):
            query = dns_query(call, f"{asked}.", qtype)
            records = [entry for entry in answer if (":" in entry) == (qtype == "AAAA") or entry.endswith(".")]
            missing = asked in expansions
            flows += [query, dns_answer(query, call, NXDOMAIN if missing else NOERROR, [] if missing else records)]
        flows.append(trace(call.reply, TO_ENDPOINT, REPLY, node=source.node))
        yield from _timed(flows, at + number * 0.05)


def refused_lookup(scene: Scene, source: Party, name: str, at: float) -> Flows:
    """A name that no DNS rule allows: the proxy answers REFUSED by itself, which Hubble shows as a dropped query."""
    call = scene.call(source, COREDNS, 53, "udp")
    refused = [dns_query(call, f"{name}.", qtype, flow_pb2.DROPPED) for qtype in ("A", "AAAA")]
    packets = [policy_verdict(call, flow_pb2.REDIRECTED, "dns"), trace(call, TO_PROXY, NEW)]
    yield from _timed([*packets, *refused, trace(call.reply, TO_ENDPOINT, REPLY, node=source.node)], at)


def unseen_lookup(scene: Scene, source: Party, at: float) -> Flows:
    """A lookup past the DNS proxy: packets to port 53, and no word about the name."""
    yield from connection(scene.call(source, COREDNS, 53, "udp"), at)


def request(call: Call, at: float, method: str, path: str, code: int, *, policy: str, allowed: bool = True) -> Flows:
    """An HTTP exchange through the proxy, with the proxy's own leg to the server; a denied one has neither."""
    yield from connection(call, at, policy=policy, verdict=flow_pb2.REDIRECTED)
    at += 6 * _PACKET
    if not allowed:
        yield from _timed([http(call, method, path, code, flow_pb2.DROPPED, response=False)], at)
        return
    asked = http(call, method, path, 0, flow_pb2.FORWARDED, response=False)
    yield from _timed([asked, _upstream(call), http(call, method, path, code, flow_pb2.FORWARDED, response=True)], at)


def _upstream(call: Call) -> flow_pb2.Flow:
    """The proxy's own packet to the server: it keeps the pod's address and takes a port that no other call uses."""
    upstream = call._replace(source_port=61000 + call.source_port % 4000)
    unknown = flow_pb2.TRAFFIC_DIRECTION_UNKNOWN
    return trace(upstream, TO_STACK, flow_pb2.TRACE_REASON_UNKNOWN, "S", direction=unknown)


def _way_out(call: Call) -> int:
    """Where the first packet is seen to leave: to another node through the tunnel, to a neighbour directly."""
    if not call.destination.node:
        return TO_STACK
    return TO_ENDPOINT if call.destination.node == call.source.node else TO_OVERLAY


def _suffixes(source: Party) -> tuple[str, ...]:
    """The search list that Kubernetes writes into a pod's resolv.conf, with `ndots:5`."""
    return (f"{source.owned.namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local")


def _timed(flows: Sequence[flow_pb2.Flow], at: float) -> Flows:
    """Give each flow its time, in ns since the story's beginning."""
    for number, flow in enumerate(flows):
        flow.time.FromNanoseconds(round((at + number * _PACKET) * 1e9))
        yield flow
