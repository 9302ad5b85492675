"""What is not hardened is found: each case breaks one thing."""

from collections.abc import Callable

import pytest

from tests.chart.hardening import faults
from tests.chart.rendering import Object, objects, pod, workload


def _pod_context(rendered: list[Object]) -> Object:
    context: Object = pod(rendered)["securityContext"]
    return context


def _container(rendered: list[Object]) -> Object:
    container: Object = pod(rendered)["containers"][0]
    return container


_BROKEN: dict[str, Callable[[list[Object]], object]] = {
    "may run as root": lambda all_: _pod_context(all_).update(runAsUser=0),
    "no seccomp profile": lambda all_: _pod_context(all_).pop("seccompProfile"),
    "service links": lambda all_: pod(all_).pop("enableServiceLinks"),
    "whether it has a token": lambda all_: pod(all_).pop("automountServiceAccountToken"),
    "hostNetwork": lambda all_: pod(all_).update(hostNetwork=True),
    "is hostPath": lambda all_: pod(all_)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    "more privileges": lambda all_: _container(all_)["securityContext"].update(allowPrivilegeEscalation=True),
    "writes to its root": lambda all_: _container(all_)["securityContext"].pop("readOnlyRootFilesystem"),
    "has capabilities": lambda all_: _container(all_)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    "no fixed tag": lambda all_: _container(all_).update(image="registry.example:5000/exporter"),
    "resources": lambda all_: _container(all_)["resources"]["limits"].pop("memory"),
    "a probe is missing": lambda all_: _container(all_).pop("startupProbe"),
    "by subPath": lambda all_: _container(all_)["volumeMounts"][0].update(subPath="config.yaml"),
    "part-of": lambda all_: workload(all_)["metadata"]["labels"].pop("app.kubernetes.io/part-of"),
}


@pytest.mark.parametrize("part", _BROKEN)
def test_what_is_broken_is_found(part: str) -> None:
    """One change, one fault."""
    rendered = objects()
    assert faults(rendered) == []
    _BROKEN[part](rendered)
    (found,) = faults(rendered)
    assert part in found
