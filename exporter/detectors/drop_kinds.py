"""What a dropped packet says about name resolution: one pure function from the drop to its evidence, or to none."""

from typing import NamedTuple

from exporter.destinations.dns_answers import Given
from exporter.destinations.interface import RESOLVER, Destination, DestinationKind, WorkloadName
from exporter.destinations.names import ClusterNames, normal
from exporter.destinations.resolvers import Resolvers
from exporter.destinations.scopes import Scope
from exporter.detectors.interface import Key, Kind
from exporter.flow import Flow
from exporter.hubble.drop_reasons import drop_reason_name

POLICY_DENIED, POLICY_DENY = 133, 181
"""No rule allows it; a rule denies it."""
POLICY_REASONS = frozenset({POLICY_DENIED, POLICY_DENY})
TRANSIENT_REASONS = frozenset({151, 158, 165, 202, 203})
"""Seen for a moment whenever pods come and go: stale address, no backend, no policy or program loaded yet."""
INFRASTRUCTURE_REASONS = TRANSIENT_REASONS | {
    # Connection tracking and NAT.
    *(135, 137, 155, 163, 167, 168, 187, 188, 190, 191, 193),
    # Routes, tunnels, gateways, identities.
    *(147, 150, 160, 169, 170, 171, 172, 178, 179, 183, 185, 192, 194, 195, 197, 204),
    # Programs of the datapath itself.
    *(140, 141, 153, 154, 161, 164, 180, 184),
}
"""Numbers of `flow.DropReason` that no policy explains. Those of malformed, multicast or rate-limited packets and of
missing authentication are left out: they say that a packet was not wanted, not that something is broken."""
_DNS_OVER_TLS = 853
_FORGOTTEN_NS = 60 * 1_000_000_000
"""The agent forgets names in a round of once a minute; from then on it surely has."""


class Dropped(NamedTuple):
    """A dropped packet, and what is known of both ends; `given` are the answers by which the source got the address."""

    flow: Flow
    source: WorkloadName
    destination: Destination
    given: tuple[Given, ...]


def key_of_drop(drop: Dropped, resolvers: Resolvers, names: ClusterNames) -> Key | None:
    """The evidence that an egress drop is; None when it says nothing about names.

    ICMP never counts, nor does a TCP packet inside a connection: only the initiator's SYN says what was wanted.
    """
    flow, destination = drop.flow, drop.destination
    kind, port = flow.kind, flow.destination_port
    if kind.protocol not in ("tcp", "udp", "sctp") or (kind.is_tcp and not kind.starts_tcp) or flow.source.is_world:
        return None
    where = Key(Kind.DROP_OTHER, "", "", destination.label, port, kind.protocol, drop_reason_name(flow.drop_reason))
    if flow.drop_reason not in POLICY_REASONS:
        is_fault = flow.drop_reason in INFRASTRUCTURE_REASONS and destination.scope is not Scope.MULTICAST
        return where if is_fault else None
    if drop.source.name == RESOLVER or resolvers.has(flow.source, flow.source_ip):
        if port not in resolvers.ports and port != _DNS_OVER_TLS:
            return None
        target = flow.destination_ip if destination.external else destination.label
        return where._replace(kind=Kind.DROP_OF_RESOLVER, destination=target)
    if port in resolvers.ports and resolvers.has(flow.destination, flow.destination_ip):
        return where._replace(kind=Kind.DROP_TO_RESOLVER)
    if not destination.external or destination.kind is DestinationKind.ENTITY:
        return None
    if destination.kind is not DestinationKind.FQDN:
        return where._replace(kind=Kind.DROP_NAMELESS)
    return _named(drop, names, where)


def _named(drop: Dropped, names: ClusterNames, where: Key) -> Key:
    hubble_names, name = drop.flow.destination_names, drop.destination.label
    mine = [one for one in drop.given if one.name == name]
    alive = [one for one in mine if not one.ended]
    # Hubble's own names are of answers whose time is not over, ours know it themselves.
    is_stale = not hubble_names and bool(mine) and not alive
    bare = any(not one.asked_as for one in alive or mine)
    asked_as = "" if bare else next((one.asked_as for one in mine), "") or _expanded(drop, name, names)
    return where._replace(
        kind=Kind.DROP_NAMED,
        name=name,
        asked_as=asked_as,
        is_stale=is_stale,
        is_forgotten=is_stale and all(one.past_ns >= _FORGOTTEN_NS for one in mine),
        name_confidence=drop.destination.confidence.value,
    )


def _expanded(drop: Dropped, name: str, names: ClusterNames) -> str:
    """The form with a search suffix under which alone Hubble knows the name."""
    known = drop.flow.destination_names
    forms = [normal(one) for one in known if names.bare(one, drop.source.namespace).name == name]
    return "" if name in forms else next(iter(sorted(forms)), "")
