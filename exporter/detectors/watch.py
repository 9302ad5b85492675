"""Takes in what each flow says of name resolution: evidence of what fails, and what refutes it."""

from collections.abc import Callable
from functools import partial

from exporter.destinations.directory import Destinations
from exporter.destinations.interface import RESOLVER, WorkloadName
from exporter.destinations.names import normal
from exporter.detectors.answers import Askers, Result
from exporter.detectors.awaited import Awaited, Query
from exporter.detectors.drops import Drops
from exporter.detectors.interface import Key, Kind
from exporter.detectors.ledger import Ledger, Tally
from exporter.detectors.settings import DnsSettings
from exporter.flow import Dns, Flow
from exporter.window import Window, WindowStats

_NOERROR, _SERVFAIL, _NXDOMAIN, _REFUSED = 0, 2, 3, 5
_KIND_OF = {_SERVFAIL: Kind.SERVFAIL, _NXDOMAIN: Kind.NXDOMAIN, _REFUSED: Kind.REFUSED_ANSWER}
_RESULT_OF = {_SERVFAIL: Result.SERVFAIL}
_REVERSE = ".arpa"
"""Nobody misses the name of an address: who writes logs asks for it, and most addresses have none."""
_REFUTED_BY_ANSWER = frozenset({Kind.NXDOMAIN, Kind.REFUSED_QUERY, Kind.REFUSED_ANSWER})
_SEQUENCE_NS = 5 * 1_000_000_000
"""A search goes from one name to the next within so long."""


