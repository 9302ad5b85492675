"""DNS names: what was meant once a resolver's search list is taken off."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from exporter.destinations.domains import PUBLIC_SUFFIXES
from exporter.destinations.patterns import matches_pattern as matches_pattern  # noqa: PLC0414, offered here too

# The list that the package bundles, ICANN and private section; it takes 0.2 s to read and downloads nothing.

# Below `svc.` these are never read as a namespace: the six are by far the likeliest end of a two-label name, the
# others are the private top-level domains of RFC 6762 appendix G, its `local`, and `example` of RFC 2606.
_WORLD = frozenset({"com", "net", "org", "io", "edu", "gov"})
_PRIVATE_WORLD = frozenset({"intranet", "internal", "private", "corp", "home", "lan", "local", "example"})

# First label of a pod below its headless service: ends in a StatefulSet's ordinal, or is the dashed address of the pod.
_POD = re.compile(r".+-[0-9]+|[0-9a-f]*(?:-[0-9a-f]*){3,}")

# Multi-cluster services put the cluster's id behind the pod (KEP-1645): `<pod>.<cluster>.<service>.<namespace>.svc`.
_MULTI_CLUSTER = "clusterset.local"


_MOST_KNOWN = 10_000


class Bare(NamedTuple):
    """A name as the workload meant it.

    `internal`: it names something in the cluster. `expansion`: it was asked with a suffix of the resolver's search
    list behind it, which `name` has no more; a valid cluster name keeps its domain, for nothing was added to it.
    """

    name: str
    internal: bool
    expansion: bool


class ClusterNames:
    """Reads names as this cluster's resolvers write them.

    `cluster_domains` such as cluster.local; `search_suffixes` are what else stands in the search list of a pod.
    """

    def __init__(self, cluster_domains: Sequence[str], search_suffixes: Sequence[str] = ()) -> None:
        self._known: dict[tuple[str, str], Bare] = {}
        self._domains = _longest_first(cluster_domains)
        self._suffixes = _longest_first(search_suffixes)

    def bare(self, name: str, source_namespace: str) -> Bare:
        """What a workload of this namespace meant by the name. Total: any text has an answer.

        No name tells by itself what was added to it (`db.dev.shop.svc.cluster.local` may be a pod, a service's name or
        an external one with `shop.svc.cluster.local` behind it), so this is the likeliest reading.
        """
        known = self._known.get((name, source_namespace))
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name, source_namespace] = self._bare(name, source_namespace)
        return known

    def _bare(self, name: str, source_namespace: str) -> Bare:
        meant, expansion = normal(name), False
        # Each turn takes at least one label off: an expanded name may itself be the expansion of another.
        while True:
            domain = _suffix_of(meant, self._domains)
            if domain is None:
                shorter = self._without_search_suffix(meant)
                if shorter is None:
                    internal = _is_short(meant) or (expansion and _is_service_and_namespace(meant, source_namespace))
                    return Bare(meant, internal, expansion)
            else:
                shorter = self._without_cluster_suffix(meant, domain, source_namespace)
                if shorter is None:
                    return Bare(meant, internal=True, expansion=expansion)
            meant, expansion = normal(shorter), True

    def _without_search_suffix(self, name: str) -> str | None:
        """The name before a search suffix, None when the whole is a host of that domain: `git.corp.example` is one."""
        suffix = _suffix_of(name, self._suffixes)
        if suffix is None or name == suffix:
            return None
        rest = name.removesuffix(f".{suffix}")
        return rest if self._is_complete(rest.split(".")) or _is_unmistakably_external(rest) else None

    def _without_cluster_suffix(self, name: str, domain: str, namespace: str) -> str | None:
        """The name before the suffix that a search added, None when it is a valid name of the cluster."""
        labels = name.removesuffix(domain).rstrip(".").split(".")
        if labels in ([""], ["svc"]) or labels[-1] == "pod":
            return None
        if labels[-1] != "svc":
            return ".".join(labels)
        labels.pop()
        service = _without_srv(labels)
        if domain == _MULTI_CLUSTER and len(service) == 4 and _POD.fullmatch(service[0]):  # noqa: PLR2004
            del service[1]
        added = self._added_before_svc(service, namespace)
        return None if added is None else ".".join(labels[: len(labels) - added])

    def _added_before_svc(self, service: list[str], namespace: str) -> int | None:
        """How many labels before `svc` the search put there: a namespace or none; None when it is a valid name.

        `service` are the labels before `svc` without those of an SRV query, `namespace` is the source's.
        """
        if len(service) <= 1 or self._is_complete(service):
            return 0
        if service[-1] == namespace:
            return None if len(service) == 2 or _is_headless(service[:-1], namespace) else 1  # noqa: PLR2004
        if _is_of_some_namespace(service):
            return None
        return 0 if _is_top_level(service[-1]) else 1

    def _is_complete(self, labels: list[str]) -> bool:
        """Whether the labels end where no search would have to go on: in `svc`, `pod`, or a suffix of this cluster."""
        name = ".".join(labels)
        return labels[-1] in ("svc", "pod") or _suffix_of(name, self._domains + self._suffixes) is not None


def normal(name: str) -> str:
    """The name in lower case, without its trailing dot."""
    return name.lower().rstrip(".")


def _longest_first(suffixes: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(filter(None, map(normal, suffixes)), key=len, reverse=True))


def _suffix_of(name: str, suffixes: Sequence[str]) -> str | None:
    for suffix in suffixes:
        if name.endswith(suffix) and (name == suffix or name.endswith(f".{suffix}")):
            return suffix
    return None


def _without_srv(labels: list[str]) -> list[str]:
    """The labels behind `_port._protocol`."""
    if labels and not labels[0].startswith("_"):
        return labels[:]
    first = next((at for at, label in enumerate(labels) if not label.startswith("_")), len(labels))
    return labels[first:]


@lru_cache(maxsize=4096)
def _is_top_level(label: str) -> bool:
    return label in _PRIVATE_WORLD or PUBLIC_SUFFIXES.is_public(label)


def _is_headless(labels: list[str], namespace: str) -> bool:
    """Whether these labels before the source's own namespace are pod.service, not a name somebody asked."""
    match labels:
        case [pod, service] if _POD.fullmatch(pod):
            return service not in _WORLD | _PRIVATE_WORLD
        case [_, service]:
            # `db.shop` from namespace shop is service.namespace, for few services are called like their namespace.
            return service not in (namespace, "svc") and not _is_top_level(service)
        case _:
            return False


