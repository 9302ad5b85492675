"""Names outside the cluster and the addresses that they have, which rotate as those of the large providers do.

All addresses are of the range that RFC 2544 reserves for benchmarks, whose scope is public, and of 2001:db8::/32.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from zlib import crc32

HOUR, DAY = 3600.0, 86_400.0
_RANGE = int(IPv4Address("198.18.0.0"))
_FIRST_OWN, _OWN = 0x4000, 0x4000
_FIRST_HOSTER, _HOSTERS = 0x1_0000, 24
_FIRST_BARE = 0x1_F000


@dataclass(frozen=True, slots=True)
class Provider:
    """Who has the addresses: `answers` of its `size` addresses at a time, other ones `every` so many seconds."""

    name: str
    first: int
    size: int
    answers: int
    every: float
    ttl: int


AWS = Provider("aws", 0x0100, 120, 4, 6 * HOUR, 60)
CLOUDFLARE = Provider("cloudflare", 0x0200, 24, 2, 2 * DAY, 300)
GOOGLE = Provider("google", 0x0300, 60, 1, 3 * HOUR, 300)
CLOUDFRONT = Provider("cloudfront", 0x0400, 120, 4, DAY, 60)
FASTLY = Provider("fastly", 0x0600, 16, 2, DAY, 30)
AKAMAI = Provider("akamai", 0x0700, 40, 2, DAY, 20)
OWN = Provider("own", _FIRST_OWN, 0, 1, 0.0, 3600)
"""Servers of its own: one address, always the same."""
HOSTERS = tuple(
    Provider(f"hoster-{number}", _FIRST_HOSTER + number * 0x100, 90, 1, 30 * DAY, 600) for number in range(_HOSTERS)
)


@dataclass(frozen=True, slots=True)
class Place:
    """A name outside. `{}` in it is a number that is another one each time, as names of shards have it."""

    name: str
    provider: Provider = OWN
    cname: str = ""
    v6: bool = False


class Atlas:
    """The addresses of places at any time; the same for the same seed, in whatever order it is asked."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._known: dict[tuple[str, int], tuple[str, ...]] = {}

    def addresses(self, place: Place, at: float) -> tuple[str, ...]:
        """What a resolver answers at that time, in seconds."""
        provider = place.provider
        if provider is OWN:
            return (_address(_FIRST_OWN + crc32(place.name.encode()) % _OWN),)
        turn = int(at // provider.every)
        known = self._known.get((place.name, turn))
        if known is None:
            chance = Random(f"{self._seed}/{place.name}/{turn}")  # noqa: S311, a simulation needs no secrets
            numbers = chance.sample(range(provider.size), provider.answers)
            known = tuple(_address(provider.first + number) for number in numbers)
            self._known[place.name, turn] = known
        return known


def bare_address(number: int) -> str:
    """An address that no name ever had."""
    return _address(_FIRST_BARE + number)


def over_v6(address: str) -> str:
    """The IPv6 address of the server that has this IPv4 address."""
    return f"2001:db8::{int(IPv4Address(address)) - _RANGE:x}"


def _address(offset: int) -> str:
    return str(IPv4Address(_RANGE + offset))
