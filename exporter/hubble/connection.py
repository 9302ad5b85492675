"""One connection to an Observer, and the calls that are made on it."""

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar, cast

import grpc
from google.protobuf.message import Message

from exporter.hubble.channel import open_channel
from exporter.hubble.interface import NodeSeen
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2
from exporter.hubble.settings import HubbleSettings
from exporter.hubble.tls import TlsFiles

_Request = TypeVar("_Request", bound=Message)
_Answer = TypeVar("_Answer", bound=Message)
_OBSERVER = "/observer.Observer/"
# Who says nothing of a node's state is taken to reach it.
_REACHED = (relay_pb2.UNKNOWN_NODE_STATE, relay_pb2.NODE_CONNECTED)


class _Cancellable(Protocol):
    def cancel(self) -> object: ...


class RawStream(_Cancellable, Protocol):
    """Serialised responses of GetFlows."""

    def __iter__(self) -> Iterator[bytes]:
        """The messages, until the stream ends."""
        ...


class Connection:
    """A channel that lives as long as its stream. `cancel` ends what waits, from any thread and at any time.

    Every call raises `grpc.RpcError`, or `grpc.FutureCancelledError` when it was cancelled.
    """

    def __init__(self, settings: HubbleSettings, files: TlsFiles | None) -> None:
        self._timeout = settings.connect_timeout
        self._channel = open_channel(settings.address, files, settings.tls.server_name)
        self._lock = threading.Lock()
        self._calls: set[_Cancellable] = set()
        self._cancelled = False

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it, and with it every call that is still open."""
        self._channel.close()

    @property
    def calls(self) -> bool:
        """Whether a call is open."""
        return bool(self._calls)

    def cancel(self) -> None:
        """End all calls, and those that are made later at once."""
        with self._lock:
            self._cancelled = True
            calls = set(self._calls)
        for call in calls:
            call.cancel()

    def status(self) -> NodeSeen | None:
        """What the server says of itself, without a name; None when it does not know ServerStatus.

        A quiet stream sends nothing at all, not even headers: only such a call proves that a server answers.
        """
        status = self._ask("ServerStatus", observer_pb2.ServerStatusRequest(), observer_pb2.ServerStatusResponse)
        return status and NodeSeen("", status.version, status.seen_flows, status.num_flows)

    def nodes(self, status: NodeSeen | None) -> tuple[NodeSeen, ...]:
        """The nodes behind a relay; of an agent, which knows no GetNodes, what it said of itself."""
        answer = self._ask("GetNodes", observer_pb2.GetNodesRequest(), observer_pb2.GetNodesResponse)
        if answer is None:
            return (status,) if status else ()
        return tuple(
            NodeSeen(node.name, node.version, node.seen_flows, node.num_flows, connected=node.state in _REACHED)
            for node in answer.nodes
        )

    def flows(self, request: observer_pb2.GetFlowsRequest) -> RawStream:
        """A stream of flows. No deserialiser: a message that cannot be parsed must cost itself only."""
        get_flows: grpc.UnaryStreamMultiCallable[observer_pb2.GetFlowsRequest, bytes] = self._channel.unary_stream(
            f"{_OBSERVER}GetFlows",
            request_serializer=observer_pb2.GetFlowsRequest.SerializeToString,
            response_deserializer=None,
        )
        call = cast("RawStream", get_flows(request))
        self._add(call)
        return call

    def _ask(self, method: str, request: _Request, answer: type[_Answer]) -> _Answer | None:
        """The answer, or None when the server does not know the method."""
        unary: grpc.UnaryUnaryMultiCallable[_Request, _Answer] = self._channel.unary_unary(
            f"{_OBSERVER}{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            call = unary.future(request, timeout=self._timeout)
        except ValueError:
            # The channel was closed in this moment.
            raise grpc.FutureCancelledError from None
        self._add(call)
        try:
            return call.result()
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise
        finally:
            with self._lock:
                self._calls.discard(call)

    def _add(self, call: _Cancellable) -> None:
        with self._lock:
            self._calls.add(call)
            cancelled = self._cancelled
        if cancelled:
            call.cancel()
