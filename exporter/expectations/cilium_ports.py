"""`toPorts` of Cilium: ports, ranges and protocols; what stands beyond layer 4 is noted."""

from collections.abc import Iterator
from typing import NamedTuple

from exporter.documents.fields import Field
from exporter.expectations.cilium_peers import name_peer
from exporter.expectations.objects import Objects
from exporter.expectations.outside_peers import NamePeer
from exporter.expectations.ports import PORT_NAME, Ports, ports_from
from exporter.expectations.unread import UNKNOWN_FIELD, Unread

_LAST_PORT = 65535
_PROTOCOLS = frozenset({"TCP", "UDP", "SCTP", "ICMP", "ICMPV6", "ANY", "VRRP", "IGMP"})
# They say what a connection must look like, or who handles it, not where it may go.
_NOTED = {
    "rules": "layer 7 rules",
    "listener": "a listener",
    "terminatingTLS": "TLS is terminated",
    "originatingTLS": "TLS is originated",
}


class ReadPorts(NamedTuple):
    """What `toPorts` says: ports, notes on what is beyond layer 4, and the names that may be asked for."""

    ports: tuple[Ports, ...] = ()
    notes: tuple[str, ...] = ()
    asks: tuple[NamePeer, ...] = ()


def read_ports(field: Field, objects: Objects, unread: Unread, *, denies: bool) -> ReadPorts:
    """Ports of all entries. An empty list is no restriction.

    What an entry without ports means, no document explains: it is not evaluated.
    """
    found: list[Ports] = []
    notes: list[str] = []
    asks: list[NamePeer] = []
    for item in field.items():
        parts = item.entries()
        unread.keys(parts, {"ports", *_NOTED})
        ports = list(_ports(parts["ports"], objects, unread)) if "ports" in parts else []
        if not ports:
            unread.field(UNKNOWN_FIELD, item)
        found += ports
        notes += (_note(key, part, ports) for key, part in parts.items() if key in _NOTED and not denies)
        if "rules" in parts:
            asks += _asks(parts["rules"])
    return ReadPorts(tuple(found), tuple(dict.fromkeys(notes)), tuple(asks))


def _asks(rules: Field) -> Iterator[NamePeer]:
    """The names of `dns`; they say what the proxy lets ask for, not where anything may go."""
    parts = rules.entries()
    for item in parts["dns"].items() if "dns" in parts else ():
        yield name_peer(item)


def _ports(field: Field, objects: Objects, unread: Unread) -> Iterator[Ports]:
    for item in field.items():
        parts = item.entries()
        unread.keys(parts, {"port", "endPort", "protocol"})
        if "port" not in parts:
            item.refuse("a port must be given; 0 stands for all of them")
        protocol = parts["protocol"].text().upper() if "protocol" in parts else "ANY"
        if protocol not in _PROTOCOLS:
            parts["protocol"].refuse(f"{protocol!r} is no protocol; write TCP, UDP, SCTP or ANY")
        text = parts["port"].text()
        if PORT_NAME.fullmatch(text):
            if not objects.is_named(text):
                unread.field("namedPorts", parts["port"])
            yield Ports(protocol.lower(), name=text, objects=objects)
            continue
        port = parts["port"].number(0, _LAST_PORT)
        last = parts["endPort"].number(0, _LAST_PORT) if "endPort" in parts else 0
        yield ports_from(port, protocol.lower(), last if port else 0)


def _note(key: str, part: Field, ports: list[Ports]) -> str:
    kinds = f" ({', '.join(part.entries())})" if key == "rules" else ""
    return f"{_NOTED[key]}{kinds} on {', '.join(map(str, ports))}"
