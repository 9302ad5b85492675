"""Says which workload cannot resolve or reach what, and since when: from the evidence that is watched for."""

from collections.abc import Callable, Sequence

from exporter.destinations.directory import Destinations
from exporter.destinations.interface import WorkloadName
from exporter.detectors.breakages import Breakages
from exporter.detectors.case import Case
from exporter.detectors.diagnosis import diagnose
from exporter.detectors.dns_policies import UNREAD, Facts, PolicyFacts
from exporter.detectors.interface import NO_FAILURES, Cause, Diagnosis, Failures, Key, Kind
from exporter.detectors.ledger import Tally
from exporter.detectors.settings import DnsSettings
from exporter.detectors.watch import DnsWatch
from exporter.expectations.expectations import Expectations

_POLICY_DROPS = frozenset({Kind.DROP_NAMED, Kind.DROP_NAMELESS, Kind.DROP_TO_RESOLVER, Kind.DROP_OF_RESOLVER})
_NAMES = frozenset(set(Kind) - _POLICY_DROPS - {Kind.DROP_AT_RESOLVER, Kind.DROP_OTHER})
_MOST_AT_ONCE = 250
"""Pieces of evidence that are judged in one step: with policies that takes some tens of milliseconds."""

_MOST_ADDRESSES = 4
_JUDGE_NS = 5 * 1_000_000_000
"""Evidence of a broken workload comes all the time: what it says is asked every few seconds."""
_REVIEW_NS = 10 * 1_000_000_000


class DnsDetector:
    """Not thread-safe: the pipeline owns it."""

    def __init__(
        self,
        settings: DnsSettings,
        destinations: Destinations,
        expectations: Expectations,
        is_blind: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`is_blind` says of a node whether some of its flows may be missing now."""
        self._settings, self._destinations = settings, destinations
        self.watch = DnsWatch(settings, destinations, is_blind, lambda: expectations.enforces)
        self._policies = PolicyFacts(expectations, destinations)
        self._generation = 0
        """How often the policies have changed."""
        self.breakages = Breakages()
        self._reviewed_ns = self._judged_ns = 0

    def reconsider(self) -> None:
        """The policies are others now: look at everybody again."""
        self._generation += 1
        ledger = self.watch.ledger
        ledger.changed |= dict.fromkeys(ledger.workloads)

    @property
    def is_pending(self) -> bool:
        """Whether the next moment may bring something, even if no flow comes."""
        return bool(self.watch.ledger.changed) or self.watch.awaits

    def step(self, now_ns: int) -> list[tuple[WorkloadName, Cause]]:
        """Let time pass up to this flow time; returns the causes that have begun."""
        self.watch.expire(now_ns)
        self._review(now_ns)
        ledger, started, judged = self.watch.ledger, list[tuple[WorkloadName, Cause]](), 0
        if 0 <= now_ns - self._judged_ns < _JUDGE_NS:
            return started
        self._judged_ns = now_ns
        for workload in list(ledger.changed):
            if judged >= _MOST_AT_ONCE:
                break
            judged += len(ledger.of(workload)) or 1
            del ledger.changed[workload]
            causes = {one.cause: one.since_ns for one in self.diagnosis(workload, now_ns).findings}
            settled = {cause for cause, since_ns in causes.items() if now_ns - since_ns >= self._settings.settle * 1e9}
            started += self.breakages.update(workload, settled)
            if len(settled) < len(causes):
                ledger.changed[workload] = None
        return started

    def _review(self, now_ns: int) -> None:
        """Look again at what is broken: answers that are good make a share smaller, and are no evidence."""
        if abs(now_ns - self._reviewed_ns) >= _REVIEW_NS:
            self._reviewed_ns = now_ns
            self.watch.ledger.changed |= dict.fromkeys(workload for workload, _ in self.breakages)

    def diagnosis(self, workload: WorkloadName, now_ns: int) -> Diagnosis:
        """What is broken of a workload, by the evidence that there is now."""
        self.watch.disbelieve(workload)
        tallies = tuple(self.watch.ledger.of(workload).values())
        facts = self._facts_of_all(workload, tallies)
        visible = self._destinations.sees_dns_of(workload, now_ns)
        by_kind: dict[Kind, list[Tally]] = {}
        for tally in tallies:
            by_kind.setdefault(tally.key.kind, []).append(tally)
        return diagnose(workload, Case(by_kind, facts, self.watch.askers.of(workload), visible, self._settings))

    def _facts_of_all(self, workload: WorkloadName, tallies: Sequence[Tally]) -> dict[Key, Facts]:
        """Worked out anew for other labels or policies, and, of a few at a time, for another address.

        Somebody who tries thousands of addresses must not make each step ask all policies again for each.
        """
        facts, addresses = {}, 0
        for tally in tallies:
            kind = tally.key.kind
            if kind not in _POLICY_DROPS and kind is not Kind.REFUSED_QUERY:
                facts[tally.key] = UNREAD
                continue
            before = tally.basis
            if before is not None and before[:-1] == self._basis(tally)[:-1]:
                addresses += before != self._basis(tally)
                if addresses > _MOST_ADDRESSES:
                    facts[tally.key] = tally.facts
                    continue
            facts[tally.key] = self._facts_of(workload, tally)
        return facts

    def _basis(self, tally: Tally) -> tuple[object, ...]:
        flow = tally.last
        # Of a name the answer is the same for all its addresses, nearly always: many come and go.
        address = "" if tally.key.name else flow.destination_ip
        return self._generation, flow.source.labels, flow.destination.labels, address

    def _facts_of(self, workload: WorkloadName, tally: Tally) -> Facts:
        kind, flow, basis = tally.key.kind, tally.last, self._basis(tally)
        if tally.basis != basis:
            tally.basis = basis
            if kind is Kind.REFUSED_QUERY:
                internal = self._destinations.dns.meant(tally.key.name, workload, fails=False).internal
                tally.facts = self._policies.of_query(workload, flow, tally.key.name, is_internal=internal)
            else:
                tally.facts = self._policies.of_drop(workload, flow, tally.key)
        return tally.facts

    @property
    def workloads(self) -> list[WorkloadName]:
        """Workloads with evidence of whatever kind."""
        return sorted(self.watch.ledger.workloads)

    def failures(self, workload: WorkloadName, since_ns: int = 0) -> dict[str, Failures]:
        """Names that failed since then, and how; expansions never."""
        names: dict[str, Failures] = {}
        for key, tally in self.watch.ledger.of(workload).items():
            if key.kind in _NAMES and not key.asked_as and tally.last.time_ns >= since_ns:
                before = names.get(key.name, NO_FAILURES)
                last_ns = max(before.last_ns, tally.last.time_ns)
                names[key.name] = Failures(before.number + tally.count, (*before.why, key.kind.value), last_ns)
        return names

    def gauge(self, now_ns: int) -> dict[WorkloadName, int]:
        """How many names of each workload failed within the window; nothing unless the settings ask for it."""
        if not self._settings.failing_names_gauge:
            return {}
        since_ns = now_ns - int(self._settings.window * 1e9)
        return {one: len(names) for one in self.workloads if (names := self.failures(one, since_ns))}
