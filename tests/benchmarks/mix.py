"""The stated mix of flows: what the agents of a busy cluster send of what our request asks for.

`SHARES` says what the mix is made of. It is written in calls, from the first packet to the last, by the same code that
writes the demo's story, so that the flows of one call have one 5-tuple and come in the order of their packets.
"""

import random
import uuid
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from exporter.demo.events import Call, trace
from exporter.demo.exchanges import Flows, Scene, connection, denied, host_connection, lookup, request
from exporter.flow import EventType
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.flow.flow_pb2 import ESTABLISHED, REPLY, TO_ENDPOINT, TO_STACK
from tests.benchmarks.population import Contact, Population, Workload

UNSEEN = 0.03
"""Share of the calls that go where nobody has gone before; each such destination makes new keys everywhere."""

SHARES = {
    "TCP and UDP, first packet": 0.17,
    "TCP, established": 0.23,
    "replies": 0.28,
    "policy verdicts that let pass": 0.09,
    "drops, and the verdicts on them": 0.04,
    "DNS, queries and answers": 0.17,
    "HTTP, requests and answers": 0.02,
}
"""What the mix is made of, as shares of its flows, each to two hundredths."""

_CALLS = {"policed": 26, "free": 12, "busy": 20, "lookup": 20, "denied": 5, "http": 8, "host": 5}
_POLICY_LABELS = (
    "k8s:io.cilium.k8s.policy.derived-from=CiliumNetworkPolicy",
    "k8s:io.cilium.k8s.policy.name=egress-of-this-workload",
    "k8s:io.cilium.k8s.policy.uid=0b7a3d7e-5a64-4f0c-9a39-1d9f8b2c4e6a",
)
_BUSY_PACKETS = 4


class Mix:
    """Flows without an end, in the order of time: `per_second` of them in each second of their own time."""

    def __init__(self, seed: int, workloads: int, *, per_second: float, node: str = "") -> None:
        """With `node` only what the pods of one node call, as its agent shows it."""
        self._scene = Scene(seed)
        self._chance = self._scene.chance
        self._people = Population(random.Random(seed), workloads)  # noqa: S311, a mix needs no secrets
        self._callers = self._people.on_node(node) if node else self._people.workloads
        self._between = 6 / per_second

    def flows(self, begin_ns: int) -> Iterator[flow_pb2.Flow]:
        """The flows, from `begin_ns` on. Those that our request leaves out are left out."""
        order = count()
        waiting: list[tuple[int, int, flow_pb2.Flow]] = []
        for number in count():
            start = number * self._between
            for flow in self._call(start):
                heappush(waiting, (flow.time.ToNanoseconds(), next(order), flow))
            while waiting and waiting[0][0] <= start * 1e9:
                at_ns, _, flow = heappop(waiting)
                if flow.traffic_direction != flow_pb2.INGRESS:
                    flow.time.FromNanoseconds(begin_ns + at_ns)
                    yield self._completed(flow)

    def _call(self, at: float) -> Flows:
        workload = self._chance.choice(self._callers)
        (kind,) = self._chance.choices(list(_CALLS), list(_CALLS.values()))
        contact = self._people.unseen() if self._chance.random() < UNSEEN else self._people.contact(workload)
        yield from self._exchange(kind, workload, contact, at)

    def _exchange(self, kind: str, workload: Workload, contact: Contact, at: float) -> Flows:
        scene, pod, party = self._scene, self._chance.choice(workload.pods), self._chance.choice(contact.parties)
        policy = f"allow-{pod.owned.workloads[0].name}"
        match kind:
            case "lookup":
                name = party.names[0] if party.names else "db.team-001.svc.cluster.local"
                search = self._chance.random() < 0.2
                return lookup(scene, pod, name, at, [party.address], search=search)
            case "denied":
                return denied(scene.call(pod, party, contact.port), at, policy=policy)
            case "http":
                return request(scene.call(pod, party, 80), at, "GET", "/v1/items", 200, policy=policy)
            case "host":
                return host_connection(scene.call(pod, party, contact.port), at)
            case "busy":
                return _busy(scene.call(pod, party, contact.port), at)
            case _:
                return connection(scene.call(pod, party, contact.port), at, policy=policy if kind == "policed" else "")

    def _completed(self, flow: flow_pb2.Flow) -> flow_pb2.Flow:
        """Add what agents send and we do not read: it makes a flow as long as it is in life."""
        flow.uuid = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        flow.reply = flow.is_reply.value
        flow.Summary = _summary(flow)
        if flow.destination.pod_name:
            namespace = flow.destination.namespace
            flow.destination_service.name, flow.destination_service.namespace = "service", namespace
        for policy in (*flow.egress_allowed_by, *flow.egress_denied_by):
            policy.labels.extend(_POLICY_LABELS)
        return flow


def share_of(flow: flow_pb2.Flow) -> str:
    """Which of the `SHARES` a flow belongs to."""
    match flow.event_type.type:
        case EventType.L7:
            return "DNS, queries and answers" if flow.l7.HasField("dns") else "HTTP, requests and answers"
        case EventType.DROP:
            return "drops, and the verdicts on them"
        case EventType.POLICY_VERDICT:
            dropped = flow.verdict == flow_pb2.DROPPED
            return "drops, and the verdicts on them" if dropped else "policy verdicts that let pass"
        case _ if flow.is_reply.value:
            return "replies"
        case _ if flow.trace_reason == ESTABLISHED:
            return "TCP, established"
        case _:
            return "TCP and UDP, first packet"


def _busy(call: Call, at: float) -> Flows:
    """A connection that was open before: what its monitor intervals show."""
    for number in range(_BUSY_PACKETS):
        for later, flow in (
            (0.0, trace(call, TO_STACK, ESTABLISHED, "AP")),
            (0.001, trace(call.reply, TO_ENDPOINT, REPLY, "AP", node=call.source.node)),
        ):
            flow.time.FromNanoseconds(round((at + number * 0.005 + later) * 1e9))
            yield flow


def _summary(flow: flow_pb2.Flow) -> str:
    match flow.l4.WhichOneof("protocol"):
        case "TCP":
            flags = flow.l4.TCP.flags
            set_flags = [name for name in ("FIN", "SYN", "RST", "PSH", "ACK") if getattr(flags, name)]
            return f"TCP Flags: {', '.join(set_flags)}"
        case "UDP":
            return "UDP"
        case _:
            return "ICMPv4 EchoRequest"
