"""The pods of the month: which ones live when, and where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from operator import itemgetter
from random import Random

from exporter.endpoint import Endpoint, Workload
from tests.flows import remote_pod
from tests.month.cast import BY_NAME, JOB, MEMBERS, Member
from tests.month.plan import Plan

NODES = ("east/node-1", "east/node-2", "east/node-3")
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_RUN = 1200.0
_MOST_APART = 240.0
_AFTER_DEATH = 2.0


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, from its start to its end, as the agent of its node reports it."""

    member: Member
    endpoint: Endpoint
    remote: Endpoint
    """The same pod as other nodes report it."""
    node: str
    ip: str
    start: float
    end: float


class Pods:
    """All pods of a month, made by going through its plan."""

    def __init__(self, seed: int, plan: Plan) -> None:
        self._chance = Random(f"{seed}/pods")  # noqa: S311, a simulation needs no secrets
        self._of: dict[str, list[Pod]] = {name: [] for name in BY_NAME}
        self._hash = {member.name: self._text(9) for member in MEMBERS}
        self._made = 0
        for member in MEMBERS:
            for number in range(member.replicas):
                self._start(member, 0.0, number=number)
        self._live(plan)

    def alive(self, name: str, at: float) -> list[Pod]:
        """The pods of a workload that run at that time."""
        return [pod for pod in self._of[name] if pod.start <= at < pod.end]

    def started(self, since: float, until: float) -> list[Pod]:
        """Pods that start in that time; those that were there before all begins have not."""
        return [pod for pods in self._of.values() for pod in pods if pod.start > 0.0 and since <= pod.start < until]

    def _live(self, plan: Plan) -> None:
        steps: list[tuple[float, Callable[[float], None]]] = [
            (plan.wave, self._wave),
            (plan.scaled, self._scale),
            (plan.moved_set, partial(self._move, "loki")),
            (plan.moved_deployment, partial(self._move, "grafana")),
            *((at, partial(self._roll_out, name)) for name, at in plan.rollouts),
            (plan.new_domain, partial(self._roll_out, "storefront")),
        ]
        for at, step in sorted(steps, key=itemgetter(0)):
            step(at)
        for at in sorted((*plan.weekly_runs, plan.monthly_run)):
            self._start(JOB, at, end=at + _RUN)

    def _wave(self, at: float) -> None:
        for member in MEMBERS:
            self._replace(member.name, at + self._chance.uniform(0, _MOST_APART))

    def _scale(self, at: float) -> None:
        for number in range(2, 6):
            self._start(BY_NAME["storefront"], at + number, number=number)

    def _move(self, name: str, at: float) -> None:
        before = self.alive(name, at)[0].node
        self._replace(name, at, nodes=[node for node in NODES if node != before])

    def _roll_out(self, name: str, at: float) -> None:
        self._hash[name] = self._text(9)
        self._replace(name, at)

    def _replace(self, name: str, at: float, nodes: Sequence[str] = ()) -> None:
        """Every pod ends, and one in its place starts on the same node, unless nodes are given."""
        pods = self._of[name]
        for number, pod in enumerate(self.alive(name, at)):
            begin = at + number * 3.0
            node = self._chance.choice(nodes or [pod.node])
            pods[pods.index(pod)] = Pod(
                pod.member, pod.endpoint, pod.remote, pod.node, pod.ip, pod.start, begin - _AFTER_DEATH
            )
            self._start(pod.member, begin, node=node, number=number)

    def _start(self, member: Member, at: float, *, end: float = inf, node: str = "", number: int = 0) -> None:
        self._made += 1
        made, name = self._made, self._pod_name(member, at, number)
        labels = (f"k8s:app.kubernetes.io/name={member.name}",)
        remote = remote_pod(name, member.namespace, identity=_identity(member), labels=labels)
        endpoint = Endpoint(
            id=100 + made,
            identity=remote.identity,
            namespace=remote.namespace,
            pod_name=name,
            labels=remote.labels,
            workloads=(Workload(member.name, member.kind),),
        )
        place = NODES.index(node) if node else (list(BY_NAME).index(member.name) + number) % len(NODES)
        ip = f"10.0.{place + 1}.{10 + made % 240}"
        self._of[member.name].append(Pod(member, endpoint, remote, NODES[place], ip, at, end))

    def _pod_name(self, member: Member, at: float, number: int) -> str:
        match member.kind:
            case "StatefulSet":
                return f"{member.name}-{number}"
            case "CronJob":
                return f"{member.name}-{30_000_000 + int(at // 60)}-{self._text(5)}"
            case _:
                return f"{member.name}-{self._hash[member.name]}-{self._text(5)}"

    def _text(self, length: int) -> str:
        return "".join(self._chance.choices(_SAFE, k=length))


def _identity(member: Member) -> int:
    return 40_000 + list(BY_NAME).index(member.name)
