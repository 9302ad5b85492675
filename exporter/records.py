"""What the proxy saw: DNS and HTTP exchanges and its refusals, from whose record to which counter."""

from exporter.chosen import Chosen
from exporter.connections.connections import Connections
from exporter.counting import Outcome
from exporter.destinations.directory import Destinations, is_unresolved
from exporter.destinations.interface import Destination
from exporter.detectors.interface import PROXY_ERROR, REFUSED
from exporter.detectors.watch import DnsWatch
from exporter.expectations.interface import Expectation
from exporter.flow import Dns, Flow, Http, Kafka, L7Type
from exporter.metrics.recorder import Recorder
from exporter.recent import Recent
from exporter.seeing import Seeing


class Records:
    """The steps of type-129 events. Not thread-safe: the pipeline owns it."""

    def __init__(
        self,
        destinations: Destinations,
        connections: Connections,
        recorder: Recorder,
        recent: Recent,
        chosen: Chosen,
        seeing: Seeing,
        dns: DnsWatch,
    ) -> None:
        self._destinations, self._connections = destinations, connections
        self._recorder, self._recent, self._chosen = recorder, recent, chosen
        self._seeing, self._dns = seeing, dns

    def denied(self, flow: Flow) -> Outcome:
        """A query or request that the proxy refused, from the side that asked: no other event shows this drop."""
        record = flow.l7.record if flow.l7 else None
        source = self._destinations.source_of(flow)
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        if isinstance(record, Dns):
            self._destinations.dns.saw(source, flow.time_ns)
            destination = self._destinations.asked(record.query, source)
            self._recorder.dns_query(flow, source, record)
            self._recorder.dns_failure(source, REFUSED, flow.weight)
            self._dns.refused(flow, source, record)
        else:
            destination = self._destinations.destination_of(flow, source)
            if isinstance(record, Http | Kafka):
                self._recorder.l7_request(flow, source, destination, record)
        # A refused query is a contact to the name that was asked, not to the resolver; a name of the cluster is none. A
        # refused request is none either: its connection was let pass, and said whether the destination is expected.
        is_contact = destination.external and isinstance(record, Dns)
        unexpected = is_contact and self._seeing.begins(flow, source, destination).expectation is Expectation.UNEXPECTED
        self._recorder.drop(flow, source, destination, unexpected=unexpected)
        self._recent.dropped(flow, source, destination)
        return counted(destination)

    def dns_query(self, flow: Flow) -> Outcome:
        """A query that the proxy let pass."""
        record = _dns(flow)
        source = self._destinations.source_of(flow)
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        self._connections.asked(flow, record.query)
        self._destinations.dns.saw(source, flow.time_ns)
        self._recorder.dns_query(flow, source, record)
        self._dns.asked(flow, source, record)
        return Outcome.COUNTED

    def dns_error(self, flow: Flow) -> Outcome:
        """The proxy's report of a failed forward, on top of the query that it let pass."""
        record = _dns(flow)
        outcome = Outcome.SAME_EXCHANGE if self._connections.was_asked(flow, record.query) else self.dns_query(flow)
        source = self._destinations.source_of(flow)
        if not (self._chosen.chooses and self._chosen.excludes(source)):
            self._recorder.dns_failure(source, PROXY_ERROR, flow.weight)
            self._dns.failed(flow, source, record)
        return outcome

    def dns_response(self, flow: Flow) -> Outcome:
        """An answer, as it is written: from the resolver to the workload that asked."""
        record = _dns(flow)
        source = self._destinations.asker_of(flow)
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        self._destinations.dns.answered(flow, record, source)
        expansion = self._destinations.is_expansion(record.query, source, fails=record.rcode != 0)
        self._recorder.dns_response(flow, source, record, expansion=expansion)
        self._dns.drops.answered_by_resolver(flow, source)
        seconds = self._dns.answered(flow, source, record, expansion=expansion)
        if seconds is not None:
            self._recorder.dns_latency(source, seconds)
        return Outcome.COUNTED

    def l7_exchange(self, flow: Flow) -> Outcome:
        """An HTTP or Kafka exchange, from the side that asked."""
        source = self._destinations.source_of(flow)
        if self._chosen.chooses and self._chosen.excludes(source):
            return Outcome.EXCLUDED
        destination = self._destinations.destination_of(flow, source)
        if flow.l7 and isinstance(flow.l7.record, Http | Kafka):
            self._recorder.l7_request(flow, source, destination, flow.l7.record)
        return counted(destination)


def asking(flow: Flow) -> Flow:
    """An L7 record from the side that asked: a response comes with its sides the other way round."""
    return flow.turned() if flow.l7 and flow.l7.type == L7Type.RESPONSE else flow


def _dns(flow: Flow) -> Dns:
    return flow.l7.record if flow.l7 and isinstance(flow.l7.record, Dns) else Dns("", (), 0)


def counted(destination: Destination) -> Outcome:
    """What became of a flow that was added to a family."""
    return Outcome.IDENTITY_UNRESOLVED if is_unresolved(destination) else Outcome.COUNTED
