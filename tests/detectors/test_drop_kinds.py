"""What a dropped packet says about name resolution."""

from typing import Unpack

import pytest

from exporter.destinations.directory import Destinations
from exporter.destinations.dns_answers import Given
from exporter.destinations.settings import DestinationsSettings
from exporter.detectors.drop_kinds import (
    INFRASTRUCTURE_REASONS,
    POLICY_REASONS,
    TRANSIENT_REASONS,
    Dropped,
    key_of_drop,
)
from exporter.detectors.interface import Key, Kind
from exporter.flow import Flow
from exporter.hubble.drop_reasons import drop_reason_name
from tests.flows import ACK, DNS_IP, FlowFields, changed, drop, labelled, pod, remote_pod, world

RESOLVER = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104, labels=("k8s:k8s-app=kube-dns",))


def _to_resolver(**fields: Unpack[FlowFields]) -> Flow:
    """A dropped packet on its way to the resolver."""
    return changed(drop(destination=RESOLVER, destination_ip=DNS_IP, destination_port=53), **fields)


def _named(**fields: Unpack[FlowFields]) -> Flow:
    """A dropped packet on its way to an address with a name."""
    return changed(drop(destination_names=("api.example.com",)), **fields)


def _key(event: Flow, given: tuple[Given, ...] = ()) -> Key | None:
    destinations = Destinations(DestinationsSettings())
    source = destinations.source_of(event)
    destination = destinations.destination_of(event, source)
    dropped = Dropped(event, source, destination, given)
    return key_of_drop(dropped, destinations.resolvers, destinations.names)


def _kind(event: Flow) -> Kind | None:
    key = _key(event)
    return None if key is None else key.kind


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (_to_resolver(), Kind.DROP_TO_RESOLVER),
        (_to_resolver(drop_reason=181), Kind.DROP_TO_RESOLVER),
        (_to_resolver(destination_port=5353), Kind.DROP_TO_RESOLVER),
        (_to_resolver(destination_port=9153), None),
        (drop(destination=world(), destination_ip="169.254.20.10", destination_port=53), Kind.DROP_TO_RESOLVER),
        (drop(destination_port=53), Kind.DROP_NAMELESS),
        (_named(), Kind.DROP_NAMED),
        (drop(), Kind.DROP_NAMELESS),
        (drop(destination=pod("db", "data")), None),
        (_named(destination=labelled("reserved:kube-apiserver", "reserved:world")), None),
        (drop(source=RESOLVER, destination_port=53), Kind.DROP_OF_RESOLVER),
        (drop(source=RESOLVER, destination_port=853), Kind.DROP_OF_RESOLVER),
        (drop(source=RESOLVER, destination_port=443), None),
        (_named(drop_reason=169), Kind.DROP_OTHER),
        (_to_resolver(drop_reason=155), Kind.DROP_OTHER),
        (drop(destination=pod("db", "data"), drop_reason=151), Kind.DROP_OTHER),
        (_named(drop_reason=189), None),
        (_named(drop_reason=9999), None),
        (_named(drop_reason=0), None),
        (_named(tcp_flags=ACK), None),
        (_named(drop_reason=169, destination_ip="224.0.0.251"), None),
        (_named(source=world()), None),
        (_named(protocol="icmp", tcp_flags=0, destination_port=0), None),
        (_named(protocol="udp", tcp_flags=0), Kind.DROP_NAMED),
    ],
)
def test_kind(event: Flow, kind: Kind | None) -> None:
    """Resolvers, names, addresses without one, and reasons that no policy explains; the rest says nothing."""
    assert _kind(event) is kind


@pytest.mark.parametrize(
    ("given", "names", "asked_as", "is_stale"),
    [
        ((), ("api.example.com",), "", False),
        ((Given("api.example.com", (), "", past_ns=1),), ("api.example.com",), "", False),
        ((), ("api.example.com.shop.svc.cluster.local",), "api.example.com.shop.svc.cluster.local", False),
        ((), ("api.example.com", "api.example.com.shop.svc.cluster.local"), "", False),
        (
            (Given("api.example.com", (), "api.example.com.svc.cluster.local", past_ns=-1),),
            ("api.example.com.svc.cluster.local",),
            "api.example.com.svc.cluster.local",
            False,
        ),
    ],
)
def test_named(given: tuple[Given, ...], names: tuple[str, ...], asked_as: str, is_stale: bool) -> None:
    """Hubble's names are never stale; the form with a suffix counts only where nothing else is known of the address."""
    key = _key(drop(destination_names=names), given)
    assert key is not None
    assert (key.name, key.asked_as, key.is_stale) == ("api.example.com", asked_as, is_stale)


def test_reasons_are_those_of_hubble() -> None:
    """Every number that is judged has a name in Hubble's enum, and policy is no infrastructure."""
    assert not any(drop_reason_name(number).startswith("reason_") for number in INFRASTRUCTURE_REASONS | POLICY_REASONS)
    assert not INFRASTRUCTURE_REASONS & POLICY_REASONS
    assert TRANSIENT_REASONS < INFRASTRUCTURE_REASONS
    assert {drop_reason_name(number) for number in POLICY_REASONS} == {"policy_denied", "policy_deny"}
