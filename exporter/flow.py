"""One Hubble flow as the rest of the exporter reads it: plain Python values, decoded once, never changed.

Every number keeps Hubble's own value, so that a number this version does not know passes through unharmed.
"""

from enum import IntEnum, IntFlag
from typing import NamedTuple

from exporter.endpoint import NO_ENDPOINT, Endpoint


class EventType(IntEnum):
    """Cilium monitor message types that reach a client (`CiliumEventType.type`)."""

    UNKNOWN = 0
    DROP = 1
    CAPTURE = 3
    TRACE = 4
    POLICY_VERDICT = 5
    TRACE_SOCK = 7
    L7 = 129


class Verdict(IntEnum):
    """`flow.Verdict`."""

    UNKNOWN = 0
    FORWARDED = 1
    DROPPED = 2
    ERROR = 3
    AUDIT = 4
    REDIRECTED = 5
    TRACED = 6
    TRANSLATED = 7


class Direction(IntEnum):
    """`flow.TrafficDirection`."""

    UNKNOWN = 0
    INGRESS = 1
    EGRESS = 2


class TraceReason(IntEnum):
    """`flow.TraceReason`; UNKNOWN on servers older than 1.16 and on everything but trace events."""

    UNKNOWN = 0
    NEW = 1
    ESTABLISHED = 2
    REPLY = 3
    RELATED = 4


class L7Type(IntEnum):
    """`flow.L7FlowType`."""

    UNKNOWN = 0
    REQUEST = 1
    RESPONSE = 2
    SAMPLE = 3


class TcpFlags(IntFlag):
    """The TCP flags that counting reads."""

    NONE = 0
    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16


class Policy(NamedTuple):
    """A policy that allowed or denied a flow (`flow.Policy`); `kind` since 1.17."""

    name: str
    namespace: str
    kind: str


class Dns(NamedTuple):
    """A DNS request or response: `query` as sent (trailing dot), `rcode` of responses, `ttl` in seconds."""

    query: str
    qtypes: tuple[str, ...]
    rcode: int
    ips: tuple[str, ...]
    cnames: tuple[str, ...]
    ttl: int


class Http(NamedTuple):
    """An HTTP request or response; `code` is 0 on requests."""

    method: str
    code: int


class Kafka(NamedTuple):
    """A Kafka request or response; `api_key` is the request's name, such as `produce`."""

    api_key: str
    error_code: int


class L7(NamedTuple):
    """The record of a type-129 event; `record` is None when the server sent a kind we do not read."""

    type: int
    record: Dns | Http | Kafka | None


# Plain integers: the operators of enums are written in Python, and every packet is asked.
_SYN, _SYN_ACK = int(TcpFlags.SYN), int(TcpFlags.SYN | TcpFlags.ACK)


class Flow(NamedTuple):
    """One flow event, in the orientation of its packet (a reply of an egress connection has source world).

    `time_ns` is ns since the epoch, 0 when the server sent none. `is_reply` None means "not known", which is not
    False. An `aggregated` line of an export file stands for `weight` events.
    """

    time_ns: int = 0
    node_name: str = ""
    event_type: int = 0
    sub_type: int = 0
    verdict: int = 0
    direction: int = 0
    is_reply: bool | None = None
    trace_reason: int = 0
    source: Endpoint = NO_ENDPOINT
    destination: Endpoint = NO_ENDPOINT
    source_ip: str = ""
    destination_ip: str = ""
    protocol: str = ""
    source_port: int = 0
    destination_port: int = 0
    tcp_flags: int = 0
    destination_names: tuple[str, ...] = ()
    weight: int = 1
    aggregated: bool = False
    # From here on what traces do not have.
    drop_reason: int = 0
    source_names: tuple[str, ...] = ()
    l7: L7 | None = None
    policy_match_type: int = 0
    egress_allowed_by: tuple[Policy, ...] = ()
    egress_denied_by: tuple[Policy, ...] = ()
    policy_log: tuple[str, ...] = ()

    @property
    def starts_tcp(self) -> bool:
        """A TCP packet with SYN and without ACK: only the initiator sends it."""
        return self.protocol == "tcp" and self.tcp_flags & _SYN_ACK == _SYN

    @property
    def answers_tcp(self) -> bool:
        """A TCP packet with SYN and ACK: only the side that was asked sends it."""
        return self.protocol == "tcp" and self.tcp_flags & _SYN_ACK == _SYN_ACK

    def turned(self) -> "Flow":
        """The flow with its two sides swapped: how a reply reads from the side that asked."""
        # By position: `_replace` takes as long as decoding a flow, and every DNS answer is turned.
        return tuple.__new__(
            Flow,
            (
                *self[:8],
                self.destination,
                self.source,
                self.destination_ip,
                self.source_ip,
                self.protocol,
                self.destination_port,
                self.source_port,
                self.tcp_flags,
                self.source_names,
                self.weight,
                self.aggregated,
                self.drop_reason,
                self.destination_names,
                *self[21:],
            ),
        )
