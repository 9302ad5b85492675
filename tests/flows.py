"""Builders of flows: a pod of shop/cart that opens a TCP connection to the outside, unless a test says otherwise."""

from dataclasses import fields, replace
from typing import Any, TypedDict, Unpack

from exporter.endpoint import NO_ENDPOINT, Endpoint, Workload
from exporter.flow import (
    L7,
    Direction,
    Dns,
    EventType,
    Flow,
    Http,
    Kafka,
    Kind,
    L7Type,
    Policy,
    TcpFlags,
    TraceReason,
    Verdict,
)

SECOND = 1_000_000_000
BASE = 1_800_000_000 * SECOND
"""Flow time at which tests begin."""

SYN, ACK, SYN_ACK = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.SYN | TcpFlags.ACK
POD_IP, WORLD_IP, DNS_IP = "10.0.1.5", "93.184.216.34", "10.0.9.9"


class FlowFields(TypedDict, total=False):
    """The fields of `Flow`, all of them optional."""

    time_ns: int
    node_name: str
    event_type: int
    sub_type: int
    verdict: int
    drop_reason: int
    direction: int
    is_reply: bool | None
    trace_reason: int
    source: Endpoint
    destination: Endpoint
    source_ip: str
    destination_ip: str
    protocol: str
    source_port: int
    destination_port: int
    tcp_flags: int
    source_names: tuple[str, ...]
    destination_names: tuple[str, ...]
    l7: L7 | None
    policy_match_type: int
    egress_allowed_by: tuple[Policy, ...]
    egress_denied_by: tuple[Policy, ...]
    policy_log: tuple[str, ...]
    weight: int
    aggregated: bool


def at(seconds: float) -> int:
    """Flow time (ns), this many seconds after the beginning."""
    return BASE + round(seconds * SECOND)


def pod(
    workload: str = "cart",
    namespace: str = "shop",
    *,
    pod_name: str = "",
    kind: str = "Deployment",
    identity: int = 40_001,
    labels: tuple[str, ...] = (),
    cluster_name: str = "",
) -> Endpoint:
    """A pod as the node that owns it reports it: with an endpoint id and its workload."""
    named = remote_pod(
        pod_name or f"{workload}-7d4b9c8f6d-x2k4q",
        namespace,
        identity=identity,
        labels=labels,
        cluster_name=cluster_name,
    )
    return replace(named, id=77, workloads=(Workload(workload, kind),))


def remote_pod(
    pod_name: str = "cart-7d4b9c8f6d-x2k4q",
    namespace: str = "shop",
    *,
    identity: int = 40_001,
    labels: tuple[str, ...] = (),
    cluster_name: str = "",
) -> Endpoint:
    """A pod as any other node reports it: without endpoint id and workload."""
    ours = {f"k8s:io.kubernetes.pod.namespace={namespace}", f"k8s:app={namespace}-{identity}"}
    return Endpoint(
        identity=identity,
        namespace=namespace,
        pod_name=pod_name,
        labels=frozenset(ours | set(labels)),
        cluster_name=cluster_name,
    )


def labelled(*labels: str, identity: int = 0) -> Endpoint:
    """An endpoint that has labels and a number only."""
    return Endpoint(identity=identity, labels=frozenset(labels))


def world(*labels: str, identity: int = 2) -> Endpoint:
    """The outside of a single-stack cluster, with further labels such as `cidr:`."""
    return labelled("reserved:world", *labels, identity=identity)


def host() -> Endpoint:
    """The node itself: host processes and host-network pods."""
    return labelled("reserved:host", identity=1)


_CONNECT = Flow(
    Kind(
        event_type=EventType.TRACE,
        sub_type=3,
        verdict=Verdict.FORWARDED,
        direction=Direction.EGRESS,
        is_reply=False,
        trace_reason=TraceReason.NEW,
        protocol="tcp",
        tcp_flags=SYN,
    ),
    time_ns=BASE,
    node_name="east/node-1",
    source=pod(),
    destination=world(),
    source_ip=POD_IP,
    destination_ip=WORLD_IP,
    source_port=40_000,
    destination_port=443,
)
_KIND_FIELDS = {field.name for field in fields(Kind) if field.init}


def changed(event: Flow, **values: Unpack[FlowFields]) -> Flow:
    """The event with other values, those of its kind included."""
    kind: dict[str, Any] = {name: value for name, value in values.items() if name in _KIND_FIELDS}
    rest: dict[str, Any] = {name: value for name, value in values.items() if name not in _KIND_FIELDS}
    return replace(event, kind=replace(event.kind, **kind), **rest)


def flow(**fields: Unpack[FlowFields]) -> Flow:
    """A trace event: the SYN of a new connection to the outside, seen on the pod's node."""
    return changed(_CONNECT, **fields)


def udp(**fields: Unpack[FlowFields]) -> Flow:
    """A trace event of UDP, whose packets have no flags."""
    return changed(changed(_CONNECT, protocol="udp", tcp_flags=0), **fields)


