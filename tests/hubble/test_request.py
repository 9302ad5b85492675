"""What the server is asked for: the flows that are counted or learnt from, and only the fields that are read."""

from exporter.flow import Direction, EventType
from exporter.hubble.decode import MASK
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.request import follow_request
from exporter.hubble.settings import SourcesSettings


def request(
    *,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    workloads: tuple[str, ...] = (),
    but_workloads: tuple[str, ...] = (),
) -> observer_pb2.GetFlowsRequest:
    """The request for these settings."""
    return follow_request(
        SourcesSettings(
            include_namespaces=include,
            exclude_namespaces=exclude,
            include_workloads=workloads,
            exclude_workloads=but_workloads,
        )
    )


def wanted(filters: list[flow_pb2.FlowFilter]) -> set[tuple[int, frozenset[int]]]:
    """Event types and directions of filters."""
    return {(entry.event_type[0].type, frozenset(entry.traffic_direction)) for entry in filters}


ALL_WANTED = {
    (int(EventType.DROP), frozenset[int]()),
    (int(EventType.POLICY_VERDICT), frozenset({int(Direction.EGRESS)})),
    (int(EventType.L7), frozenset({int(Direction.EGRESS)})),
    (int(EventType.TRACE), frozenset({int(Direction.EGRESS), int(Direction.UNKNOWN)})),
}


def test_new_flows_are_followed_and_nothing_old_is_asked_for() -> None:
    """Follow mode alone: no number, no start, no end."""
    asked = request()
    assert asked.follow
    assert {field.name for field, _ in asked.ListFields()} == {"follow", "whitelist", "field_mask", "experimental"}


def test_the_whitelist_is_that_of_the_rules_of_counting() -> None:
    """Drops of all directions, verdicts and L7 of egress, traces of egress and of unknown direction; nothing else."""
    filters = list(request().whitelist)
    assert wanted(filters) == ALL_WANTED
    assert len(filters) == len(ALL_WANTED)
    for entry in filters:
        assert len(entry.event_type) == 1
        # A sub-type would narrow the filter; an empty filter would match everything.
        assert not entry.event_type[0].match_sub_type
        assert {field.name for field, _ in entry.ListFields()} <= {"event_type", "traffic_direction"}


def test_replies_are_never_filtered_out_by_the_whitelist() -> None:
    """`reply: [false]` there would drop every flow without `is_reply`, and all DNS answers."""
    for asked in (request(), request(include=("shop",)), request(exclude=("shop",)), request(workloads=("a/b",))):
        assert [entry for entry in asked.whitelist if entry.reply] == []


def test_the_mask_asks_for_what_the_decoder_reads() -> None:
    """All fields that are read, but `aggregate`, which an older server would refuse and no server sends."""
    mask = request().field_mask
    assert set(mask.paths) == set(MASK) - {"aggregate"}
    assert {"time", "node_name"} <= set(mask.paths)
    # A server refuses a mask with a path that it does not know.
    assert mask.IsValidForDescriptor(flow_pb2.Flow.DESCRIPTOR)


def test_included_namespaces_are_asked_for_at_both_ends() -> None:
    """Replies have the included namespace as their destination: each wanted kind is asked for by either end."""
    filters = list(request(include=("shop", "pay")).whitelist)
    by_source = [entry for entry in filters if entry.source_pod]
    by_destination = [entry for entry in filters if entry.destination_pod]
    assert len(by_source) + len(by_destination) == len(filters)
    assert wanted(by_source) == wanted(by_destination) == ALL_WANTED
    # The slash ends the namespace: without it a bare prefix means pods of the namespace `default`.
    assert all(set(entry.source_pod) == {"shop/", "pay/"} for entry in by_source)
    assert all(set(entry.destination_pod) == {"shop/", "pay/"} for entry in by_destination)


def test_included_workloads_narrow_by_their_namespaces() -> None:
    """The server knows no patterns of workloads, but the namespaces that hold all of them."""
    filters = request(workloads=("shop/web*", "pay/api")).whitelist
    assert {pod for entry in filters for pod in entry.source_pod} == {"shop/", "pay/"}


def test_included_namespaces_go_before_those_of_workloads() -> None:
    """Both must hold, so asking for the one covers the other."""
    filters = request(include=("shop",), workloads=("*/web",)).whitelist
    assert {pod for entry in filters for pod in entry.source_pod} == {"shop/"}


def test_what_the_server_cannot_say_is_left_to_the_client() -> None:
    """Patterns of namespaces and the host, whose namespace is empty, cannot be filters: everything is asked for."""
    for asked in (
        request(workloads=("*/web",)),
        request(workloads=("sho?/web",)),
        request(workloads=("[st]hop/web", "pay/api")),
        request(include=("",)),
        request(include=("shop", "")),
        request(workloads=("/~host",)),
    ):
        assert wanted(list(asked.whitelist)) == ALL_WANTED
        assert [entry for entry in asked.whitelist if entry.source_pod or entry.destination_pod] == []


def test_excluded_namespaces_are_refused_as_sources_of_what_is_no_reply() -> None:
    """DNS answers come from kube-system: only flows that are known to be no reply may be dropped by their source."""
    (refused,) = request(exclude=("kube-system", "monitoring")).blacklist
    assert list(refused.source_pod) == ["kube-system/", "monitoring/"]
    assert list(refused.reply) == [False]
    assert {field.name for field, _ in refused.ListFields()} == {"source_pod", "reply"}


def test_without_excluded_namespaces_there_is_no_blacklist() -> None:
    """An empty filter in the blacklist would drop everything."""
    assert not request().blacklist
    assert not request(exclude=("",)).blacklist
    assert list(request(exclude=("", "shop")).blacklist[0].source_pod) == ["shop/"]


def test_excluded_workloads_are_left_to_the_client() -> None:
    """A pattern of workloads says nothing that a server could filter by without taking too much."""
    assert request(but_workloads=("shop/web*",)) == request()
