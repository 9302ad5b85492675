"""An Observer whose every word a test writes."""

from collections.abc import Callable, Iterable, Iterator

import grpc

from exporter.demo.server import Server
from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc

Responses = Callable[[grpc.ServicerContext], Iterable[observer_pb2.GetFlowsResponse]]


class ScriptedObserver(observer_pb2_grpc.ObserverServicer):
    """Serves `responses` to everyone who asks for flows, whatever they ask for."""

    def __init__(self, responses: Responses, threads: int = 8) -> None:
        self._responses = responses
        self._server = Server(self, threads)
        self.start, self.stop = self._server.start, self._server.stop

    def GetFlows(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetFlowsRequest, context: grpc.ServicerContext
    ) -> Iterator[observer_pb2.GetFlowsResponse]:
        """Say what the script says."""
        yield from self._responses(context)

    def ServerStatus(  # noqa: N802, the service's own name
        self, _request: observer_pb2.ServerStatusRequest, _context: grpc.ServicerContext
    ) -> observer_pb2.ServerStatusResponse:
        """Say which server this is."""
        return observer_pb2.ServerStatusResponse(version="scripted")

    def GetNodes(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetNodesRequest, context: grpc.ServicerContext
    ) -> observer_pb2.GetNodesResponse:
        """Not served, as by agents."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "not in the script")

    def GetNamespaces(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetNamespacesRequest, context: grpc.ServicerContext
    ) -> observer_pb2.GetNamespacesResponse:
        """Not served, as by old agents."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "not in the script")
