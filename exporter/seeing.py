"""What the memory is told of: each contact when it is seen first, and again now and then while it goes on.

Flows cost a look-up here. Only a contact that is due costs more, and only then the expectations are asked.
"""

from dataclasses import replace
from functools import lru_cache

from exporter.chosen import Chosen
from exporter.counting import owns_source
from exporter.coverage import Coverage
from exporter.destinations.directory import Destinations, is_unresolved
from exporter.destinations.interface import Destination, WorkloadName
from exporter.detectors.drop_kinds import POLICY_REASONS
from exporter.expectations.expectations import Expectations
from exporter.expectations.interface import Answer, Expectation
from exporter.flow import Dns, EventType, Flow, Policy, Verdict
from exporter.known.inbox import Inbox
from exporter.known.interface import WorkloadKey
from exporter.known.settings import KnownSettings
from exporter.known.sighting import QUERY, Sighting
from exporter.metrics import labels
from exporter.metrics.recorder import port_of_drop, reason_of_drop
from exporter.window import WindowStats

_DROPPED, _DROP, _L7 = int(Verdict.DROPPED), int(EventType.DROP), int(EventType.L7)
_VERDICTS: dict[int, str] = {
    Verdict.REDIRECTED: "redirected",
    Verdict.AUDIT: "audited",
    Verdict.DROPPED: "dropped",
}
_NOT_ASKED = Answer(Expectation.NOT_COVERED)


class _Contact:
    """A contact that was noted: what was found out about it, and when it is to be noted again.

    Keys and destinations are hashes (see `window`), and the rest is shared: there are tens of thousands.
    """

    __slots__ = ("answer", "destination", "due_ns", "policies", "source")

    def __init__(
        self, source: WorkloadName, destination: int, answer: Answer, policies: tuple[Policy, ...], due_ns: int
    ) -> None:
        self.source, self.destination, self.answer = source, destination, answer
        self.policies, self.due_ns = policies, due_ns


