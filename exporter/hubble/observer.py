"""A live Observer as a source: connect, stream, and try again for ever, at a bounded rate.

One thread runs `events()` and everything behind it. HTTP/2 flow control is the only queue: if we are too slow Hubble
overwrites its ring and says so in `lost_events`.
"""

import random
import threading
from collections.abc import Iterator
from typing import Protocol, cast

import grpc

from exporter.flow import Flow
from exporter.hubble.backoff import delays
from exporter.hubble.channel import open_channel
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import ASKED_ANEW, Connected, Disconnected, Event
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.request import follow_request
from exporter.hubble.settings import HubbleSettings, SourcesSettings

_GET_FLOWS = "/observer.Observer/GetFlows"
_SERVER_STATUS = "/observer.Observer/ServerStatus"

# What gRPC's texts say about UNAVAILABLE, and the word we use for it.
_UNAVAILABLE = (
    ("refused", "connection_refused"),
    ("resol", "name_resolution"),
    ("no such file", "socket_missing"),
    ("permission denied", "permission_denied"),
    ("tls", "tls"),
    ("ssl", "tls"),
    ("wrong_version", "tls"),
    ("socket closed", "connection_lost"),
    ("reset", "connection_lost"),
    ("goaway", "connection_lost"),
)


class _Cancellable(Protocol):
    def cancel(self) -> object: ...


class _RawStream(_Cancellable, Protocol):
    def __iter__(self) -> Iterator[bytes]: ...


class Observer:
    """Flows of a Hubble Relay or of one node's agent."""

    def __init__(
        self, settings: HubbleSettings, sources: SourcesSettings, decoder: Decoder, jitter: random.Random
    ) -> None:
        self._settings, self._sources, self._decoder, self._jitter = settings, sources, decoder, jitter
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._call: _Cancellable | None = None
        self._streams = self._asked_anew = self._has_flowed = False

    @property
    def description(self) -> str:
        """The address that is streamed from."""
        return self._settings.address

    def stop(self) -> None:
        """End the iteration: cancelling the call from another thread ends it at once."""
        self._stopped.set()
        with self._lock:
            if self._call is not None:
                self._call.cancel()

    def choose(self, sources: SourcesSettings) -> None:
        """Ask for the flows of other sources: a request cannot be changed, so the stream begins anew, at once."""
        with self._lock:
            differs = follow_request(sources) != follow_request(self._sources)
            self._sources = sources
            if differs and self._streams and self._call is not None:
                self._asked_anew = True
                self._call.cancel()

    def events(self) -> Iterator[Event]:
        """Everything from the server, and `Connected` and `Disconnected` for each attempt."""
        waits = self._delays()
        while not self._stopped.is_set():
            self._has_flowed = False
            yield from self._attempt()
            if self._has_flowed:
                # Only a flow proves that the server works: one that accepts and hangs up keeps its long delay.
                waits = self._delays()
            if self._take_anew():
                continue
            self._stopped.wait(next(waits))

    def _delays(self) -> Iterator[float]:
        return delays(self._settings.backoff_min, self._settings.backoff_max, self._jitter)

    def _take_anew(self) -> bool:
        with self._lock:
            anew, self._asked_anew = self._asked_anew, False
        return anew

    def _attempt(self) -> Iterator[Event]:
        with open_channel(self._settings.address) as channel:
            try:
                yield Connected(self._settings.address, self._server_version(channel))
                yield from self._stream(channel)
                ended = Disconnected("OK", "stream_ended", "the server ended the stream")
            except grpc.FutureCancelledError:
                # stop() came while we were connecting; of a stream it shows as an RpcError.
                return
            except grpc.RpcError as error:
                ended = _disconnected(error)
            with self._lock:
                # Between two streams there is nothing to begin anew: the next request asks for the new sources.
                self._streams = False
            if self._asked_anew:
                ended = Disconnected("OK", ASKED_ANEW, "the settings choose other sources")
            if not self._stopped.is_set():
                yield ended

    def _server_version(self, channel: grpc.Channel) -> str:
        """Version of the server; also the proof that it answers, for a quiet stream sends nothing at all."""
        status = channel.unary_unary(
            _SERVER_STATUS,
            request_serializer=observer_pb2.ServerStatusRequest.SerializeToString,
            response_deserializer=observer_pb2.ServerStatusResponse.FromString,
        )
        call = status.future(observer_pb2.ServerStatusRequest(), timeout=self._settings.connect_timeout)
        self._cancellable(call)
        try:
            version: str = call.result().version
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            return ""
        return version

    def _stream(self, channel: grpc.Channel) -> Iterator[Event]:
        # No deserialiser: a message that cannot be parsed must cost itself only, not the stream.
        get_flows: grpc.UnaryStreamMultiCallable[observer_pb2.GetFlowsRequest, bytes] = channel.unary_stream(
            _GET_FLOWS,
            request_serializer=observer_pb2.GetFlowsRequest.SerializeToString,
            response_deserializer=None,
        )
        with self._lock:
            # Together: who chooses other sources now must find the call that asks for the old ones.
            call = cast("_RawStream", get_flows(follow_request(self._sources)))
            self._call, self._streams, self._asked_anew = call, True, False
            if self._stopped.is_set():
                call.cancel()
        events = map(self._decoder.decode_bytes, call)
        for event in events:
            yield event
            if isinstance(event, Flow):
                self._has_flowed = True
                break
        # From here on a flow costs no line of ours.
        yield from events

    def _cancellable(self, call: _Cancellable) -> None:
        with self._lock:
            self._call = call
            if self._stopped.is_set():
                call.cancel()


def _disconnected(error: grpc.RpcError) -> Disconnected:
    code = error.code()
    detail = error.details() or ""
    return Disconnected(code.name, _reason(code, detail.lower()), detail)


def _reason(code: grpc.StatusCode, detail: str) -> str:
    if code is grpc.StatusCode.UNAVAILABLE:
        return next((reason for text, reason in _UNAVAILABLE if text in detail), "unavailable")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "timeout"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return "no_observer"
    return code.name.lower()
