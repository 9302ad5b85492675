"""From the wire to plain values. Total: any valid message gives an event, any bytes give one or an `Undecodable`.

Every flow is read, so it is read thin: `protos/thin` leaves parts of the message as bytes. Those that recur (endpoints,
TCP flags, event types) are remembered by their bytes; the others (L7 records, policies) are parsed when they are there.
Repeated fields are read as slices, in half the time: to iterate over one ends with an exception.
"""

from collections.abc import Sequence
from sys import intern

from google.protobuf.message import DecodeError

from exporter.endpoint import NO_ENDPOINT, Endpoint, Workload
from exporter.flow import EventType, Flow, Kind
from exporter.hubble import parts
from exporter.hubble.interface import Event, Ignored, LostEvents, NodeStatus, Undecodable
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2
from exporter.hubble.pb.thin import thin_pb2

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
_TRACE, _L7 = int(EventType.TRACE), int(EventType.L7)
_MOST_KINDS = 4096
_COMMON = ("reserved:", "k8s:io.kubernetes.pod.", "k8s:io.cilium.k8s.policy.cluster=", "k8s:io.cilium.k8s.namespace.")
"""Labels that many endpoints have."""
_FEW_LABELS = 2
"""The outside has one or two, and pods have more."""
_MOST_BYTES = 4 * 1024 * 1024
_KindKey = tuple[bytes, int, int, bytes | None, int, str, bytes]
"""What makes a `Kind`, its parts that are messages as their bytes."""
_parse = thin_pb2.Response.FromString


