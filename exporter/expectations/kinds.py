"""The kinds of objects that are read from a cluster, and what of each is kept.

Source: Kubernetes API reference; custom resources of Cilium (pkg/k8s/apis/cilium.io) and Istio (networking.istio.io).
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

_SERVICE_NAME = "kubernetes.io/service-name"
Key = tuple[str, str]
"""Namespace, empty for objects of the whole cluster, and name."""


class Kind(NamedTuple):
    """One kind; of several versions the first that the cluster has is read."""

    name: str
    group: str
    versions: tuple[str, ...]
    resource: str
    has_rules: bool = False
    selector: str = ""
    """Labels of the objects that matter."""

    @property
    def full_name(self) -> str:
        """As it stands in messages of an API server, and in `kubectl get`."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def path(self, version: str) -> str:
        """Where all its objects are, of whatever namespace."""
        return f"/apis/{self.group}/{version}/{self.resource}" if self.group else f"/api/{version}/{self.resource}"


NAMESPACE = Kind("Namespace", "", ("v1",), "namespaces")
SERVICE = Kind("Service", "", ("v1",), "services")
SLICE = Kind(
    "EndpointSlice",
    "discovery.k8s.io",
    ("v1",),
    "endpointslices",
    # What a service with a selector has behind it is told by the selector. These slices change all the time.
    selector="endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io",
)
KINDS = (
    NAMESPACE,
    SERVICE,
    SLICE,
    Kind("CiliumCIDRGroup", "cilium.io", ("v2", "v2alpha1"), "ciliumcidrgroups"),
    Kind("NetworkPolicy", "networking.k8s.io", ("v1",), "networkpolicies", has_rules=True),
    Kind("CiliumNetworkPolicy", "cilium.io", ("v2",), "ciliumnetworkpolicies", has_rules=True),
    Kind("CiliumClusterwideNetworkPolicy", "cilium.io", ("v2",), "ciliumclusterwidenetworkpolicies", has_rules=True),
    Kind("ServiceEntry", "networking.istio.io", ("v1", "v1beta1", "v1alpha3"), "serviceentries", has_rules=True),
)
RESOURCES = tuple(kind.resource for kind in KINDS)


def key_of(item: object) -> Key | None:
    """Namespace and name of an object; None of something that is none."""
    metadata = _mapping(_mapping(item).get("metadata"))
    name, namespace = metadata.get("name"), metadata.get("namespace") or ""
    return (namespace, name) if isinstance(name, str) and name and isinstance(namespace, str) else None


def version_of(item: object) -> str:
    """The resource version of an object; empty of something that has none."""
    version = _mapping(_mapping(item).get("metadata")).get("resourceVersion")
    return version if isinstance(version, str) else ""


def kept(kind: Kind, version: str, item: Mapping[str, object], key: Key) -> bytes:
    """What is read of an object. Its status, annotations and managers change often, and say nothing here."""
    namespace, name = key
    metadata: dict[str, object] = {"name": name, **({"namespace": namespace} if namespace else {})}
    found: dict[str, object] = {
        # Items of a list have neither.
        "apiVersion": f"{kind.group}/{version}" if kind.group else version,
        "kind": kind.name,
        "metadata": metadata,
    }
    if not kind.has_rules:
        labels = _mapping(_mapping(item["metadata"]).get("labels"))
        metadata["labels"] = _only(labels, _SERVICE_NAME) if kind is SLICE else labels
    if kind is SERVICE:
        found["spec"] = _only(_mapping(item.get("spec")), "selector")
    elif kind is SLICE:
        found |= _only(item, "addressType")
        found["endpoints"] = _endpoints(item.get("endpoints"))
    elif kind is not NAMESPACE:
        found |= _only(item, "spec", "specs")
    try:
        return _written(found)
    except RecursionError:
        # Whoever reads it says that it is no policy.
        return _written({**found, "spec": "nested too deeply"})


def _written(found: Mapping[str, object]) -> bytes:
    return json.dumps(found, sort_keys=True, separators=(",", ":")).encode()


def _endpoints(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [_only(one, "addresses") if isinstance(one, Mapping) else one for one in value]


def _only(mapping: Mapping[str, object], *keys: str) -> dict[str, object]:
    return {key: mapping[key] for key in keys if key in mapping}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
