"""Turns what the pipeline found out about a flow into increments: families and their label values."""

from functools import lru_cache

from exporter.destinations.interface import Destination, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.flow import Dns, EventType, Flow, Http, Kafka, Policy, Verdict
from exporter.hubble.drop_reasons import drop_reason_name
from exporter.metrics import families, labels
from exporter.metrics.families import Family
from exporter.metrics.store import Store
from exporter.metrics.switches import Switches

_POLICIES = 10_000
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


class Recorder:
    """The product counters. Not thread-safe: the pipeline owns it."""

    def __init__(self, store: Store, switches: Switches | None = None) -> None:
        self.store = store
        self._switches = switches or Switches({})

    def connection(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """One connection, or as many as an aggregated line stands for."""
        verdict = _CONNECTION_VERDICTS.get(flow.verdict, "forwarded")
        port = _port(flow.destination_port)
        values = (*source, *_destination(destination), port, flow.protocol, verdict)
        self._add(families.CONNECTIONS, values, flow.weight)

    def drop(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """One dropped packet."""
        self._drop(flow, source, destination)

    def denied_by_proxy(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """One query or request that the proxy refused."""
        self._drop(flow, source, destination)

    def _drop(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        where = _destination(destination)
        values = (*source, *where, port_of_drop(flow), flow.protocol, reason_of_drop(flow))
        self._add(families.DROPS, values, flow.weight)

    def policy_verdict(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """One policy verdict, with the policy behind it where Hubble names one."""
        policies = flow.egress_denied_by if flow.verdict == Verdict.DROPPED else flow.egress_allowed_by
        values = (
            *source,
            destination.kind,
            _POLICY_ACTIONS[flow.verdict],
            labels.MATCH_TYPES.get(flow.policy_match_type, labels.OTHER),
            *_policy(policies),
        )
        self._add(families.POLICY_VERDICTS, values, flow.weight)

    def dns_query(self, flow: Flow, source: WorkloadName, query: Dns) -> None:
        """One DNS query."""
        qtype = query.qtypes[0] if query.qtypes and query.qtypes[0] in labels.QTYPES else labels.OTHER
        self._add(families.DNS_QUERIES, (*source, qtype), flow.weight)

    def dns_response(self, flow: Flow, source: WorkloadName, response: Dns, *, expansion: bool) -> None:
        """One DNS response."""
        rcode = labels.RCODES.get(response.rcode, labels.OTHER)
        values = (*source, rcode, "true" if expansion else "false")
        self._add(families.DNS_RESPONSES, values, flow.weight)

    def l7_request(self, flow: Flow, source: WorkloadName, destination: Destination, record: Http | Kafka) -> None:
        """One HTTP or Kafka exchange."""
        if isinstance(record, Http):
            protocol, method, status = "http", _listed(record.method, labels.HTTP_METHODS), _http_status(record.code)
        else:
            protocol, method = "kafka", _listed(record.api_key, labels.KAFKA_METHODS)
            status = str(record.error_code) if record.error_code in labels.KAFKA_ERRORS else labels.OTHER
        verdict = _L7_VERDICTS.get(flow.verdict, labels.OTHER)
        values = (*source, *_destination(destination), protocol, method, status, verdict)
        self._add(families.L7_REQUESTS, values, flow.weight)

    def world_start(self, flow: Flow) -> None:
        """One connection to the outside that the datapath itself carries."""
        self._add(families.WORLD_STARTS, (flow.node_name,), flow.weight)
        # Both exist from the first start on, so that an outage is a flat line and not a missing one.
        self._add(families.WORLD_ANSWERED, (flow.node_name,), 0)

    def world_answer(self, node_name: str, weight: int) -> None:
        """The first answer to one of them."""
        self._add(families.WORLD_ANSWERED, (node_name,), weight)

    def _add(self, family: Family, values: tuple[str, ...], weight: int) -> None:
        self.store.add(family, self._switches.apply(family, values) if self._switches else values, weight)


def _destination(destination: Destination) -> tuple[str, str, str]:
    # Members of these enums are texts, and their `value` is a property that is written in Python.
    return destination.kind, destination.scope, destination.label


_ANSWERING = (Scope.PUBLIC, Scope.PRIVATE)


def is_carried_to_world(flow: Flow, destination: Destination) -> bool:
    """Whether the connection's answer can only come from outside the cluster."""
    return destination.external and flow.verdict != Verdict.REDIRECTED and destination.scope in _ANSWERING


def port_of_drop(flow: Flow) -> str:
    """Port label of a drop. Only the initiator's SYN says which port was wanted; a later packet may answer anything."""
    inside = flow.event_type == EventType.DROP and flow.protocol == "tcp" and not flow.starts_tcp
    return labels.FOLDED if inside else _port(flow.destination_port)


def reason_of_drop(flow: Flow) -> str:
    """Reason label of a drop: Hubble's, or the proxy's refusal, which Hubble gives no reason for."""
    if flow.event_type == EventType.DROP:
        return drop_reason_name(flow.drop_reason)
    return "dns_denied" if flow.l7 is not None and isinstance(flow.l7.record, Dns) else "l7_denied"


@lru_cache(maxsize=65536)
def _port(number: int) -> str:
    """The same text each time, so that its hash is known already."""
    return str(number or "")


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