class Decoder:
    """Decodes responses; endpoints recur all the time, so their decoded form is remembered, at most `bound` of them."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._endpoints: dict[bytes, Endpoint] = {b"": NO_ENDPOINT}
        self._label_sets: dict[frozenset[str], frozenset[str]] = {}
        self._kinds: dict[_KindKey, Kind] = {}
        self.resets = 0
        """How often the memory of endpoints was full and started over."""

    def decode_bytes(self, data: bytes) -> Event:
        """The event of one serialised `GetFlowsResponse`."""
        if len(data) > _MOST_BYTES:
            # Its parts would be remembered; nothing that an agent sends comes near.
            return Undecodable("message_too_large", "stream", f"{len(data)} bytes are more than {_MOST_BYTES}")
        try:
            response = _parse(data)
            flow = response.flow
            event_type = flow.event_type
            # Whatever is a flow has an event type; asking for that is cheaper than asking for the arm.
            if event_type or response.HasField("flow"):
                return self._flow(flow, event_type, response)
            return _no_flow(response)
        except DecodeError as error:
            return Undecodable("invalid_protobuf", "stream", str(error))

    def decode(self, message: observer_pb2.GetFlowsResponse | observer_pb2.ExportEvent) -> Event:
        """The event of a line of a recording, which was parsed already. Only there, a line can stand for many flows."""
        event = self.decode_bytes(message.SerializeToString())
        if isinstance(event, Flow) and message.flow.HasField("aggregate"):
            event.weight, event.aggregated = parts.weight(message.flow.aggregate, event.kind.direction), True
        return event

    def _flow(self, flow: thin_pb2.Flow, event_type: bytes, response: thin_pb2.Response) -> Flow:
        """The flow, each field read once: reading a field is what costs, so nothing is asked for twice."""
        time, l4 = flow.time, flow.l4
        reply: bytes | None = flow.is_reply
        # Most packets are TCP, most others UDP; where the port is 0, what it is has to be found out.
        tcp = l4.TCP
        if destination_port := tcp.destination_port:
            protocol, source_port, tcp_flags = "tcp", tcp.source_port, tcp.flags
        elif destination_port := (udp := l4.UDP).destination_port:
            protocol, source_port, tcp_flags = "udp", udp.source_port, b""
        else:
            protocol, source_port, destination_port, tcp_flags = parts.layer4(l4)
        if not reply and not flow.HasField("is_reply"):
            # An empty message is false, which is not the same as none at all.
            reply = None
        key = (
            event_type,
            flow.verdict,
            flow.traffic_direction,
            reply,
            flow.trace_reason,
            protocol,
            tcp_flags,
        )
        kind = self._kinds.get(key) or self._kind(key)
        # A field mask without time or node name leaves them only on the outside, if anywhere.
        time_ns = time.seconds * 1_000_000_000 + time.nanos or parts.nanoseconds(response.time)
        node_name = flow.node_name or response.node_name
        if kind.replies_inside_tcp:
            return Flow(kind, time_ns, node_name)
        endpoints, address, source, destination = self._endpoints, flow.IP, flow.source, flow.destination
        to = endpoints.get(destination) or self._endpoint(destination)
        decoded = Flow(
            kind,
            time_ns,
            node_name,
            endpoints.get(source) or self._endpoint(source),
            to,
            address.source,
            address.destination,
            source_port,
            destination_port,
            # Inside the cluster it is not names that say what something is.
            tuple(flow.destination_names[:]) if to.is_world else (),
        )
        # Traces have no more than that (cilium pkg/hubble/parser/threefour), and most flows are traces.
        if kind.event_type == _L7:
            _read_record(flow, decoded)
        elif kind.event_type != _TRACE:
            _read_verdict(flow, decoded)
        return decoded

    def _kind(self, key: _KindKey) -> Kind:
        """The kind of a key that is a new one; a server that invents more than a stream has pays for it alone."""
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        event_type, verdict, direction, reply, trace_reason, protocol, tcp_flags = key
        kind = self._kinds[key] = Kind(
            *parts.event_type(event_type),
            verdict,
            direction,
            None if reply is None else parts.boolean(reply),
            trace_reason,
            protocol,
            parts.tcp_flags(tcp_flags),
        )
        return kind

    @property
    def entries(self) -> int:
        """Endpoints remembered now."""
        return len(self._endpoints) - 1

    def _endpoint(self, data: bytes) -> Endpoint:
        """The endpoint of these bytes, which is a new one."""
        if self.entries >= self._bound:
            self._endpoints = {b"": NO_ENDPOINT}
            self._label_sets = {}
            self.resets += 1
        message = flow_pb2.Endpoint.FromString(data)
        endpoint = self._endpoints[data] = Endpoint(
            id=message.ID,
            identity=message.identity,
            namespace=message.namespace,
            pod_name=message.pod_name,
            labels=self._labels(message.labels[:]),
            workloads=tuple(Workload(one.name, intern(one.kind)) for one in message.workloads[:]),
            cluster_name=intern(message.cluster_name),
        )
        return endpoint

    def _labels(self, labels: Sequence[str]) -> frozenset[str]:
        """The labels as a set, which pods of one workload share, as those of a namespace share the texts in it."""
        found = frozenset(intern(label) if label.startswith(_COMMON) else label for label in labels)
        return self._label_sets.setdefault(found, found) if len(labels) > _FEW_LABELS else found


def _read_record(flow: thin_pb2.Flow, decoded: Flow) -> None:
    if record := flow.l7:
        decoded.l7 = parts.layer7(record)
    if decoded.source.is_world:
        decoded.source_names = tuple(flow.source_names[:])


def _read_verdict(flow: thin_pb2.Flow, decoded: Flow) -> None:
    # drop_reason (3) is deprecated but holds the number even when a newer server's name is unknown to us.
    decoded.drop_reason = flow.drop_reason_desc or flow.drop_reason
    decoded.policy_match_type = flow.policy_match_type
    if allowed_by := flow.egress_allowed_by:
        decoded.egress_allowed_by = parts.policies(allowed_by)
    if denied_by := flow.egress_denied_by:
        decoded.egress_denied_by = parts.policies(denied_by)
    if policy_log := flow.policy_log:
        decoded.policy_log = tuple(policy_log[:])


def _no_flow(response: thin_pb2.Response) -> Event:
    arm = response.WhichOneof("response_types")
    if arm == "lost_events":
        lost = flow_pb2.LostEvent.FromString(response.lost_events)
        return LostEvents(_lost_source(lost.source), lost.num_events_lost, response.node_name)
    if arm == "node_status":
        status = relay_pb2.NodeStatusEvent.FromString(response.node_status)
        state = _NODE_STATES.get(status.state_change, "unknown")
        return NodeStatus(state, tuple(status.node_names), status.message)
    return Ignored("empty")


def _lost_source(source: int) -> str:
    names = flow_pb2.LostEventSource.DESCRIPTOR.values_by_number
    return names[source].name.lower() if source in names else f"source_{source}"