def icmp(**fields: Unpack[FlowFields]) -> Flow:
    """A trace event of ICMP, which has no ports."""
    return changed(changed(_CONNECT, protocol="icmp", tcp_flags=0, source_port=0, destination_port=0), **fields)


def policy_verdict(**fields: Unpack[FlowFields]) -> Flow:
    """The policy verdict (type 5) that lets the connection pass."""
    allowed = changed(_CONNECT, event_type=EventType.POLICY_VERDICT, sub_type=0, trace_reason=TraceReason.UNKNOWN)
    return changed(changed(allowed, policy_match_type=1), **fields)


def denied_verdict(**fields: Unpack[FlowFields]) -> Flow:
    """The policy verdict (type 5) on a dropped packet."""
    return changed(policy_verdict(verdict=Verdict.DROPPED, drop_reason=133, is_reply=None), **fields)


def drop(**fields: Unpack[FlowFields]) -> Flow:
    """The drop event (type 1) of the same packet."""
    return changed(denied_verdict(event_type=EventType.DROP, sub_type=133, policy_match_type=0), **fields)


def reply_to(asked: Flow, **fields: Unpack[FlowFields]) -> Flow:
    """The answer to a packet, as Hubble shows it: the packet's own orientation, and `is_reply`."""
    flags = SYN_ACK if asked.kind.protocol == "tcp" else 0
    answer = changed(asked.turned(), is_reply=True, trace_reason=TraceReason.REPLY, tcp_flags=flags)
    return changed(changed(answer, event_type=EventType.TRACE, sub_type=0, verdict=Verdict.FORWARDED), **fields)


def dns_query(query: str = "api.example.com.", *qtypes: str, **fields: Unpack[FlowFields]) -> Flow:
    """A query that the DNS proxy saw (type 129)."""
    record = Dns(query, qtypes or ("A",), 0)
    return changed(_l7(L7(L7Type.REQUEST, record), "udp", 53), **fields)


def dns_response(query: str = "api.example.com.", rcode: int = 0, **fields: Unpack[FlowFields]) -> Flow:
    """Its response, from the resolver to the pod, without an address in it."""
    return dns_answer(query, rcode=rcode, **fields)


def dns_answer(
    query: str = "api.example.com.",
    *ips: str,
    ttl: int = 0,
    cnames: tuple[str, ...] = (),
    rcode: int = 0,
    **fields: Unpack[FlowFields],
) -> Flow:
    """The response that names addresses."""
    asked = _l7(L7(L7Type.RESPONSE, Dns(query, ("A",), rcode, ips, cnames, ttl)), "udp", 53)
    return changed(changed(asked.turned(), is_reply=True), **fields)


def dns_of(event: Flow) -> Dns:
    """Its DNS record."""
    assert event.l7 is not None
    assert isinstance(event.l7.record, Dns)
    return event.l7.record


def http_request(method: str = "GET", **fields: Unpack[FlowFields]) -> Flow:
    """An HTTP request that the proxy saw (type 129)."""
    return changed(_l7(L7(L7Type.REQUEST, Http(method, 0)), "tcp", 80), **fields)


def http_response(code: int = 200, method: str = "GET", **fields: Unpack[FlowFields]) -> Flow:
    """Its response, from the server to the pod."""
    asked = _l7(L7(L7Type.RESPONSE, Http(method, code)), "tcp", 80)
    return changed(changed(asked.turned(), is_reply=True), **fields)


def kafka_response(api_key: str = "produce", error_code: int = 0, **fields: Unpack[FlowFields]) -> Flow:
    """A Kafka response, from the broker to the pod."""
    asked = _l7(L7(L7Type.RESPONSE, Kafka(api_key, error_code)), "tcp", 9092)
    return changed(changed(asked.turned(), is_reply=True), **fields)


def _l7(layer7: L7, protocol: str, port: int) -> Flow:
    resolver = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104, labels=("k8s:k8s-app=kube-dns",))
    to = (resolver, DNS_IP) if isinstance(layer7.record, Dns) else (world(), WORLD_IP)
    return changed(
        _CONNECT,
        event_type=EventType.L7,
        sub_type=0,
        trace_reason=TraceReason.UNKNOWN,
        destination=to[0],
        destination_ip=to[1],
        protocol=protocol,
        destination_port=port,
        tcp_flags=0,
        l7=layer7,
    )


__all__ = [
    "ACK",
    "BASE",
    "DNS_IP",
    "NO_ENDPOINT",
    "POD_IP",
    "SECOND",
    "SYN",
    "SYN_ACK",
    "WORLD_IP",
    "FlowFields",
    "at",
    "changed",
    "denied_verdict",
    "dns_query",
    "dns_response",
    "drop",
    "flow",
    "host",
    "http_request",
    "http_response",
    "icmp",
    "kafka_response",
    "labelled",
    "pod",
    "policy_verdict",
    "remote_pod",
    "reply_to",
    "udp",
    "world",
]
