"""What network policies alone do to a workload, and which names their DNS rules let ask for."""

from pathlib import Path

import pytest

from exporter.destinations.interface import WorkloadName
from exporter.expectations.asked import target_of_name
from exporter.expectations.enforced import Enforced
from exporter.expectations.expectations import Expectations
from exporter.expectations.files import load_files, read_files
from exporter.expectations.settings import ExpectationsSettings
from tests.flows import flow

CART = WorkloadName("shop", "cart")
POLICIES = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {}
  egress:
    - toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, k8s-app: kube-dns}}]
      toPorts:
        - ports: [{port: "53", protocol: ANY}]
          rules: {dns: [{matchName: api.example.com}, {matchPattern: "*.example.org"}]}
    - toFQDNs: [{matchName: api.example.com}]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
    - toFQDNs: [{matchPattern: "*.example.org"}]
---
allow:
  - workloads: [shop/cart]
    to: [{matchName: wanted.example.net}]
    owner: team-shop
    reason: a wish
"""


def _expectations(folder: Path, text: str) -> Expectations:
    (folder / "policies.yaml").write_text(text)
    expectations = Expectations(ExpectationsSettings())
    expectations.replace(load_files([str(folder)]))
    return expectations


def _enforced(folder: Path, text: str = POLICIES) -> Enforced:
    enforced = _expectations(folder, text).enforced(flow(), CART)
    assert enforced is not None
    return enforced


def test_only_network_policies_are_enforced(tmp_path: Path) -> None:
    """What an allowlist wants is wanted, and no policy allows it."""
    enforced, wanted = _enforced(tmp_path), target_of_name("wanted.example.net")
    assert not enforced.allows(wanted, "tcp", 443)
    assert enforced.is_wanted(wanted, "tcp", 443)
    assert enforced.allows(target_of_name("api.example.com"), "tcp", 443)
    assert not enforced.is_wanted(target_of_name("other.example.net"), "tcp", 443)


def test_without_network_policies(tmp_path: Path) -> None:
    """An allowlist alone enforces nothing: nothing is known of what policies do."""
    expectations = _expectations(tmp_path, POLICIES.partition("---\n")[2])
    assert not expectations.enforces
    assert expectations.enforced(flow(), CART) is None


def test_names(tmp_path: Path) -> None:
    """Names of toFQDNs, all of them and those on a port, and names of DNS rules."""
    enforced, target = _enforced(tmp_path), target_of_name("x.example.net")
    assert [str(peer) for peer in enforced.names] == ["name api.example.com", "names *.example.org"]
    assert [str(peer) for peer in enforced.names_on(target, "tcp", 8443)] == ["names *.example.org"]
    assert [str(peer) for peer in enforced.asks] == ["name api.example.com", "names *.example.org"]


def test_policies_of_others_say_nothing(tmp_path: Path) -> None:
    """A policy that selects somebody else has no names for this one."""
    enforced = _enforced(tmp_path, POLICIES.replace("endpointSelector: {}", "endpointSelector: {matchLabels: {a: b}}"))
    assert (enforced.names, enforced.asks) == ((), ())


@pytest.mark.parametrize("entry", ["{matchName: 'bad name'}", "{matchPattern: '['}", "{name: a.example.com}", "text"])
def test_dns_rules_are_read_strictly(tmp_path: Path, entry: str) -> None:
    """A DNS rule that Cilium would refuse is a fault with its line."""
    (tmp_path / "policies.yaml").write_text(POLICIES.replace("{matchName: api.example.com}, {", f"{entry}, {{", 1))
    (fault,) = read_files([str(tmp_path)]).faults
    assert fault.place.line == 10


def test_a_name_that_is_asked_for_is_no_destination(tmp_path: Path) -> None:
    """DNS rules say what may be asked for, not where anything may go."""
    only_asked = POLICIES.partition("    - toFQDNs")[0]
    enforced = _enforced(tmp_path, only_asked)
    assert not enforced.allows(target_of_name("api.example.com"), "tcp", 443)
