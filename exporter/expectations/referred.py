"""Reading the objects that rules refer to: namespaces, services and what is behind them, groups, ports of pods."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from exporter.documents.fields import Field
from exporter.expectations.labels import K8S, Operator, Requirement, Selector, in_namespace
from exporter.expectations.objects import Group, Objects, PodSpec, Service, plain_labels
from exporter.expectations.prefixes import prefix_of
from exporter.expectations.selectors import labels_of
from exporter.expectations.spans import Span

_LAST_PORT = 65535
_SERVICE_NAME = "kubernetes.io/service-name"
Parts = dict[str, Field]


class Reader(NamedTuple):
    """How a kind is read, and the API groups that have it."""

    groups: tuple[str, ...]
    read: Callable[[Parts, str, str, Objects], None]
    is_strict: bool = True
    """Whether a fault in one spoils the reading; of pods only the names of their ports matter, to few rules."""


def _namespace(parts: Parts, _: str, name: str, objects: Objects) -> None:
    objects.namespaces[name] = _labels(parts)


def _service(parts: Parts, namespace: str, name: str, objects: Objects) -> None:
    spec = parts["spec"].entries() if "spec" in parts else {}
    chosen = labels_of(spec["selector"]) if "selector" in spec else {}
    required = (Requirement(K8S, key, Operator.IN, frozenset({value})) for key, value in chosen.items())
    selector = Selector((*required, in_namespace(namespace))) if chosen else None
    objects.services[namespace, name] = Service(plain_labels(_labels(parts)), selector)


def _endpoint_slice(parts: Parts, namespace: str, _: str, objects: Objects) -> None:
    service = _labels(parts).get(_SERVICE_NAME)
    # Slices of names have no addresses.
    if service and not ("addressType" in parts and parts["addressType"].text() == "FQDN"):
        addresses = _addresses(parts, "endpoints", lambda one: _under(one, "addresses"))
        objects.backends.setdefault((namespace, service), set()).update(addresses)


def _endpoints(parts: Parts, namespace: str, name: str, objects: Objects) -> None:
    found = _addresses(parts, "subsets", _ips)
    objects.backends.setdefault((namespace, name), set()).update(found)


def _group(parts: Parts, _: str, name: str, objects: Objects) -> None:
    spec = parts["spec"].entries() if "spec" in parts else {}
    prefixes = tuple(map(prefix_of, spec["externalCIDRs"].items())) if "externalCIDRs" in spec else ()
    objects.groups[name] = Group(plain_labels(_labels(parts)), prefixes)


def _workload(parts: Parts, namespace: str, name: str, objects: Objects) -> None:
    spec = parts["spec"].entries() if "spec" in parts else {}
    if "template" in spec:
        template = spec["template"].entries()
        _pod(template, namespace, name, objects)
    elif "jobTemplate" in spec:
        _workload(spec["jobTemplate"].entries(), namespace, name, objects)


def _pod(parts: Parts, namespace: str, _: str, objects: Objects) -> None:
    ports = {}
    for container in _under(parts["spec"], "containers") if "spec" in parts else ():
        for port in map(Field.entries, _under(container, "ports")):
            if {"name", "containerPort"} <= port.keys():
                protocol = port["protocol"].text().lower() if "protocol" in port else "tcp"
                ports[port["name"].text(), protocol] = port["containerPort"].number(1, _LAST_PORT)
    if ports:
        required = (Requirement(K8S, key, Operator.IN, frozenset({value})) for key, value in _labels(parts).items())
        objects.pods.setdefault(namespace, []).append(PodSpec(Selector(tuple(required)), ports))


READERS = {
    "Namespace": Reader(("",), _namespace),
    "Service": Reader(("",), _service),
    "Endpoints": Reader(("",), _endpoints),
    "EndpointSlice": Reader(("discovery.k8s.io",), _endpoint_slice),
    "CiliumCIDRGroup": Reader(("cilium.io",), _group),
    "Pod": Reader(("",), _pod, is_strict=False),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), Reader(("apps",), _workload, is_strict=False)
    ),
    **dict.fromkeys(("Job", "CronJob"), Reader(("batch",), _workload, is_strict=False)),
}


def _labels(parts: Parts) -> dict[str, str]:
    metadata = parts["metadata"].entries() if "metadata" in parts else {}
    return labels_of(metadata["labels"]) if "labels" in metadata else {}


def _addresses(parts: Parts, key: str, of: Callable[[Field], list[Field]]) -> Iterator[Span]:
    for item in parts[key].items() if key in parts else ():
        for address in of(item):
            yield prefix_of(address)


def _ips(subset: Field) -> list[Field]:
    return [part["ip"] for one in _under(subset, "addresses") if "ip" in (part := one.entries())]


def _under(field: Field, key: str) -> list[Field]:
    parts = field.entries()
    return parts[key].items() if key in parts else []
