"""What a pod has: probes, groups, folders, where it runs; that of `helm test` has the same."""

from collections.abc import Mapping
from typing import Any

import yaml

from deploy.helm import render
from tests.chart.rendering import objects, only, pod


def test_closed_pages_are_probed_by_their_port() -> None:
    """Who has no login cannot ask for a path."""
    (container,) = pod(objects({"web": {"configSecretName": "web"}}))["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["tcpSocket"] == {"port": "http"}
        assert "httpGet" not in container[probe]


def test_the_socket_needs_its_group_and_its_folder() -> None:
    """The folder as a whole, read only; the group beside those that were there."""
    values = {
        "mode": "node",
        "hubble": {"node": {"transport": "socket", "socket": {"directory": "/run/cilium", "group": 7}}},
        "podSecurityContext": {"supplementalGroups": [5]},
    }
    spec = pod(objects(values))
    assert spec["securityContext"]["supplementalGroups"] == [5, 7]
    mount = next(one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "hubble-socket")
    assert mount == {"name": "hubble-socket", "mountPath": "/run/cilium", "readOnly": True}
    volume = next(one for one in spec["volumes"] if one["name"] == "hubble-socket")
    assert volume["hostPath"] == {"path": "/run/cilium", "type": "Directory"}


def test_spread_is_of_our_own_pods_unless_somebody_says_so() -> None:
    """A selector is filled in where there is none."""
    zone = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    other = {**zone, "labelSelector": {"matchLabels": {"a": "b"}}}
    filled, kept = pod(objects({"topologySpreadConstraints": [zone, other]}))["topologySpreadConstraints"]
    assert filled["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "hubble-egress-exporter"
    assert kept == other


def test_the_pod_of_helm_test_stands_where_the_exporter_would() -> None:
    """The same nodes, DNS, settings and files: else it waits for ever, or tries another connection."""
    given = {
        "priorityClassName": "high",
        "runtimeClassName": "kata",
        "dnsConfig": {"nameservers": ["192.0.2.53"]},
        "affinity": {"nodeAffinity": {}},
        "tolerations": [{"key": "cilium", "operator": "Exists"}],
    }
    more = {
        "extraArgs": ["--hubble.tls.server-name=relay.example"],
        "extraEnvFrom": [{"configMapRef": {"name": "more"}}],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    }
    rendered = objects({**given, **more})
    spec = only(rendered, "Pod")["spec"]
    assert {name: spec[name] for name in given} == given == {name: pod(rendered)[name] for name in given}
    (container,) = spec["containers"]
    assert container["args"][2] == "--hubble.tls.server-name=relay.example"
    assert container["envFrom"] == more["extraEnvFrom"]
    assert container["volumeMounts"][-1] == {"name": "more", "mountPath": "/more"}
    assert spec["volumes"][-1] == {"name": "more", "emptyDir": {}}
    assert only(objects({"mode": "node"}), "Pod")["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_annotations_of_the_pod_win() -> None:
    """One of ours can be another, and stands there once."""
    name = "kubectl.kubernetes.io/default-container"
    text = render({"podAnnotations": {name: "mine"}})["templates/deployment.yaml"]
    assert text.count(name) == 1
    assert yaml.safe_load(text)["spec"]["template"]["metadata"]["annotations"][name] == "mine"


def _resources(values: Mapping[str, Any]) -> dict[str, Any]:
    (container,) = pod(objects(values))["containers"]
    resources: dict[str, Any] = container["resources"]
    return resources


def test_resources_follow_from_the_mode() -> None:
    """One node asks for less than a whole cluster; both may fill their caches; nothing holds a reader back."""
    limits = {"memory": "512Mi"}
    assert _resources({}) == {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": limits}
    assert _resources({"mode": "node"}) == {"requests": {"cpu": "25m", "memory": "128Mi"}, "limits": limits}


def test_resources_that_are_given_are_laid_over_those_of_the_mode() -> None:
    """What is not given stays, and a null takes away."""
    given = {"requests": {"memory": "1Gi"}, "limits": {"memory": None, "cpu": "2"}}
    assert _resources({"mode": "node", "resources": given}) == {
        "requests": {"cpu": "25m", "memory": "1Gi"},
        "limits": {"cpu": "2"},
    }
    assert "limits" not in _resources({"resources": {"limits": None}})
    assert "limits" not in _resources({"resources": {"limits": {"memory": None}}})