class DnsWatch:
    """Evidence and counts of all workloads. Not thread-safe: the detector owns it."""

    def __init__(
        self,
        settings: DnsSettings,
        destinations: Destinations,
        is_blind: Callable[[str], bool],
        has_policies: Callable[[], bool],
    ) -> None:
        """`is_blind` says of a node whether some of its flows may be missing now."""
        self._destinations, self._is_blind = destinations, is_blind
        self._quiet_ns = int(settings.quiet * 1e9)
        self.ledger = Ledger(settings.evidence, settings.evidence_per_workload, settings.failures)
        self.askers = Askers(settings.workloads, settings.window)
        self.drops = Drops(self.ledger, self.askers, destinations, has_policies, settings.evidence)
        self._awaited = Awaited(settings.queries, settings.answer_timeout)
        self._found_names = Window(settings.queries, settings.window)
        self._unanswered: list[Query] = []

    def asked(self, flow: Flow, source: WorkloadName, record: Dns) -> None:
        """A query passed the proxy."""
        self.drops.passed_to_resolver(flow, source)
        bare = self._destinations.dns.meant(record.query, source, fails=True)
        name = bare.name or normal(record.query)
        kinds = self.ledger.kinds_of(source)
        if kinds is not None and Kind.REFUSED_QUERY in kinds and not bare.expansion:
            # The name itself passes, now or by the end of a search: that its expansions were refused did no harm.
            self.ledger.forget(source, lambda one: one.key.kind is Kind.REFUSED_QUERY and one.key.name == name)
        if source.name != RESOLVER:
            self._awaited.asked(Query(flow, source, name, bare.expansion), record)

    def refused(self, flow: Flow, source: WorkloadName, record: Dns) -> None:
        """The proxy refused a query by policy; one that was answered since is not refused any more."""
        self.drops.passed_to_resolver(flow, source)
        if not self._was_found(source, record, since_ns=flow.time_ns, until_ns=flow.time_ns + self._quiet_ns):
            self._fails(Kind.REFUSED_QUERY, flow, source, record)

    def failed(self, flow: Flow, source: WorkloadName, record: Dns) -> None:
        """The proxy could not forward a query."""
        self._awaited.failed(flow, record)
        if not self._destinations.dns.meant(record.query, source, fails=True).expansion:
            self.askers.got(source, Result.PROXY_ERROR, flow.time_ns, flow.weight)
            self._fails(Kind.PROXY_ERROR, flow, source, record)

    def answered(self, response: Flow, source: WorkloadName, record: Dns, *, expansion: bool) -> float | None:
        """A response came, as it is written; returns the seconds since its query, None when that was not seen."""
        seconds = self._awaited.answered(response, record)
        if source.name == RESOLVER or (expansion and record.rcode != _NOERROR):
            # What a resolver asks is asked for others: whose failure it is, their own records say.
            return seconds
        result = _RESULT_OF.get(record.rcode, Result.ANSWERED)
        self.askers.got(source, result, response.time_ns, response.weight)
        if kind := _KIND_OF.get(record.rcode):
            self._failed_at_server(kind, response.turned(), source, record)
        elif record.rcode == _NOERROR:
            self._found_names.add(hash((source, record.query)), response.time_ns)
            if self.ledger.kinds_of(source) is not None:
                self._found(response, source, record)
        return seconds

    def _failed_at_server(self, kind: Kind, flow: Flow, source: WorkloadName, record: Dns) -> None:
        # Servers that have a name for one family only may say of the other that there is no such name, or refuse.
        if kind in _REFUTED_BY_ANSWER and self._found_names.has(hash((source, record.query)), flow.time_ns):
            return
        # Some releases also show what the proxy answers to a query that it refused: no server said that.
        if self._key(Kind.REFUSED_QUERY, flow, source, record) not in self.ledger.of(source):
            self._fails(kind, flow, source, record)

    def _was_found(self, source: WorkloadName, record: Dns, *, since_ns: int, until_ns: int) -> bool:
        found_ns = self._found_names.last_ns(hash((source, record.query)))
        return since_ns <= found_ns <= until_ns

    def _found(self, response: Flow, source: WorkloadName, record: Dns) -> None:
        """What was meant is found: what was asked on the way to it, and failed, did no harm."""
        name, time_ns = normal(record.query), response.time_ns
        heads = self._destinations.dns.heads(name, source)
        longer = f"{name}."
        over = []
        for key, tally in self.ledger.of(source).items():
            if key.name in heads:
                tally.successes += response.weight
            if key.kind in _REFUTED_BY_ANSWER and tally.last.time_ns <= time_ns:
                follows = key.name.startswith(longer) and time_ns - tally.last.time_ns <= _SEQUENCE_NS
                if not heads.isdisjoint(tally.heads) or (key.kind is Kind.NXDOMAIN and follows):
                    over.append(tally)
        if over:
            self.ledger.forget(source, over.__contains__)

    def _fails(self, kind: Kind, flow: Flow, source: WorkloadName, record: Dns) -> None:
        if normal(record.query).endswith(_REVERSE):
            return
        key = self._key(kind, flow, source, record)
        tally = self.ledger.add(source, key, flow)
        if kind in _REFUTED_BY_ANSWER and not tally.heads:
            tally.heads = tuple(self._destinations.dns.heads(key.name, source))

    def _key(self, kind: Kind, flow: Flow, source: WorkloadName, record: Dns) -> Key:
        bare, query = self._destinations.dns.meant(record.query, source, fails=True), normal(record.query)
        asked_as = query if bare.expansion and not bare.internal else ""
        key = Key(kind, name=query if bare.internal else bare.name, asked_as=asked_as)
        if kind is not Kind.REFUSED_QUERY:
            return key
        # What is to be allowed depends on how it was asked.
        return key._replace(port=flow.destination_port, protocol=flow.kind.protocol)

    def cut(self, now_ns: int) -> None:
        """The stream was cut: answers may come while nobody listens."""
        self._awaited.cut(now_ns)

    @property
    def awaits(self) -> bool:
        """Whether a query may become unanswered, or a denied verdict a drop."""
        return bool(self._awaited) or self.drops.awaits

    def expire(self, now_ns: int) -> None:
        """Give up queries that nobody answered, and forget what was quiet for long."""
        for pod in self._destinations.take_renamed():
            before, after = WorkloadName(pod.namespace, pod.before), WorkloadName(pod.namespace, pod.after)
            self.ledger.rename(before, after, partial(_is_of, pod.pod_name))
        self.drops.expire(now_ns)
        for query in self._awaited.expired(now_ns):
            self._is_unanswered(query)
        self._found_names.expire(now_ns)
        self.ledger.expire(now_ns - self._quiet_ns)

    def take_unanswered(self) -> list[Query]:
        """Queries that were given up since the last call."""
        queries, self._unanswered = self._unanswered, []
        return queries

    def _is_unanswered(self, query: Query) -> None:
        if self._is_blind(query.flow.node_name):
            return
        self._unanswered.append(query)
        if not query.is_expansion and not query.name.endswith(_REVERSE):
            self.askers.got(query.workload, Result.UNANSWERED, query.flow.time_ns, query.flow.weight)
            self.ledger.add(query.workload, Key(Kind.UNANSWERED, name=query.name), query.flow)

    def disbelieve(self, workload: WorkloadName) -> None:
        """Only later it is known that flows were missing: what seemed to have no answer may have had one."""

        def is_doubtful(tally: Tally) -> bool:
            return tally.key.kind is Kind.UNANSWERED and self._is_blind(tally.last.node_name)

        self.ledger.forget(workload, is_doubtful)

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions, for the exporter's own metrics."""
        return {
            "dns_awaited": self._awaited.stats(),
            "dns_evidence": self.ledger.stats(),
            "dns_askers": self.askers.stats(),
            "dns_found_names": self._found_names.stats(),
            "dns_verdicts": self.drops.stats(),
        }


def _is_of(pod_name: str, tally: Tally) -> bool:
    return tally.last.source.pod_name == pod_name
