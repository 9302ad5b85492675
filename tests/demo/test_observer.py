"""The demo's Observer on the wire: real gRPC over loopback."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from exporter.demo.observer import RelayObserver
from exporter.demo.relay import Relay
from exporter.demo.server import CannotServeError, Server
from exporter.demo.sorting import Sorting
from exporter.demo.status import server_status
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsRequest
from exporter.hubble.pb.relay import relay_pb2
from tests.demo.responses import DEADLINE, NODES, A, B, flow, losses, lost, seconds, statuses


@pytest.fixture
def relay() -> Relay:
    """A relay with two nodes and rings of three."""
    return Relay(NODES, capacity=3, sorting=Sorting(length=1, error_seconds=0.0))


@pytest.fixture
def server(relay: Relay) -> Iterator[Server]:
    """The server in front of it."""
    server = Server(RelayObserver(relay))
    relay.watch(lambda reachable: server.set_serving(serving=reachable))
    yield server
    server.stop()


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    """A client's channel."""
    with grpc.insecure_channel(server.start()) as channel:
        yield channel


@pytest.fixture
def observer(channel: grpc.Channel) -> observer_pb2_grpc.ObserverStub:
    """The client."""
    return observer_pb2_grpc.ObserverStub(channel)


def test_flows_filters_and_masks(relay: Relay, observer: observer_pb2_grpc.ObserverStub) -> None:
    """A request is obeyed as a whole, losses pass, and the version is in the headers."""
    relay.write(flow(1, A, verdict=flow_pb2.DROPPED))
    relay.write(flow(2, B, verdict=flow_pb2.FORWARDED))
    relay.write(lost(9, B))
    request = GetFlowsRequest(number=5, whitelist=[flow_pb2.FlowFilter(verdict=[flow_pb2.DROPPED])])
    request.experimental.field_mask.paths.extend(["time", "node_name", "ethernet"])
    call = observer.GetFlows(request, timeout=DEADLINE)
    responses = list(call)

    assert ("hubble-relay-version", "1.19.4+demo") in call.initial_metadata()
    assert statuses(responses) == [("NODE_CONNECTED", [A, B], "")]
    assert seconds(responses) == [1]
    assert responses[1].flow.uuid == ""
    assert losses(responses) == [("PERF_EVENT_RING_BUFFER", 9, B)]


@pytest.mark.parametrize(
    ("request_", "details"),
    [
        ({"first": True, "follow": True}, "first cannot be specified with follow"),
        ({"field_mask": {"paths": ["egress_bogus"]}}, "invalid fieldmask"),
        ({"whitelist": [{"source_ip": ["10.0.0.0/99"]}]}, "invalid CIDR in filter: '10.0.0.0/99'"),
        ({"blacklist": [{"source_port": ["99999"]}]}, "invalid port '99999'"),
        ({"whitelist": [{"dns_query": ["("]}]}, "invalid regular expression '('"),
        ({"whitelist": [{"source_label": ["a in b"]}]}, "invalid label selector 'a in b'"),
        ({"whitelist": [{"experimental": {"cel_expression": ["true"]}}]}, "experimental.cel_expression"),
    ],
)
def test_bad_requests(
    relay: Relay, observer: observer_pb2_grpc.ObserverStub, request_: dict[str, Any], details: str
) -> None:
    """They fail with INVALID_ARGUMENT before anything is sent."""
    relay.write(flow(1))
    responses: list[observer_pb2.GetFlowsResponse] = []
    with pytest.raises(grpc.RpcError) as failure:
        responses.extend(observer.GetFlows(GetFlowsRequest(**request_), timeout=DEADLINE))

    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert str(failure.value.details()).startswith(details)
    assert responses == []


def test_following(relay: Relay, observer: observer_pb2_grpc.ObserverStub) -> None:
    """New flows arrive while the call lasts, a node that leaves is told, and a closed relay ends the call."""
    relay.write(flow(1))
    call = observer.GetFlows(GetFlowsRequest(follow=True), timeout=DEADLINE)
    assert statuses([next(call)]) == [("NODE_CONNECTED", [A, B], "")]
    relay.write(flow(2, A))
    relay.leave(B, "EOF")
    relay.close()
    responses = list(call)

    assert seconds(responses) == [2]
    assert statuses(responses) == [("NODE_ERROR", [B], "EOF")]
    assert call.code() is grpc.StatusCode.OK


def test_a_client_that_cancels_ends_its_call(relay: Relay, observer: observer_pb2_grpc.ObserverStub) -> None:
    """The server's thread wakes although no flow comes."""
    call = observer.GetFlows(GetFlowsRequest(follow=True), timeout=DEADLINE)
    next(call)
    assert len(relay._streams) == 1
    call.cancel()

    with relay.peers.changed:
        assert relay.peers.changed.wait_for(lambda: not relay._streams, DEADLINE)


def test_stopping_the_server_ends_calls(relay: Relay, server: Server, observer: observer_pb2_grpc.ObserverStub) -> None:
    """A waiting reader does not keep the server."""
    call = observer.GetFlows(GetFlowsRequest(follow=True), timeout=DEADLINE)
    next(call)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    stopper.join(DEADLINE)

    assert not stopper.is_alive()
    with pytest.raises(grpc.RpcError):
        next(call)
    with relay.peers.changed:
        assert relay.peers.changed.wait_for(lambda: not relay._streams, DEADLINE)


