"""Labels: each declared once, bounded (all values listed) or not (with what bounds it)."""

from dataclasses import dataclass
from http import HTTPStatus

from exporter.counting import OUTCOME_MEANING
from exporter.destinations.interface import DestinationKind, NameConfidence
from exporter.destinations.resolvers import TRANSPORTS
from exporter.destinations.scopes import Scope
from exporter.detectors.interface import FAILURES, Cause
from exporter.detectors.novelty import NAMELESS_NEWS
from exporter.detectors.unexpected import VERDICTS
from exporter.expectations.interface import Expectation
from exporter.expectations.kinds import RESOURCES
from exporter.expectations.manifests import POLICY_KINDS
from exporter.expectations.trouble import Trouble
from exporter.expectations.unread import KNOWN_UNREAD
from exporter.findings.interface import Context, Detector, Novelty
from exporter.findings.outcomes import Outcome, Sink
from exporter.known.interface import Fault
from exporter.known.learning import State


@dataclass(frozen=True, eq=False)
class Label:
    """A label; `values` is the complete list, or empty when the cluster decides.

    `cost` is `fine`, `careful` (grows with workloads and what they reach) or `avoid` (grows with pods or addresses).
    """

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    cost: str = "fine"


OTHER = "other"
FOLDED = "~other"
MULTIPLE = "~multiple"

DROP_REASONS_ADDED = ("l7_denied", "dns_denied")
QTYPES = (
    *("A", "AAAA", "ANY", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "NULL"),
    *("PTR", "SOA", "SRV", "SVCB", "TXT"),
)
# IANA "DNS RCODEs"; numbers without a name are `other`.
RCODES = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
    11: "DSOTYPENI",
    16: "BADVERS",
    17: "BADKEY",
    18: "BADTIME",
    19: "BADMODE",
    20: "BADNAME",
    21: "BADALG",
    22: "BADTRUNC",
    23: "BADCOOKIE",
}
HTTP_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
HTTP_STATUSES = frozenset(int(status) for status in HTTPStatus)
KAFKA_METHODS = ("produce", "fetch", "offsets", "metadata", "offsetcommit", "offsetfetch", "findcoordinator")
# Kafka protocol guide, "Error Codes": -1 (unknown) to about 130.
KAFKA_ERRORS = range(-1, 200)
# PolicyMatchType of Cilium's monitor API, as Hubble's own policy metric writes it.
MATCH_TYPES = {0: "none", 1: "l3-only", 2: "l3-l4", 3: "l4-only", 4: "all", 5: "l3-proto", 6: "proto-only"}

SOURCE_NAMESPACE = Label("source_namespace", "Namespace of the workload that sends; empty for the host.")
SOURCE_WORKLOAD = Label(
    "source_workload",
    "Workload that sends; `~host`, `~resolver`, `~unknown` where there is no workload.",
    cost="careful",
)
DESTINATION_KIND = Label("destination_kind", "What the destination is.", tuple(DestinationKind))
SCOPE = Label("scope", "Which part of the address space it is in.", tuple(Scope))
DESTINATION = Label(
    "destination",
    "Entity, `namespace/workload`, name, CIDR or `world`; at most `metrics.destinations-per-workload` values per "
    "workload, the rest is `~other`; names of one registered domain become `*.example.com` beyond "
    "`metrics.names-per-domain`.",
    cost="careful",
)
DESTINATION_PORT = Label(
    "destination_port",
    "Port; empty where the protocol has none; `~other` for dropped packets inside a connection, and beyond "
    "`metrics.ports-per-workload`.",
    cost="careful",
)
PROTOCOL = Label("protocol", "Protocol.", ("tcp", "udp", "sctp", "icmp", "icmpv6", "vrrp", "igmp", "unknown"))
CONNECTION_VERDICT = Label("verdict", "How it passed.", ("forwarded", "redirected", "audited"))
DROP_REASON = Label(
    "reason",
    "Hubble's drop reason in lower case; `l7_denied` and `dns_denied` for refusals of the proxy; `reason_<n>` for a "
    "number that this version does not know.",
)
POLICY_ACTION = Label("action", "What the policy did.", ("allowed", "denied", "audited", "redirected"))
POLICY_MATCH = Label("match", "Which part of the policy matched.", (*MATCH_TYPES.values(), OTHER))
POLICY_NAMESPACE = Label("policy_namespace", "Namespace of the policy; empty for cluster-wide ones or none.")
POLICY = Label(
    "policy", "Name of the policy; empty when Hubble names none, `~multiple` when it names several.", cost="careful"
)
TRANSPORT = Label(
    "transport",
    "`dns`: port 53 of what is no resolver of the cluster, `dot`: port 853, `doh`: a known resolver for HTTPS.",
    TRANSPORTS,
)
QTYPE = Label("qtype", "Record type asked for.", (*QTYPES, OTHER))
RCODE = Label("rcode", "Response code by its IANA name.", (*RCODES.values(), OTHER))
EXPANSION = Label("expansion", "Whether the name is a search-suffix expansion.", ("true", "false"))
FAILURE = Label(
    "failure",
    "`refused`: by policy, in the proxy; `proxy_error`: the proxy could not forward it; `unanswered`: no response in "
    "`detectors.dns.answer-timeout`.",
    FAILURES,
)
CAUSE = Label("cause", "Why it is broken; the README says what was seen of each.", tuple(Cause))
NOVELTY = Label(
    "novelty",
    "`destination`: it never went there; `port`: not on this port; `address_reused`: the address is known under "
    "another name.",
    tuple(Novelty),
)
CONTEXT = Label(
    "context",
    "What was going on, the first that holds: `learning`: the workload is not armed; `after_gap`: flows were missed "
    "before; `rollout`: minutes after a new ReplicaSet; `startup`: minutes after the start of the pod; `steady`.",
    tuple(Context),
)
ANSWER = Label("expectation", "Whether somebody declared it.", tuple(Expectation))
NAMELESS_NEWS_LABEL = Label(
    "novelty",
    "`address`, `network`: the first of its /24 or /48, `port`: the first of this port and protocol.",
    NAMELESS_NEWS,
)
VERDICT = Label("verdict", "What became of it.", VERDICTS)
L7_PROTOCOL = Label("l7_protocol", "Protocol of the request.", ("http", "kafka"))
METHOD = Label("method", "HTTP method or Kafka request.", (*HTTP_METHODS, *KAFKA_METHODS, OTHER))
STATUS = Label("status", "HTTP status or Kafka error code; empty when there was no response; `other` when unknown.")
L7_VERDICT = Label("verdict", "What the proxy did.", ("forwarded", "redirected", "dropped", "error", "audited", OTHER))
NODE_NAME = Label("node_name", "Node that observed it.", cost="careful")

