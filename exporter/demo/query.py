"""What a GetFlows request asks for: where to begin in a ring, what passes, when to end."""

from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from exporter.demo.filters import BadFilterError, Predicate, compile_lists
from exporter.demo.masks import BadMaskError, Mask, compile_mask
from exporter.demo.ring import Ring
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2


class BadRequestError(ValueError):
    """A request that is answered with INVALID_ARGUMENT, before any flow."""


@dataclass(frozen=True)
class Query:
    """A request that has been checked and compiled."""

    number: int
    first: bool
    follow: bool
    since_ns: int | None
    until_ns: int | None
    passes: Predicate
    mask: Mask


def compile_query(request: observer_pb2.GetFlowsRequest) -> Query:
    """Check a request and compile its filters and its mask.

    Raises:
        BadRequestError: when Hubble would refuse it.
    """
    if request.first and request.follow:
        raise BadRequestError("first cannot be specified with follow")
    try:
        return Query(
            number=request.number,
            first=request.first,
            follow=request.follow,
            since_ns=_nanoseconds(request.since) if request.HasField("since") else None,
            until_ns=_nanoseconds(request.until) if request.HasField("until") else None,
            passes=compile_lists(request.whitelist, request.blacklist),
            mask=compile_mask(request),
        )
    except (BadFilterError, BadMaskError) as error:
        raise BadRequestError(str(error)) from error


def start(query: Query, ring: Ring, end: int) -> int:
    """The position to begin at, in a ring that ends at `end`.

    `since` goes before `number` and `first`. Only what passes the filters is counted backwards, and lost events never
    are (cilium pkg/hubble/observer/local_observer.go).
    """
    if query.since_ns is None:
        if query.first:
            return ring.oldest
        if query.follow and not query.number:
            return end
    found = 0
    for position in range(end - 1, ring.oldest - 1, -1):
        record = ring[position]
        if isinstance(record.event, flow_pb2.LostEvent) or not query.passes(record.event):
            continue
        found += 1
        if query.since_ns is not None:
            if record.time_ns < query.since_ns:
                return position + 1
        elif found == query.number:
            return position
    return ring.oldest


def _nanoseconds(timestamp: Timestamp) -> int:
    try:
        return timestamp.ToNanoseconds()
    except ValueError as error:
        raise BadRequestError(f"invalid timestamp: {error}") from error
