"""The parts of a flow that come as bytes, decoded: those that have few forms are remembered, the others parsed."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import BoolValue

from exporter.flow import L7, Dns, Http, Kafka, Policy
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.thin import thin_pb2

_POLICIES = 10_000
_RECORDS = 10_000
_PORTLESS = {"ICMPv4": "icmp", "ICMPv6": "icmpv6", "VRRP": "vrrp", "IGMP": "igmp"}


def nanoseconds(time: Timestamp) -> int:
    """Nanoseconds since the epoch."""
    return time.seconds * 1_000_000_000 + time.nanos


def event_type(data: bytes) -> tuple[int, int]:
    """Type and sub-type of a `flow.CiliumEventType`."""
    message = flow_pb2.CiliumEventType.FromString(data)
    return message.type, message.sub_type


def boolean(data: bytes) -> bool:
    """The value of a `google.protobuf.BoolValue`."""
    return BoolValue.FromString(data).value


def tcp_flags(data: bytes) -> int:
    """The flags that counting reads, as `TcpFlags`."""
    flags = flow_pb2.TCPFlags.FromString(data)
    return flags.FIN | flags.SYN << 1 | flags.RST << 2 | flags.PSH << 3 | flags.ACK << 4


def layer4(message: thin_pb2.Layer4) -> tuple[str, int, int, bytes]:
    """Protocol, source port, destination port and TCP flags (`flow.TCPFlags`); zeros where the protocol has none."""
    arm = message.WhichOneof("protocol")
    if arm == "UDP":
        return "udp", message.UDP.source_port, message.UDP.destination_port, b""
    if arm == "TCP":
        return "tcp", message.TCP.source_port, message.TCP.destination_port, message.TCP.flags
    if arm == "SCTP":
        return "sctp", message.SCTP.source_port, message.SCTP.destination_port, b""
    return _PORTLESS.get(arm or "", "unknown"), 0, 0, b""


@lru_cache(maxsize=_RECORDS)
def layer7(data: bytes) -> L7:
    """The record of the proxy; pods ask for the same few names again and again, and get the same answers."""
    message = thin_pb2.Layer7.FromString(data)
    return L7(message.type, _record(message))


def _record(message: thin_pb2.Layer7) -> Dns | Http | Kafka | None:
    arm = message.WhichOneof("record")
    if arm == "dns":
        dns = message.dns
        qtypes, ips, cnames = tuple(dns.qtypes[:]), tuple(dns.ips[:]), tuple(dns.cnames[:])
        return Dns(dns.query, qtypes, dns.rcode, ips, cnames, dns.ttl)
    if arm == "http":
        return Http(message.http.method, message.http.code)
    if arm == "kafka":
        return Kafka(message.kafka.api_key, message.kafka.error_code)
    return None


def policies(parts: Sequence[bytes]) -> tuple[Policy, ...]:
    """The policies behind a verdict; nearly always there is one."""
    return _only(parts[0]) if len(parts) == 1 else tuple(map(_policy, parts))


@lru_cache(maxsize=_POLICIES)
def _only(data: bytes) -> tuple[Policy]:
    return (_policy(data),)


def _policy(data: bytes) -> Policy:
    message = flow_pb2.Policy.FromString(data)
    return Policy(message.name, message.namespace, message.kind)


_WEIGHT_FIELDS: tuple[Callable[[flow_pb2.Aggregate], int], ...] = (
    lambda counts: counts.unknown_direction_flow_count,
    lambda counts: counts.ingress_flow_count,
    lambda counts: counts.egress_flow_count,
)


def weight(counts: flow_pb2.Aggregate, direction: int) -> int:
    """Events of the line's own direction; all of them where the line's fields left the direction out."""
    own = _WEIGHT_FIELDS[direction](counts) if 0 <= direction < len(_WEIGHT_FIELDS) else 0
    return own or sum(count(counts) for count in _WEIGHT_FIELDS) or 1
