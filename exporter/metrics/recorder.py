"""Turns what the pipeline found out about a flow into increments: families and their label values."""

from functools import lru_cache

from exporter.destinations.interface import Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.detectors.destination_findings import MUTE
from exporter.detectors.interface import Cause
from exporter.flow import Dns, EventType, Flow, Http, Kafka, Policy, Verdict
from exporter.hubble.drop_reasons import drop_reason_name
from exporter.metrics import families, labels
from exporter.metrics.ceiling import EXPECTED, UNEXPECTED
from exporter.metrics.latency import Latency
from exporter.metrics.series import FamilySeries, Values
from exporter.metrics.store import Store
from exporter.metrics.switches import Switches

_POLICIES = 10_000
_MOST_PORTS = 65_536
_DROPPED, _REDIRECTED = int(Verdict.DROPPED), int(Verdict.REDIRECTED)
_ENTITY = DestinationKind.ENTITY
_CONFIDENCES: dict[str, Values] = {confidence.value: (confidence.value,) for confidence in NameConfidence}
_CONNECTION_VERDICTS: dict[int, str] = {Verdict.REDIRECTED: "redirected", Verdict.AUDIT: "audited"}
_POLICY_ACTIONS: dict[int, str] = {
    Verdict.FORWARDED: "allowed",
    Verdict.DROPPED: "denied",
    Verdict.AUDIT: "audited",
    Verdict.REDIRECTED: "redirected",
}
_L7_VERDICTS: dict[int, str] = {
    Verdict.FORWARDED: "forwarded",
    Verdict.REDIRECTED: "redirected",
    Verdict.DROPPED: "dropped",
    Verdict.ERROR: "error",
    Verdict.AUDIT: "audited",
}


class _Ports(dict[int, str]):
    """Ports as label values: the same text each time, so that its hash is known already."""

    def __missing__(self, number: int) -> str:
        if len(self) >= _MOST_PORTS:
            # What is larger than a port comes from no packet.
            self.clear()
        text = self[number] = str(number or "")
        return text


_PORTS = _Ports()


