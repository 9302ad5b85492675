"""What a dropped packet says about name resolution: one pure function from the drop to its evidence, or to none."""

from exporter.destinations.dns_answers import Given
from exporter.destinations.interface import RESOLVER, Destination, DestinationKind, WorkloadName
from exporter.destinations.names import ClusterNames, normal
from exporter.destinations.resolvers import Resolvers
from exporter.destinations.scopes import Scope
from exporter.detectors.interface import Key, Kind
from exporter.flow import Flow
from exporter.hubble.drop_reasons import drop_reason_name

POLICY_REASONS = frozenset({133, 181})
"""POLICY_DENIED: no rule allows it, POLICY_DENY: a rule denies it."""
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


def key_of_drop(
    flow: Flow,
    source: WorkloadName,
    destination: Destination,
    given: tuple[Given, ...],
    resolvers: Resolvers,
    names: ClusterNames,
) -> Key | None:
    """The evidence that an egress drop is; None when it says nothing about names.

    `given` are the answers by which the source got the address. ICMP never counts, nor does a TCP packet inside a
    connection: only the initiator's SYN says what was wanted.
    """
    kind, port = flow.kind, flow.destination_port
    if kind.protocol not in ("tcp", "udp", "sctp") or (kind.is_tcp and not kind.starts_tcp) or flow.source.is_world:
        return None
    where = {"port": port, "protocol": kind.protocol, "reason": drop_reason_name(flow.drop_reason)}
    if flow.drop_reason not in POLICY_REASONS:
        if flow.drop_reason not in INFRASTRUCTURE_REASONS or destination.scope is Scope.MULTICAST:
            return None
        return Key(Kind.DROP_OTHER, destination=destination.label, **where)  # type: ignore[arg-type] # by its name
    is_dns = port in resolvers.ports
    if source.name == RESOLVER or resolvers.has(flow.source, flow.source_ip):
        of_resolver = is_dns or port == _DNS_OVER_TLS
        target = flow.destination_ip if destination.external else destination.label
        return Key(Kind.DROP_OF_RESOLVER, destination=target, **where) if of_resolver else None  # type: ignore[arg-type] # by its name
    if is_dns and resolvers.has(flow.destination, flow.destination_ip):
        return Key(Kind.DROP_TO_RESOLVER, destination=destination.label, **where)  # type: ignore[arg-type] # by its name
    if not destination.external or destination.kind is DestinationKind.ENTITY:
        return None
    return _outside(flow, source, destination, given, names, where)


def _outside(
    flow: Flow,
    source: WorkloadName,
    destination: Destination,
    given: tuple[Given, ...],
    names: ClusterNames,
    where: dict[str, object],
) -> Key:
    if destination.kind is not DestinationKind.FQDN:
        return Key(Kind.DROP_NAMELESS, destination=destination.label, **where)  # type: ignore[arg-type] # by its name
    name = destination.label
    mine = [one for one in given if one.name == name]
    # Hubble's own names are of answers whose time is not over, ours know it themselves.
    is_stale = not flow.destination_names and bool(mine) and all(one.ended for one in mine)
    asked_as = next((one.asked_as for one in mine), "") or _expanded(flow.destination_names, name, source, names)
    sure = destination.confidence.value
    return Key(Kind.DROP_NAMED, name, asked_as, name, is_stale=is_stale, name_confidence=sure, **where)  # type: ignore[arg-type] # by its name


def _expanded(hubble_names: tuple[str, ...], name: str, source: WorkloadName, names: ClusterNames) -> str:
    """The form with a search suffix under which alone Hubble knows the name."""
    forms = [normal(one) for one in hubble_names if names.bare(one, source.namespace).name == name]
    return "" if name in forms else next(iter(sorted(forms)), "")
