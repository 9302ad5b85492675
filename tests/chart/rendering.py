"""What the chart renders, as objects."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

import yaml

from deploy.helm import render

Object: TypeAlias = dict[str, Any]
WORKLOADS = ("Deployment", "DaemonSet", "Pod")


def objects(values: Mapping[str, Any] | None = None) -> list[Object]:
    """All objects of an installation."""
    texts = (text for path, text in render(values).items() if path.endswith(".yaml"))
    return [json.loads(document) for text in texts for document in _read(text)]


@cache
def _read(text: str) -> tuple[str, ...]:
    """The documents of a file as JSON: most files are the same in many renderings."""
    return tuple(json.dumps(document) for document in yaml.safe_load_all(text) if document)


def only(rendered: list[Object], kind: str, name: str = "") -> Object:
    """The one object of a kind."""
    (found,) = (
        document
        for document in rendered
        if document["kind"] == kind and (not name or document["metadata"]["name"] == name)
    )
    return found


def kinds(rendered: list[Object]) -> set[str]:
    """Which kinds there are."""
    return {document["kind"] for document in rendered}


def workload(rendered: list[Object]) -> Object:
    """The Deployment or DaemonSet."""
    (found,) = (document for document in rendered if document["kind"] in ("Deployment", "DaemonSet"))
    return found


def pods(rendered: list[Object]) -> Iterator[tuple[str, Object]]:
    """The spec of each pod, with the kind of what has it."""
    for document in rendered:
        if document["kind"] in WORKLOADS:
            spec = document["spec"]
            yield document["kind"], spec if document["kind"] == "Pod" else spec["template"]["spec"]


def pod(rendered: list[Object]) -> Object:
    """The spec of the exporter's pod."""
    spec: Object = workload(rendered)["spec"]["template"]["spec"]
    return spec


def config_of(rendered: list[Object]) -> str:
    """The exporter's file."""
    text: str = only(rendered, "ConfigMap", "hubble-egress-exporter")["data"]["config.yaml"]
    return text
