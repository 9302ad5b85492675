"""Whom the exporter may ask for names: the resolvers that were given, and nobody when there is none."""

from typing import Any

import pytest

from tests.chart.asked import NO, YES, Asked
from tests.chart.matrix import allowed, merged
from tests.chart.rendering import objects

_DNS, _RELAY = "k8s-app=kube-dns", "k8s-app=hubble-relay"
_ALLOWED = allowed()
_NO_RESOLVERS: dict[str, Any] = {"networkPolicy": {"dns": {"resolvers": []}}}


def test_openshifts_resolvers_listen_elsewhere() -> None:
    """Namespace, label and port are values."""
    label = "dns.operator.openshift.io/daemonset-dns"
    dns = {"resolvers": [{"namespace": "openshift-dns", "podLabels": {label: "default"}}], "ports": [5353]}
    for flavor in ("cilium", "kubernetes"):
        asked = Asked({"networkPolicy": {"flavor": flavor, "dns": dns}})
        assert asked.of("openshift-dns/dns-default", "5353/UDP", f"{label}=default") is YES
        assert asked.of("kube-system/coredns", "53/UDP", _DNS) is NO


@pytest.mark.parametrize("flavor", ["cilium", "kubernetes"])
def test_without_resolvers_nobody_is_asked(flavor: str) -> None:
    """A rule without peers would allow everybody, the world too."""
    asked = Asked(merged(_NO_RESOLVERS, {"networkPolicy": {"flavor": flavor}}))
    for anywhere in ("world", "203.0.113.9", "kube-system/coredns"):
        assert asked.of(anywhere, "53/UDP") is NO
    assert asked.of("kube-system/hubble-relay", "4245/TCP", _RELAY) is YES
    only_address = {"networkPolicy": {"flavor": flavor, "dns": {"cidrs": ["169.254.20.10/32"]}}}
    asked = Asked(merged(_NO_RESOLVERS, only_address))
    assert asked.of("169.254.20.10", "53/UDP") is YES
    assert asked.of("169.254.20.11", "53/UDP") is NO
    # What the node has as an address of its own is the node for Cilium, or a prefix: it depends on who started first.
    assert asked.of("host", "53/UDP") is (YES if flavor == "cilium" else NO)
    assert asked.of("host", "443/TCP") is NO


def test_who_needs_nothing_reaches_nobody() -> None:
    """By the socket, without resolvers: a policy without any rule of egress would restrict nothing."""
    asked = Asked(merged(_ALLOWED["socket/plain/empty-dir/cilium"], _NO_RESOLVERS))
    for anywhere in ("world", "host", "kube-system/coredns"):
        assert asked.of(anywhere, "443/TCP") is NO


@pytest.mark.parametrize(
    "values",
    [
        {"webhook": {"url": "https://a/"}, "networkPolicy": {"webhook": {"names": ["a.example"]}}},
        {
            "store": {"type": "valkey", "valkey": {"address": "a:6379"}},
            "networkPolicy": {"valkey": {"names": ["a.example"]}},
        },
        {"networkPolicy": {"extraEgress": [{"toFQDNs": [{"matchName": "a.example"}]}]}},
    ],
    ids=["webhook", "valkey", "extra"],
)
def test_where_a_name_is_allowed_every_resolver_is_seen(values: dict[str, Any]) -> None:
    """Cilium knows the addresses of a name from answers that pass its proxy; without names nothing needs to."""
    dns = {"networkPolicy": {"flavor": "cilium", "dns": {"cidrs": ["169.254.20.10/32"]}}}
    for given, seen in ((values, [{"dns": [{"matchPattern": "*"}]}] * 3), ({}, [None] * 3)):
        (policy,) = (one for one in objects(merged(dns, given)) if one["kind"] == "CiliumNetworkPolicy")
        resolvers = policy["spec"]["egress"][:3]
        assert [next(iter(rule)) for rule in resolvers] == ["toEndpoints", "toCIDR", "toEntities"]
        assert [rule["toPorts"][0].get("rules") for rule in resolvers] == seen
