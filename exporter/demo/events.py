"""How Hubble shows things: one flow for each event, with the fields that an agent sends (medium aggregation)."""

from collections.abc import Sequence
from typing import NamedTuple

from exporter.demo.cluster import RELEASE, Party
from exporter.hubble.pb.flow import flow_pb2

_EGRESS = flow_pb2.EGRESS


class Call(NamedTuple):
    """One 5-tuple: who calls whom."""

    source: Party
    source_port: int
    destination: Party
    port: int
    protocol: str = "tcp"

    @property
    def reply(self) -> "Call":
        """The other way round."""
        return Call(self.destination, self.port, self.source, self.source_port, self.protocol)


def policy_verdict(call: Call, verdict: int, policy: str = "", reason: int = 0) -> flow_pb2.Flow:
    """A type-5 event of the source's node; a denied one carries no `is_reply`. `policy` is the one that decided."""
    flow = _flow(call, call.source.node, Type=flow_pb2.L3_L4, verdict=verdict, traffic_direction=_EGRESS)
    flow.event_type.type = 5
    # Match types: 2 is L3 and L4; 0 is none, where no rule matched (default deny, in audit mode too).
    flow.policy_match_type = 2 if policy or verdict in (flow_pb2.FORWARDED, flow_pb2.REDIRECTED) else 0
    if call.protocol == "tcp":
        flow.l4.TCP.flags.SYN = True
    decided = flow.egress_denied_by if verdict == flow_pb2.DROPPED else flow.egress_allowed_by
    if policy:
        namespace = call.source.owned.namespace
        decided.add(name=policy, namespace=namespace, kind="CiliumNetworkPolicy", revision=12)
    if verdict == flow_pb2.DROPPED:
        flow.drop_reason, flow.drop_reason_desc = reason, reason  # type: ignore[assignment] # open enum
    else:
        flow.is_reply.value = False
    return flow


def trace(
    call: Call, point: int, reason: int, flags: str = "", *, node: str = "", direction: int = _EGRESS
) -> flow_pb2.Flow:
    """A type-4 event in the orientation of its packet; `flags` are those of TCP, as letters: S A P F R."""
    flow = _flow(
        call,
        node or call.source.node,
        Type=flow_pb2.L3_L4,
        verdict=flow_pb2.FORWARDED,
        trace_reason=reason,
        trace_observation_point=point,
        traffic_direction=direction,
    )
    flow.event_type.type = 4
    # The datapath's own number of "to-endpoint" is 0, that of the API is 101.
    flow.event_type.sub_type = 0 if point == flow_pb2.TO_ENDPOINT else point
    if reason != flow_pb2.TRACE_REASON_UNKNOWN:
        flow.is_reply.value = reason == flow_pb2.REPLY
    if flow.l4.HasField("ICMPv4"):
        # Echo request and echo reply (RFC 792).
        flow.l4.ICMPv4.type = 0 if reason == flow_pb2.REPLY else 8
    if call.protocol == "tcp":
        tcp = flow.l4.TCP.flags
        tcp.SYN, tcp.ACK, tcp.PSH, tcp.FIN = ("S" in flags, "A" in flags, "P" in flags, "F" in flags)
    return flow


def drop(call: Call, reason: int) -> flow_pb2.Flow:
    """A type-1 event: a packet that ends here."""
    flow = _flow(call, call.source.node, Type=flow_pb2.L3_L4, verdict=flow_pb2.DROPPED, traffic_direction=_EGRESS)
    flow.drop_reason, flow.drop_reason_desc = reason, reason  # type: ignore[assignment] # open enum
    flow.event_type.type, flow.event_type.sub_type = 1, reason
    if call.protocol == "tcp":
        flow.l4.TCP.flags.SYN = True
    return flow


def dns_query(call: Call, name: str, qtype: str, verdict: int = flow_pb2.FORWARDED) -> flow_pb2.Flow:
    """A type-129 record of the DNS proxy: what was asked."""
    flow = _l7(call, call.source.node, flow_pb2.REQUEST, verdict)
    flow.l7.dns.query, flow.l7.dns.observation_source = name, "proxy"
    flow.l7.dns.qtypes.append(qtype)
    return flow


def dns_answer(query: flow_pb2.Flow, call: Call, rcode: int, answer: Sequence[str], ttl: int = 30) -> flow_pb2.Flow:
    """The answer to `query`; addresses in `answer` are records, other names the chain to them."""
    flow = _l7(call.reply, call.source.node, flow_pb2.RESPONSE, flow_pb2.FORWARDED)
    dns = flow.l7.dns
    dns.CopyFrom(query.l7.dns)
    dns.rcode, dns.ttl = rcode, ttl if answer else 0
    dns.ips.extend(entry for entry in answer if _is_address(entry))
    dns.cnames.extend(entry for entry in answer if not _is_address(entry))
    dns.rrtypes.extend((["CNAME"] if dns.cnames else []) + (list(dns.qtypes) if dns.ips else []))
    return flow


def http(call: Call, method: str, path: str, code: int, verdict: int, *, response: bool) -> flow_pb2.Flow:
    """A type-129 record of the HTTP proxy, oriented as its packet."""
    kind = flow_pb2.RESPONSE if response else flow_pb2.REQUEST
    flow = _l7(call.reply if response else call, call.source.node, kind, verdict)
    host = call.destination.names[0] if call.destination.names else call.destination.address
    flow.l7.http.method, flow.l7.http.url, flow.l7.http.code = method, f"http://{host}{path}", code
    flow.l7.http.protocol = "HTTP/1.1"
    return flow


def _l7(call: Call, node: str, kind: int, verdict: int) -> flow_pb2.Flow:
    flow = _flow(call, node, Type=flow_pb2.L7, verdict=verdict, traffic_direction=_EGRESS)
    flow.event_type.type = 129
    flow.is_reply.value = kind == flow_pb2.RESPONSE
    flow.l7.type = kind  # type: ignore[assignment] # open enum
    return flow


def _flow(call: Call, node: str, **fields: object) -> flow_pb2.Flow:
    flow = flow_pb2.Flow(
        IP=flow_pb2.IP(
            source=call.source.address,
            destination=call.destination.address,
            ipVersion=flow_pb2.IPv6 if ":" in call.destination.address else flow_pb2.IPv4,
        ),
        source=call.source.seen_from(node),
        destination=call.destination.seen_from(node),
        source_names=call.source.names,
        destination_names=call.destination.names,
        node_name=node,
        **fields,  # type: ignore[arg-type]
    )
    flow.emitter.name, flow.emitter.version = "Hubble", RELEASE
    layer4 = flow.l4
    match call.protocol:
        case "tcp":
            layer4.TCP.source_port, layer4.TCP.destination_port = call.source_port, call.port
        case "udp":
            layer4.UDP.source_port, layer4.UDP.destination_port = call.source_port, call.port
        case _:
            layer4.ICMPv4.SetInParent()
    return flow


def _is_address(entry: str) -> bool:
    return ":" in entry or entry.replace(".", "").isdigit()
