"""All metric families that exist, each with what it means. METRICS.md is made from this list."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from exporter.metrics import labels
from exporter.metrics.labels import Label

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, eq=False)
class Family:
    """A metric family; `name` is the whole name, with `_total` for counters.

    `folds` are the labels that become `~other`, step by step, when there is no room for more series. Families are
    looked up for every increment, so they are compared by identity.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    folds: tuple[tuple[Label, ...], ...] = ()

    @property
    def short(self) -> str:
        """`connections` of `hubble_egress_connections_total`, as the settings name it."""
        return self.name.removeprefix("hubble_egress_").removesuffix("_total")

    @cached_property
    def has_destination(self) -> bool:
        """Whether its series say where to; such families begin with `_SOURCE` and `_DESTINATION`."""
        return labels.DESTINATION in self.labels

    @cached_property
    def has_port(self) -> bool:
        """Whether its series say the port too, behind the destination."""
        return labels.DESTINATION_PORT in self.labels


_SOURCE = (labels.SOURCE_NAMESPACE, labels.SOURCE_WORKLOAD)
_DESTINATION = (labels.DESTINATION_KIND, labels.SCOPE, labels.DESTINATION)
_PORT = (labels.DESTINATION_PORT, labels.PROTOCOL)
_FOLD_DESTINATION, _FOLD_PORT = (labels.DESTINATION,), (labels.DESTINATION_PORT,)
_FOLD_WORKLOAD, _FOLD_NAMESPACE = (labels.SOURCE_WORKLOAD,), (labels.SOURCE_NAMESPACE,)

