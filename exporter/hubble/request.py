"""What we ask the server for. An older or careless server may ignore any of it, so the client re-checks all of it."""

from enum import StrEnum

from exporter.flow import Direction, EventType
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.releases import OLDEST, Release, mask_of
from exporter.hubble.settings import SourcesSettings

_WANTED = (
    # Drops of every direction: those of the host have none, and an ingress drop at the resolver breaks DNS.
    (EventType.DROP, None),
    (EventType.POLICY_VERDICT, (Direction.EGRESS,)),
    (EventType.L7, (Direction.EGRESS,)),
    (EventType.TRACE, (Direction.EGRESS, Direction.UNKNOWN)),
)


class Mask(StrEnum):
    """How much is asked of the servers' field mask; each is tried when the one before was refused."""

    RELEASE = "release"
    """What the oldest node knows by its release."""
    OLDEST = "oldest"
    """What the oldest release knows that has masks."""
    NONE = "none"
    """Whole flows: more bytes, and nothing to refuse."""

    @property
    def next(self) -> "Mask | None":
        """The one to fall back to."""
        return {Mask.RELEASE: Mask.OLDEST, Mask.OLDEST: Mask.NONE}.get(self)


def follow_request(
    sources: SourcesSettings, release: Release | None = None, mask: Mask = Mask.RELEASE, since_ns: int = 0
) -> observer_pb2.GetFlowsRequest:
    """Flows that we count or learn from, with the fields that we read; those `since_ns` first, then new ones."""
    request = observer_pb2.GetFlowsRequest(
        follow=True,
        whitelist=[narrowed for wanted in _whitelist() for narrowed in _included(wanted, sources)],
        blacklist=_blacklist(sources),
    )
    if mask is not Mask.NONE:
        # In both places: releases before 1.16 know the second only, those since 1.19 the first.
        paths = mask_of(OLDEST if mask is Mask.OLDEST else release)
        request.field_mask.paths.extend(paths)
        request.experimental.field_mask.paths.extend(paths)
    if since_ns:
        request.since.FromNanoseconds(since_ns)
    return request


def past_request(
    sources: SourcesSettings, release: Release | None, mask: Mask, since_ns: int
) -> observer_pb2.GetFlowsRequest:
    """The same of what the rings hold since then, and no more: the server ends the stream."""
    request = follow_request(sources, release, mask, since_ns)
    request.follow = False
    return request


def _whitelist() -> list[flow_pb2.FlowFilter]:
    """Never `reply: [false]` here: it drops every flow without `is_reply`, and all DNS answers."""
    return [
        flow_pb2.FlowFilter(
            event_type=[flow_pb2.EventTypeFilter(type=event_type)],
            traffic_direction=[flow_pb2.TrafficDirection.ValueType(direction) for direction in directions or ()],
        )
        for event_type, directions in _WANTED
    ]


def _included(wanted: flow_pb2.FlowFilter, sources: SourcesSettings) -> list[flow_pb2.FlowFilter]:
    """The filter for each end that an included namespace can be at: replies have it as their destination."""
    namespaces = _namespaces(sources)
    if not namespaces:
        return [wanted]
    pods = [f"{namespace}/" for namespace in namespaces]
    by_source, by_destination = flow_pb2.FlowFilter(), flow_pb2.FlowFilter()
    by_source.CopyFrom(wanted)
    by_source.source_pod.extend(pods)
    by_destination.CopyFrom(wanted)
    by_destination.destination_pod.extend(pods)
    return [by_source, by_destination]


def _namespaces(sources: SourcesSettings) -> list[str]:
    """Namespaces that cover all that is included, or none when they cannot say it: patterns and the host's ``."""
    of_workloads = [pattern.partition("/")[0] for pattern in sources.include_workloads]
    namespaces = sorted({*sources.include_namespaces} or {*of_workloads})
    plain = all(namespace and not set(namespace) & set("*?[") for namespace in namespaces)
    return namespaces if plain else []


def _blacklist(sources: SourcesSettings) -> list[flow_pb2.FlowFilter]:
    """Excluded namespaces as sources of what is known to be no reply: DNS answers come *from* kube-system."""
    if not sources.exclude_namespaces:
        return []
    pods = [f"{namespace}/" for namespace in sources.exclude_namespaces if namespace]
    return [flow_pb2.FlowFilter(source_pod=pods, reply=[False])] if pods else []
