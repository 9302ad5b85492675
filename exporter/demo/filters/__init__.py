"""Hubble's flow filters (cilium pkg/hubble/filters): compiled once per call, then asked about every flow.

The values of a field are alternatives, the fields of a filter must all hold, and the filters of a list are
alternatives again. A filter with no field that we know matches everything, as on any server older than its client.
"""

from collections.abc import Iterable

from exporter.demo.filters import addresses, endpoints, events, l7
from exporter.demo.filters.predicates import BadFilterError, Compile, Predicate, never, one_of
from exporter.hubble.pb.flow import flow_pb2

__all__ = ["FIELDS", "BadFilterError", "Predicate", "compile_filter", "compile_lists"]

FIELDS: dict[str, Compile] = {
    "uuid": one_of(lambda flow: flow.uuid),
    "source_ip": addresses.address(lambda flow: flow.IP.source),
    "destination_ip": addresses.address(lambda flow: flow.IP.destination),
    "source_ip_xlated": addresses.address(lambda flow: flow.IP.source_xlated),
    "source_pod": endpoints.namespaced_name(lambda flow: (flow.source.namespace, flow.source.pod_name)),
    "destination_pod": endpoints.namespaced_name(lambda flow: (flow.destination.namespace, flow.destination.pod_name)),
    "source_service": endpoints.namespaced_name(lambda flow: (flow.source_service.namespace, flow.source_service.name)),
    "destination_service": endpoints.namespaced_name(
        lambda flow: (flow.destination_service.namespace, flow.destination_service.name)
    ),
    "source_fqdn": endpoints.fqdn(lambda flow: flow.source_names),
    "destination_fqdn": endpoints.fqdn(lambda flow: flow.destination_names),
    "source_label": endpoints.label(lambda flow: flow.source.labels),
    "destination_label": endpoints.label(lambda flow: flow.destination.labels),
    "source_workload": endpoints.workload("source"),
    "destination_workload": endpoints.workload("destination"),
    "source_identity": endpoints.identity("source"),
    "destination_identity": endpoints.identity("destination"),
    "source_cluster_name": endpoints.cluster(lambda flow: flow.source.cluster_name),
    "destination_cluster_name": endpoints.cluster(lambda flow: flow.destination.cluster_name),
    "source_port": addresses.port("source_port"),
    "destination_port": addresses.port("destination_port"),
    "traffic_direction": one_of(lambda flow: flow.traffic_direction),
    "verdict": one_of(lambda flow: flow.verdict),
    "drop_reason_desc": events.drop_reason,
    "event_type": events.event_type,
    "reply": events.reply,
    "protocol": events.protocol,
    "ip_version": one_of(lambda flow: flow.IP.ipVersion),
    "tcp_flags": events.tcp_flags,
    "encrypted": one_of(lambda flow: flow.IP.encrypted),
    "node_name": events.node_name,
    "dns_query": l7.dns_query,
    "http_method": l7.http_method,
    "http_path": l7.http_path,
    "http_url": l7.http_url,
    "http_status_code": l7.http_status_code,
    # Our flows carry none of these (see protos/flow/flow.proto), as those of a cluster that does not record them.
    "http_header": never,
    "interface": never,
    "ip_trace_id": never,
    "trace_id": one_of(lambda _flow: ""),
    "node_labels": endpoints.label(lambda _flow: ()),
}
"""What each field of a FlowFilter asks."""


def compile_filter(flow_filter: flow_pb2.FlowFilter) -> Predicate:
    """All fields of one filter.

    Raises:
        BadFilterError: when Hubble would refuse it.
    """
    l7.check_event_types(flow_filter)
    if flow_filter.experimental.cel_expression:
        # An evaluator of CEL is more than a demo needs; to ignore the expression would widen the filter.
        raise BadFilterError("experimental.cel_expression is not implemented by this Observer")
    questions = tuple(FIELDS[field.name](value) for field, value in flow_filter.ListFields() if field.name in FIELDS)
    return lambda flow: all(question(flow) for question in questions)


def compile_lists(whitelist: Iterable[flow_pb2.FlowFilter], blacklist: Iterable[flow_pb2.FlowFilter]) -> Predicate:
    """A flow passes when any filter of the whitelist matches, or it is empty, and none of the blacklist does.

    Raises:
        BadFilterError: when Hubble would refuse one of them.
    """
    wanted = tuple(compile_filter(flow_filter) for flow_filter in whitelist)
    unwanted = tuple(compile_filter(flow_filter) for flow_filter in blacklist)

    def passes(flow: flow_pb2.Flow) -> bool:
        return (not wanted or any(matches(flow) for matches in wanted)) and not any(
            matches(flow) for matches in unwanted
        )

    return passes
