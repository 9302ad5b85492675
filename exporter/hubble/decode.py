"""From the wire to plain values. Total: any valid message gives an event, any bytes give one or an `Undecodable`."""

from collections.abc import Callable, Sequence

from google.protobuf.message import DecodeError, Message

from exporter.flow import L7, NO_ENDPOINT, Dns, Endpoint, Flow, Http, Kafka, Policy, Workload
from exporter.hubble.interface import Event, Ignored, LostEvents, NodeStatus, Undecodable
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2

MASK = (
    "time",
    "node_name",
    "verdict",
    "drop_reason",
    "IP",
    "l4",
    "source",
    "destination",
    "source_names",
    "destination_names",
    "l7",
    "event_type",
    "traffic_direction",
    "policy_match_type",
    "drop_reason_desc",
    "is_reply",
    "trace_reason",
    "egress_allowed_by",
    "egress_denied_by",
    "policy_log",
    "aggregate",
)
"""Paths of `flow.Flow` that this module reads; `aggregate` exists in export files only and is never asked for."""

_NODE_STATES = {
    relay_pb2.NODE_CONNECTED: "connected",
    relay_pb2.NODE_UNAVAILABLE: "unavailable",
    relay_pb2.NODE_GONE: "gone",
    relay_pb2.NODE_ERROR: "error",
}
_PORTLESS = {"ICMPv4": "icmp", "ICMPv6": "icmpv6", "VRRP": "vrrp", "IGMP": "igmp"}


