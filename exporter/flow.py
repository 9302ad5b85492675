"""One Hubble flow as the rest of the exporter reads it: plain Python values, decoded once, never changed.

Every number keeps Hubble's own value, so that a number this version does not know passes through unharmed.
"""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from itertools import count
from typing import NamedTuple

from exporter.endpoint import NO_ENDPOINT, Endpoint
from exporter.stable import number_of, number_of_all


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
    """A DNS request or response: `query` as sent (trailing dot); from `rcode` on it is of responses.

    `ips` and `cnames` are what was answered, `ttl` is the shortest of all answered, in seconds.
    """

    query: str
    qtypes: tuple[str, ...]
    rcode: int
    ips: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    ttl: int = 0


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


# Plain integers: the operators of enums are written in Python.
_serials = count()
_SYN, _ACK = int(TcpFlags.SYN), int(TcpFlags.ACK)


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of event a flow is, in Hubble's own numbers.

    A stream has some dozens of kinds: one object stands for all flows of one, and what follows is found out once.
    `is_reply` None means "not known", which is not False.
    """

    event_type: int = 0
    sub_type: int = 0
    verdict: int = 0
    direction: int = 0
    is_reply: bool | None = None
    trace_reason: int = 0
    protocol: str = ""
    tcp_flags: int = 0
    is_tcp: bool = field(init=False, compare=False, repr=False)
    starts_tcp: bool = field(init=False, compare=False, repr=False)
    """A TCP packet with SYN and without ACK: only the initiator sends it."""
    answers_tcp: bool = field(init=False, compare=False, repr=False)
    """A TCP packet with SYN and ACK: only the side that was asked sends it."""
    replies_inside_tcp: bool = field(init=False, compare=False, repr=False)
    """A trace of a reply inside a TCP connection, behind its SYN+ACK.

    They are a quarter of all events and no news: what their ends are, the packets that they answer have said.
    """

    serial: int = field(init=False, compare=False, repr=False)
    """A number of its own, by which others remember what they found out about it."""
    fingerprint: int = field(init=False, compare=False, repr=False)
    """A number that equal kinds have in every process, found out once."""
    protocol_number: int = field(init=False, compare=False, repr=False)
    """The same for its protocol."""

    def __post_init__(self) -> None:
        """Find out what follows."""
        is_tcp, syn, ack = self.protocol == "tcp", self.tcp_flags & _SYN, self.tcp_flags & _ACK
        answers = bool(is_tcp and syn and ack)
        object.__setattr__(self, "is_tcp", is_tcp)
        object.__setattr__(self, "starts_tcp", bool(is_tcp and syn and not ack))
        object.__setattr__(self, "answers_tcp", answers)
        inside = is_tcp and self.event_type == EventType.TRACE and self.is_reply is True and not answers
        object.__setattr__(self, "replies_inside_tcp", inside)
        object.__setattr__(self, "serial", next(_serials))
        numbers = (self.event_type, self.sub_type, self.verdict, self.direction, self.trace_reason, self.tcp_flags)
        texts = (*(str(int(number)) for number in numbers), str(self.is_reply), self.protocol)
        object.__setattr__(self, "fingerprint", number_of_all(texts))
        object.__setattr__(self, "protocol_number", number_of(self.protocol))


NO_KIND = Kind()


@dataclass(slots=True)
class Flow:
    """One flow event, in the orientation of its packet (a reply of an egress connection has source world).

    `time_ns` is ns since the epoch, 0 when the server sent none. An `aggregated` line of an export file stands for
    `weight` events. A kind that `replies_inside_tcp` comes with its time and node only.

    Not frozen, for that makes it take longer to build one than to decode it. Nobody changes one.
    """

    kind: Kind = NO_KIND
    time_ns: int = 0
    node_name: str = ""
    source: Endpoint = NO_ENDPOINT
    destination: Endpoint = NO_ENDPOINT
    source_ip: str = ""
    destination_ip: str = ""
    source_port: int = 0
    destination_port: int = 0
    destination_names: tuple[str, ...] = ()
    weight: int = 1
    aggregated: bool = False
    replayed: bool = False
    """It was processed before, and came again because a stream began anew."""
    # From here on what traces do not have.
    drop_reason: int = 0
    source_names: tuple[str, ...] = ()
    l7: L7 | None = None
    policy_match_type: int = 0
    egress_allowed_by: tuple[Policy, ...] = ()
    egress_denied_by: tuple[Policy, ...] = ()
    policy_log: tuple[str, ...] = ()

    def turned(self) -> "Flow":
        """The flow with its two sides swapped: how a reply reads from the side that asked."""
        return Flow(
            self.kind,
            self.time_ns,
            self.node_name,
            source=self.destination,
            destination=self.source,
            source_ip=self.destination_ip,
            destination_ip=self.source_ip,
            source_port=self.destination_port,
            destination_port=self.source_port,
            destination_names=self.source_names,
            weight=self.weight,
            aggregated=self.aggregated,
            replayed=self.replayed,
            drop_reason=self.drop_reason,
            source_names=self.destination_names,
            l7=self.l7,
            policy_match_type=self.policy_match_type,
            egress_allowed_by=self.egress_allowed_by,
            egress_denied_by=self.egress_denied_by,
            policy_log=self.policy_log,
        )
