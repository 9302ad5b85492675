"""From the wire to plain values. Total: any valid message gives an event, any bytes give one or an `Undecodable`.

Every flow is read, so it is read thin: `protos/thin` leaves parts of the message as bytes. Those that recur (endpoints,
TCP flags, event types) are remembered by their bytes; the others (L7 records, policies) are parsed when they are there.
"""

from google.protobuf.message import DecodeError, Message

from exporter.endpoint import NO_ENDPOINT, Endpoint, Workload
from exporter.flow import L7, EventType, Flow, Policy
from exporter.hubble import parts
from exporter.hubble.interface import Event, Ignored, LostEvents, NodeStatus, Undecodable
from exporter.hubble.pb.flow import flow_pb2
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
_TRACE = int(EventType.TRACE)
_parse = thin_pb2.Response.FromString
_new_flow = tuple.__new__
"""A `Flow` from a tuple: its own constructor takes the fields one by one, which costs as much as reading them."""


_Rest = tuple[int, tuple[str, ...], L7 | None, int, tuple[Policy, ...], tuple[Policy, ...], tuple[str, ...]]
_NO_REST: _Rest = (0, (), None, 0, (), (), ())
"""Traces have none of this (cilium pkg/hubble/parser/threefour). Most flows are traces, so it is not looked for."""


class Decoder:
    """Decodes responses; endpoints recur all the time, so their decoded form is remembered, at most `bound` of them."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._endpoints: dict[bytes, Endpoint] = {b"": NO_ENDPOINT}
        self.resets = 0
        """How often the memory of endpoints was full and started over."""

    def decode_bytes(self, data: bytes) -> Event:
        """The event of one serialised `GetFlowsResponse`."""
        try:
            response = _parse(data)
            if response.HasField("flow"):
                return self._flow(response)
            return _no_flow(response)
        except DecodeError as error:
            return Undecodable("invalid_protobuf", "stream", str(error))

    def decode(self, message: Message) -> Event:
        """The event of a response or an export line that was parsed already, as those of recordings are."""
        return self.decode_bytes(message.SerializeToString())

    def _flow(self, response: thin_pb2.Response) -> Flow:
        """The flow, each field read once.

        What is mostly empty is asked for its length before it is copied.
        """
        flow = response.flow
        time, address, endpoints = flow.time, flow.IP, self._endpoints
        source, destination = flow.source, flow.destination
        event_type, sub_type = parts.event_type(flow.event_type)
        protocol, source_port, destination_port, tcp_flags = parts.layer4(flow.l4)
        destination_names, reply = flow.destination_names, flow.is_reply
        direction, is_aggregated = flow.traffic_direction, flow.HasField("aggregate")
        return _new_flow(
            Flow,
            (
                # A field mask without time or node name leaves them only on the outside, if anywhere.
                time.seconds * 1_000_000_000 + time.nanos or parts.nanoseconds(response.time),
                flow.node_name or response.node_name,
                event_type,
                sub_type,
                flow.verdict,
                direction,
                # An empty message is false, which is not the same as none at all.
                parts.boolean(reply) if reply or flow.HasField("is_reply") else None,
                flow.trace_reason,
                endpoints.get(source) or self._endpoint(source),
                endpoints.get(destination) or self._endpoint(destination),
                address.source,
                address.destination,
                protocol,
                source_port,
                destination_port,
                tcp_flags,
                tuple(destination_names) if destination_names else (),
                parts.weight(flow.aggregate, direction) if is_aggregated else 1,
                is_aggregated,
            )
            + (_NO_REST if event_type == _TRACE else _rest(flow)),
        )

    @property
    def entries(self) -> int:
        """Endpoints remembered now."""
        return len(self._endpoints) - 1

    def _endpoint(self, data: bytes) -> Endpoint:
        """The endpoint of these bytes, which is a new one."""
        if self.entries >= self._bound:
            self._endpoints = {b"": NO_ENDPOINT}
            self.resets += 1
        message = flow_pb2.Endpoint.FromString(data)
        endpoint = self._endpoints[data] = Endpoint(
            id=message.ID,
            identity=message.identity,
            namespace=message.namespace,
            pod_name=message.pod_name,
            labels=frozenset(message.labels),
            workloads=tuple(Workload(workload.name, workload.kind) for workload in message.workloads),
            cluster_name=message.cluster_name,
        )
        return endpoint


def _rest(flow: thin_pb2.Flow) -> _Rest:
    names, policy_log = flow.source_names, flow.policy_log
    allowed_by, denied_by = flow.egress_allowed_by, flow.egress_denied_by
    return (
        # drop_reason (3) is deprecated but holds the number even when a newer server's name is unknown to us.
        flow.drop_reason_desc or flow.drop_reason,
        tuple(names) if names else (),
        parts.layer7(flow.l7) if flow.HasField("l7") else None,
        flow.policy_match_type,
        parts.policies(allowed_by) if allowed_by else (),
        parts.policies(denied_by) if denied_by else (),
        tuple(policy_log) if policy_log else (),
    )


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