def _is_of_some_namespace(labels: list[str]) -> bool:
    """Whether these labels before `svc` are service.namespace or pod.service.namespace of another namespace."""
    match labels:
        case [_, namespace]:
            return namespace not in _WORLD
        case [pod, _, namespace] if _POD.fullmatch(pod):
            return namespace not in _WORLD | _PRIVATE_WORLD
        case [_, service, namespace]:
            return service not in _WORLD and not _is_top_level(namespace)
        case _:
            return False


def _is_unmistakably_external(name: str) -> bool:
    """Below one of the usual six or a suffix of several labels; `api.dev` may be a team's subdomain of a company."""
    suffix = PUBLIC_SUFFIXES.publicsuffix(name) or name
    return suffix != name and (suffix in _WORLD or "." in suffix)


def _is_short(name: str) -> bool:
    """A name that only the search list can complete: `db`, `db.shop.svc`."""
    labels = _without_srv(name.split("."))
    return name != "" and (len(labels) <= 1 or labels[-1] == "svc")


def _is_service_and_namespace(name: str, namespace: str) -> bool:
    """`db.shop`, when nobody can have registered it or `shop` is the source's own namespace; `pod-0.db.shop` there."""
    match _without_srv(name.split(".")):
        case [_, last]:
            return last == namespace or not _is_top_level(last)
        case [pod, _, last] if _POD.fullmatch(pod):
            return last == namespace
        case _:
            return False
