"""Reading prefixes, as `ipBlock`, `toCIDR` and CiliumCIDRGroups write them."""

from collections.abc import Sequence

from exporter.documents.fields import Field
from exporter.expectations.outside_peers import Outside, PrefixPeer
from exporter.expectations.peers import Peer
from exporter.expectations.spans import Span, span_of


def prefix_of(field: Field) -> Span:
    """A prefix; a single address is one of full length, and bits right of the length do not matter."""
    text = field.text()
    try:
        return span_of(text)
    except ValueError:
        field.refuse(f"{text!r} is no prefix such as 192.0.2.0/24 or 2001:db8::/32")


def excepted(field: Field | None, prefix: Span | None) -> tuple[Span, ...]:
    """The prefixes of an `except`, each of which must lie in its prefix, as Kubernetes and Cilium demand."""
    found = []
    for item in field.items() if field else ():
        hole = prefix_of(item)
        if prefix is not None and not prefix.holds(hole):
            item.refuse(f"{hole} is not inside {prefix}")
        found.append(hole)
    return tuple(found)


def with_both_families(peers: Sequence[Peer]) -> tuple[Peer, ...]:
    """The peers; where they have 0.0.0.0/0 and ::/0, one that needs no address to tell."""
    whole = {peer.prefix.version for peer in peers if isinstance(peer, PrefixPeer) and peer.wide and not peer.excepted}
    return (*peers, Outside()) if whole == {4, 6} else tuple(peers)