class Decoder:
    """Decodes responses; endpoints recur all the time, so their decoded form is remembered, at most `bound` of them."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._endpoints: dict[bytes, Endpoint] = {}
        self.resets = 0
        """How often the memory of endpoints was full and started over."""

    def decode_bytes(self, data: bytes) -> Event:
        """The event of one serialised `GetFlowsResponse`."""
        try:
            response = observer_pb2.GetFlowsResponse.FromString(data)
        except DecodeError as error:
            return Undecodable("invalid_protobuf", "stream", str(error))
        return self.decode(response)

    def decode(self, response: observer_pb2.GetFlowsResponse | observer_pb2.ExportEvent) -> Event:
        """The event of one response or export line."""
        arm = response.WhichOneof("response_types")
        if arm == "flow":
            flow = self.decode_flow(response.flow)
            if flow.time_ns and flow.node_name:
                return flow
            # A field mask without time or node name leaves them only on the outside, if anywhere.
            return flow._replace(
                time_ns=flow.time_ns or _time_ns(response), node_name=flow.node_name or response.node_name
            )
        if arm == "lost_events":
            lost = response.lost_events
            return LostEvents(_lost_source(lost.source), lost.num_events_lost, response.node_name)
        if arm == "node_status":
            status = response.node_status
            state = _NODE_STATES.get(status.state_change, "unknown")
            return NodeStatus(state, tuple(status.node_names), status.message)
        return Ignored("empty")

    def decode_flow(self, message: flow_pb2.Flow) -> Flow:
        """The flow, field by field. The long argument list is the price of reading each field once."""
        protocol, source_port, destination_port, tcp_flags = _layer4(message.l4)
        address = message.IP
        direction = message.traffic_direction
        aggregated = message.HasField("aggregate")
        return Flow(
            _time_ns(message),
            message.node_name,
            message.event_type.type,
            message.event_type.sub_type,
            message.verdict,
            # drop_reason (3) is deprecated but holds the number even when a newer server's name is unknown to us.
            message.drop_reason_desc or message.drop_reason,
            direction,
            message.is_reply.value if message.HasField("is_reply") else None,
            message.trace_reason,
            self._endpoint(message.source),
            self._endpoint(message.destination),
            address.source,
            address.destination,
            protocol,
            source_port,
            destination_port,
            tcp_flags,
            tuple(message.source_names),
            tuple(message.destination_names),
            _layer7(message.l7) if message.HasField("l7") else None,
            message.policy_match_type,
            _policies(message.egress_allowed_by),
            _policies(message.egress_denied_by),
            tuple(message.policy_log),
            _weight(message.aggregate, direction) if aggregated else 1,
            aggregated,
        )

    @property
    def entries(self) -> int:
        """Endpoints remembered now."""
        return len(self._endpoints)

    def _endpoint(self, message: flow_pb2.Endpoint) -> Endpoint:
        # The serialised form is the cheapest exact key: reading a dozen labels costs several times as much.
        key = message.SerializeToString()
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            if len(self._endpoints) >= self._bound:
                self._endpoints.clear()
                self.resets += 1
            endpoint = self._endpoints[key] = _decode_endpoint(message) if key else NO_ENDPOINT
        return endpoint


def _decode_endpoint(message: flow_pb2.Endpoint) -> Endpoint:
    return Endpoint(
        id=message.ID,
        identity=message.identity,
        namespace=message.namespace,
        pod_name=message.pod_name,
        labels=frozenset(message.labels),
        workloads=tuple(Workload(workload.name, workload.kind) for workload in message.workloads),
        cluster_name=message.cluster_name,
    )


def _time_ns(message: Message) -> int:
    if not message.HasField("time"):
        return 0
    time = message.time  # type: ignore[attr-defined]
    return int(time.seconds) * 1_000_000_000 + int(time.nanos)


def _layer4(layer4: flow_pb2.Layer4) -> tuple[str, int, int, int]:
    """Protocol, source port, destination port and TCP flags; zeros where the protocol has none."""
    arm = layer4.WhichOneof("protocol")
    if arm == "TCP":
        tcp = layer4.TCP
        return "tcp", tcp.source_port, tcp.destination_port, _tcp_flags(tcp.flags)
    if arm == "UDP":
        return "udp", layer4.UDP.source_port, layer4.UDP.destination_port, 0
    if arm == "SCTP":
        return "sctp", layer4.SCTP.source_port, layer4.SCTP.destination_port, 0
    return _PORTLESS.get(arm or "", "unknown"), 0, 0, 0


def _tcp_flags(flags: flow_pb2.TCPFlags) -> int:
    return flags.FIN | flags.SYN << 1 | flags.RST << 2 | flags.PSH << 3 | flags.ACK << 4


def _layer7(layer7: flow_pb2.Layer7) -> L7:
    return L7(layer7.type, _record(layer7))


def _record(layer7: flow_pb2.Layer7) -> Dns | Http | Kafka | None:
    arm = layer7.WhichOneof("record")
    if arm == "dns":
        dns = layer7.dns
        return Dns(dns.query, tuple(dns.qtypes), dns.rcode, tuple(dns.ips), tuple(dns.cnames), dns.ttl)
    if arm == "http":
        return Http(layer7.http.method, layer7.http.code)
    if arm == "kafka":
        return Kafka(layer7.kafka.api_key, layer7.kafka.error_code)
    return None


def _policies(messages: Sequence[flow_pb2.Policy]) -> tuple[Policy, ...]:
    return tuple(Policy(policy.name, policy.namespace, policy.kind) for policy in messages) if messages else ()


_WEIGHT_FIELDS: tuple[Callable[[flow_pb2.Aggregate], int], ...] = (
    lambda counts: counts.unknown_direction_flow_count,
    lambda counts: counts.ingress_flow_count,
    lambda counts: counts.egress_flow_count,
)


def _weight(counts: flow_pb2.Aggregate, direction: int) -> int:
    """Events of the line's own direction; all of them where the line's fields left the direction out."""
    own = _WEIGHT_FIELDS[direction](counts) if 0 <= direction < len(_WEIGHT_FIELDS) else 0
    return own or sum(count(counts) for count in _WEIGHT_FIELDS) or 1


def _lost_source(source: int) -> str:
    names = flow_pb2.LostEventSource.DESCRIPTOR.values_by_number
    return names[source].name.lower() if source in names else f"source_{source}"