NAME_CONFIDENCE = Label(
    "name_confidence",
    "`observed`: Hubble gave one name; `joined`: the pod was seen to ask for it, within its TTL; `stale`: that past "
    "its TTL, or the name of an `fqdn:` label; `ambiguous`: several names on one address; `none`: no name.",
    tuple(NameConfidence),
)

OUTCOME = Label("outcome", "What became of the flow.", tuple(OUTCOME_MEANING))
EVENT_TYPE = Label(
    "type",
    "Cilium's event type.",
    ("drop", "policy_verdict", "trace", "l7", "trace_sock", "capture", OTHER),
)
LOST_SOURCE = Label(
    "source",
    "Where Hubble lost them.",
    ("perf_event_ring_buffer", "observer_events_queue", "hubble_ring_buffer", "unknown_lost_event_source"),
)
NODE_STATE = Label(
    "state",
    "State that relay last gave, or `connected`; `silent`: its agent sees flows, and none arrives.",
    ("connected", "unavailable", "gone", "error", "silent", "unknown"),
)
CODE = Label("code", "gRPC status name; OK for a connection that was made and for a stream that ended in order.")
CONNECT_REASON = Label("reason", "`connected`, or why an attempt or a stream ended.")
DECODE_REASON = Label(
    "reason",
    "Why a message or line was skipped.",
    (
        *("invalid_protobuf", "invalid_json", "invalid_field", "not_an_object", "unknown_shape", "line_too_long"),
        "message_too_large",
        *("broken_file", "time_missing", "time_in_future"),
    ),
)
PRODUCT_FAMILIES = (
    *("connections", "drops", "policy_verdicts", "dns_queries", "dns_responses", "l7_requests"),
    *("world_connection_starts", "world_connections_answered", "dns_bypass", "named_connections"),
    *("dns_failures", "dns_breakage_starts", "new_destinations", "nameless_news"),
    *("unexpected_connections", "unexpected_drops"),
)
FAMILY = Label("family", "Product family, without `hubble_egress_` and `_total`.", PRODUCT_FAMILIES)
FOLDED_LABEL = Label(
    "label",
    "The label whose value was folded.",
    (
        *("source_namespace", "source_workload", "destination", "destination_port", "reason"),
        *("policy_namespace", "policy", "method", "status", "node_name", "novelty", "context"),
    ),
)
KEPT_STATE = Label(
    "state",
    "`live` in series that are exposed, `retained` for series that may come back, `forgotten` with the others.",
    ("live", "retained", "forgotten"),
)
SELF_NODE_NAME = Label("node_name", "The node, as Hubble names it; at most hubble.nodes of them.")
CERTIFICATE = Label("certificate", "`ca`: hubble.tls.ca-file, `client`: hubble.tls.cert-file; neither without TLS.")
MASK = Label("mask", "`release`, `oldest` or `none`.", ("release", "oldest", "none"))
CACHE = Label("cache", "Which cache or window.")
WORKLOAD_STATE = Label(
    "state",
    "`learning`: where it goes is not known yet; `armed`: new destinations are announced; `open_ended`: it goes "
    "somewhere new all the time, and is counted only.",
    tuple(State),
)
STORE_FAULT = Label("reason", "Why the store did not work.", tuple(Fault))
DETECTOR = Label("detector", "Who found it.", tuple(Detector))
SINK = Label("sink", "Where it was announced.", tuple(Sink))
DELIVERY = Label(
    "outcome",
    "`delivered`; `suppressed`: the workload had `findings.per-workload` in this hour; `dropped`: the queue was full; "
    "`failed`: it could not be written, or was not taken.",
    tuple(Outcome),
)
RESOURCE = Label("resource", "The kind of objects, as the API server names it.", RESOURCES)
WATCH_END = Label("reason", "Why a list or a watch ended; `ended` is the server's own time limit.", tuple(Trouble))
EXPECTATION = Label("answer", "The answer.", tuple(Expectation))
RULE_SOURCE = Label("source", "`allowlist`: our own format, `policies`: Kubernetes objects.", ("allowlist", "policies"))
RULE_KIND = Label("kind", "Kind of the object that has the rule.", POLICY_KINDS)
UNREAD_FIELD = Label(
    "field",
    "The field; `unknown` is any that this version does not know, `unlisted` a kind that the cluster did not list yet.",
    KNOWN_UNREAD,
)
VERSION = Label("version", "Version of the exporter.")
PYTHON = Label("python", "Version of Python.")
COMMIT = Label("commit", "Commit it was built from.")
