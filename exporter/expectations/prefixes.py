"""Reading prefixes, as `ipBlock`, `toCIDR` and CiliumCIDRGroups write them."""

from collections.abc import Sequence
from ipaddress import ip_network

from exporter.documents.fields import Field
from exporter.expectations.peers import Outside, Peer, PrefixPeer
from exporter.expectations.question import Network

_BAD = "{!r} is no prefix such as 192.0.2.0/24 or 2001:db8::/32"


def prefix_of(field: Field) -> Network:
    """A prefix; a single address is one of full length, and bits right of the length do not matter."""
    text = field.text()
    _, slash, length = text.partition("/")
    # ip_network would also take a netmask.
    if slash and not (length.isascii() and length.isdecimal()):
        field.refuse(_BAD.format(text))
    try:
        return ip_network(text, strict=False)
    except ValueError:
        field.refuse(_BAD.format(text))


def excepted(field: Field | None, prefix: Network | None) -> tuple[Network, ...]:
    """The prefixes of an `except`, each of which must lie in its prefix, as Kubernetes and Cilium demand."""
    found = []
    for item in field.items() if field else ():
        hole = prefix_of(item)
        inside = prefix is None or (
            hole.version == prefix.version and hole.overlaps(prefix) and hole.prefixlen >= prefix.prefixlen
        )
        if not inside:
            item.refuse(f"{hole} is not inside {prefix}")
        found.append(hole)
    return tuple(found)


def with_both_families(peers: Sequence[Peer]) -> tuple[Peer, ...]:
    """The peers; where they have 0.0.0.0/0 and ::/0, one that needs no address to tell."""
    whole = {peer.prefix.version for peer in peers if isinstance(peer, PrefixPeer) and peer.wide and not peer.excepted}
    return (*peers, Outside()) if whole == {4, 6} else tuple(peers)
