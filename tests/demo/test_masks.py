"""Field masks: what of a flow is sent."""

import pytest

from exporter.demo.masks import BadMaskError, compile_mask
from exporter.hubble.decode import MASK
from exporter.hubble.pb.flow.flow_pb2 import HTTP, IP, TCP, Endpoint, Flow, Layer4, Layer7, Workload
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsRequest


@pytest.fixture
def flow() -> Flow:
    """A flow with something in most kinds of field."""
    flow = Flow(
        uuid="a",
        IP=IP(source="10.0.0.1", destination="10.0.0.2"),
        l4=Layer4(TCP=TCP(source_port=1, destination_port=2)),
        l7=Layer7(http=HTTP(url="/", code=200)),
        source=Endpoint(namespace="shop", pod_name="web", labels=["a", "b"], workloads=[Workload(name="web")]),
        destination_names=["x", "y"],
    )
    flow.is_reply.value = False
    return flow


def masked(flow: Flow, *paths: str) -> Flow:
    """What is left of the flow."""
    request = GetFlowsRequest()
    request.field_mask.paths.extend(paths)
    return compile_mask(request)(flow)


def test_no_mask(flow: Flow) -> None:
    """Without paths everything is sent."""
    assert masked(flow) == flow


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["uuid"], Flow(uuid="a")),
        (["source.namespace"], Flow(source=Endpoint(namespace="shop"))),
        (["source.labels", "source.namespace"], Flow(source=Endpoint(namespace="shop", labels=["a", "b"]))),
        (["IP"], Flow(IP=IP(source="10.0.0.1", destination="10.0.0.2"))),
        (["IP.source"], Flow(IP=IP(source="10.0.0.1"))),
        (["l4.TCP.source_port"], Flow(l4=Layer4(TCP=TCP(source_port=1)))),
        (["l7.http.code"], Flow(l7=Layer7(http=HTTP(code=200)))),
        (["l7.http.code", "l7"], Flow(l7=Layer7(http=HTTP(url="/", code=200)))),
        (["destination_names"], Flow(destination_names=["x", "y"])),
        # No message is made up for what is not there, another variant of a oneof included.
        (["destination.namespace", "l4.UDP.source_port", "time"], Flow(l4=Layer4())),
    ],
)
def test_paths(flow: Flow, paths: list[str], expected: Flow) -> None:
    """What is named is kept, with all below it."""
    assert masked(flow, *paths) == expected


def test_false_is_not_absent(flow: Flow) -> None:
    """A reply flag that is false survives, for without it the third state would be sent."""
    assert masked(flow, "is_reply").HasField("is_reply")


def test_the_flow_itself_is_not_changed(flow: Flow) -> None:
    """The ring keeps all of it, for other calls."""
    before = flow.SerializeToString()
    masked(flow, "uuid")

    assert flow.SerializeToString() == before


def test_both_places(flow: Flow) -> None:
    """Field 10 counts; the experimental mask of older clients counts only without it."""
    request = GetFlowsRequest()
    request.experimental.field_mask.paths.append("uuid")
    assert compile_mask(request)(flow) == Flow(uuid="a")
    request.field_mask.paths.append("destination_names")
    assert compile_mask(request)(flow) == Flow(destination_names=["x", "y"])


@pytest.mark.parametrize(
    "path",
    [
        "bogus",
        "",
        "source.bogus",
        "source.",
        ".source",
        "uuid.x",
        "source.workloads.name",
        "source.labels.x",
        "nodeName",
    ],
)
def test_invalid_paths(path: str) -> None:
    """A path that leads nowhere, or on from what has no single message, fails the call."""
    with pytest.raises(BadMaskError, match=r"^invalid fieldmask$"):
        masked(Flow(), "uuid", path)


def test_masks_of_clients(flow: Flow) -> None:
    """The exporter's own mask is valid, and so is that of the `hubble` command, which names more than we serve."""
    assert masked(flow, *MASK).source.namespace == "shop"
    hubble = (
        "time source.identity source.namespace source.pod_name destination.identity destination.namespace "
        "destination.pod_name source_service destination_service l4 IP ethernet l7 Type node_name is_reply event_type "
        "verdict Summary"
    )
    assert masked(flow, *hubble.split()).source == Endpoint(namespace="shop", pod_name="web")
    assert masked(flow, "ethernet.source", "l7.http.headers") == Flow()
