"""What every rendering must hold: pod security `restricted`, probes, labels, no name that moves."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.chart.rendering import Object, pods

RECOMMENDED = ("name", "instance", "version", "component", "part-of", "managed-by")
_VOLUMES = frozenset({"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret", "csi", "downwardAPI"})
"""Those that pod security `restricted` allows; `ephemeral` is another one."""
_PRIVILEGED = ("hostNetwork", "hostPID", "hostIPC")


def faults(rendered: list[Object], *, host_path: bool = False) -> list[str]:
    """What is wrong; `host_path` allows the folder of the agent's socket."""
    found = [fault for document in rendered for fault in _of_object(document)]
    for kind, spec in pods(rendered):
        said = [*_of_pod(spec, host_path), *(fault for one in spec["containers"] for fault in _of_container(one, kind))]
        found += [f"{kind}: {fault}" for fault in said]
    return found


def _of_object(document: Object) -> Iterator[str]:
    labels = document["metadata"].get("labels", {})
    for name in RECOMMENDED:
        if f"app.kubernetes.io/{name}" not in labels:
            yield f"{document['kind']}: no label app.kubernetes.io/{name}"


def _of_pod(spec: Object, host_path: bool) -> Iterator[str]:
    context = spec["securityContext"]
    if not context.get("runAsNonRoot") or not context.get("runAsUser") or not context.get("runAsGroup"):
        yield "may run as root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if spec.get("enableServiceLinks") is not False:
        yield "service links"
    if "automountServiceAccountToken" not in spec:
        yield "does not say whether it has a token"
    for name in _PRIVILEGED:
        if spec.get(name):
            yield name
    for volume in spec["volumes"]:
        kind = next(key for key in volume if key != "name")
        if kind not in _VOLUMES and not (host_path and volume["name"] == "hubble-socket"):
            yield f"volume {volume['name']} is {kind}"


def _of_container(container: Object, kind: str) -> Iterator[str]:
    context: Mapping[str, Any] = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield "may get more privileges"
    if not context.get("readOnlyRootFilesystem"):
        yield "writes to its root"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "has capabilities"
    image = container["image"].rpartition("/")[2]
    if image.endswith(":latest") or not ({":", "@"} & set(image)):
        yield f"image {image} has no fixed tag"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
        yield "resources are not said"
    if kind != "Pod" and not {"livenessProbe", "readinessProbe", "startupProbe"} <= container.keys():
        yield "a probe is missing"
    for mount in container["volumeMounts"]:
        if "subPath" in mount:
            yield f"{mount['name']} is mounted by subPath: renewed files are never seen"
