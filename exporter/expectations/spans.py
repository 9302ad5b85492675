"""Prefixes as plain numbers: comparing them takes a tenth of asking `ipaddress`."""

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from exporter.expectations.interface import NO, UNKNOWN, YES, Match

_LAST = {4: (1 << 32) - 1, 6: (1 << 128) - 1}


class Span(NamedTuple):
    """The addresses of one prefix, from `first` to `last`; a single address is a prefix of full length."""

    version: int
    first: int
    last: int
    text: str

    @property
    def is_whole(self) -> bool:
        """Whether it is 0.0.0.0/0 or ::/0."""
        return self.first == 0 and self.last == _LAST[self.version]

    @property
    def is_single(self) -> bool:
        """Whether it is one address."""
        return self.first == self.last

    def holds(self, other: "Span") -> bool:
        """Whether all of the other lies in it."""
        return self.version == other.version and self.first <= other.first and other.last <= self.last

    def meets(self, other: "Span") -> bool:
        """Whether both have an address in common."""
        return self.version == other.version and self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        return self.text


def span_of(text: str) -> Span:
    """The prefix; bits right of its length do not matter.

    Raises:
        ValueError: when it is no prefix and no address, or has a netmask for a length.
    """
    _, slash, length = text.partition("/")
    if slash and not (length.isascii() and length.isdecimal()):
        raise ValueError(text)
    network = ip_network(text, strict=False)
    return Span(network.version, int(network.network_address), int(network.broadcast_address), str(network))


def span_of_address(address: IPv4Address | IPv6Address) -> Span:
    """The prefix of full length."""
    number = int(address)
    return Span(address.version, number, number, str(address))


def within(asked: Span, prefix: Span, excepted: tuple[Span, ...] = ()) -> Match:
    """Whether all of a range lies in a prefix and outside its exceptions; in part, nobody knows."""
    if not prefix.meets(asked) or any(hole.holds(asked) for hole in excepted):
        return NO
    if not prefix.holds(asked) or any(hole.meets(asked) for hole in excepted):
        return UNKNOWN
    return YES
