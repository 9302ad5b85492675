"""A real Hubble Observer on loopback: gRPC, the same service and messages, with flows that it is given."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from itertools import count

import grpc

from exporter.build import build
from exporter.demo.settings import DemoSettings
from exporter.demo.story import ROUND_SECONDS, begin, play
from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc

Responses = Callable[[grpc.ServicerContext], Iterable[observer_pb2.GetFlowsResponse]]
# 2026-01-05T09:00:00Z, a Monday: a story that is told once has the same times whenever it is told.
STORY_START_NS = 1_767_603_600 * 1_000_000_000
STORY_ROUNDS = 5


class CannotServeError(Exception):
    """The demo's Observer found no port to listen on."""


class DemoObserver(observer_pb2_grpc.ObserverServicer):
    """Serves `responses` to everyone who asks for flows."""

    def __init__(self, responses: Responses, threads: int = 8) -> None:
        self._responses = responses
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=threads, thread_name_prefix="observer"))
        observer_pb2_grpc.add_ObserverServicer_to_server(self, self._server)

    def start(self, address: str = "127.0.0.1:0") -> str:
        """Begin to serve, and return the address with its real port.

        Raises:
            CannotServeError: when the address cannot be bound.
        """
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise CannotServeError(f"the demo's Observer cannot listen on {address}: {error}") from error
        self._server.start()
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"

    def stop(self) -> None:
        """End all streams at once."""
        self._server.stop(grace=None).wait()

    def GetFlows(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetFlowsRequest, context: grpc.ServicerContext
    ) -> Iterator[observer_pb2.GetFlowsResponse]:
        """Stream the flows; filters and mask come with the full demo, and the client re-checks them anyway."""
        yield from self._responses(context)

    def ServerStatus(  # noqa: N802, the service's own name
        self, _request: observer_pb2.ServerStatusRequest, _context: grpc.ServicerContext
    ) -> observer_pb2.ServerStatusResponse:
        """Say which server this is."""
        return observer_pb2.ServerStatusResponse(version=f"demo {build().version}")

    def GetNodes(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetNodesRequest, context: grpc.ServicerContext
    ) -> observer_pb2.GetNodesResponse:
        """Not served, as by agents."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "the demo answers for no relay")

    def GetNamespaces(  # noqa: N802, the service's own name
        self, _request: observer_pb2.GetNamespacesRequest, context: grpc.ServicerContext
    ) -> observer_pb2.GetNamespacesResponse:
        """Not served yet."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "the demo lists no namespaces")


def story_once(settings: DemoSettings) -> Responses:
    """The story from its start to its end, as fast as it is read."""

    def responses(_context: grpc.ServicerContext) -> Iterator[observer_pb2.GetFlowsResponse]:
        yield from begin()
        for number in range(STORY_ROUNDS):
            yield from play(number, STORY_START_NS + int(number * ROUND_SECONDS * 1e9), settings.seed)

    return responses


def story_live(settings: DemoSettings, wait: Callable[[float], object] = time.sleep) -> Responses:
    """The story for ever, faster than life; flows carry the present time."""

    def responses(context: grpc.ServicerContext) -> Iterator[observer_pb2.GetFlowsResponse]:
        yield from begin()
        for number in count():
            part = list(play(number, time.time_ns(), settings.seed))
            pause = ROUND_SECONDS / settings.speed / len(part)
            for response in part:
                wait(pause)
                if not context.is_active():
                    return
                if response.HasField("flow"):
                    response.flow.time.FromNanoseconds(time.time_ns())
                    response.time.CopyFrom(response.flow.time)
                yield response

    return responses
