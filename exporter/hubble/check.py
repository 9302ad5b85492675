"""Looks after a connection while its stream runs: the server, the release of its nodes, our certificates."""

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import grpc

from exporter.hubble.connection import Connection
from exporter.hubble.faults import fault_of
from exporter.hubble.interface import ASKED_ANEW, Disconnected, NodeSeen
from exporter.hubble.releases import Release, oldest
from exporter.hubble.settings import HubbleSettings
from exporter.hubble.tls import TlsFileError, TlsFiles, read_files
from exporter.log import logger


class _Watch(NamedTuple):
    """A node since something of it arrived last."""

    position: int
    seen_flows: int
    since: float


class Stream(Protocol):
    """What is looked after."""

    arrivals: int

    @property
    def positions(self) -> Mapping[str, int]:
        """Time of the newest flow of each node."""
        ...

    @property
    def release(self) -> Release | None:
        """The oldest release of the nodes that the stream was asked for."""
        ...

    def saw(self, nodes: tuple[NodeSeen, ...]) -> tuple[NodeSeen, ...]:
        """The server has answered for its nodes; returns them with their names."""
        ...

    def fell_silent(self, node_names: tuple[str, ...]) -> None:
        """Their agents see flows, and none arrives."""
        ...

    def replace(self, why: Disconnected) -> None:
        """End it and begin another."""
        ...


class Check:
    """A thread for as long as the block lasts. Nothing it does or meets ends the stream but what replaces it."""

    def __init__(
        self,
        stream: Stream,
        connection: Connection,
        files: TlsFiles | None,
        settings: HubbleSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._connection = stream, connection
        self._files, self._settings = files, settings
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._refused: TlsFiles | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="check", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a question that is still open ends with its connection."""
        self._ended.set()

    def _work(self) -> None:
        while not self._ended.wait(self._settings.check_interval):
            try:
                self._ask_server()
                if self._files is not None:
                    self._look_at_files(self._files)
            except grpc.FutureCancelledError:
                # The stream has ended, or we were stopped.
                return

    def _ask_server(self) -> None:
        arrivals = self._stream.arrivals
        try:
            nodes = self._connection.nodes(self._connection.status())
        except grpc.RpcError as error:
            # A busy server may be late with answers; one that sends flows is there.
            if self._stream.arrivals == arrivals and not self._ended.is_set():
                fault = fault_of(error)
                detail = f"nothing arrives, and the server does not answer: {fault.detail or fault.code}"
                self._stream.replace(Disconnected(fault.code, "half_open", detail))
            return
        self._look_for_silent(self._stream.saw(nodes))
        release = oldest(node.version for node in nodes)
        if release != self._stream.release:
            known = release or "unknown"
            self._stream.replace(Disconnected("OK", ASKED_ANEW, f"the oldest release of the nodes is now {known}"))

    def _look_for_silent(self, nodes: tuple[NodeSeen, ...]) -> None:
        now = self._clock()
        silent = []
        for node in nodes:
            if not node.connected:
                continue
            position = self._stream.positions.get(node.name, 0)
            watch = self._watches.setdefault(node.name, _Watch(position, node.seen_flows, now))
            if position != watch.position or node.seen_flows < watch.seen_flows:
                self._watches[node.name] = _Watch(position, node.seen_flows, now)
            elif node.seen_flows > watch.seen_flows and now - watch.since >= self._settings.silent_after:
                silent.append(node.name)
        if silent:
            self._stream.fell_silent(tuple(silent))

    def _look_at_files(self, files: TlsFiles) -> None:
        """Use other certificates once they have worked: the stream must not end for a file that is half written."""
        try:
            now = read_files(self._settings.tls)
            if now in (files, self._refused):
                return
            with Connection(self._settings, now) as other:
                other.status()
        except TlsFileError as error:
            logger().warning("tls_files_not_usable", detail=str(error), hint="the stream goes on with the old ones")
            return
        except grpc.RpcError as error:
            fault = fault_of(error)
            self._refused = now
            logger().warning("tls_files_refused", reason=fault.reason, detail=fault.detail)
            return
        self._stream.replace(Disconnected("OK", ASKED_ANEW, "the certificates have changed"))
