"""How Hubble shows things: one call, the flows of it, in the order and with the fields that an agent sends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.demo import cluster
from exporter.hubble.pb.flow import flow_pb2


@dataclass(frozen=True)
class Side:
    """One end of a connection."""

    endpoint: flow_pb2.Endpoint
    address: str
    port: int = 0
    names: tuple[str, ...] = ()


def side(endpoint: flow_pb2.Endpoint, port: int = 0) -> Side:
    """A pod of the demo's cluster as one end."""
    return Side(endpoint, cluster.ADDRESSES[endpoint.pod_name], port)


def _flow(source: Side, destination: Side, protocol: str, **fields: object) -> flow_pb2.Flow:
    layer4 = flow_pb2.Layer4()
    if protocol == "tcp":
        layer4.TCP.source_port, layer4.TCP.destination_port = source.port, destination.port
    elif protocol == "udp":
        layer4.UDP.source_port, layer4.UDP.destination_port = source.port, destination.port
    else:
        layer4.ICMPv4.type = 8
    version = flow_pb2.IPv6 if ":" in destination.address else flow_pb2.IPv4
    return flow_pb2.Flow(
        IP=flow_pb2.IP(source=source.address, destination=destination.address, ipVersion=version),
        l4=layer4,
        source=source.endpoint,
        destination=destination.endpoint,
        source_names=source.names,
        destination_names=destination.names,
        node_name=cluster.NODES[0],
        **fields,  # type: ignore[arg-type]
    )


def policy_verdict(source: Side, destination: Side, protocol: str, verdict: int, policy: str = "") -> flow_pb2.Flow:
    """A type-5 event of egress; a denied one carries no `is_reply`."""
    flow = _flow(source, destination, protocol, Type=flow_pb2.L3_L4, verdict=verdict, policy_match_type=2)
    flow.event_type.type = 5
    flow.traffic_direction = flow_pb2.EGRESS
    if protocol == "tcp":
        flow.l4.TCP.flags.SYN = True
    if verdict != flow_pb2.DROPPED:
        flow.is_reply.value = False
    if policy:
        flow.egress_allowed_by.add(name=policy, namespace=source.endpoint.namespace, kind="CiliumNetworkPolicy")
    return flow


def trace(source: Side, destination: Side, protocol: str, *, reply: bool = False, new: bool = False) -> flow_pb2.Flow:
    """A type-4 event of an egress connection, in the orientation of its packet."""
    reason = flow_pb2.NEW if new else flow_pb2.REPLY if reply else flow_pb2.ESTABLISHED
    flow = _flow(
        *((destination, source) if reply else (source, destination)),
        protocol,
        Type=flow_pb2.L3_L4,
        verdict=flow_pb2.FORWARDED,
        trace_reason=reason,
        traffic_direction=flow_pb2.EGRESS,
        trace_observation_point=flow_pb2.TO_ENDPOINT if reply else flow_pb2.TO_STACK,
    )
    flow.event_type.type, flow.event_type.sub_type = 4, 0 if reply else 3
    flow.is_reply.value = reply
    if protocol == "tcp":
        flow.l4.TCP.flags.SYN = new or reply
        flow.l4.TCP.flags.ACK = not new
    return flow


def connection(
    source: Side, destination: Side, protocol: str = "tcp", *, policy: str = "", verdict: int = flow_pb2.FORWARDED
) -> Iterator[flow_pb2.Flow]:
    """A connection that passes, as monitor aggregation `medium` shows it."""
    if policy or verdict != flow_pb2.FORWARDED:
        yield policy_verdict(source, destination, protocol, verdict, policy)
    yield trace(source, destination, protocol, new=True)
    yield trace(source, destination, protocol, reply=True)
    if protocol == "tcp":
        yield trace(source, destination, protocol)


def drop(source: Side, destination: Side, protocol: str, reason: int) -> Iterator[flow_pb2.Flow]:
    """A packet dropped by policy: the verdict and the drop; other reasons have the drop only."""
    if reason in (flow_pb2.POLICY_DENIED, flow_pb2.POLICY_DENY):
        denied = policy_verdict(source, destination, protocol, flow_pb2.DROPPED)
        denied.drop_reason_desc, denied.drop_reason = reason, reason  # type: ignore[assignment]
        if reason == flow_pb2.POLICY_DENY:
            denied.egress_denied_by.add(name="no-metadata", kind="CiliumClusterwideNetworkPolicy")
        yield denied
    dropped = _flow(
        source,
        destination,
        protocol,
        Type=flow_pb2.L3_L4,
        verdict=flow_pb2.DROPPED,
        drop_reason=reason,
        drop_reason_desc=reason,
        traffic_direction=flow_pb2.EGRESS,
    )
    dropped.event_type.type, dropped.event_type.sub_type = 1, reason
    if protocol == "tcp":
        dropped.l4.TCP.flags.SYN = True
    yield dropped


def dns(
    source: Side, query: str, *, qtype: str = "A", rcode: int = 0, ips: Sequence[str] = (), refused: bool = False
) -> Iterator[flow_pb2.Flow]:
    """A query through the DNS proxy and its answer; a refused one has no answer."""
    resolver = side(cluster.KUBE_DNS, 53)
    asked = _flow(source, resolver, "udp", Type=flow_pb2.L7, traffic_direction=flow_pb2.EGRESS)
    asked.verdict = flow_pb2.DROPPED if refused else flow_pb2.FORWARDED
    asked.event_type.type, asked.is_reply.value = 129, False
    asked.l7.type = flow_pb2.REQUEST
    asked.l7.dns.query, asked.l7.dns.observation_source = query, "proxy"
    asked.l7.dns.qtypes.append(qtype)
    yield asked
    if not refused:
        answer = _flow(resolver, source, "udp", Type=flow_pb2.L7, traffic_direction=flow_pb2.EGRESS)
        answer.verdict = flow_pb2.FORWARDED
        answer.event_type.type, answer.is_reply.value = 129, True
        answer.l7.CopyFrom(asked.l7)
        answer.l7.type = flow_pb2.RESPONSE
        answer.l7.dns.rcode, answer.l7.dns.ttl = rcode, 30
        answer.l7.dns.ips.extend(ips)
        yield answer


def http(source: Side, destination: Side, *, method: str, code: int, denied: bool = False) -> Iterator[flow_pb2.Flow]:
    """An HTTP exchange through the proxy; a denied request has no response."""
    request = _flow(source, destination, "tcp", Type=flow_pb2.L7, traffic_direction=flow_pb2.EGRESS)
    request.verdict = flow_pb2.DROPPED if denied else flow_pb2.FORWARDED
    request.event_type.type, request.is_reply.value = 129, False
    request.l7.type = flow_pb2.REQUEST
    request.l7.http.method, request.l7.http.url = method, f"http://{destination.names[0]}/"
    request.l7.http.code = code if denied else 0
    yield request
    if not denied:
        response = _flow(destination, source, "tcp", Type=flow_pb2.L7, traffic_direction=flow_pb2.EGRESS)
        response.verdict = flow_pb2.FORWARDED
        response.event_type.type, response.is_reply.value = 129, True
        response.l7.CopyFrom(request.l7)
        response.l7.type, response.l7.http.code = flow_pb2.RESPONSE, code
        yield response
