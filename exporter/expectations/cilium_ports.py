"""`toPorts` of Cilium: ports, ranges and protocols; what stands beyond layer 4 is noted."""

from collections.abc import Iterator

from exporter.documents.fields import Field
from exporter.expectations.objects import Objects
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


def read_ports(
    field: Field, objects: Objects, unread: Unread, *, denies: bool
) -> tuple[tuple[Ports, ...], tuple[str, ...]]:
    """Ports of all entries, and notes. An empty list is no restriction.

    What an entry without ports means, no document explains: it is not evaluated.
    """
    found: list[Ports] = []
    notes: list[str] = []
    for item in field.items():
        parts = item.entries()
        unread.keys(parts, {"ports", *_NOTED})
        ports = list(_ports(parts["ports"], objects, unread)) if "ports" in parts else []
        if not ports:
            unread.field(UNKNOWN_FIELD, item)
        found += ports
        notes += (_note(key, part, ports) for key, part in parts.items() if key in _NOTED and not denies)
    return tuple(found), tuple(dict.fromkeys(notes))


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
