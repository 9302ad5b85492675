"""The demo as a whole: a story, told over gRPC."""

from collections.abc import Iterator

import grpc
import pytest

from exporter.demo.cluster import NODES
from exporter.demo.settings import DemoSettings
from exporter.demo.telling import Demo, story_once
from exporter.hubble.pb.observer import observer_pb2_grpc
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsRequest, GetFlowsResponse
from tests.demo.responses import DEADLINE


def told(demo: Demo, request: GetFlowsRequest) -> Iterator[GetFlowsResponse]:
    """What a client reads."""
    with grpc.insecure_channel(demo.start()) as channel:
        yield from observer_pb2_grpc.ObserverStub(channel).GetFlows(request, timeout=DEADLINE)


def test_once_is_the_whole_story() -> None:
    """A client that follows gets everything that is told, whenever it comes, in the order of time; then it ends."""
    demo = Demo(DemoSettings(), once=True)
    try:
        status, *events = told(demo, GetFlowsRequest(follow=True))
    finally:
        demo.stop()
    story = list(story_once(DemoSettings()))

    assert list(status.node_status.node_names) == list(NODES)
    assert [event.flow for event in events if event.HasField("flow")] == [
        event.flow for event in story if event.HasField("flow")
    ]
    assert [event.lost_events for event in events if event.HasField("lost_events")] == [
        event.lost_events for event in story if event.HasField("lost_events")
    ]


def test_live_goes_on() -> None:
    """Flows of the present arrive until the demo is stopped, which ends the call."""
    demo = Demo(DemoSettings(speed=10_000))
    responses = told(demo, GetFlowsRequest(follow=True))
    try:
        flows = [next(responses) for _ in range(50)][1:]
    finally:
        demo.stop()

    times = [response.time.ToNanoseconds() for response in flows if response.HasField("flow")]
    assert times == sorted(times)
    with pytest.raises(grpc.RpcError):
        list(responses)
