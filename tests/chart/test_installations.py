"""Examples, upgrades and what else an installation may ask for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.helm import CHART, render
from tests.chart.hardening import faults
from tests.chart.matrix import merged
from tests.chart.rendering import Object, objects, only, pod, workload
from tests.chart.schemas import validate

_EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))


def example(path: Path) -> dict[str, Any]:
    """The values of one."""
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


@pytest.mark.parametrize("path", _EXAMPLES, ids=[path.stem for path in _EXAMPLES])
def test_an_example_is_what_kubernetes_takes(path: Path) -> None:
    """And hardened; OpenShift says itself as which user a pod runs."""
    rendered = objects(example(path))
    for document in rendered:
        validate(document, "1.30")
    found = faults(rendered)
    assert found == (["Deployment: may run as root", "Pod: may run as root"] if "openshift" in path.stem else [])


def test_openshift_gives_the_user() -> None:
    """Nothing is said of numbers, and that it is not root all the same."""
    context = pod(objects(example(CHART / "ci" / "openshift-values.yaml")))["securityContext"]
    assert {name for name, value in context.items() if value is not None} == {
        "runAsNonRoot",
        "seccompProfile",
        "fsGroupChangePolicy",
    }


@pytest.mark.parametrize("mode", ["relay", "node"])
def test_an_upgrade_keeps_selectors_and_the_store(mode: str) -> None:
    """What cannot be changed says nothing of versions, and follows from the names of chart and release alone."""
    rendered = objects(
        {"mode": mode, "image": {"tag": "9.9.9"}, "commonLabels": {"team": "x"}, "podLabels": {"a": "b"}}
    )
    assert workload(rendered)["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "hubble-egress-exporter",
        "app.kubernetes.io/instance": "hubble-egress-exporter",
        "app.kubernetes.io/component": "exporter",
    }
    claims = [one for one in rendered if one["kind"] == "PersistentVolumeClaim"]
    names = [one["metadata"]["name"] for one in claims]
    kept = [one["metadata"]["annotations"]["helm.sh/resource-policy"] for one in claims]
    assert (names, kept) == ((["hubble-egress-exporter"], ["keep"]) if mode == "relay" else ([], []))


def test_a_claim_of_ones_own_is_used() -> None:
    """Then the chart makes none."""
    rendered = objects({"store": {"pvc": {"existingClaim": "mine"}}})
    assert "PersistentVolumeClaim" not in {one["kind"] for one in rendered}
    state = next(volume for volume in pod(rendered)["volumes"] if volume["name"] == "state")
    assert state["persistentVolumeClaim"] == {"claimName": "mine"}


@pytest.mark.parametrize(("given", "said"), [("", None), ("fast", "fast"), ("-", "")])
def test_the_storage_class(given: str, said: str | None) -> None:
    """The cluster's default, a name, or none at all."""
    claim = only(objects({"store": {"pvc": {"storageClassName": given}}}), "PersistentVolumeClaim")
    assert claim["spec"].get("storageClassName") == said


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({}, "hubble-egress-exporter/hubble-egress-exporter:0.1.0"),
        (
            {"registry": "registry.example", "tag": "1.2.3"},
            "registry.example/hubble-egress-exporter/hubble-egress-exporter:1.2.3",
        ),
        ({"digest": f"sha256:{'0' * 64}"}, f"hubble-egress-exporter/hubble-egress-exporter@sha256:{'0' * 64}"),
    ],
    ids=["default", "registry", "digest"],
)
def test_the_name_of_the_image(image: dict[str, str], name: str) -> None:
    """A digest wins over a tag."""
    assert [one["image"] for one in _containers(objects({"image": image}))] == [name, name]


def _containers(rendered: list[Object]) -> Iterator[Object]:
    for one in (pod(rendered), only(rendered, "Pod")["spec"]):
        yield from one["containers"]


def test_names_follow_from_the_release() -> None:
    """The chart's name is not said twice, and none is too long for what is put behind it."""
    long = "a" * 60
    for release, values, name in (
        ("egress", {}, "egress-hubble-egress-exporter"),
        ("hubble-egress-exporter-2", {}, "hubble-egress-exporter-2"),
        ("egress", {"fullnameOverride": "mine"}, "mine"),
        ("egress", {"fullnameOverride": long}, "a" * 52),
    ):
        texts = render(values, name=release)
        assert yaml.safe_load(texts["templates/deployment.yaml"])["metadata"]["name"] == name
        assert len(yaml.safe_load(texts["templates/tests/preflight.yaml"])["metadata"]["name"]) <= 63


def test_two_installations_never_share_a_role() -> None:
    """Roles belong to the whole cluster, and a dash in a name does not make two of them one."""
    live = {"expectations": {"kubernetes": {"enabled": True}}, "networkPolicy": {"flavor": "cilium"}}
    names = set()
    for namespace, name in (("a-b", "c"), ("a", "b-c"), ("a", "b")):
        rendered = objects(merged(live, {"namespaceOverride": namespace, "fullnameOverride": name}))
        role, binding = only(rendered, "ClusterRole"), only(rendered, "ClusterRoleBinding")
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        names.add(role["metadata"]["name"])
    assert len(names) == 3


def test_text_of_an_allowlist_is_kept_letter_for_letter() -> None:
    """Empty, without an end of line, and with blanks before its first word."""
    files = {"a.yaml": "", "b.yaml": "  # indented\nallow: []\n", "c.json": "{}"}
    rendered = objects({"expectations": {"files": files}})
    assert only(rendered, "ConfigMap", "hubble-egress-exporter-expectations")["data"] == files


def test_further_objects_are_templates() -> None:
    """What an installation needs besides, with the names of the release."""
    extra = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "{{ .Release.Name }}-more"}}
    assert only(objects({"extraObjects": [extra]}), "Secret")["metadata"]["name"] == "hubble-egress-exporter-more"


def test_what_goes_elsewhere_is_in_that_namespace() -> None:
    """Monitor, rules and dashboards beside Prometheus and Grafana; the monitor looks into ours."""
    apart = {"enabled": True, "namespace": "monitoring"}
    rendered = objects({"monitor": apart, "prometheusRule": apart, "dashboards": apart, "namespaceOverride": "mine"})
    spaces = {(one["kind"], one["metadata"]["namespace"]) for one in rendered}
    assert {kind for kind, namespace in spaces if namespace == "monitoring"} == {
        "ConfigMap",
        "PrometheusRule",
        "ServiceMonitor",
    }
    assert only(rendered, "ServiceMonitor")["spec"]["namespaceSelector"] == {"matchNames": ["mine"]}


def test_a_monitor_beside_the_exporter_names_no_namespace() -> None:
    """It looks into its own, which a kustomization may call otherwise."""
    for given in ({}, {"namespace": "hubble-egress"}):
        monitor = only(objects({"monitor": {"enabled": True, **given}}), "ServiceMonitor")
        assert "namespaceSelector" not in monitor["spec"]
