"""What the workloads do every day: their usual places and peers, and what a pod does when it has just started."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from zlib import crc32

from tests.month.cast import MEMBERS, VAULT_ICONS, How, Member, Peer
from tests.month.places import DAY, HOSTERS, HOUR, Place
from tests.month.pods import Pod, Pods

_NIGHT_ENDS = 6 * HOUR
_SITES_A_DAY = (7, 12)
_VISITS_AGAIN = 4
_STARTUP = (5.0, 540.0)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody goes somewhere. Without a pod it is any one of the workload's; `number` is of a bare address."""

    at: float
    member: Member
    place: Place | None = None
    port: int = 443
    how: How = How.USUAL
    pod: Pod | None = None
    peer: Peer | None = None
    number: int = 0


class Routine:
    """The contacts of every day."""

    def __init__(self, seed: int, pods: Pods) -> None:
        self._seed, self._pods = seed, pods
        self._sites: list[Place] = []

    def day(self, day: int) -> Iterator[Contact]:
        """What happens on a day, in no order. Days are asked for in theirs."""
        for member in MEMBERS:
            chance = Random(f"{self._seed}/{member.name}/{day}")  # noqa: S311, a simulation needs no secrets
            for use in member.uses:
                for at in _times(chance, use.every, use.place.name, day):
                    yield Contact(at, member, use.place, use.port, use.how)
            for peer in member.peers:
                for at in _times(chance, peer.every, peer.name, day):
                    yield Contact(at, member, port=peer.port, peer=peer)
            if member.name == VAULT_ICONS:
                yield from self._icons(chance, member, day)
        for pod in self._pods.started(day * DAY, (day + 1) * DAY):
            yield from self._starts(pod)

    def _icons(self, chance: Random, member: Member, day: int) -> Iterator[Contact]:
        """The unbounded one: most sites are new, and some are visited again."""
        again = chance.sample(self._sites, min(_VISITS_AGAIN, len(self._sites)))
        new = [_site(chance, len(self._sites) + number) for number in range(chance.randint(*_SITES_A_DAY))]
        self._sites += new
        for place in (*new, *again):
            yield Contact((day + chance.random()) * DAY, member, place)

    def _starts(self, pod: Pod) -> Iterator[Contact]:
        chance = Random(f"{self._seed}/{pod.endpoint.pod_name}/{pod.start}")  # noqa: S311
        member = pod.member
        for later in (1.0, 4.0):
            # Twice, for in a wave of restarts the other side may be gone for a moment.
            for peer in member.peers[:1]:
                yield Contact(pod.start + later, member, port=peer.port, peer=peer, pod=pod)
        for place in member.startup:
            yield Contact(pod.start + chance.uniform(*_STARTUP), member, place, pod=pod)
        for use in member.uses:
            if use.how is How.LONG or member.kind == "CronJob":
                yield Contact(pod.start + chance.uniform(2.0, 30.0), member, use.place, use.port, use.how, pod)


def _times(chance: Random, every: float, name: str, day: int) -> Iterator[float]:
    """When on that day; at night half of what is frequent does not happen."""
    if every > 24:
        if (day - crc32(name.encode()) % 6) % 7 == 0:
            yield (day + chance.uniform(0.3, 0.8)) * DAY
        return
    number = round(24 / every)
    for turn in range(number):
        at = (turn + chance.random()) / number * DAY
        if number == 1 or at > _NIGHT_ENDS or chance.random() < 1 / 2:
            yield day * DAY + at


def _site(chance: Random, number: int) -> Place:
    """A site nobody has been to, at one of two dozen hosters."""
    domain = chance.choice(("site-{}.example", "site-{}.example", "people-{}.github.io", "shop-{}.pages.dev"))
    return Place(domain.format(number), chance.choice(HOSTERS))