CONNECTIONS = Family(
    "hubble_egress_connections_total",
    "counter",
    "Egress connections that policy let pass, each counted once at the first event that shows it.",
    (*_SOURCE, *_DESTINATION, *_PORT, labels.CONNECTION_VERDICT),
    (_FOLD_DESTINATION, _FOLD_PORT, _FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
DROPS = Family(
    "hubble_egress_drops_total",
    "counter",
    "Dropped egress packets and queries or requests refused by the proxy; a retransmission is another drop.",
    (*_SOURCE, *_DESTINATION, *_PORT, labels.DROP_REASON),
    # Reasons are numbers that a newer agent may invent: the last step keeps none of them.
    (_FOLD_DESTINATION, _FOLD_PORT, _FOLD_WORKLOAD, (*_FOLD_NAMESPACE, labels.DROP_REASON)),
)
POLICY_VERDICTS = Family(
    "hubble_egress_policy_verdicts_total",
    "counter",
    "Egress policy verdicts, with the policy where Hubble names it. Denied ones are not added to drops.",
    (
        *_SOURCE,
        labels.DESTINATION_KIND,
        labels.POLICY_ACTION,
        labels.POLICY_MATCH,
        labels.POLICY_NAMESPACE,
        labels.POLICY,
    ),
    ((labels.POLICY_NAMESPACE, labels.POLICY), _FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
DNS_QUERIES = Family(
    "hubble_egress_dns_queries_total",
    "counter",
    "DNS queries seen by the DNS proxy, refused ones included.",
    (*_SOURCE, labels.QTYPE),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
DNS_RESPONSES = Family(
    "hubble_egress_dns_responses_total",
    "counter",
    "DNS responses seen by the DNS proxy.",
    (*_SOURCE, labels.RCODE, labels.EXPANSION),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
L7_REQUESTS = Family(
    "hubble_egress_l7_requests_total",
    "counter",
    "HTTP and Kafka exchanges seen by the proxy, counted at their response, refusal or error.",
    (*_SOURCE, *_DESTINATION, labels.L7_PROTOCOL, labels.METHOD, labels.STATUS, labels.L7_VERDICT),
    (_FOLD_DESTINATION, _FOLD_WORKLOAD, (*_FOLD_NAMESPACE, labels.METHOD, labels.STATUS)),
)
WORLD_STARTS = Family(
    "hubble_egress_world_connection_starts_total",
    "counter",
    "Connections to public and private addresses outside the cluster; those handed to the proxy are left out, for the "
    "proxy answers them itself.",
    (labels.NODE_NAME,),
    ((labels.NODE_NAME,),),
)
WORLD_ANSWERED = Family(
    "hubble_egress_world_connections_answered_total",
    "counter",
    "Those of them that were answered: SYN+ACK, or the first reply of another protocol.",
    (labels.NODE_NAME,),
    ((labels.NODE_NAME,),),
)
DNS_BYPASS = Family(
    "hubble_egress_dns_bypass_total",
    "counter",
    "Connections and drops on the way to a resolver that is not the cluster's: names asked there are seen by nobody.",
    (*_SOURCE, labels.TRANSPORT),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)

DNS_FAILURES = Family(
    "hubble_egress_dns_failures_total",
    "counter",
    "DNS queries without an answer from a server. Expansions are counted too.",
    (*_SOURCE, labels.FAILURE),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
DNS_BREAKAGE_STARTS = Family(
    "hubble_egress_dns_breakage_starts_total",
    "counter",
    "Times that a cause of broken name resolution began.",
    (*_SOURCE, labels.CAUSE),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
NAMED_CONNECTIONS = Family(
    "hubble_egress_named_connections_total",
    "counter",
    "Connections to destinations outside the cluster that are no entity, by how sure their name is.",
    (labels.NAME_CONFIDENCE,),
)

NEW_DESTINATIONS = Family(
    "hubble_egress_new_destinations_total",
    "counter",
    "Destinations that a workload went to, or tried to, for the first time; each is counted once, by all exporters "
    "that share a store together.",
    (
        *_SOURCE,
        labels.DESTINATION_KIND,
        labels.SCOPE,
        labels.NOVELTY,
        labels.ANSWER,
        labels.CONTEXT,
    ),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE, (labels.NOVELTY, labels.CONTEXT)),
)
NAMELESS_NEWS = Family(
    "hubble_egress_nameless_news_total",
    "counter",
    "What was new about addresses without a name, of workloads whose DNS is not seen: it is announced nowhere else.",
    (*_SOURCE, labels.NAMELESS_NEWS_LABEL),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
UNEXPECTED_CONNECTIONS = Family(
    "hubble_egress_unexpected_connections_total",
    "counter",
    "Connections that nothing allows which was declared for their workload; they are in `connections` too. ICMP is "
    "left out: nothing is announced of it.",
    (*_SOURCE, labels.DESTINATION_KIND, labels.SCOPE),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)
UNEXPECTED_DROPS = Family(
    "hubble_egress_unexpected_drops_total",
    "counter",
    "Drops and refusals on the way to such destinations; what policy drops is one of them. ICMP and drops inside a "
    "connection are left out.",
    (*_SOURCE, labels.DESTINATION_KIND, labels.SCOPE),
    (_FOLD_WORKLOAD, _FOLD_NAMESPACE),
)

PRODUCT = (
    CONNECTIONS,
    DROPS,
    POLICY_VERDICTS,
    DNS_QUERIES,
    DNS_RESPONSES,
    L7_REQUESTS,
    WORLD_STARTS,
    WORLD_ANSWERED,
    DNS_BYPASS,
    NAMED_CONNECTIONS,
    DNS_FAILURES,
    DNS_BREAKAGE_STARTS,
    NEW_DESTINATIONS,
    NAMELESS_NEWS,
    UNEXPECTED_CONNECTIONS,
    UNEXPECTED_DROPS,
)

DNS_BREAKAGE = Family(
    "hubble_egress_dns_breakage",
    "gauge",
    "1 while a workload cannot resolve or reach names for this cause; it is gone when the cause had no evidence for "
    "`detectors.dns.quiet`, or was refuted.",
    (*_SOURCE, labels.CAUSE),
)
DNS_FAILING_NAMES = Family(
    "hubble_egress_dns_failing_names",
    "gauge",
    "Names of a workload whose resolution failed within `detectors.dns.window`, expansions left out; only with "
    "`detectors.dns.failing-names-gauge`.",
    _SOURCE,
)
DNS_LATENCY = Family(
    "hubble_egress_dns_latency_seconds",
    "histogram",
    "From a DNS query to its response, as the proxy saw them; at most `metrics.latency-namespaces`, the rest is "
    "`~other`.",
    (labels.SOURCE_NAMESPACE,),
)

_UNEXPECTED = (*_SOURCE, *_DESTINATION, *_PORT, labels.VERDICT)
UNEXPECTED_FIRST_SEEN = Family(
    "hubble_egress_unexpected_destination_first_seen_timestamp_seconds",
    "gauge",
    "When a workload that is not learning went to an unexpected destination for the first time; at most "
    "`known.unexpected`, the longest episodes, for a day after they were seen last.",
    _UNEXPECTED,
)
UNEXPECTED_ACTIVE_SINCE = Family(
    "hubble_egress_unexpected_destination_active_since_timestamp_seconds",
    "gauge",
    "When the present episode began; one ends after two hours of silence.",
    _UNEXPECTED,
)
UNEXPECTED_LAST_SEEN = Family(
    "hubble_egress_unexpected_destination_last_seen_timestamp_seconds",
    "gauge",
    "When it was seen last, to `known.refresh`.",
    _UNEXPECTED,
)
WORKLOADS = Family(
    "hubble_egress_workloads", "gauge", "Workloads by how much is known of them.", (labels.WORKLOAD_STATE,)
)
NAMELESS_WORKLOADS = Family(
    "hubble_egress_nameless_workloads",
    "gauge",
    "Workloads that go outside the cluster and whose DNS is not seen: new addresses of theirs are counted only.",
)
KNOWN_DESTINATIONS = Family(
    "hubble_egress_known_destinations",
    "gauge",
    "Destinations that are remembered of a workload; those of all but `known.workloads` are `~other`.",
    _SOURCE,
)
FANOUT = Family(
    "hubble_egress_destination_fanout",
    "gauge",
    "Destinations outside the cluster that a workload went to, or tried to, within `known.fanout-window`; names of one "
    "registered domain are one.",
    _SOURCE,
)

READ = (
    DNS_BREAKAGE,
    DNS_FAILING_NAMES,
    DNS_LATENCY,
    UNEXPECTED_FIRST_SEEN,
    UNEXPECTED_ACTIVE_SINCE,
    UNEXPECTED_LAST_SEEN,
    WORKLOADS,
    NAMELESS_WORKLOADS,
    KNOWN_DESTINATIONS,
    FANOUT,
)
"""Product families that are read from the detectors at scrape time."""

FLOWS = Family(
    "hubble_egress_exporter_flows_total",
    "counter",
    "Flows received, each with exactly one outcome: counted, or why not.",
    (labels.OUTCOME,),
)
EVENT_TYPES = Family(
    "hubble_egress_exporter_event_types_total",
    "counter",
    "Flows received by Cilium's event type.",
    (labels.EVENT_TYPE,),
)
LOST_EVENTS = Family(
    "hubble_egress_exporter_lost_events_total",
    "counter",
    "Events that Hubble says it lost, as it counts them.",
    (labels.LOST_SOURCE,),
)
LOST_ESTIMATED = Family(
    "hubble_egress_exporter_lost_events_estimated_total",
    "counter",
    "Upper bound of what rings of agents before 1.19 lost, which say that they lost something and not how much: all "
    "that the node saw between two looks.",
)
SERVER_FLOWS = Family(
    "hubble_egress_exporter_server_flows_total",
    "counter",
    "Events that a node's agent saw since we first looked, by its own count; what the filters leave out is in it.",
    (labels.SELF_NODE_NAME,),
)
COVERAGE = Family(
    "hubble_egress_exporter_coverage_ratio",
    "gauge",
    "Share of what a node's agent saw in the last five minutes that could reach us; NaN when it is not known.",
    (labels.SELF_NODE_NAME,),
)
CLUSTER_COVERAGE = Family("hubble_egress_exporter_cluster_coverage_ratio", "gauge", "The same of all nodes together.")
DROPS_FROM_VERDICTS = Family(
    "hubble_egress_exporter_nodes_drops_from_verdicts",
    "gauge",
    "Nodes whose denied verdicts are counted as drops, for they send no drop events.",
)
GAP_SECONDS = Family(
    "hubble_egress_exporter_gap_seconds_total",
    "counter",
    "Time, summed over nodes, of which their rings had forgotten everything when we came back.",
)
NODES = Family("hubble_egress_exporter_nodes", "gauge", "Nodes by their state.", (labels.NODE_STATE,))
CONNECTED = Family("hubble_egress_exporter_connected", "gauge", "1 while a stream of flows is open.")
CONNECTS = Family(
    "hubble_egress_exporter_connects_total",
    "counter",
    "Connections made, attempts that failed and streams that ended, by gRPC status and reason.",
    (labels.CODE, labels.CONNECT_REASON),
)
CERTIFICATE_EXPIRY = Family(
    "hubble_egress_exporter_tls_certificate_expiry_timestamp_seconds",
    "gauge",
    "When the first certificate in a file of hubble.tls ends.",
    (labels.CERTIFICATE,),
)
FIELD_MASK = Family(
    "hubble_egress_exporter_field_mask",
    "gauge",
    "1 for how much of the field mask the present stream was asked for: what the oldest node knows by its `release`; "
    "after a refusal what the `oldest` release knows, or `none`, which is whole flows.",
    (labels.MASK,),
)
POSITION_SAVED = Family(
    "hubble_egress_exporter_position_saved",
    "gauge",
    "1 if the position of the stream is on disk for the next start; 0 if hubble.position-file is unset or unwritable.",
)
LAST_FLOW = Family(
    "hubble_egress_exporter_last_flow_timestamp_seconds",
    "gauge",
    "Time of the newest flow received, by the flow's own clock; 0 before the first.",
)
LAG = Family(
    "hubble_egress_exporter_lag_seconds",
    "histogram",
    "From the time a flow carries to its arrival here; only of live streams, and of flows since they connected.",
)
DECODE_ERRORS = Family(
    "hubble_egress_exporter_decode_errors_total",
    "counter",
    "Messages and lines skipped, and times replaced, because they could not be read.",
    (labels.DECODE_REASON,),
)
SCRAPES_REFUSED = Family(
    "hubble_egress_exporter_scrapes_refused_total",
    "counter",
    "Scrapes answered with 503 because web.max-scrapes were running.",
)
SERIES = Family("hubble_egress_exporter_series", "gauge", "Live series of the product families.", (labels.FAMILY,))
SERIES_LIMIT = Family("hubble_egress_exporter_series_limit", "gauge", "Most series of all product families together.")
RETAINED_SERIES = Family(
    "hubble_egress_exporter_retained_series",
    "gauge",
    "Series that left after their time-to-live and would go on from their value.",
    (labels.FAMILY,),
)
RETAINED_LIMIT = Family("hubble_egress_exporter_retained_series_limit", "gauge", "Most of them that are kept.")
EXPIRED = Family(
    "hubble_egress_exporter_series_expired_total",
    "counter",
    "Series that left because nothing was counted in them for their time-to-live.",
    (labels.FAMILY,),
)
RESUMED = Family(
    "hubble_egress_exporter_series_resumed_total",
    "counter",
    "Series that came back and went on from their value.",
    (labels.FAMILY,),
)
REFUSED = Family(
    "hubble_egress_exporter_series_refused_total",
    "counter",
    "Times that a new series found no room under metrics.series or metrics.series-per-family, and was folded.",
    (labels.FAMILY,),
)
FOLDED = Family(
    "hubble_egress_exporter_folded_total",
    "counter",
    "What was counted under a folded value of a label, because a budget was used up.",
    (labels.FAMILY, labels.FOLDED_LABEL),
)
COUNTED = Family(
    "hubble_egress_exporter_counted_total", "counter", "Everything that was counted in a family.", (labels.FAMILY,)
)
KEPT = Family(
    "hubble_egress_exporter_kept",
    "gauge",
    "Where it is now; the three add up to what was counted.",
    (labels.FAMILY, labels.KEPT_STATE),
)
CACHE_ENTRIES = Family(
    "hubble_egress_exporter_cache_entries", "gauge", "Entries in a cache or window.", (labels.CACHE,)
)
CACHE_LIMIT = Family("hubble_egress_exporter_cache_limit", "gauge", "Most entries it may hold.", (labels.CACHE,))
CACHE_EVICTIONS = Family(
    "hubble_egress_exporter_cache_evictions_total",
    "counter",
    "Entries that left a full window before their time, or times that a full cache started over.",
    (labels.CACHE,),
)
RELOAD_SUCCESSFUL = Family(
    "hubble_egress_exporter_config_last_reload_successful",
    "gauge",
    "1 if the settings could be used when they were last read; the start counts as the first time.",
)
RELOAD_TIME = Family(
    "hubble_egress_exporter_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the settings were last read and could be used.",
)
EXPECTATION_RULES = Family(
    "hubble_egress_exporter_expectation_rules",
    "gauge",
    "Rules in effect, of files and of the cluster.",
    (labels.RULE_SOURCE, labels.RULE_KIND),
)
EXPECTATION_UNREAD = Family(
    "hubble_egress_exporter_expectation_fields_not_evaluated",
    "gauge",
    "Policies in effect with a field that is not evaluated: answers for their workloads are undecided at worst.",
    (labels.UNREAD_FIELD,),
)
EXPECTATION_RELOAD = Family(
    "hubble_egress_exporter_expectation_last_reload_successful",
    "gauge",
    "1 if the files of expectations.files could be used when they were last read; the start counts as the first time.",
)
EXPECTATION_EVALUATIONS = Family(
    "hubble_egress_exporter_expectation_evaluations_total",
    "counter",
    "Distinct contacts that were looked up in the expectations, by answer; each once until the expectations change.",
    (labels.EXPECTATION,),
)
CLUSTER_OBJECTS = Family(
    "hubble_egress_exporter_kubernetes_objects",
    "gauge",
    "Objects that are held of the cluster (`expectations.kubernetes.enabled`).",
    (labels.RESOURCE,),
)
CLUSTER_BROKEN = Family(
    "hubble_egress_exporter_kubernetes_broken_objects",
    "gauge",
    "Of them those that cannot be used as they are; the log says which and why.",
    (labels.RESOURCE,),
)
CLUSTER_DEGRADED = Family(
    "hubble_egress_exporter_kubernetes_degraded",
    "gauge",
    "1 while a kind cannot be listed or watched: what was read before counts, and without that answers are undecided.",
    (labels.RESOURCE,),
)
CLUSTER_RESTARTS = Family(
    "hubble_egress_exporter_kubernetes_watch_restarts_total",
    "counter",
    "Lists and watches that ended, by why.",
    (labels.RESOURCE, labels.WATCH_END),
)
CLUSTER_LIST = Family(
    "hubble_egress_exporter_kubernetes_last_list_timestamp_seconds",
    "gauge",
    "When all objects of a kind were last listed; 0 is never.",
    (labels.RESOURCE,),
)
CLUSTER_EVENT = Family(
    "hubble_egress_exporter_kubernetes_last_event_timestamp_seconds",
    "gauge",
    "When the API server last told anything of a kind, that nothing changed included; 0 is never.",
    (labels.RESOURCE,),
)
STORE_ENTRIES = Family(
    "hubble_egress_exporter_store_entries", "gauge", "Facts of the workloads in use, which are held in memory."
)
STORE_ENTRIES_LIMIT = Family("hubble_egress_exporter_store_entries_limit", "gauge", "Most of them that are held.")
STORE_STORED = Family("hubble_egress_exporter_store_stored_entries", "gauge", "Facts in the store itself.")
STORE_BYTES = Family(
    "hubble_egress_exporter_store_size_bytes", "gauge", "Size of the store; of a server all that it holds."
)
STORE_WRITES = Family("hubble_egress_exporter_store_writes_total", "counter", "Facts written to the store.")
STORE_ERRORS = Family(
    "hubble_egress_exporter_store_errors_total", "counter", "Times that the store did not work.", (labels.STORE_FAULT,)
)
STORE_DEGRADED = Family(
    "hubble_egress_exporter_store_degraded",
    "gauge",
    "1 while the store does not work: findings may be repeated, and workloads that were not read yet are learning.",
)
STORE_QUEUE = Family("hubble_egress_exporter_store_queue", "gauge", "Sightings and facts that wait for the store.")
STORE_QUEUE_LIMIT = Family("hubble_egress_exporter_store_queue_limit", "gauge", "Most sightings that may wait.")
STORE_EVICTED = Family(
    "hubble_egress_exporter_store_evicted_total",
    "counter",
    "Facts that left the memory of the process, which reads them again when it needs them, or a full SQLite file, "
    "which has forgotten them: those unseen for longest.",
)
STORE_REFUSED = Family(
    "hubble_egress_exporter_store_refused_total",
    "counter",
    "Sightings and facts that found no room: in the queue, or within `known.destinations-per-workload`.",
)
UNEXPECTED_REFUSED = Family(
    "hubble_egress_exporter_unexpected_destinations_refused_total",
    "counter",
    "Times that an unexpected destination found no room within `known.unexpected`, or took that of a shorter episode.",
)
FINDINGS = Family(
    "hubble_egress_exporter_findings_total",
    "counter",
    "Findings by what became of them.",
    (labels.DETECTOR, labels.SINK, labels.DELIVERY),
)
BUILD_INFO = Family(
    "hubble_egress_exporter_build_info",
    "gauge",
    "Always 1; the version is in the labels.",
    (labels.VERSION, labels.PYTHON, labels.COMMIT),
)

EXPORTER = (
    FLOWS,
    EVENT_TYPES,
    LOST_EVENTS,
    LOST_ESTIMATED,
    SERVER_FLOWS,
    COVERAGE,
    CLUSTER_COVERAGE,
    DROPS_FROM_VERDICTS,
    GAP_SECONDS,
    NODES,
    CONNECTED,
    CONNECTS,
    CERTIFICATE_EXPIRY,
    FIELD_MASK,
    POSITION_SAVED,
    LAST_FLOW,
    LAG,
    DECODE_ERRORS,
    SCRAPES_REFUSED,
    SERIES,
    SERIES_LIMIT,
    RETAINED_SERIES,
    RETAINED_LIMIT,
    EXPIRED,
    RESUMED,
    REFUSED,
    FOLDED,
    COUNTED,
    KEPT,
    CACHE_ENTRIES,
    CACHE_LIMIT,
    CACHE_EVICTIONS,
    RELOAD_SUCCESSFUL,
    RELOAD_TIME,
    EXPECTATION_RULES,
    EXPECTATION_UNREAD,
    EXPECTATION_RELOAD,
    EXPECTATION_EVALUATIONS,
    CLUSTER_OBJECTS,
    CLUSTER_BROKEN,
    CLUSTER_DEGRADED,
    CLUSTER_RESTARTS,
    CLUSTER_LIST,
    CLUSTER_EVENT,
    STORE_ENTRIES,
    STORE_ENTRIES_LIMIT,
    STORE_STORED,
    STORE_BYTES,
    STORE_WRITES,
    STORE_ERRORS,
    STORE_DEGRADED,
    STORE_QUEUE,
    STORE_QUEUE_LIMIT,
    STORE_EVICTED,
    STORE_REFUSED,
    UNEXPECTED_REFUSED,
    FINDINGS,
    BUILD_INFO,
)