def test_server_status(relay: Relay, observer: observer_pb2_grpc.ObserverStub) -> None:
    """Sums over the nodes that are reached; the others are counted and named."""
    for second in range(5):
        relay.write(flow(second, A))
    relay.write(flow(1, B))
    status = observer.ServerStatus(observer_pb2.ServerStatusRequest(), timeout=DEADLINE)
    assert (status.num_flows, status.max_flows, status.seen_flows) == (4, 6, 6)
    assert (status.num_connected_nodes.value, status.HasField("num_unavailable_nodes")) == (2, True)
    assert status.uptime_ns > 0
    assert status.version == "hubble-relay v1.19.4+demo"

    relay.leave(B)
    status = observer.ServerStatus(observer_pb2.ServerStatusRequest(), timeout=DEADLINE)
    assert (status.num_flows, status.max_flows, status.seen_flows) == (3, 3, 5)
    assert (status.num_connected_nodes.value, status.num_unavailable_nodes.value) == (1, 1)
    assert list(status.unavailable_nodes) == [B]


def test_unavailable_names_are_ten_at_most() -> None:
    """A status is no list of a big cluster."""
    relay = Relay([(f"demo/{number}", "") for number in range(12)])
    for number in range(12):
        relay.leave(f"demo/{number}")
    status = server_status(relay.peers, uptime_ns=1, now_ns=1)

    assert (status.num_unavailable_nodes.value, len(status.unavailable_nodes)) == (12, 10)
    assert (status.num_connected_nodes.value, status.uptime_ns) == (0, 0)


def test_nodes(relay: Relay, observer: observer_pb2_grpc.ObserverStub) -> None:
    """How each is reached; what its agent says only while it is."""
    relay.write(flow(1, A))
    relay.leave(B)
    first, second = observer.GetNodes(observer_pb2.GetNodesRequest(), timeout=DEADLINE).nodes

    assert (first.name, first.address, first.state) == (A, "192.0.2.1:4244", relay_pb2.NODE_CONNECTED)
    assert (first.tls.enabled, first.tls.server_name) == (True, "a.demo.hubble-grpc.cilium.io")
    assert (first.version, first.num_flows, first.max_flows, first.seen_flows) == ("cilium v1.19.4+demo", 1, 3, 1)
    assert first.uptime_ns > 0
    assert (second.name, second.state, second.version) == (B, relay_pb2.NODE_UNAVAILABLE, "")
    assert (second.max_flows, second.uptime_ns) == (0, 0)


def test_namespaces(relay: Relay, observer: observer_pb2_grpc.ObserverStub) -> None:
    """Those of both ends, sorted, each once, with the cluster of the node."""
    shop, kube = flow_pb2.Endpoint(namespace="shop"), flow_pb2.Endpoint(namespace="kube-system")
    relay.write(flow(1, A, source=shop, destination=kube))
    relay.write(flow(2, B, source=shop))
    answer = observer.GetNamespaces(observer_pb2.GetNamespacesRequest(), timeout=DEADLINE)

    assert [(found.cluster, found.namespace) for found in answer.namespaces] == [
        ("demo", "kube-system"),
        ("demo", "shop"),
    ]


@pytest.mark.parametrize("service", ["", "hubble.server.Observer"])
def test_health(relay: Relay, channel: grpc.Channel, service: str) -> None:
    """Serving as long as any node is reached."""
    health = health_pb2_grpc.HealthStub(channel)

    def status() -> object:
        return health.Check(health_pb2.HealthCheckRequest(service=service), timeout=DEADLINE).status

    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    seen = [status()]
    relay.leave(A)
    seen.append(status())
    relay.leave(B)
    seen.append(status())
    relay.rejoin(A)
    seen.append(status())

    assert seen == [serving, serving, not_serving, serving]


def test_health_of_an_unknown_service(channel: grpc.Channel) -> None:
    """The name of the gRPC service is not one of health's."""
    with pytest.raises(grpc.RpcError) as failure:
        health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service="observer.Observer"), timeout=DEADLINE
        )
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection(channel: grpc.Channel) -> None:
    """A client without .proto files finds the services and their messages."""
    database = ProtoReflectionDescriptorDatabase(channel)

    assert set(database.get_services()) >= {"observer.Observer", "grpc.health.v1.Health"}
    file = database.FindFileContainingSymbol("observer.Observer")
    assert "GetFlowsRequest" in {message.name for message in file.message_type}


def test_an_address_that_cannot_be_bound(tmp_path: Path) -> None:
    """A server that cannot listen says where; a port that is taken is not shared."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CannotServeError, match=r"cannot listen on 127\.0\.0\.1:"):
            Server(RelayObserver(Relay(NODES))).start(f"127.0.0.1:{taken.getsockname()[1]}")
    with pytest.raises(CannotServeError, match="cannot listen on unix:"):
        Server(RelayObserver(Relay(NODES))).start(f"unix:{tmp_path}/missing/socket")
