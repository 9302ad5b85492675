"""The demo's Observer: a relay's answers, over gRPC."""

import time
from collections.abc import Iterator

import grpc

from exporter.demo import cluster, status
from exporter.demo.query import BadRequestError
from exporter.demo.relay import Relay
from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc


class RelayObserver(observer_pb2_grpc.ObserverServicer):
    """Puts a relay's answers on the wire."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._started_ns = time.monotonic_ns()

    def GetFlows(  # noqa: N802, the service's own name
        self, request: observer_pb2.GetFlowsRequest, context: grpc.ServicerContext
    ) -> Iterator[observer_pb2.GetFlowsResponse]:
        """Stream what the request asks for; ends promptly when the client leaves."""
        _greet(context)
        try:
            stream = self._relay.stream(request)
        except BadRequestError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        try:
            if context.add_callback(lambda: self._relay.end(stream)):
                yield from stream
        finally:
            self._relay.end(stream)

    def ServerStatus(  # noqa: N802, the service's own name
        self, _request: observer_pb2.ServerStatusRequest, context: grpc.ServicerContext
    ) -> observer_pb2.ServerStatusResponse:
        """How full the rings are, and which nodes are missing."""
        _greet(context)
        return status.server_status(self._relay.peers, self._uptime_ns, time.time_ns())

    def GetNodes(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetNodesRequest, context: grpc.ServicerContext
    ) -> observer_pb2.GetNodesResponse:
        """All nodes, with their state."""
        _greet(context)
        return status.nodes(self._relay.peers, self._uptime_ns)

    def GetNamespaces(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetNamespacesRequest, context: grpc.ServicerContext
    ) -> observer_pb2.GetNamespacesResponse:
        """The namespaces seen in flows."""
        _greet(context)
        return status.namespaces(self._relay.peers)

    @property
    def _uptime_ns(self) -> int:
        return time.monotonic_ns() - self._started_ns


def _greet(context: grpc.ServicerContext) -> None:
    """Send the headers at once, with the version by which `hubble` tells whether it is newer than the server."""
    context.send_initial_metadata((("hubble-relay-version", cluster.RELEASE),))
