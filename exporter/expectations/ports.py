"""Ports of a rule."""

from typing import NamedTuple

from exporter.expectations.interface import NO, UNKNOWN, YES, Match

_LAST = 65535
_OF_ANY = frozenset({"tcp", "udp", "sctp"})


class Ports(NamedTuple):
    """Ports `first` to `last` of one protocol, or of `any`: TCP, UDP and SCTP, for no other has ports."""

    protocol: str = "any"
    first: int = 0
    last: int = _LAST
    name: str = ""
    """A named port: which number it is, only the pods of the destination say."""

    def has(self, protocol: str, port: int | None) -> Match:
        """Whether a packet to this port is meant; None is a port that is not known.

        Of a name that was only asked for, no protocol is known: it is declared whatever its port is.
        """
        if not protocol:
            return YES
        if self.protocol != protocol and (self.protocol != "any" or protocol not in _OF_ANY):
            return NO
        if self.name:
            return UNKNOWN
        if self.first == 0 and self.last == _LAST:
            return YES
        if port is None:
            return UNKNOWN
        return YES if self.first <= port <= self.last else NO

    def __str__(self) -> str:
        protocol = self.protocol.upper() if self.protocol != "icmpv6" else "ICMPv6"
        if self.name:
            return f"{self.name}/{protocol} (named)"
        if self.first == 0 and self.last == _LAST:
            return f"any port/{protocol}"
        return f"{self.first}/{protocol}" if self.first == self.last else f"{self.first}-{self.last}/{protocol}"


def ports_from(port: int, protocol: str, last: int = 0) -> Ports:
    """Port 0 stands for all of them, as in Cilium's policies; `last` ends a range."""
    return Ports(protocol, port, max(port, last)) if port else Ports(protocol)


def one_of(ports: tuple[Ports, ...], protocol: str, port: int | None) -> Match:
    """Whether one of these is meant; no ports at all stand for everything, ICMP included."""
    if not ports:
        return YES
    found = NO
    for one in ports:
        has = one.has(protocol, port)
        if has is YES:
            return YES
        if has is UNKNOWN:
            found = UNKNOWN
    return found
