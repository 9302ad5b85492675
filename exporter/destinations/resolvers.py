"""What the cluster's DNS is, and who asks somebody else: names that are resolved elsewhere are seen by nobody."""

from collections.abc import Iterable

from exporter.destinations.cidrs import parsed
from exporter.destinations.interface import HOST, RESOLVER, Destination, WorkloadName
from exporter.destinations.names import normal
from exporter.destinations.scopes import Scope
from exporter.destinations.settings import ResolverSettings
from exporter.endpoint import Endpoint
from exporter.flow import Flow

DNS, DOT, DOH = "dns", "dot", "doh"
TRANSPORTS = (DNS, DOT, DOH)
"""DNS itself, over TLS (RFC 7858) and QUIC (RFC 9250), and over HTTPS (RFC 8484)."""
_PORT, _TLS_PORT, _HTTPS_PORT = 53, 853, 443


class Resolvers:
    """Endpoints, addresses and ports of the cluster's DNS, and known resolvers outside that speak HTTPS."""

    def __init__(self, settings: ResolverSettings) -> None:
        self.labels = settings.labels
        """Labels by which an endpoint is the cluster's DNS."""
        self._labels, self._addresses = frozenset(settings.labels), frozenset(settings.addresses)
        self.ports = frozenset(settings.ports)
        """Ports on which the cluster's DNS is asked."""
        self._doh_names, self._doh_addresses = _names_and_addresses(settings.doh)

    def has(self, endpoint: Endpoint, address: str) -> bool:
        """Whether this is the cluster's DNS."""
        return address in self._addresses or not endpoint.labels.isdisjoint(self._labels)

    def is_asked(self, flow: Flow) -> bool:
        """Whether the packet is on its way to the cluster's DNS, or from it to another one."""
        if flow.destination_port not in self.ports:
            return False
        return self.has(flow.destination, flow.destination_ip) or self.has(flow.source, flow.source_ip)

    def answers(self, flow: Flow) -> bool:
        """Whether the packet comes back from the cluster's DNS."""
        return flow.source_port in self.ports and self.has(flow.source, flow.source_ip)

    def bypass(self, flow: Flow, source: WorkloadName, destination: Destination) -> str | None:
        """How a connection asks for names past the cluster's DNS; None when it does not.

        Resolvers ask others for their clients, and nodes ask what their provider gave them.
        """
        port = flow.destination_port
        if port not in (_PORT, _TLS_PORT, _HTTPS_PORT) or source.name == RESOLVER or source == HOST:
            return None
        if port == _HTTPS_PORT:
            return DOH if self._is_doh(flow, destination) else None
        if destination.scope is Scope.MULTICAST or self.has(flow.destination, flow.destination_ip):
            return None
        return DNS if port == _PORT else DOT

    def _is_doh(self, flow: Flow, destination: Destination) -> bool:
        if not destination.external:
            return False
        if flow.destination_ip in self._doh_addresses or destination.label in self._doh_names:
            return True
        # An address may have several names, of which the label is one.
        return any(normal(name) in self._doh_names for name in flow.destination_names)


def _names_and_addresses(known: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    addresses = {str(address) for text in known if (address := parsed(text)) is not None}
    return frozenset(normal(text) for text in known if parsed(text) is None), frozenset(addresses)
