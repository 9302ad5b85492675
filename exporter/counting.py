"""What one event is for counting: the rules of Hubble's event types, directions and replies, as one pure function.

Packet, event and connection are different things. An event either has a `Role` in what we count, or an `Outcome`
that says why it has none. Facts: monitor aggregation shows one connection many times, a policy drop is two events,
and `is_reply` and `traffic_direction` are best-effort heuristics of the agent (cilium/cilium#34133).
"""

from enum import Enum, StrEnum, auto

from exporter.flow import L7, Direction, Dns, EventType, Flow, Kind, L7Type, TraceReason, Verdict


class Outcome(StrEnum):
    """What became of a flow; each received flow has exactly one."""

    COUNTED = "counted"
    IDENTITY_UNRESOLVED = "identity_unresolved"
    SAME_CONNECTION = "same_connection"
    ESTABLISHED = "established"
    SAME_EXCHANGE = "same_exchange"
    POLICY_VERDICT = "policy_verdict"
    L7_REQUEST = "l7_request"
    L7_SAMPLE = "l7_sample"
    L7_UNREAD = "l7_unread"
    REPLY = "reply"
    REPLY_UNKNOWN = "reply_unknown"
    RELATED = "related"
    INGRESS = "ingress"
    DIRECTION_UNKNOWN = "direction_unknown"
    PROXY_UPSTREAM = "proxy_upstream"
    OTHER_NODE = "other_node"
    WORLD_SOURCE = "world_source"
    EXCLUDED = "excluded"
    REPLAYED = "replayed"
    TRACE_SOCK = "trace_sock"
    CAPTURE = "capture"
    OTHER_VERDICT = "other_verdict"
    OTHER_TYPE = "other_type"

    # Keys of every count: the enum's own hash is written in Python.
    __hash__ = str.__hash__


OUTCOME_MEANING = {
    Outcome.COUNTED: "added to a product family",
    Outcome.IDENTITY_UNRESOLVED: "added too, but its destination is an address of the cluster under a world label",
    Outcome.SAME_CONNECTION: "a further event of a connection that is counted",
    Outcome.ESTABLISHED: "an event in the middle of a connection, which starts nothing",
    Outcome.SAME_EXCHANGE: "the proxy's error report on a DNS query that is counted",
    Outcome.POLICY_VERDICT: "one of the two events of a dropped packet, verdict and drop, whose other one is counted",
    Outcome.L7_REQUEST: "an HTTP or Kafka request: its response counts the exchange",
    Outcome.L7_SAMPLE: "an L7 record that is neither request nor response",
    Outcome.L7_UNREAD: "an L7 record of a protocol we do not read",
    Outcome.REPLY: "a reply is not egress",
    Outcome.REPLY_UNKNOWN: "the server does not say whether it is a reply, and the packet does not show it",
    Outcome.RELATED: "an ICMP error or the like about another connection",
    Outcome.INGRESS: "ingress is not egress",
    Outcome.DIRECTION_UNKNOWN: "the server gives no direction and nothing shows that it is egress to world",
    Outcome.PROXY_UPSTREAM: "the proxy's own leg of a connection that was counted at its redirect",
    Outcome.OTHER_NODE: "direction unknown, and the source does not live on the observing node",
    Outcome.WORLD_SOURCE: "sent from outside the cluster and only forwarded here, as to a NodePort",
    Outcome.EXCLUDED: "its workload is left out by the settings",
    Outcome.REPLAYED: "processed before, and sent again because a stream began anew",
    Outcome.TRACE_SOCK: "socket load-balancing: an address rewrite, no packet yet",
    Outcome.CAPTURE: "a debug capture",
    Outcome.OTHER_VERDICT: "a policy verdict that neither passed nor dropped",
    Outcome.OTHER_TYPE: "an event type without packets, or newer than this exporter",
}


class Role(Enum):
    """What an event can do to the counters."""

    # The enum's own hash is written in Python, and every flow asks what its role does.
    __hash__ = object.__hash__

    START = auto()
    START_IF_WORLD = auto()
    CONTINUATION = auto()
    TCP_CONTINUATION = auto()
    ANSWER = auto()
    TCP_ANSWER = auto()
    DROP = auto()
    DROP_IF_WORLD = auto()
    DENIED_VERDICT = auto()
    DNS_QUERY = auto()
    DNS_ERROR = auto()
    DNS_RESPONSE = auto()
    L7_EXCHANGE = auto()
    L7_DENIED = auto()


_CONNECTIONLESS = frozenset({"udp", "sctp", "icmp", "icmpv6"})