class Recorder:
    """The product counters. Not thread-safe: the pipeline owns it."""

    def __init__(self, store: Store, switches: Switches | None = None, *, latency_namespaces: int = 200) -> None:
        self.store = store
        self.latency = Latency(latency_namespaces)
        self._switches = switches
        # Nobody pays for switches that are not there.
        self._count = self._count_switched if switches else store.count
        self._connections, self._drops = store.families[families.CONNECTIONS], store.families[families.DROPS]
        self._policy_verdicts = store.families[families.POLICY_VERDICTS]
        self._dns_queries = store.families[families.DNS_QUERIES]
        self._dns_responses = store.families[families.DNS_RESPONSES]
        self._l7_requests = store.families[families.L7_REQUESTS]
        self._world_starts = store.families[families.WORLD_STARTS]
        self._dns_bypass = store.families[families.DNS_BYPASS]
        self._dns_failures = store.families[families.DNS_FAILURES]
        self._dns_breakage_starts = store.families[families.DNS_BREAKAGE_STARTS]
        self._new_destinations = store.families[families.NEW_DESTINATIONS]
        self._nameless_news = store.families[families.NAMELESS_NEWS]
        self._unexpected_connections = store.families[families.UNEXPECTED_CONNECTIONS]
        self._unexpected_drops = store.families[families.UNEXPECTED_DROPS]
        self._world_answered = store.families[families.WORLD_ANSWERED]
        self._named = store.families[families.NAMED_CONNECTIONS]
        for confidence in NameConfidence:
            # All exist from the start, so that the share of each is one.
            store.count(self._named, (confidence.value,), 0)

    def connection(
        self, flow: Flow, source: WorkloadName, destination: Destination, *, unexpected: bool = False
    ) -> None:
        """One connection, or as many as an aggregated line stands for."""
        kind = flow.kind
        values = (
            source.namespace,
            source.name,
            destination.kind,
            destination.scope,
            destination.label,
            _PORTS[flow.destination_port],
            kind.protocol,
            _CONNECTION_VERDICTS.get(kind.verdict, "forwarded"),
        )
        self._count(self._connections, values, flow.weight, UNEXPECTED if unexpected else EXPECTED)
        if unexpected and kind.protocol not in MUTE:
            self._count(self._unexpected_connections, values[:4], flow.weight)
        if destination.external and destination.kind is not _ENTITY:
            self.store.count(self._named, _CONFIDENCES[destination.confidence], flow.weight)

    def drop(self, flow: Flow, source: WorkloadName, destination: Destination, *, unexpected: bool = False) -> None:
        """One dropped packet, or one query or request that the proxy refused."""
        where = (destination.kind, destination.scope, destination.label)
        port, protocol = port_of_drop(flow), flow.kind.protocol
        values = (*source, *where, port, protocol, reason_of_drop(flow))
        self._count(self._drops, values, flow.weight, UNEXPECTED if unexpected else EXPECTED)
        # A drop inside a connection is no attempt to reach anything: it may be an answer.
        if unexpected and protocol not in MUTE and port != labels.FOLDED:
            self._count(self._unexpected_drops, values[:4], flow.weight)

    def policy_verdict(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """One policy verdict, with the policy behind it where Hubble names one."""
        verdict = flow.kind.verdict
        policies = flow.egress_denied_by if verdict == _DROPPED else flow.egress_allowed_by
        policy_namespace, policy = _policy(policies) if policies else ("", "")
        values = (
            source.namespace,
            source.name,
            destination.kind,
            _POLICY_ACTIONS[verdict],
            labels.MATCH_TYPES.get(flow.policy_match_type, labels.OTHER),
            policy_namespace,
            policy,
        )
        self._count(self._policy_verdicts, values, flow.weight)

    def dns_query(self, flow: Flow, source: WorkloadName, query: Dns) -> None:
        """One DNS query."""
        qtype = query.qtypes[0] if query.qtypes and query.qtypes[0] in labels.QTYPES else labels.OTHER
        self._count(self._dns_queries, (source.namespace, source.name, qtype), flow.weight)

    def dns_response(self, flow: Flow, source: WorkloadName, response: Dns, *, expansion: bool) -> None:
        """One DNS response."""
        rcode = labels.RCODES.get(response.rcode, labels.OTHER)
        values = (source.namespace, source.name, rcode, "true" if expansion else "false")
        self._count(self._dns_responses, values, flow.weight)

    def dns_failure(self, workload: WorkloadName, failure: str, weight: int) -> None:
        """One query that got no answer from a server."""
        self._count(self._dns_failures, (workload.namespace, workload.name, failure), weight)

    def dns_latency(self, workload: WorkloadName, seconds: float) -> None:
        """The time from one query to its response."""
        self.latency.observe(workload.namespace, seconds)

    def dns_breakage(self, workload: WorkloadName, cause: Cause) -> None:
        """One cause of broken name resolution has begun."""
        self._count(self._dns_breakage_starts, (workload.namespace, workload.name, cause.value), 1)

    def dns_bypass(self, flow: Flow, source: WorkloadName, transport: str) -> None:
        """One connection, or dropped packet, to a resolver that is not the cluster's."""
        self._count(self._dns_bypass, (source.namespace, source.name, transport), flow.weight)

    def new_destination(self, values: Values, number: int) -> None:
        """So many new destinations."""
        self._count(self._new_destinations, values, number)

    def nameless_news(self, values: Values, number: int) -> None:
        """So many news about addresses without a name."""
        self._count(self._nameless_news, values, number)

    def l7_request(self, flow: Flow, source: WorkloadName, destination: Destination, record: Http | Kafka) -> None:
        """One HTTP or Kafka exchange."""
        if isinstance(record, Http):
            protocol, method, status = "http", _listed(record.method, labels.HTTP_METHODS), _http_status(record.code)
        else:
            protocol, method = "kafka", _listed(record.api_key, labels.KAFKA_METHODS)
            status = str(record.error_code) if record.error_code in labels.KAFKA_ERRORS else labels.OTHER
        verdict = _L7_VERDICTS.get(flow.kind.verdict, labels.OTHER)
        where = (destination.kind, destination.scope, destination.label)
        self._count(self._l7_requests, (*source, *where, protocol, method, status, verdict), flow.weight)

    def world_start(self, flow: Flow) -> None:
        """One connection to the outside that the datapath itself carries."""
        node = (flow.node_name,)
        self._count(self._world_starts, node, flow.weight)
        # Both exist from the first start on, so that an outage is a flat line and not a missing one.
        self._count(self._world_answered, node, 0)

    def world_answer(self, node_name: str, weight: int) -> None:
        """The first answer to one of them."""
        self._count(self._world_answered, (node_name,), weight)

    def _count_switched(self, series: FamilySeries, values: Values, weight: int, pool: str = EXPECTED) -> None:
        if self._switches:
            values = self._switches.apply(series.family, values)
        self.store.count(series, values, weight, pool)


_ANSWERING = (Scope.PUBLIC, Scope.PRIVATE)


def is_carried_to_world(flow: Flow, destination: Destination) -> bool:
    """Whether the connection's answer can only come from outside the cluster."""
    return destination.external and flow.kind.verdict != _REDIRECTED and destination.scope in _ANSWERING


def port_of_drop(flow: Flow) -> str:
    """Port label of a drop. Only the initiator's SYN says which port was wanted; a later packet may answer anything."""
    inside = flow.kind.event_type == EventType.DROP and flow.kind.is_tcp and not flow.kind.starts_tcp
    return labels.FOLDED if inside else _PORTS[flow.destination_port]


def reason_of_drop(flow: Flow) -> str:
    """Reason label of a drop: Hubble's, or the proxy's refusal, which Hubble gives no reason for."""
    if flow.kind.event_type != EventType.L7:
        return drop_reason_name(flow.drop_reason)
    return "dns_denied" if flow.l7 is not None and isinstance(flow.l7.record, Dns) else "l7_denied"


@lru_cache(maxsize=_POLICIES)
def _policy(policies: tuple[Policy, ...]) -> tuple[str, str]:
    """Labels `policy_namespace` and `policy` of the policies behind a verdict."""
    several = len(set(policies)) > 1
    name = labels.MULTIPLE if several else _one([policy.name for policy in policies])
    return _one([policy.namespace for policy in policies]), name


def _one(values: list[str]) -> str:
    return labels.MULTIPLE if len(set(values)) > 1 else next(iter(values), "")


def _listed(value: str, known: tuple[str, ...]) -> str:
    return value if value in known else labels.OTHER


def _http_status(code: int) -> str:
    if code == 0:
        return ""
    return str(code) if code in labels.HTTP_STATUSES else labels.OTHER
