"""A relay of the tests' own, over real gRPC."""

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from itertools import repeat

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2
from tests.programs import DEADLINE

FLOW = observer_pb2.GetFlowsResponse(
    flow=flow_pb2.Flow(verdict=flow_pb2.FORWARDED, node_name="n", time=Timestamp(seconds=1_700_000_000))
).SerializeToString()


class Relay:
    """A relay of the test's own: its nodes have versions, and know the paths of a field mask that these know."""

    def __init__(self, *versions: str) -> None:
        self.versions = list(versions)
        self.requests: list[observer_pb2.GetFlowsRequest] = []
        self.has_nodes = True
        self.seen: Iterator[int] = repeat(0)
        self.is_dead = self.tells_by_status = False
        self.refuses: Callable[[list[str]], bool] = lambda _paths: False
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        self._server.add_generic_rpc_handlers([self])  # type: ignore[list-item] # one method is all gRPC asks for

    def service(self, call: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method, as gRPC asks for it."""
        method = call.method.removeprefix("/observer.Observer/")
        if method == "GetFlows":
            return grpc.unary_stream_rpc_method_handler(self._flows)
        answers = {"ServerStatus": self._status, **({"GetNodes": self._nodes} if self.has_nodes else {})}
        return grpc.unary_unary_rpc_method_handler(answers[method]) if method in answers else None

    def _status(self, _request: bytes, _context: grpc.ServicerContext) -> bytes:
        return observer_pb2.ServerStatusResponse(version="hubble-relay v1.19.4").SerializeToString()

    def _nodes(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        if self.is_dead:
            left = threading.Event()
            context.add_callback(left.set)
            left.wait(DEADLINE)
        seen = next(self.seen)
        nodes = [
            observer_pb2.Node(name=f"n{n}", version=version, seen_flows=seen) for n, version in enumerate(self.versions)
        ]
        return observer_pb2.GetNodesResponse(nodes=nodes).SerializeToString()

    def _flows(self, data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        request = observer_pb2.GetFlowsRequest.FromString(data)
        self.requests.append(request)
        if self.refuses(list(request.field_mask.paths)):
            text = 'proto: invalid path "policy_log" for message "flow.Flow"'
            if not self.tells_by_status:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"invalid fieldmask: {text}")
            error = relay_pb2.NodeStatusEvent(state_change=relay_pb2.NODE_ERROR, node_names=["n0"], message=text)
            yield observer_pb2.GetFlowsResponse(node_status=error).SerializeToString()
            # The call lives on without the node that refused, and there is no other.
        else:
            yield FLOW
        left = threading.Event()
        context.add_callback(left.set)
        left.wait(DEADLINE)

    def start(self, address: str = "127.0.0.1:0") -> str:
        """Serve, and say where."""
        port = self._server.add_insecure_port(address)
        self._server.start()
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"

    def stop(self) -> None:
        """Hang up."""
        self._server.stop(None).wait(DEADLINE)