def role_of(kind: Kind, l7: L7 | None) -> Role | Outcome:
    """The role of an event, or the reason why it has none; `l7` is the record of a type-129 event.

    Total: every event gets an answer. Of a packet it depends on its kind only.
    """
    match kind.event_type:
        case EventType.L7:
            return _l7(kind, l7)
        case EventType.TRACE:
            return _trace(kind)
        case EventType.POLICY_VERDICT:
            return _policy_verdict(kind)
        case EventType.DROP:
            return _drop(kind)
        case EventType.TRACE_SOCK:
            return Outcome.TRACE_SOCK
        case EventType.CAPTURE:
            return Outcome.CAPTURE
        case _:
            return Outcome.OTHER_TYPE


def _trace(kind: Kind) -> Role | Outcome:
    if kind.replies_inside_tcp:
        return Role.TCP_ANSWER
    if kind.is_reply or kind.trace_reason == TraceReason.REPLY or (kind.is_reply is None and kind.answers_tcp):
        return Role.ANSWER
    if kind.direction == Direction.INGRESS:
        return Outcome.INGRESS
    if kind.trace_reason == TraceReason.RELATED:
        return Outcome.RELATED
    if kind.direction != Direction.EGRESS:
        return Role.START_IF_WORLD if _starts_undirected(kind) else Outcome.DIRECTION_UNKNOWN
    if kind.starts_tcp or kind.trace_reason == TraceReason.NEW:
        return Role.START
    if kind.is_reply is None:
        return Outcome.REPLY_UNKNOWN
    if not kind.is_tcp and kind.trace_reason == TraceReason.UNKNOWN:
        # Servers older than 1.16 send no trace reason: any event of a connectionless protocol may be the first.
        return Role.START
    # The window of a TCP connection is from start to start: what lies in between neither opens nor keeps it.
    return Role.TCP_CONTINUATION if kind.is_tcp else Role.CONTINUATION


def _starts_undirected(kind: Kind) -> bool:
    # NEW is no proof for TCP here: host programs report it for packets in the middle of a connection too.
    return kind.starts_tcp or (kind.protocol in _CONNECTIONLESS and kind.trace_reason == TraceReason.NEW)


def _policy_verdict(kind: Kind) -> Role | Outcome:
    if kind.direction != Direction.EGRESS:
        return Outcome.INGRESS if kind.direction == Direction.INGRESS else Outcome.DIRECTION_UNKNOWN
    if kind.is_reply:
        return Outcome.REPLY
    match kind.verdict:
        case Verdict.DROPPED:
            return Role.DENIED_VERDICT
        case Verdict.FORWARDED | Verdict.REDIRECTED | Verdict.AUDIT:
            if kind.is_reply is None and kind.is_tcp and kind.tcp_flags and not kind.starts_tcp:
                return Outcome.REPLY_UNKNOWN
            return Role.START
        case _:
            return Outcome.OTHER_VERDICT


def _drop(kind: Kind) -> Role | Outcome:
    if kind.is_reply:
        return Outcome.REPLY
    if kind.direction == Direction.EGRESS:
        return Role.DROP
    if kind.direction == Direction.INGRESS:
        return Outcome.INGRESS
    return Role.DROP_IF_WORLD if _starts_undirected(kind) else Outcome.DIRECTION_UNKNOWN


def _l7(kind: Kind, l7: L7 | None) -> Role | Outcome:
    if kind.direction != Direction.EGRESS:
        return Outcome.INGRESS if kind.direction == Direction.INGRESS else Outcome.DIRECTION_UNKNOWN
    if kind.verdict == Verdict.DROPPED:
        # No type-1 event accompanies a denial of the proxy: this record is the drop.
        return Role.L7_DENIED
    if l7 is None or l7.record is None:
        return Outcome.L7_UNREAD
    if l7.type not in (L7Type.REQUEST, L7Type.RESPONSE):
        return Outcome.L7_SAMPLE
    is_response = l7.type == L7Type.RESPONSE
    if isinstance(l7.record, Dns):
        if is_response:
            return Role.DNS_RESPONSE
        return Role.DNS_ERROR if kind.verdict == Verdict.ERROR else Role.DNS_QUERY
    return Role.L7_EXCHANGE if is_response or kind.verdict == Verdict.ERROR else Outcome.L7_REQUEST


def owns_source(flow: Flow) -> bool:
    """Whether the observing node owns the source: only there an endpoint has an id and workloads, or is the host."""
    source = flow.source
    return bool(source.id or source.workloads) or source.identity == 1 or "reserved:host" in source.labels
