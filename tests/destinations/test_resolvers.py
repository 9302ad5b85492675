"""Who asks for names past the cluster's DNS, and who does not though it looks so."""

import pytest

from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings, ResolverSettings
from exporter.flow import Flow
from tests.flows import flow, host, labelled, pod, udp

KUBE_DNS = pod("coredns", "kube-system", labels=("k8s:k8s-app=kube-dns",))
PIHOLE = pod("pihole", "shop")


def bypass(event: Flow, **settings: tuple[str, ...]) -> str | None:
    """The transport that the pipeline would count."""
    resolvers = ResolverSettings.model_validate(settings)
    destinations = Destinations(DestinationsSettings(resolvers=resolvers))
    source = destinations.source_of(event)
    return destinations.resolvers.bypass(event, source, destinations.destination_of(event, source))


@pytest.mark.parametrize(
    ("event", "transport"),
    [
        pytest.param(udp(destination_port=53), "dns", id="port 53 outside"),
        pytest.param(flow(destination_port=53), "dns", id="over TCP too"),
        pytest.param(
            udp(destination_port=53, destination=pod("pihole", "shop")), "dns", id="a pod that is no resolver"
        ),
        pytest.param(flow(destination_port=853), "dot", id="DNS over TLS"),
        pytest.param(udp(destination_port=853), "dot", id="DNS over QUIC"),
        pytest.param(flow(destination_ip="8.8.8.8"), "doh", id="a known address on 443"),
        pytest.param(flow(destination_ip="2606:4700:4700::1111"), "doh", id="over IPv6"),
        pytest.param(udp(destination_ip="1.1.1.1", destination_port=443), "doh", id="over HTTP/3"),
        pytest.param(flow(destination_names=("dns.google",)), "doh", id="a known name"),
        pytest.param(flow(destination_names=("a.example", "Dns.Google.")), "doh", id="one of several names"),
    ],
)
def test_bypass(event: Flow, transport: str) -> None:
    """A connection to a resolver that is not the cluster's says how it asks."""
    assert bypass(event) == transport


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(udp(destination_port=53, destination=KUBE_DNS), id="kube-dns"),
        pytest.param(flow(destination_port=853, destination=KUBE_DNS), id="kube-dns over TLS"),
        pytest.param(udp(destination_port=53, destination_ip="169.254.20.10", destination=host()), id="node-local-dns"),
        pytest.param(udp(destination_port=53, source=KUBE_DNS), id="a resolver that asks its upstream"),
        pytest.param(
            udp(destination_port=53, source=host(), destination_ip="192.0.2.53"), id="a node and its provider"
        ),
        pytest.param(udp(destination_port=5353, destination_ip="224.0.0.251"), id="multicast DNS"),
        pytest.param(udp(destination_port=53, destination_ip="224.0.0.251"), id="multicast on port 53"),
        pytest.param(flow(destination_ip="198.51.100.8"), id="any other address on 443"),
        pytest.param(flow(destination_ip="8.8.8.8", destination_port=80), id="a known address on another port"),
        pytest.param(
            flow(destination_ip="8.8.8.8", destination=labelled("reserved:host", identity=1)), id="an address inside"
        ),
    ],
)
def test_no_bypass(event: Flow) -> None:
    """The cluster's own DNS, its questions to others, nodes, and what is no DNS at all."""
    assert bypass(event) is None


def test_settings() -> None:
    """Who runs another resolver says so, and the list of those that speak HTTPS is replaced."""
    own = udp(destination_port=53, destination_ip="192.0.2.53")
    assert bypass(own) == "dns"
    assert bypass(own, addresses=("192.0.2.53",)) is None
    assert bypass(flow(destination_ip="8.8.8.8"), doh=("192.0.2.1",)) is None
    assert bypass(flow(destination_ip="192.0.2.1"), doh=("192.0.2.1",)) == "doh"
    assert bypass(flow(destination_names=("doh.example",)), doh=("DOH.example.",)) == "doh"
