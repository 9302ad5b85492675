"""From contacts to flows: what the agents of the nodes know and say, in the order of time."""

from collections.abc import Iterator
from random import Random

from exporter.flow import Flow
from tests.flows import at
from tests.month.attacks import SLOW
from tests.month.cast import BY_NAME, How, Member
from tests.month.contacts import Contact
from tests.month.events import NXDOMAIN, SERVFAIL, Wire
from tests.month.places import DAY, HOUR, Atlas, Place, bare_address, over_v6
from tests.month.pods import Pod, Pods

_CACHED, _EXPANDS, _ASKS_AAAA, _GOES_OVER_V6, _LOOKS_UP_PEER, _GOES_ON = 0.08, 0.03, 0.1, 0.3, 0.1, 0.3
_OLD_ENOUGH, _TOO_OLD = 2 * HOUR, 5 * DAY
_GRACE = 60.0
_LONG, _SAYS_SOMETHING = 11.5 * HOUR, 900.0
_SHARDS = 400
_EVERYBODYS_PORT = 443
_SEARCH = ("{}.svc.cluster.local", "svc.cluster.local", "cluster.local")


class Agent:
    """All agents as one: who has been told which address, and until when Hubble shows its name."""

    def __init__(self, seed: int, atlas: Atlas, pods: Pods) -> None:
        self._atlas, self._pods = atlas, pods
        self._chance = Random(f"{seed}/agent")  # noqa: S311, a simulation needs no secrets
        self._names: dict[tuple[str, str], dict[str, float]] = {}
        self._been: dict[tuple[str, Place], dict[str, float]] = {}

    def flows(self, contact: Contact) -> Iterator[Flow]:
        """The flows of a contact, as long as its pod lives. Contacts come in the order of time."""
        pod = contact.pod or self._some_pod(contact)
        if pod is None:
            return
        end_ns = at(min(pod.end, 1e9))
        for flow in self._say(contact, pod, Wire(pod.endpoint, pod.ip, pod.node, self._chance)):
            if flow.time_ns < end_ns:
                yield flow

    def _some_pod(self, contact: Contact) -> Pod | None:
        alive = self._pods.alive(contact.member.name, contact.at)
        return self._chance.choice(alive) if alive else None

    def _say(self, contact: Contact, pod: Pod, wire: Wire) -> Iterator[Flow]:
        if contact.peer is not None:
            yield from self._to_peer(contact, pod, wire)
        elif contact.how is How.BARE:
            yield from wire.connection(contact.at, bare_address(contact.number), contact.port, (), middle=2)
        elif contact.place is not None:
            yield from self._to_place(contact, contact.place, pod, wire)

    def _to_place(self, contact: Contact, place: Place, pod: Pod, wire: Wire) -> Iterator[Flow]:
        time, chance = contact.at, self._chance
        match contact.how:
            case How.REFUSED:
                yield wire.refused_lookup(time, place.name)
                yield from wire.denied(time + 0.5, bare_address(contact.number), contact.port)
                return
            case How.FAILING:
                for later in (0.0, 5.0, 10.0):
                    yield from wire.failed_lookup(time + later, place.name, SERVFAIL)
                if chance.random() < _GOES_ON and (ip := self._remembered(contact, place)):
                    yield from self._connect(contact, ip, time + 10.5, pod, wire)
                return
            case _:
                pass
        # Hubble may show another name of the address by now, with which a port of its own would look new.
        cached = chance.random() < _CACHED and contact.port == _EVERYBODYS_PORT
        ip = self._remembered(contact, place) if cached else ""
        if not ip:
            name = place.name.format(chance.randrange(_SHARDS)) if "{" in place.name else place.name
            answered, ip = self._lookup(contact, place, name, pod, wire)
            yield from answered
            if contact.how is not How.PING:
                self._been.setdefault((contact.member.name, place), {})[ip] = time
            time += 0.03
        yield from self._connect(contact, ip, time, pod, wire)

    def _connect(self, contact: Contact, ip: str, time: float, pod: Pod, wire: Wire) -> Iterator[Flow]:
        names = self._names_now(pod, ip, time)
        if contact.how is How.PING:
            yield wire.ping(time, ip, names)
            return
        middle = self._chance.choice((0, 0, 0, 1, 2))
        yield from wire.connection(time, ip, contact.port, names, middle=middle)
        if contact.how is How.LONG:
            for number in range(1, int(_LONG // _SAYS_SOMETHING)):
                yield wire.still_open(time + number * _SAYS_SOMETHING, ip, contact.port, ())

    def _lookup(self, contact: Contact, place: Place, name: str, pod: Pod, wire: Wire) -> tuple[list[Flow], str]:
        """Asks for the name, and chooses one of the addresses."""
        chance, time, ttl = self._chance, contact.at, place.provider.ttl
        flows = self._expanded(contact, name, wire) if chance.random() < _EXPANDS else []
        ips = self._addresses(contact.member, place, time)
        flows += wire.lookup(time, name, "A", ips, ttl, place.cname)
        for ip in ips:
            self._names.setdefault((pod.ip, ip), {})[name] = time + ttl + _GRACE
        if not place.v6:
            if chance.random() < _ASKS_AAAA:
                flows += wire.lookup(time + 0.001, name, "AAAA", (), ttl, place.cname)
            return flows, chance.choice(ips)
        ips6 = tuple(map(over_v6, ips))
        flows += wire.lookup(time + 0.001, name, "AAAA", ips6, ttl, place.cname)
        for ip in ips6:
            self._names.setdefault((pod.ip, ip), {})[name] = time + ttl + _GRACE
        return flows, chance.choice(ips6 if chance.random() < _GOES_OVER_V6 else ips)

    def _addresses(self, member: Member, place: Place, time: float) -> tuple[str, ...]:
        """The answer. What exfiltrates never shares an address with a name that the workload uses on that day."""
        ips = self._atlas.addresses(place, time)
        if place is not SLOW:
            return ips
        taken = {ip for use in member.uses for day in (0, DAY) for ip in self._atlas.addresses(use.place, time - day)}
        free = tuple(ip for ip in ips if ip not in taken)
        return free or self._addresses(member, place, time + DAY)

    def _expanded(self, contact: Contact, name: str, wire: Wire) -> list[Flow]:
        """What `ndots:5` does to a name without a trailing dot."""
        flows: list[Flow] = []
        for number, suffix in enumerate(_SEARCH):
            asked = f"{name}.{suffix.format(contact.member.namespace)}"
            flows += wire.failed_lookup(contact.at - 0.01 + number * 0.003, asked, NXDOMAIN)
        return flows

    def _remembered(self, contact: Contact, place: Place) -> str:
        """An address that the workload reached under this name before; Hubble may have no name for it any more."""
        been = self._been.get((contact.member.name, place), {})
        young, old = contact.at - _OLD_ENOUGH, contact.at - _TOO_OLD
        known = [ip for ip, time in been.items() if old < time < young]
        return self._chance.choice(known) if known else ""

    def _names_now(self, pod: Pod, ip: str, time: float) -> tuple[str, ...]:
        names = self._names.get((pod.ip, ip), {})
        for name in [name for name, until in names.items() if until < time]:
            del names[name]
        return tuple(sorted(names))

    def _to_peer(self, contact: Contact, pod: Pod, wire: Wire) -> Iterator[Flow]:
        assert contact.peer is not None
        peer = BY_NAME[contact.peer.name]
        alive = self._pods.alive(peer.name, contact.at)
        if not alive:
            return
        to = self._chance.choice(alive)
        if self._chance.random() < _LOOKS_UP_PEER:
            service = f"{peer.name}.{peer.namespace}.svc.cluster.local"
            yield from wire.lookup(contact.at, service, "A", (f"10.96.0.{len(peer.name)}",), 30, "")
        seen = to.endpoint if to.node == pod.node else to.remote
        yield from wire.connection(contact.at + 0.03, to.ip, contact.port, (), seen)
