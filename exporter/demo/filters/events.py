"""Filters of what happened: event type, verdict, protocol, TCP flags, reply, node."""

from collections.abc import Sequence

from exporter.demo.filters.patterns import node_names
from exporter.demo.filters.predicates import BadFilterError, Predicate
from exporter.hubble.pb.flow import flow_pb2

_DEFAULT_CLUSTER = "default"
# The protocols a filter can name, and where each shows: in which arm of `l4` or of the record of `l7`.
_LAYER_4 = {
    "icmp": {"ICMPv4", "ICMPv6"},
    "icmpv4": {"ICMPv4"},
    "icmpv6": {"ICMPv6"},
    "igmp": {"IGMP"},
    "sctp": {"SCTP"},
    "tcp": {"TCP"},
    "udp": {"UDP"},
    "vrrp": {"VRRP"},
}
_LAYER_7 = {"dns", "http", "kafka"}


def event_type(values: Sequence[flow_pb2.EventTypeFilter]) -> Predicate:
    """A type, of which 0 stands for any; the sub-type only where it is asked for, because 0 is one."""
    wanted = tuple((value.type, value.sub_type if value.match_sub_type else None) for value in values)

    def matches(flow: flow_pb2.Flow) -> bool:
        if not flow.HasField("event_type"):
            return False
        found = flow.event_type
        return any(kind in (0, found.type) and sub_type in (None, found.sub_type) for kind, sub_type in wanted)

    return matches


def reply(values: Sequence[bool]) -> Predicate:
    """`is_reply`, whose absence is a third state that matches neither value, unless the flow was dropped."""
    wanted = frozenset(values)

    def matches(flow: flow_pb2.Flow) -> bool:
        if not flow.HasField("is_reply") and flow.verdict != flow_pb2.DROPPED:
            return False
        return flow.is_reply.value in wanted

    return matches


def drop_reason(values: Sequence[int]) -> Predicate:
    """The reason of a flow that was dropped; others have reason 0 too."""
    wanted = frozenset(values)
    return lambda flow: flow.verdict == flow_pb2.DROPPED and flow.drop_reason_desc in wanted


def protocol(values: Sequence[str]) -> Predicate:
    """Names of protocols of layer 4 or 7, in any case of letters."""
    lower = {value.lower() for value in values}
    if unknown := lower - _LAYER_4.keys() - _LAYER_7:
        raise BadFilterError(f"unknown protocol: {min(unknown)!r}")
    layer_4 = {arm for name in lower & _LAYER_4.keys() for arm in _LAYER_4[name]}
    layer_7 = lower & _LAYER_7
    return lambda flow: flow.l4.WhichOneof("protocol") in layer_4 or flow.l7.WhichOneof("record") in layer_7


def tcp_flags(values: Sequence[flow_pb2.TCPFlags]) -> Predicate:
    """Every flag that is set here is set there; others may be, so SYN matches SYN and ACK too."""
    wanted = tuple(tuple(flag.name for flag, _ in value.ListFields()) for value in values)

    def matches(flow: flow_pb2.Flow) -> bool:
        if not flow.l4.TCP.HasField("flags"):
            return False
        flags = flow.l4.TCP.flags
        return any(all(getattr(flags, name) for name in names) for names in wanted)

    return matches


def node_name(values: Sequence[str]) -> Predicate:
    """Patterns of `cluster/node`; a flow's node without a cluster is in the cluster `default`."""
    pattern = node_names(values)

    def matches(flow: flow_pb2.Flow) -> bool:
        name = flow.node_name
        return bool(name) and bool(pattern.fullmatch(name if "/" in name else f"{_DEFAULT_CLUSTER}/{name}"))

    return matches
