"""While only some kinds are known, nothing is called unexpected that the others may allow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.expectations.interface import Expectation
from exporter.expectations.trouble import Trouble
from tests.expectations.fake_api import FakeApi
from tests.expectations.following import following
from tests.programs import eventually

WEB = {"matchLabels": {"app": "web"}}
REFERRING = {
    "ciliumcidrgroups": {"toCIDRSet": [{"cidrGroupRef": "partners"}]},
    "ciliumcidrgroups by label": {"toCIDRSet": [{"cidrGroupSelector": {"matchLabels": {"to": "partners"}}}]},
    "services": {"toServices": [{"k8sService": {"serviceName": "outside", "namespace": "data"}}]},
    "services by label": {
        "toServices": [{"k8sServiceSelector": {"selector": {"matchLabels": {"to": "partners"}}, "namespace": "data"}}]
    },
    "endpointslices": {"toServices": [{"k8sService": {"serviceName": "outside", "namespace": "data"}}]},
}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API server with everything that the rules refer to."""
    fake = FakeApi()
    labels = {"to": "partners"}
    fake.put("namespaces", "data", labels={"tier": "back"})
    fake.put("ciliumcidrgroups", "partners", labels=labels, spec={"externalCIDRs": ["203.0.113.0/29"]})
    fake.put("services", "outside", "data", labels, spec={"clusterIP": "10.0.0.2"})
    fake.put(
        "endpointslices",
        "outside-1",
        "data",
        labels={"kubernetes.io/service-name": "outside"},
        addressType="IPv4",
        endpoints=[{"addresses": ["203.0.113.7"]}],
    )
    fake.start()
    yield fake
    fake.stop()


@pytest.mark.parametrize("named", REFERRING)
def test_what_a_rule_refers_to_is_not_known(named: str, api: FakeApi, tmp_path: Path) -> None:
    """A group, a service or its addresses that were not listed may hold the destination: undecided until they are."""
    resource = named.partition(" ")[0]
    api.put("ciliumnetworkpolicies", "a", "shop", spec={"endpointSelector": WEB, "egress": [REFERRING[named]]})
    api.refused["list", resource] = (403, "no")
    with following(api, tmp_path) as run:
        eventually(lambda: run.state(resource).trouble is Trouble.FORBIDDEN, "a refusal")
        eventually(lambda: len(run.read.policies) == 1, "the policy")
        seen = {run.asked().expectation}
        api.refused.clear()
        eventually(lambda: run.asked().expectation not in seen, "an answer")
    assert seen == {Expectation.UNDECIDED}


def test_labels_of_namespaces_are_not_known(api: FakeApi, tmp_path: Path) -> None:
    """A namespace of which no labels were read may have those that the rule asks for."""
    peer = {"namespaceSelector": {"matchLabels": {"tier": "back"}}}
    api.put("networkpolicies", "a", "shop", spec={"podSelector": WEB, "egress": [{"to": [peer]}]})
    api.refused["list", "namespaces"] = (403, "no")
    with following(api, tmp_path) as run:
        eventually(lambda: run.state("namespaces").trouble is Trouble.FORBIDDEN, "a refusal")
        eventually(lambda: len(run.read.policies) == 1, "the policy")
        assert run.asked("data/orders").expectation is Expectation.UNDECIDED
        api.refused.clear()
        run.becomes(Expectation.EXPECTED, "data/orders")
