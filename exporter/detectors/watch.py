"""Takes in what each flow says of name resolution: evidence of what fails, and what refutes it."""

from collections.abc import Callable

from exporter.destinations.directory import Destinations
from exporter.destinations.interface import RESOLVER, Destination, WorkloadName
from exporter.destinations.names import Bare, normal
from exporter.detectors.answers import Askers, Result
from exporter.detectors.awaited import Awaited, Query
from exporter.detectors.drop_kinds import POLICY_REASONS, key_of_drop
from exporter.detectors.interface import Key, Kind
from exporter.detectors.ledger import Ledger
from exporter.detectors.settings import DnsSettings
from exporter.flow import Dns, Flow
from exporter.window import Window, WindowStats

_NOERROR, _SERVFAIL, _NXDOMAIN, _REFUSED = 0, 2, 3, 5
_KIND_OF = {_SERVFAIL: Kind.SERVFAIL, _NXDOMAIN: Kind.NXDOMAIN, _REFUSED: Kind.REFUSED_ANSWER}
_RESULT_OF = {_SERVFAIL: Result.SERVFAIL}
_REVERSE = ".arpa"
"""Nobody misses the name of an address: who writes logs asks for it, and most addresses have none."""
_REFUTED_BY_ANSWER = frozenset({Kind.NXDOMAIN, Kind.REFUSED_QUERY, Kind.REFUSED_ANSWER})


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
        self._destinations, self._is_blind, self._has_policies = destinations, is_blind, has_policies
        self._quiet_ns = int(settings.quiet * 1e9)
        self.ledger = Ledger(settings.evidence, settings.evidence_per_workload, settings.failures)
        self.askers = Askers(settings.workloads, settings.window)
        self._awaited = Awaited(settings.queries, settings.answer_timeout)
        self._found_names = Window(settings.queries, settings.answer_timeout)
        self._unanswered: list[Query] = []

    def passed(self, flow: Flow, source: WorkloadName) -> None:
        """A packet on its way to port 53 was let pass, or a query was: what was dropped before is over."""
        transport, destination, time_ns = flow.kind.protocol, flow.destination_ip, flow.time_ns
        self.askers.passed(source, transport, time_ns)
        mine = self.ledger.of(source)
        if not mine:
            return
        self.ledger.forget(
            source,
            lambda key: (
                mine[key].last.time_ns <= time_ns
                and (
                    (key.kind is Kind.DROP_TO_RESOLVER and key.protocol in (transport, "udp"))
                    or (key.kind is Kind.DROP_OF_RESOLVER and mine[key].last.destination_ip == destination)
                )
            ),
        )

    def dropped(self, flow: Flow, source: WorkloadName, destination: Destination) -> None:
        """An egress packet was dropped."""
        given = self._destinations.dns.given(flow)
        key = key_of_drop(flow, source, destination, given, self._destinations.resolvers, self._destinations.names)
        if key is None or (key.kind is Kind.DROP_NAMELESS and not self._has_policies()):
            # Without a name only policies say whether a name was meant.
            return
        self.ledger.add(source, key, flow)

    def dropped_inbound(self, flow: Flow, source: WorkloadName) -> None:
        """A packet to port 53 was dropped on its way in: of interest at a resolver."""
        if flow.drop_reason not in POLICY_REASONS or flow.source.is_world:
            return
        if self._destinations.resolvers.has(flow.destination, flow.destination_ip):
            workload = self._destinations.workload_of(flow.destination)
            key = Key(Kind.DROP_AT_RESOLVER, destination=f"{workload.namespace}/{workload.name}")
            self.ledger.add(source, key._replace(port=flow.destination_port, protocol=flow.kind.protocol), flow)

    def asked(self, flow: Flow, source: WorkloadName, record: Dns) -> None:
        """A query passed the proxy."""
        self.passed(flow, source)
        bare = self._meant(record, source, fails=True)
        name = bare.name or normal(record.query)
        if not bare.expansion and self.ledger.of(source):
            # The name itself passes, now or by the end of a search: that its expansions were refused did no harm.
            self.ledger.forget(source, lambda key: key.kind is Kind.REFUSED_QUERY and key.name == name)
        if source.name != RESOLVER:
            self._awaited.asked(Query(flow, source, name, bare.expansion), record)

    def refused(self, flow: Flow, source: WorkloadName, record: Dns) -> None:
        """The proxy refused a query by policy."""
        self.passed(flow, source)
        self._fails(Kind.REFUSED_QUERY, flow, source, record)

    def failed(self, flow: Flow, source: WorkloadName, record: Dns) -> None:
        """The proxy could not forward a query."""
        self._awaited.failed(flow, record)
        if not self._meant(record, source, fails=True).expansion:
            self.askers.got(source, Result.PROXY_ERROR, flow.time_ns)
            self._fails(Kind.PROXY_ERROR, flow, source, record)

    def answered(self, response: Flow, source: WorkloadName, record: Dns, *, expansion: bool) -> float | None:
        """A response came, as it is written; returns the seconds since its query, None when that was not seen."""
        seconds = self._awaited.answered(response, record)
        if source.name == RESOLVER or (expansion and record.rcode != _NOERROR):
            # What a resolver asks is asked for others: whose failure it is, their own records say.
            return seconds
        self.askers.got(source, _RESULT_OF.get(record.rcode, Result.ANSWERED), response.time_ns)
        kind = _KIND_OF.get(record.rcode)
        if kind is not None:
            self._failed_at_server(kind, response.turned(), source, record)
        elif record.rcode == _NOERROR:
            self._found_names.add(hash((source, record.query)), response.time_ns)
            if self.ledger.of(source):
                self._found(response, source, record)
        return seconds

    def _failed_at_server(self, kind: Kind, flow: Flow, source: WorkloadName, record: Dns) -> None:
        if kind is Kind.NXDOMAIN and normal(record.query).endswith(_REVERSE):
            return
        # Servers that have a name for one family only may say of the other that there is no such name, or refuse.
        if kind in _REFUTED_BY_ANSWER and self._found_names.has(hash((source, record.query)), flow.time_ns):
            return
        # Some releases also show what the proxy answers to a query that it refused: no server said that.
        if self._key(Kind.REFUSED_QUERY, source, record) not in self.ledger.of(source):
            self._fails(kind, flow, source, record)

    def _found(self, response: Flow, source: WorkloadName, record: Dns) -> None:
        """What was meant is found: what was asked on the way to it, and failed, did no harm."""
        heads = self._destinations.dns.heads(normal(record.query), source)
        mine = self.ledger.of(source)
        for key, tally in mine.items():
            tally.successes += key.name in heads
        self.ledger.forget(
            source,
            lambda key: (
                mine[key].last.time_ns <= response.time_ns
                and (
                    key.kind is Kind.DROP_AT_RESOLVER
                    or (
                        key.kind in _REFUTED_BY_ANSWER
                        and not heads.isdisjoint(self._destinations.dns.heads(key.name, source))
                    )
                )
            ),
        )

    def _fails(self, kind: Kind, flow: Flow, source: WorkloadName, record: Dns) -> None:
        self.ledger.add(source, self._key(kind, source, record), flow)

    def _key(self, kind: Kind, source: WorkloadName, record: Dns) -> Key:
        bare, query = self._meant(record, source, fails=True), normal(record.query)
        asked_as = query if bare.expansion and not bare.internal else ""
        name = query if bare.internal else bare.name
        return Key(kind, name=name, asked_as=asked_as)

    def _meant(self, record: Dns, source: WorkloadName, *, fails: bool) -> Bare:
        return self._destinations.dns.meant(record.query, source, fails=fails)

    @property
    def awaits(self) -> bool:
        """Whether a query may become unanswered."""
        return bool(self._awaited)

    def cut(self, now_ns: int) -> None:
        """The stream was cut: answers may come while nobody listens."""
        self._awaited.cut(now_ns)

    def expire(self, now_ns: int) -> None:
        """Give up queries that nobody answered, and forget what was quiet for long."""
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
        if not query.is_expansion:
            self.askers.got(query.workload, Result.UNANSWERED, query.flow.time_ns)
            self.ledger.add(query.workload, Key(Kind.UNANSWERED, name=query.name), query.flow)

    def disbelieve(self, workload: WorkloadName) -> None:
        """Only later it is known that flows were missing: what seemed to have no answer may have had one."""
        mine = self.ledger.of(workload)
        self.ledger.forget(
            workload, lambda key: key.kind is Kind.UNANSWERED and self._is_blind(mine[key].last.node_name)
        )

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions, for the exporter's own metrics."""
        return {
            "dns_awaited": self._awaited.stats(),
            "dns_evidence": self.ledger.stats(),
            "dns_askers": self.askers.stats(),
            "dns_found_names": self._found_names.stats(),
        }
