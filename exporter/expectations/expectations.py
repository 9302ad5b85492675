"""The stage itself: is a contact expected? Answers are remembered, each until the expectations change."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

from exporter.destinations.interface import Destination, WorkloadName
from exporter.endpoint import Endpoint
from exporter.expectations.asked import target_of_name
from exporter.expectations.contacts import Outside, is_narrow, outside_of, policies_of, subject_of, target_of
from exporter.expectations.enforced import Enforced, is_enforced
from exporter.expectations.evaluator import Evaluator, Selected
from exporter.expectations.interface import NEVER, Answer, Expectation
from exporter.expectations.manifests import Manifests
from exporter.expectations.objects import Objects
from exporter.expectations.policy import Policy
from exporter.expectations.question import NOTHING_KNOWN, Question, Subject, Target
from exporter.expectations.settings import ExpectationsSettings
from exporter.flow import Flow
from exporter.window import WindowStats

_NOT_COVERED = Answer(Expectation.NOT_COVERED)
_NOBODY = Subject("", "", NOTHING_KNOWN)


class _Asker(NamedTuple):
    """A workload, and the policies that apply to it, found once."""

    subject: Subject
    selected: tuple[Selected, ...]


class Expectations:
    """What is expected of whom. Not thread-safe: the pipeline owns it."""

    def __init__(self, settings: ExpectationsSettings) -> None:
        self._bound, self._resets = settings.answer_cache, 0
        self.evaluations: Counter[Expectation] = Counter()
        """Answers that were not remembered, since the start."""
        self.replace(Manifests((), Objects(), Counter(), ()))

    def replace(self, read: Manifests) -> None:
        """Answer by these policies from now on."""
        self._evaluator, self._objects = Evaluator(read.policies), read.objects
        self._enforced = Evaluator(filter(is_enforced, read.policies))
        self.is_current = True
        """Whether the files could be used when they were last read."""
        self.is_asked = bool(read.policies)
        """Whether there is anything to ask; the flows' own policies alone answer when they are asked."""
        self._changes = sorted(set(_days(read.policies)))
        self._forget()

    @property
    def enforces(self) -> bool:
        """Whether network policies were read, which somebody enforces."""
        return bool(self._enforced.policies)

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies in effect."""
        return self._evaluator.policies

    def answer(
        self,
        flow: Flow,
        source: WorkloadName,
        destination: Destination,
        workload_of: Callable[[Endpoint], WorkloadName],
    ) -> Answer:
        """Whether the contact that a flow shows is expected; `workload_of` says which workload it goes to."""
        endpoint = flow.destination
        if not self.is_asked:
            return self._of_flow_alone(flow)
        key = (
            flow.source.serial,
            source,
            destination.label,
            # Pods have many addresses, and are what they are at each of them.
            endpoint.labels if endpoint.is_workload else (endpoint.serial, flow.destination_ip, flow.destination_names),
            destination.scope,
            flow.kind.protocol,
            flow.destination_port,
            flow.egress_allowed_by,
            flow.egress_denied_by,
            self._day(flow),
        )
        known = self._answers.get(key)
        if known is not None:
            return known
        asker = self._asker(flow.source, source)
        target = target_of(flow, destination, workload_of(endpoint), self._objects, self._outside_of)
        question = Question(
            asker.subject,
            target,
            flow.kind.protocol,
            flow.destination_port or None,
            policies_of(flow.egress_allowed_by),
            policies_of(flow.egress_denied_by),
            proven_narrow=bool(flow.egress_allowed_by) and is_narrow(endpoint),
        )
        return self._evaluate(key, question, asker, flow)

    def _of_flow_alone(self, flow: Flow) -> Answer:
        """The answer where nothing was read: only the policies that the flow itself names say anything."""
        allowed, denied = flow.egress_allowed_by, flow.egress_denied_by
        if not (allowed or denied):
            return _NOT_COVERED
        key = (allowed, denied, bool(allowed) and is_narrow(flow.destination))
        known = self._alone.get(key)
        if known is None:
            if len(self._alone) >= self._bound:
                self._forget()
                self._resets += 1
            asked = Question(_NOBODY, target_of_name(""), "", None, policies_of(allowed), policies_of(denied), key[2])
            known = self._alone[key] = self._evaluator.answer(asked, _date(flow.time_ns), ())
        return known

    def answer_name(self, flow: Flow, source: WorkloadName, name: str) -> Answer:
        """Whether a name is expected that a workload asked for, at whatever port."""
        if not self.is_asked:
            return _NOT_COVERED
        key = (flow.source.serial, source, name, self._day(flow))
        known = self._answers.get(key)
        if known is not None:
            return known
        asker = self._asker(flow.source, source)
        return self._evaluate(key, Question(asker.subject, target_of_name(name), "", None), asker, flow)

    def enforced(self, flow: Flow, source: WorkloadName) -> Enforced | None:
        """What network policies do to the workload that sends a flow; None when none of them was read."""
        if not self.enforces:
            return None
        subject = subject_of(flow.source, source, self._objects)
        selected = self._enforced.selected(subject)
        return Enforced(subject, _date(flow.time_ns), self._enforced, selected, self._evaluator)

    def target_of(self, flow: Flow, destination: Destination, name: WorkloadName) -> Target:
        """Where a flow goes, as a rule is asked about it."""
        return target_of(flow, destination, name, self._objects, self._outside_of)

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions, for the exporter's own metrics."""
        return {"expectations": WindowStats(len(self._answers), self._bound, self._resets)}

    def _evaluate(self, key: tuple[object, ...], question: Question, asker: _Asker, flow: Flow) -> Answer:
        if len(self._answers) >= self._bound:
            self._forget()
            self._resets += 1
        answer = self._evaluator.answer(question, _date(flow.time_ns), asker.selected)
        self._answers[key] = answer
        self.evaluations[answer.expectation] += 1
        return answer

    def _forget(self) -> None:
        self._answers: dict[tuple[object, ...], Answer] = {}
        self._alone: dict[tuple[object, ...], Answer] = {}
        self._askers: dict[tuple[int, WorkloadName], _Asker] = {}
        self._outside: dict[int, Outside] = {}
        self._same: dict[tuple[frozenset[str], WorkloadName], _Asker] = {}

    def _asker(self, endpoint: Endpoint, name: WorkloadName) -> _Asker:
        asker = self._askers.get((endpoint.serial, name))
        if asker is None:
            if len(self._askers) >= self._bound:
                self._forget()
                self._resets += 1
            # Pods of one workload have the same labels, and the same policies apply to them.
            alike = (endpoint.labels, name)
            asker = self._same.get(alike)
            if asker is None:
                subject = subject_of(endpoint, name, self._objects)
                asker = self._same[alike] = _Asker(subject, self._evaluator.selected(subject))
            self._askers[endpoint.serial, name] = asker
        return asker

    def _outside_of(self, endpoint: Endpoint) -> Outside:
        known = self._outside.get(endpoint.serial)
        if known is None:
            if len(self._outside) >= self._bound:
                self._outside.clear()
            known = self._outside[endpoint.serial] = outside_of(endpoint)
        return known

    def _day(self, flow: Flow) -> int:
        """How many days on which something expires have passed, by the flow's own time."""
        if not self._changes:
            return 0
        today = _date(flow.time_ns)
        return sum(day <= today for day in self._changes)


def _days(policies: Iterable[Policy]) -> Iterable[date]:
    return (rule.expires for policy in policies for rule in policy.rules if rule.expires != NEVER)


def _date(time_ns: int) -> date:
    return datetime.fromtimestamp(time_ns / 1e9, tz=UTC).date()
