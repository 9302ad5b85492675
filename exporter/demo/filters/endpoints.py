"""Filters of who is at either end of a flow: pods, services, names, labels, identities, workloads, clusters."""

from collections.abc import Callable, Sequence

from exporter.demo.filters.patterns import names
from exporter.demo.filters.predicates import BadFilterError, Compile, Predicate
from exporter.demo.filters.selectors import parse_selector, selects
from exporter.hubble.pb.flow import flow_pb2

_DEFAULT_NAMESPACE = "default"


def namespaced_name(read: Callable[[flow_pb2.Flow], tuple[str, str]]) -> Compile:
    """`namespace/prefix` of a pod or service; a bare prefix means the namespace `default`."""

    def compile_values(values: Sequence[str]) -> Predicate:
        wanted = tuple(_namespace_and_prefix(value) for value in values)

        def matches(flow: flow_pb2.Flow) -> bool:
            namespace, name = read(flow)
            return any(
                (namespace or name) and namespace == wanted_namespace and name.startswith(prefix)
                for wanted_namespace, prefix in wanted
            )

        return matches

    return compile_values


def fqdn(read: Callable[[flow_pb2.Flow], Sequence[str]]) -> Compile:
    """A pattern that one of the names matches; a flow without names has none that could."""

    def compile_values(values: Sequence[str]) -> Predicate:
        pattern = names(values)
        return lambda flow: any(pattern.fullmatch(name) for name in read(flow))

    return compile_values


def label(read: Callable[[flow_pb2.Flow], Sequence[str]]) -> Compile:
    """A selector that the labels fulfil."""

    def compile_values(values: Sequence[str]) -> Predicate:
        selectors = tuple(parse_selector(value) for value in values)

        def matches(flow: flow_pb2.Flow) -> bool:
            labels = read(flow)
            return any(selects(selector, labels) for selector in selectors)

        return matches

    return compile_values


def identity(side: str) -> Compile:
    """An exact number of the endpoint `source` or `destination`, which must be there: 0 is a number too."""

    def compile_values(values: Sequence[int]) -> Predicate:
        wanted = frozenset(values)

        def matches(flow: flow_pb2.Flow) -> bool:
            endpoint: flow_pb2.Endpoint = getattr(flow, side)
            return flow.HasField(side) and endpoint.identity in wanted  # type: ignore[arg-type]

        return matches

    return compile_values


def workload(side: str) -> Compile:
    """Name, kind or both of one of the workloads of the endpoint `source` or `destination`."""

    def compile_values(values: Sequence[flow_pb2.Workload]) -> Predicate:
        wanted = tuple((value.name, value.kind) for value in values)

        def matches(flow: flow_pb2.Flow) -> bool:
            endpoint: flow_pb2.Endpoint = getattr(flow, side)
            return any(
                name in ("", found.name) and kind in ("", found.kind)
                for found in endpoint.workloads
                for name, kind in wanted
            )

        return matches

    return compile_values


def cluster(read: Callable[[flow_pb2.Flow], str]) -> Compile:
    """The exact name of an endpoint's cluster."""

    def compile_values(values: Sequence[str]) -> Predicate:
        if "" in values:
            raise BadFilterError("invalid filter, the name of a cluster must not be empty")
        wanted = frozenset(values)
        return lambda flow: read(flow) in wanted

    return compile_values


def _namespace_and_prefix(text: str) -> tuple[str, str]:
    namespace, slash, prefix = text.partition("/")
    if not namespace and not prefix:
        raise BadFilterError(f"invalid filter, must be [namespace/][<name>], got {text!r}")
    return (namespace, prefix.partition("/")[0]) if slash else (_DEFAULT_NAMESPACE, namespace)