class Seeing:
    """Not thread-safe: the pipeline owns it."""

    def __init__(
        self,
        destinations: Destinations,
        expectations: Expectations,
        coverage: Coverage,
        inbox: Inbox | None,
        settings: KnownSettings,
        chosen: Chosen,
    ) -> None:
        """Without an inbox nothing is remembered, and expectations are asked only where there are some."""
        self._destinations, self._expectations, self._coverage = destinations, expectations, coverage
        self._inbox, self._cluster, self._chosen = inbox, settings.cluster, chosen
        self._bound, self._resets = settings.contacts, 0
        self._refresh_ns = int(settings.refresh * 1e9)
        self._contacts: dict[int, _Contact] = {}
        self.oldest_ns = 0
        """What is older is taken for as old as this: the clock of a node that boots may be years behind."""

    def begins(self, flow: Flow, source: WorkloadName, destination: Destination) -> Answer:
        """A contact begins, or is tried: a connection, a drop, or a refused query. Returns whether it is expected."""
        if self._inbox is None and not self._expectations.is_asked:
            return _NOT_ASKED
        key, kind, policies = _key(flow), flow.kind, flow.egress_allowed_by
        if kind.verdict == _DROPPED:
            # A drop inside a connection is not noted: it must not stand for the attempt that follows it.
            key, policies = hash((key, port_of_drop(flow))), flow.egress_denied_by
        if kind.event_type == _L7:
            key = hash((key, destination.label))
        contact = self._contacts.get(key)
        if (
            contact is None
            or flow.time_ns >= contact.due_ns
            or contact.destination != hash(destination)
            # Names of workloads are shared: to compare two takes longer.
            or (contact.source is not source and contact.source != source)
            or (policies and policies != contact.policies)
        ):
            contact = self._note(key, contact, flow, source, destination, policies)
        return contact.answer

    def goes_on(self, flow: Flow) -> None:
        """A packet in the middle of a contact: what goes on for hours starts once."""
        key = _key(flow)
        contact = self._contacts.get(key)
        if contact is not None and flow.time_ns < contact.due_ns:
            return
        if self._inbox is None or flow.source.is_world:
            return
        source = self._destinations.source_of(flow)
        if self._chosen.chooses and self._chosen.excludes(source):
            return
        destination = self._destinations.destination_of(flow, source)
        self._note(key, contact, flow, source, destination, contact.policies if contact else (), starts=False)

    def forget_answers(self) -> None:
        """The expectations have changed: every contact is asked about anew."""
        self._contacts.clear()

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._contacts), self._bound, self._resets)

    def _note(
        self,
        key: int,
        known: _Contact | None,
        flow: Flow,
        source: WorkloadName,
        destination: Destination,
        policies: tuple[Policy, ...],
        *,
        starts: bool = True,
    ) -> _Contact:
        place = hash(destination)
        if not starts and known is not None:
            # Packets in the middle name no policies: what the first one proved still holds.
            answer = known.answer
        else:
            answer = self._answer(flow, source, destination)
            if known is not None and known.policies and not policies and known.destination == place:
                answer, policies = known.answer, known.policies
        contact = _Contact(source, place, answer, policies, flow.time_ns + self._refresh_ns)
        if len(self._contacts) >= self._bound and known is None:
            self._contacts.clear()
            self._resets += 1
        self._contacts[key] = contact
        if self._inbox is not None and _is_noted(flow, destination):
            sighting = self._sighting(flow, source, destination, answer, starts=starts)
            if not self._inbox.offer(sighting):
                contact.due_ns = flow.time_ns + 1
        return contact

    def _answer(self, flow: Flow, source: WorkloadName, destination: Destination) -> Answer:
        """Whether the contact is expected. What policy dropped is not, whatever else is known of policies."""
        if flow.l7 is not None and isinstance(flow.l7.record, Dns):
            answer = self._expectations.answer_name(flow, source, destination.label)
        else:
            answer = self._expectations.answer(flow, source, destination, self._destinations.workload_of)
        if _is_policy_drop(flow) and answer.expectation in (Expectation.NOT_COVERED, Expectation.UNDECIDED):
            return answer._replace(expectation=Expectation.UNEXPECTED, denied=True)
        return answer

    def _sighting(
        self, flow: Flow, source: WorkloadName, destination: Destination, answer: Answer, *, starts: bool
    ) -> Sighting:
        if flow.time_ns < self.oldest_ns:
            flow = replace(flow, time_ns=self.oldest_ns)
        kind, is_query = flow.kind, flow.l7 is not None and isinstance(flow.l7.record, Dns)
        outside = destination.external and not is_query
        ratio = self._coverage.ratio(flow.node_name)
        # Whoever asks for a name has not said yet which port it wants.
        port, service = ("", QUERY) if is_query else _service(flow.destination_port, kind.protocol)
        return Sighting(
            WorkloadKey(self._cluster or cluster_of(flow), source.namespace, source.name),
            self._destinations.remembered_as(flow, source, destination),
            flow.destination_ip if outside else "",
            destination,
            port,
            kind.protocol,
            service,
            _VERDICTS.get(kind.verdict, "forwarded"),
            reason_of_drop(flow) if kind.verdict == _DROPPED else "",
            answer,
            self._destinations.sees_dns_of(source, flow.time_ns),
            starts,
            owns_source(flow),
            None if ratio != ratio else ratio,  # noqa: PLR0124, NaN is unknown
            flow,
        )


def cluster_of(flow: Flow) -> str:
    """The cluster of the source: its label's, else that of the node, else `default`; never what an upgrade changes."""
    return flow.source.cluster or flow.node_name.rpartition("/")[0] or "default"


@lru_cache(maxsize=2048)
def _service(port: int, protocol: str) -> tuple[str, str]:
    """The port as text, and port and protocol as they stand in marks."""
    text = str(port or "")
    return text, f"{text}/{protocol}"


def _is_noted(flow: Flow, destination: Destination) -> bool:
    """Not an address of the cluster under a world label, nor a drop inside a connection: it may be an answer."""
    if is_unresolved(destination):
        return False
    return flow.kind.event_type != _DROP or port_of_drop(flow) != labels.FOLDED


def _is_policy_drop(flow: Flow) -> bool:
    if flow.kind.verdict != _DROPPED:
        return False
    return flow.kind.event_type == _L7 or flow.drop_reason in POLICY_REASONS


def _key(flow: Flow) -> int:
    """The number of a contact that was let pass: its ends."""
    return hash(
        (
            flow.source.serial,
            flow.destination.serial,
            flow.destination_ip,
            flow.destination_names,
            flow.destination_port,
            flow.kind.protocol,
        )
    )
