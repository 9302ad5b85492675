"""Our own evaluator reads the chart's network policies, and says what they allow: what is needed, and not the world."""

from datetime import date
from typing import Any

import pytest
import yaml

from exporter.destinations.scopes import Scopes
from exporter.documents.syntax import compose_text
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import Expectation
from exporter.expectations.manifests import read_manifests
from exporter.expectations.question import Question
from tests.chart.matrix import allowed, merged
from tests.chart.rendering import kinds, objects

_TODAY = date(2027, 1, 15)
_POD = "app.kubernetes.io/name=hubble-egress-exporter,app.kubernetes.io/instance=hubble-egress-exporter"
_NAMESPACES = ("hubble-egress", "kube-system", "data", "shop", "openshift-dns", "monitoring")
_YES, _NO = Expectation.EXPECTED, Expectation.UNEXPECTED


class Asked:
    """The network policy of an installation, and the namespaces of its cluster."""

    def __init__(self, values: dict[str, Any]) -> None:
        namespaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _labels(name)}}
            for name in _NAMESPACES
        ]
        text = yaml.safe_dump_all([*namespaces, *(one for one in objects(values) if "NetworkPolicy" in one["kind"])])
        self._read = read_manifests([("chart", node) for node in compose_text("chart", text)])
        assert self._read.faults == ()
        self._evaluator = Evaluator(self._read.policies)

    def of(self, to: str, port: str, labels: str | None = None) -> Expectation:
        """May the exporter go there?"""
        read = self._read.objects
        source = subject_from("hubble-egress/hubble-egress-exporter", labels_from(_POD), read)
        target = target_from(to, labels_from(labels), read, Scopes())
        return self._evaluator.answer(Question(source, target, *port_from(port)), _TODAY).expectation


def _labels(name: str) -> dict[str, str]:
    return {"kubernetes.io/metadata.name": name}


_DNS, _RELAY, _VALKEY = "k8s-app=kube-dns", "k8s-app=hubble-relay", "app=valkey"
_ALLOWED = allowed()


@pytest.mark.parametrize("name", _ALLOWED)
def test_a_combination_may_go_where_it_must_and_nowhere_else(name: str) -> None:
    """Each contact with its answer, in every combination."""
    mode, _, store, policy = name.split("/")
    asked = Asked(_ALLOWED[name])
    is_kubernetes = policy == "kubernetes" or (policy == "auto" and mode == "relay")
    assert asked.of("kube-system/coredns", "53/UDP", _DNS) is _YES
    assert asked.of("kube-system/coredns", "53/TCP", _DNS) is _YES
    assert asked.of("kube-system/coredns", "443/TCP", _DNS) is _NO
    assert asked.of("shop/coredns", "53/UDP", _DNS) is _NO
    assert asked.of("kube-system/hubble-relay", "4245/TCP", _RELAY) is (_YES if mode == "relay" else _NO)
    assert asked.of("kube-system/hubble-relay", "80/TCP", _RELAY) is _NO
    assert asked.of("data/valkey", "6379/TCP", _VALKEY) is (_YES if store.startswith("valkey") else _NO)
    assert asked.of("data/other", "6379/TCP", "app=other") is _NO
    assert asked.of("host", "4244/TCP") is (_YES if mode == "node" and not is_kubernetes else _NO)
    assert asked.of("host", "10250/TCP") is _NO
    for anywhere in ("world", "203.0.113.9", "example.com", "169.254.169.254"):
        assert asked.of(anywhere, "443/TCP") is _NO
        assert asked.of(anywhere, "53/UDP") is _NO
    assert asked.of("kube-apiserver", "443/TCP") is _NO
    assert asked.of("shop/checkout", "8080/TCP", "app=checkout") is _NO


def test_the_api_server_is_reached_when_policies_are_read_from_it() -> None:
    """By its entity, or by the addresses that were given."""
    live = {"expectations": {"kubernetes": {"enabled": True}}}
    cilium = Asked(merged(live, {"networkPolicy": {"flavor": "cilium"}}))
    assert cilium.of("kube-apiserver", "6443/TCP") is _YES
    assert cilium.of("kube-apiserver", "22/TCP") is _NO
    plain = Asked(merged(live, {"networkPolicy": {"kubeApiServer": {"cidrs": ["203.0.113.1/32"]}}}))
    assert plain.of("203.0.113.1", "443/TCP") is _YES
    assert plain.of("203.0.113.2", "443/TCP") is _NO


def test_the_webhook_is_reached_by_its_name_and_no_other() -> None:
    """Then DNS passes Cilium's proxy, for rules by name need to see what is asked."""
    hook = {"url": "https://hooks.soc.example/x"}
    asked = Asked({"webhook": hook, "networkPolicy": {"flavor": "cilium", "webhook": {"names": ["hooks.soc.example"]}}})
    assert asked.of("hooks.soc.example", "443/TCP") is _YES
    assert asked.of("hooks.soc.example", "80/TCP") is _NO
    assert asked.of("other.soc.example", "443/TCP") is _NO
    assert asked.of("world", "443/TCP") is _NO


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
        ("203.0.113.9", "8443/TCP", None, _YES),
        ("203.0.113.9", "443/TCP", None, _NO),
        ("203.0.113.10", "8443/TCP", None, _NO),
        ("shop/hook", "8443/TCP", "app=hook", _YES),
        ("shop/hook", "8443/UDP", "app=hook", _NO),
        ("data/hook", "8443/TCP", "app=hook", _NO),
        ("192.0.2.1", "6380/TCP", None, _YES),
        ("192.0.2.1", "8443/TCP", None, _NO),
        ("192.0.2.2", "6380/TCP", None, _NO),
    ):
        assert asked.of(to, port, labels) is answer, (to, port)


def test_openshifts_resolvers_listen_elsewhere() -> None:
    """Namespace, label and port are values."""
    label = "dns.operator.openshift.io/daemonset-dns"
    dns = {"resolvers": [{"namespace": "openshift-dns", "podLabels": {label: "default"}}], "ports": [5353]}
    for flavor in ("cilium", "kubernetes"):
        asked = Asked({"networkPolicy": {"flavor": flavor, "dns": dns}})
        assert asked.of("openshift-dns/dns-default", "5353/UDP", f"{label}=default") is _YES
        assert asked.of("kube-system/coredns", "53/UDP", _DNS) is _NO


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
