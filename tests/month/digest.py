"""A month read as a stranger would read it: from its flows alone, without the plan that it was made by."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from exporter.destinations.domains import registered_domain
from exporter.flow import L7, Dns, EventType, Flow, L7Type, Verdict
from tests.flows import BASE, SECOND

_DAY_NS = 86_400 * SECOND
MINUTES = 1 / 1440
"""Times are days since the beginning."""


class Syn(NamedTuple):
    """A connection to the outside, or an echo request."""

    day: float
    workload: str
    pod: str
    names: tuple[str, ...]
    ip: str
    port: int
    protocol: str


class Asked(NamedTuple):
    """A DNS query, refused or not, or an answer."""

    day: float
    workload: str
    dns: Dns
    is_answer: bool
    refused: bool


class Life(NamedTuple):
    """A pod as its endpoint shows it, from its first flow to its last."""

    workload: str
    pod: str
    node: str
    first: float
    last: float


class Digest:
    """What was seen."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self.syns: list[Syn] = []
        self.asked: list[Asked] = []
        self.drops: list[tuple[float, str, int, Flow]] = []
        self.lives: dict[int, Life] = {}
        self.count, self.disorder, self.last_ns = 0, 0, 0
        self.silence: dict[str, float] = defaultdict(float)
        self._last: dict[str, int] = {}
        for flow in flows:
            self._saw(flow)

    def _saw(self, flow: Flow) -> None:
        self.count += 1
        self.disorder += flow.time_ns < self.last_ns
        self.last_ns = flow.time_ns
        silent = flow.time_ns - self._last.get(flow.node_name, BASE)
        self._last[flow.node_name] = flow.time_ns
        self.silence[flow.node_name] = max(self.silence[flow.node_name], silent / _DAY_NS)
        if flow.l7 is not None:
            self._saw_dns(flow, flow.l7)
        elif flow.source.workloads:
            self._saw_packet(flow)

    def _saw_dns(self, flow: Flow, l7: L7) -> None:
        is_answer, refused = l7.type == L7Type.RESPONSE, flow.kind.verdict == Verdict.DROPPED
        pod = flow.destination if is_answer else flow.source
        assert isinstance(l7.record, Dns)
        self.asked.append(Asked(_day(flow), pod.workloads[0].name, l7.record, is_answer, refused))
        if not is_answer:
            self._saw_pod(flow)

    def _saw_packet(self, flow: Flow) -> None:
        self._saw_pod(flow)
        kind, workload = flow.kind, flow.source.workloads[0].name
        if kind.verdict == Verdict.DROPPED:
            self.drops.append((_day(flow), workload, kind.event_type, flow))
        elif kind.event_type == EventType.TRACE and flow.destination.is_world and _begins(flow):
            where = (flow.destination_names, flow.destination_ip, flow.destination_port, kind.protocol)
            self.syns.append(Syn(_day(flow), workload, flow.source.pod_name, *where))

    def _saw_pod(self, flow: Flow) -> None:
        pod, day = flow.source, _day(flow)
        first = self.lives[pod.id].first if pod.id in self.lives else day
        self.lives[pod.id] = Life(pod.workloads[0].name, pod.pod_name, flow.node_name, first, day)

    def starts(self, workload: str) -> list[Life]:
        """Pods of a workload that were not there on the first day, in order."""
        lives = (life for life in self.lives.values() if life.workload == workload and life.first > 1)
        return sorted(lives, key=lambda life: life.first)

    def queries(self, workload: str) -> list[tuple[float, str]]:
        """When it asked for which name outside, without its dot; expansions left out."""
        asked = (one for one in self.asked if one.workload == workload and not one.is_answer)
        return [(one.day, one.dns.query[:-1]) for one in asked if not one.dns.query.endswith(".local.")]

    def first_queries(self, workload: str) -> dict[str, float]:
        """Names by when they were asked for first."""
        first: dict[str, float] = {}
        for day, name in self.queries(workload):
            first.setdefault(name, day)
        return first

    def of(self, workload: str, protocol: str = "tcp") -> list[Syn]:
        """Its connections to the outside."""
        return [syn for syn in self.syns if syn.workload == workload and syn.protocol == protocol]


def domain(name: str) -> str:
    """As it is remembered."""
    return registered_domain(name) or name


def _begins(flow: Flow) -> bool:
    return flow.kind.starts_tcp or flow.kind.protocol == "icmp"


def _day(flow: Flow) -> float:
    return (flow.time_ns - BASE) / _DAY_NS
