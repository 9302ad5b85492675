"""Labels by which a suggested policy selects a pod, or lets it be reached: the pod's own, as its flows show them."""

from collections.abc import Iterable

from exporter.endpoint import Endpoint

_K8S = "k8s:"
_ADDED = ("k8s:io.kubernetes.pod.", "k8s:io.cilium.")
"""What Cilium adds of itself: the namespace stands elsewhere, and the rest is not for policies of people."""
_NAMESPACE = "io.kubernetes.pod.namespace"
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_OF_ONE_POD = frozenset(
    {
        *("statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "pod-template-hash"),
        *("job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid"),
        *("batch.kubernetes.io/job-completion-index", "controller-revision-hash", "pod-template-generation"),
    }
)
"""Controllers give them to one pod, to one run, or to one revision: the next one would not be selected."""

Labels = dict[str, str]


def own_labels(endpoints: Iterable[Endpoint]) -> Labels:
    """The labels that all of these pods have, without those of Cilium and those of a single pod."""
    common = frozenset.intersection(*(endpoint.labels for endpoint in endpoints))
    mine = (label for label in common if label.startswith(_K8S) and not label.startswith(_ADDED))
    split = (_split(label.removeprefix(_K8S)) for label in mine)
    return {key: value for key, value in sorted(split) if key not in _OF_ONE_POD}


def chosen_labels(endpoint: Endpoint, wanted: Iterable[str]) -> Labels:
    """Those of `wanted` (as Cilium writes them) that it has; all of its own when it has none of them."""
    found = [label.removeprefix(_K8S) for label in wanted if label in endpoint.labels]
    return dict(map(_split, found[:1])) or own_labels([endpoint])


def in_cilium(namespace: str, labels: Labels) -> dict[str, object]:
    """An entry of `toEndpoints` or `fromEndpoints`."""
    return {"matchLabels": {f"k8s:{_NAMESPACE}": namespace, **{f"k8s:{key}": labels[key] for key in labels}}}


def in_kubernetes(namespace: str, labels: Labels) -> dict[str, object]:
    """An entry of `to` or `from`."""
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: namespace}},
        "podSelector": {"matchLabels": labels},
    }


def _split(label: str) -> tuple[str, str]:
    key, _, value = label.partition("=")
    return key, value
