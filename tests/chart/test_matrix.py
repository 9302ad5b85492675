"""Every combination that can be installed is what Kubernetes takes, and is hardened; the others are refused."""

from typing import Any

import kubernetes_validate
import pytest

from deploy.helm import Refused, lint, render
from tests.chart.hardening import faults
from tests.chart.matrix import allowed, merged, refused
from tests.chart.rendering import kinds, objects, pod, workload
from tests.chart.schemas import validate

_ALLOWED, _REFUSED = allowed(), refused()
_VERSIONS = ("1.28", "1.31", "1.34", "1.37")
_EVERYTHING = {
    "monitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
    "expectations": {
        "kubernetes": {"enabled": True},
        "files": {"shop.yaml": "allow: []\n"},
        "configMaps": ["policies"],
    },
    "webhook": {"url": "https://hook.example/x", "secretName": "hook", "caSecretName": "hook-ca"},
    "web": {"configSecretName": "web"},
    "networkPolicy": {
        "kubeApiServer": {"cidrs": ["192.168.7.10/32"]},
        "webhook": {"cidrs": ["203.0.113.7/32"]},
        "scrapers": [{"namespace": "monitoring", "podLabels": {"app.kubernetes.io/name": "prometheus"}}],
    },
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "monitoring",
    "imagePullSecrets": [{"name": "pull"}],
    "extraArgs": ["--log.level=debug"],
    "extraEnv": [{"name": "A", "value": "b"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
}


def test_helm_has_nothing_against_the_chart() -> None:
    """`helm lint --strict`."""
    assert lint() == []


def test_there_are_as_many_combinations_as_one_counts() -> None:
    """3 modes, 6 kinds of TLS, 5 of stores, 3 of policies: less a volume with many writers, less TLS on a socket."""
    relay, node, socket = 6 * 5 * 3, 6 * 4 * 3, 2 * 4 * 3
    assert len(_ALLOWED) == relay + node + socket
    assert len(_REFUSED) == 3 * 6 * 5 * 3 - len(_ALLOWED)


@pytest.mark.parametrize("name", _ALLOWED)
@pytest.mark.parametrize("added", [{}, _EVERYTHING], ids=["bare", "full"])
def test_a_combination_is_what_kubernetes_takes(name: str, added: dict[str, Any]) -> None:
    """Each object is held against the strict schemas of one version, which changes from case to case."""
    version = _VERSIONS[list(_ALLOWED).index(name) % len(_VERSIONS)]
    rendered = objects(merged(_ALLOWED[name], added))
    for document in rendered:
        validate(document, version)
    assert faults(rendered, host_path=name.startswith("socket")) == []
    assert len(rendered) == len({(one["kind"], one["metadata"]["name"]) for one in rendered})


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(28, 38)])
@pytest.mark.parametrize("mode", ["relay", "node"])
def test_every_version_of_kubernetes_takes_it(mode: str, version: str) -> None:
    """From 1.28 to 1.37."""
    for document in objects(merged({"mode": mode}, _EVERYTHING, {"networkPolicy": {"flavor": "cilium"}})):
        validate(document, version)


@pytest.mark.parametrize("name", _REFUSED)
def test_a_combination_that_cannot_work_is_refused(name: str) -> None:
    """A volume for many writers, and TLS on a socket."""
    with pytest.raises(Refused, match=r"'/(store/type|hubble/tls/mode)'"):
        render(_REFUSED[name])


def test_an_unknown_field_is_found_by_the_schemas() -> None:
    """This is how the tests above would find one."""
    (deployment,) = (one for one in objects() if one["kind"] == "Deployment")
    deployment["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(deployment, "1.30")


def test_relay_has_one_pod_at_a_time() -> None:
    """One replica, and the old one is gone before the new one starts."""
    spec = workload(objects())["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert "PodDisruptionBudget" in kinds(objects())


def test_node_runs_everywhere() -> None:
    """It tolerates all taints, unless somebody says what it tolerates."""
    assert pod(objects({"mode": "node"}))["tolerations"] == [{"operator": "Exists"}]
    assert "tolerations" not in pod(objects({"mode": "node", "tolerations": []}))
    assert "tolerations" not in pod(objects())


@pytest.mark.parametrize(
    ("family", "address"), [("ipv4", "$(HOST_IP):4244"), ("ipv6", "[$(HOST_IP)]:4244")], ids=["ipv4", "ipv6"]
)
def test_node_asks_the_agent_of_its_own_node(family: str, address: str) -> None:
    """The address of the node comes first: Kubernetes puts in only what stands before."""
    (container,) = pod(objects({"mode": "node", "hubble": {"node": {"ipFamily": family}}}))["containers"]
    assert [variable["name"] for variable in container["env"]] == [
        *("HOST_IP", "HUBBLE_EGRESS_HUBBLE__ADDRESS", "HUBBLE_EGRESS_CONFIG__FILE")
    ]
    assert container["env"][1]["value"] == address


def test_a_token_is_there_only_for_live_policies() -> None:
    """And with it a role that may read, and nothing else."""
    assert pod(objects())["automountServiceAccountToken"] is False
    assert "ClusterRole" not in kinds(objects())
    live = objects(
        {
            "expectations": {"kubernetes": {"enabled": True}},
            "networkPolicy": {"kubeApiServer": {"cidrs": ["10.0.0.1/32"]}},
        }
    )
    assert pod(live)["automountServiceAccountToken"] is True
    (role,) = (one for one in live if one["kind"] == "ClusterRole")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


def test_the_pods_of_the_policy_are_those_of_the_chart() -> None:
    """Selectors name no more than what every pod has, the one of `helm test` too."""
    rendered = objects({"networkPolicy": {"flavor": "kubernetes"}})
    (policy,) = (one for one in rendered if one["kind"] == "NetworkPolicy")
    wanted = policy["spec"]["podSelector"]["matchLabels"].items()
    (test,) = (one for one in rendered if one["kind"] == "Pod")
    assert wanted <= test["metadata"]["labels"].items()
    assert wanted <= workload(rendered)["spec"]["template"]["metadata"]["labels"].items()
    (budget,) = (one for one in rendered if one["kind"] == "PodDisruptionBudget")
    assert not budget["spec"]["selector"]["matchLabels"].items() <= test["metadata"]["labels"].items()
