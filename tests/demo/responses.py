"""What tests write to rings, and how they look at what comes out."""

from collections.abc import Iterable

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsResponse
from exporter.hubble.pb.relay import relay_pb2

A, B = "demo/a", "demo/b"
NODES = [(A, "192.0.2.1:4244"), (B, "192.0.2.2:4244")]
DEADLINE = 20.0
"""Seconds after which something that must happen counts as never happening; no test waits for it to pass."""


def flow(second: int, node: str = A, **fields: object) -> GetFlowsResponse:
    """A flow of that second."""
    made = flow_pb2.Flow(node_name=node, uuid=str(second), **fields)  # type: ignore[arg-type]
    made.time.seconds = second
    return GetFlowsResponse(flow=made, node_name=node, time=made.time)


def lost(number: int, node: str = A, second: int | None = None) -> GetFlowsResponse:
    """A loss that the story tells."""
    event = flow_pb2.LostEvent(source=flow_pb2.PERF_EVENT_RING_BUFFER, num_events_lost=number)
    response = GetFlowsResponse(lost_events=event, node_name=node)
    if second is not None:
        response.time.seconds = second
    return response


def seconds(responses: Iterable[GetFlowsResponse]) -> list[int]:
    """The times of the flows among the responses."""
    return [response.time.seconds for response in responses if response.HasField("flow")]


def losses(responses: Iterable[GetFlowsResponse]) -> list[tuple[str, int, str]]:
    """Source, number and node of the losses."""
    found = [(response.lost_events, response.node_name) for response in responses if response.HasField("lost_events")]
    return [(flow_pb2.LostEventSource.Name(event.source), event.num_events_lost, node) for event, node in found]


def statuses(responses: Iterable[GetFlowsResponse]) -> list[tuple[str, list[str], str]]:
    """State, names and message of the node statuses."""
    found = [response.node_status for response in responses if response.HasField("node_status")]
    return [
        (relay_pb2.NodeState.Name(status.state_change), list(status.node_names), status.message) for status in found
    ]
