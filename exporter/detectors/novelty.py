"""What a contact is to the memory of its workload: known, new, or the address of something known. Pure functions."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from exporter.destinations.cidrs import parsed
from exporter.destinations.interface import NameConfidence
from exporter.findings.interface import Novelty
from exporter.known.interface import Mark, What
from exporter.known.sighting import QUERY, Sighting
from exporter.known.workload import Remembered, address_mark

ADDRESS, NETWORK, PORT = NAMELESS_NEWS = ("address", "network", "port")
_NAMES_NS = 7 * 86_400 * 1_000_000_000
"""A workload whose DNS was seen so long ago is taken to have it seen still."""


class Judged(NamedTuple):
    """As what a destination is remembered, how sure that name is, and what is new about it."""

    known_as: str
    confidence: NameConfidence
    novelty: Novelty | None
    nameless: bool
    """An address of a workload whose names nobody sees: it is counted and listed, and never announced."""


def judge(sighting: Sighting, known: Remembered) -> Judged:
    """What the contact is. A new address of a known name is not new; a new port is, and a new name of an address."""
    confidence = sighting.destination.confidence
    if sighting.names:
        name = _best(sighting.names, sighting.service, known)
        return Judged(name, confidence, _novelty_of_name(name, sighting, known), nameless=False)
    if names := known.names.get(sighting.address):
        # Hubble has forgotten the name that the address had.
        name = _best(_latest_first(names, sighting.address, known), sighting.service, known)
        return Judged(name, NameConfidence.STALE, _novelty(name, sighting.service, known), nameless=False)
    novelty = _novelty(sighting.address, sighting.service, known)
    nameless = not (sighting.sees_dns or has_names(known, sighting.time_ns))
    return Judged(sighting.address, confidence, novelty, nameless=nameless)


def has_names(known: Remembered, now_ns: int) -> bool:
    """Whether the names that the workload asks for are seen; if not, an address without one means nothing."""
    dns = known.rows.get(Mark(What.DNS))
    return dns is not None and now_ns - dns.last_ns <= _NAMES_NS


def news_of_address(sighting: Sighting, known: Remembered) -> Iterator[str]:
    """What is new about an address without a name, of `NAMELESS_NEWS`."""
    if sighting.address not in known.services:
        yield ADDRESS
        network = _network(sighting.address)
        if not any(_network(name) == network for name in known.services):
            yield NETWORK
    if not any(sighting.service in services for services in known.services.values()):
        yield PORT


def _network(address: str) -> str:
    """The /24 or /48 of an address, as large a network as its owner mostly has; any other text is its own."""
    ip = parsed(address)
    if ip is None:
        return address
    kept = 8 if ip.version == 4 else 80  # noqa: PLR2004, IPv4
    return f"{int(ip) >> kept}/{ip.version}"


def _best(names: tuple[str, ...] | list[str], service: str, known: Remembered) -> str:
    """Of several names, one that is known with this port, else one that is known, else the first."""
    if len(names) == 1:
        return names[0]
    with_port = (name for name in names if service in known.services.get(name, ()))
    with_any = (name for name in names if name in known.services)
    return next(with_port, None) or next(with_any, None) or names[0]


def _latest_first(names: Iterable[str], address: str, known: Remembered) -> list[str]:
    """Names of an address, the one that had it last first."""
    return sorted(names, key=lambda name: (-known.rows[address_mark(address, name)].last_ns, name))


def _novelty(name: str, service: str, known: Remembered) -> Novelty | None:
    services = known.services.get(name)
    if services is None:
        return Novelty.DESTINATION
    # A query says no port; whoever was refused the name was announced, whichever port it wanted first.
    return None if service in services or service == QUERY or services == (QUERY,) else Novelty.PORT


def _novelty_of_name(name: str, sighting: Sighting, known: Remembered) -> Novelty | None:
    novelty = _novelty(name, sighting.service, known)
    if novelty is not Novelty.DESTINATION or not sighting.address:
        return novelty
    if sighting.service in known.services.get(sighting.address, ()):
        # It was an address without a name: its name is seen now, and it is the same place.
        return None
    if sighting.address in known.names or sighting.address in known.services:
        return Novelty.ADDRESS_REUSED
    return novelty
