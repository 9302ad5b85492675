"""Our own evaluator reads the chart's network policies, and says what they allow: what is needed, and not the world."""

import pytest

from tests.chart.asked import NO, YES, Asked
from tests.chart.matrix import allowed, merged
from tests.chart.rendering import kinds, objects

_DNS, _RELAY, _VALKEY = "k8s-app=kube-dns", "k8s-app=hubble-relay", "app=valkey"
_ALLOWED = allowed()


@pytest.mark.parametrize("name", _ALLOWED)
def test_a_combination_may_go_where_it_must_and_nowhere_else(name: str) -> None:
    """Each contact with its answer, in every combination."""
    mode, _, store, policy = name.split("/")
    asked = Asked(_ALLOWED[name])
    is_kubernetes = policy == "kubernetes" or (policy == "auto" and mode == "relay")
    assert asked.of("kube-system/coredns", "53/UDP", _DNS) is YES
    assert asked.of("kube-system/coredns", "53/TCP", _DNS) is YES
    assert asked.of("kube-system/coredns", "443/TCP", _DNS) is NO
    assert asked.of("shop/coredns", "53/UDP", _DNS) is NO
    assert asked.of("kube-system/hubble-relay", "4245/TCP", _RELAY) is (YES if mode == "relay" else NO)
    assert asked.of("kube-system/hubble-relay", "80/TCP", _RELAY) is NO
    assert asked.of("data/valkey", "6379/TCP", _VALKEY) is (YES if store.startswith("valkey") else NO)
    assert asked.of("data/other", "6379/TCP", "app=other") is NO
    assert asked.of("host", "4244/TCP") is (YES if mode == "node" and not is_kubernetes else NO)
    assert asked.of("host", "10250/TCP") is NO
    for anywhere in ("world", "203.0.113.9", "example.com", "169.254.169.254"):
        assert asked.of(anywhere, "443/TCP") is NO
        assert asked.of(anywhere, "53/UDP") is NO
    assert asked.of("kube-apiserver", "443/TCP") is NO
    assert asked.of("shop/checkout", "8080/TCP", "app=checkout") is NO


def test_the_api_server_is_reached_when_policies_are_read_from_it() -> None:
    """By its entity, or by the addresses that were given."""
    live = {"expectations": {"kubernetes": {"enabled": True}}}
    cilium = Asked(merged(live, {"networkPolicy": {"flavor": "cilium"}}))
    assert cilium.of("kube-apiserver", "6443/TCP") is YES
    assert cilium.of("kube-apiserver", "22/TCP") is NO
    plain = Asked(merged(live, {"networkPolicy": {"kubeApiServer": {"cidrs": ["203.0.113.1/32"]}}}))
    assert plain.of("203.0.113.1", "443/TCP") is YES
    assert plain.of("203.0.113.2", "443/TCP") is NO


def test_the_webhook_is_reached_by_its_name_and_no_other() -> None:
    """Then DNS passes Cilium's proxy, for rules by name need to see what is asked."""
    hook = {"url": "https://hooks.soc.example/x"}
    asked = Asked({"webhook": hook, "networkPolicy": {"flavor": "cilium", "webhook": {"names": ["hooks.soc.example"]}}})
    assert asked.of("hooks.soc.example", "443/TCP") is YES
    assert asked.of("hooks.soc.example", "80/TCP") is NO
    assert asked.of("other.soc.example", "443/TCP") is NO
    assert asked.of("world", "443/TCP") is NO


@pytest.mark.parametrize("flavor", ["cilium", "kubernetes"])
def test_a_peer_is_reached_by_its_address_or_its_pods(flavor: str) -> None:
    """The webhook, and Valkey outside the cluster: on their port, and nothing beside them."""
    webhook = {"podLabels": {"app": "hook"}, "namespace": "shop", "cidrs": ["203.0.113.8/31"], "port": 8443}
    asked = Asked(
        {
            "webhook": {"url": "https://hook/"},
            "store": {"type": "valkey", "valkey": {"address": "192.0.2.1:6380"}},
            "networkPolicy": {
                "flavor": flavor,
                "webhook": webhook,
                "valkey": {"cidrs": ["192.0.2.1/32"], "port": 6380},
            },
        }
    )
    for to, port, labels, answer in (
        ("203.0.113.9", "8443/TCP", None, YES),
        ("203.0.113.9", "443/TCP", None, NO),
        ("203.0.113.10", "8443/TCP", None, NO),
        ("shop/hook", "8443/TCP", "app=hook", YES),
        ("shop/hook", "8443/UDP", "app=hook", NO),
        ("data/hook", "8443/TCP", "app=hook", NO),
        ("192.0.2.1", "6380/TCP", None, YES),
        ("192.0.2.1", "8443/TCP", None, NO),
        ("192.0.2.2", "6380/TCP", None, NO),
    ):
        assert asked.of(to, port, labels) is answer, (to, port)


def test_without_a_policy_there_is_none() -> None:
    """It can be turned off."""
    assert not {kind for kind in kinds(objects({"networkPolicy": {"enabled": False}})) if "NetworkPolicy" in kind}


@pytest.mark.parametrize("flavor", ["cilium", "kubernetes"])
def test_who_scrapes_can_be_named(flavor: str) -> None:
    """Else it is every pod of the cluster, and nobody outside."""
    scrapers = [{"namespace": "monitoring", "podLabels": {"app": "prometheus"}}]
    for given, wanted in (([], 0), (scrapers, 1)):
        (policy,) = (
            one
            for one in objects({"networkPolicy": {"flavor": flavor, "scrapers": given}})
            if "NetworkPolicy" in one["kind"]
        )
        (rule,) = policy["spec"]["ingress"]
        assert str(rule).count("'prometheus'") == wanted
        assert "0.0.0.0" not in str(rule)
        assert "world" not in str(rule)
