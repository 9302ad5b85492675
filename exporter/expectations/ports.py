"""Ports of a rule."""

import re
from typing import NamedTuple

from exporter.expectations.interface import NO, UNKNOWN, YES, Match
from exporter.expectations.objects import Objects
from exporter.expectations.question import Target

_LAST = 65535
# An IANA service name: with a letter in it, or it would be a number.
PORT_NAME = re.compile(r"(?=.*[a-zA-Z])[a-zA-Z0-9](?:-?[a-zA-Z0-9])*")
_OF_ANY = frozenset({"tcp", "udp", "sctp"})


class Ports(NamedTuple):
    """Ports `first` to `last` of one protocol, or of `any`: TCP, UDP and SCTP, for no other has ports."""

    protocol: str = "any"
    first: int = 0
    last: int = _LAST
    name: str = ""
    """A named port: which number it is, only the specs of the destination's pods say."""
    objects: Objects | None = None

    def has(self, protocol: str, port: int | None, target: Target) -> Match:
        """Whether a packet to this port is meant; None is a port that is not known.

        Of a name that was only asked for, no protocol is known: it is declared whatever its port is.
        """
        if not protocol:
            return YES
        if self.protocol != protocol and (self.protocol != "any" or protocol not in _OF_ANY):
            return NO
        if self.objects is not None:
            return self._is_named(protocol, port, target, self.objects)
        if self.first == 0 and self.last == _LAST:
            return YES
        if port is None:
            return UNKNOWN
        return YES if self.first <= port <= self.last else NO

    def _is_named(self, protocol: str, port: int | None, target: Target, objects: Objects) -> Match:
        # What is no pod has no names for its ports.
        if target.inside is NO:
            return NO
        numbers = objects.named_ports(self.name, protocol, target.namespace, target.labels)
        if numbers is None or port is None:
            return UNKNOWN
        return YES if port in numbers else NO

    def __str__(self) -> str:
        protocol = self.protocol.upper() if self.protocol != "icmpv6" else "ICMPv6"
        if self.name:
            return f"{self.name}/{protocol} (named)"
        if self.first == 0 and self.last == _LAST:
            return f"any port/{protocol}"
        return f"{self.first}/{protocol}" if self.first == self.last else f"{self.first}-{self.last}/{protocol}"


def ports_from(port: int, protocol: str, last: int = 0) -> Ports:
    """Port 0 stands for all of them, as in Cilium's policies; `last` ends a range."""
    return Ports(protocol, port, max(port, last)) if port or last else Ports(protocol)


def one_of(ports: tuple[Ports, ...], protocol: str, port: int | None, target: Target) -> Match:
    """Whether one of these is meant; no ports at all stand for everything, ICMP included."""
    if not ports:
        return YES
    found = NO
    for one in ports:
        has = one.has(protocol, port, target)
        if has is YES:
            return YES
        if has is UNKNOWN:
            found = UNKNOWN
    return found
