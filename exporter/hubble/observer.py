"""A live Observer as a source: connect, stream, and try again for ever, at a bounded rate.

One thread runs `events()` and everything behind it; a second one looks after the connection (`check.py`). HTTP/2 flow
control is the only queue: if we are too slow Hubble overwrites its ring and says so in `lost_events`.
"""

import random
import threading
from collections.abc import Callable, Generator, Iterator, Mapping

import grpc

from exporter.flow import Flow
from exporter.hubble.backoff import delays
from exporter.hubble.check import Check
from exporter.hubble.connection import Connection
from exporter.hubble.decode import Decoder
from exporter.hubble.faults import clearer, fault_of, is_permanent, speaks_of_mask
from exporter.hubble.interface import (
    ASKED_ANEW,
    AT_ONCE,
    MASK_REFUSED,
    Connected,
    Disconnected,
    Event,
    Nodes,
    NodeSeen,
    NodeStatus,
    SourceStats,
)
from exporter.hubble.positions import Keeper, Kept, Memory
from exporter.hubble.releases import Release, oldest
from exporter.hubble.request import Mask, follow_request, past_request
from exporter.hubble.resume import Resume
from exporter.hubble.settings import HubbleSettings, SourcesSettings
from exporter.hubble.tls import TlsFileError, TlsFiles, expiries, read_files
from exporter.log import logger

_MOST_NAMES = 5


class Observer:
    """Flows of a Hubble Relay or of a node's agent."""

    def __init__(
        self,
        settings: HubbleSettings,
        sources: SourcesSettings,
        decoder: Decoder,
        jitter: random.Random,
        *,
        once: bool = False,
        past_since_ns: int = 0,
    ) -> None:
        """`once`: the first stream is all that is wanted, and is not begun anew for what nodes write while away.

        `past_since_ns`: what the rings hold since then is wanted, and nothing new.
        """
        self._once, self._past_since_ns = once, past_since_ns
        self._settings, self._sources, self._decoder, self._jitter = settings, sources, decoder, jitter
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._streams = self._has_flowed = False
        self._replaced: Disconnected | None = None
        """Why we ended the present stream ourselves."""
        self._release: Release | None = None
        self._mask = Mask.RELEASE
        self._ends: dict[str, float] = {}
        self._silent: dict[str, int] = {}
        """Positions of nodes for whose silence a stream was replaced already."""
        self.arrivals = 0
        """Messages that arrived; what stands still while the server is silent."""
        self._take: Callable[[Event], object] = lambda _: None
        self._keeper = Keeper(settings.position_file)
        restored = self._keeper.restored
        self._resume = Resume(
            settings.resume_window, settings.overlap, restored.positions, processed=restored.processed
        )
        self._memory: Memory | None = None

    @property
    def description(self) -> str:
        """The address that is streamed from."""
        return self._settings.address

    @property
    def release(self) -> Release | None:
        """The oldest release of the nodes, by which the present stream was asked for."""
        return self._release

    def stop(self) -> None:
        """End the iteration: cancelling the call from another thread ends it at once."""
        self._stopped.set()
        with self._lock:
            if self._connection is not None:
                self._connection.cancel()

    def keep(self, memory: Memory) -> None:
        """Give back what was remembered at the end of the process before, and keep it at the end of this one."""
        self._memory, kept = memory, self._keeper.recall()
        try:
            memory.restore(kept.memory or {}, kept.looks)
        except ValueError as error:
            logger().warning("memory_not_restored", detail=str(error), hint="a connection may count once more")

    def choose(self, sources: SourcesSettings) -> None:
        """Ask for the flows of other sources: a request cannot be changed, so the stream begins anew, at once."""
        with self._lock:
            differs = follow_request(sources) != follow_request(self._sources)
            self._sources = sources
            if differs:
                self._end(Disconnected("OK", ASKED_ANEW, "the settings choose other sources"))

    def report_to(self, take: Callable[[Event], object]) -> None:
        """What is found out while no flow arrives is told at once, to this one."""
        self._take = take

    @property
    def positions(self) -> Mapping[str, int]:
        """Time of the newest flow of each node."""
        return self._resume.positions

    def saw(self, nodes: tuple[NodeSeen, ...]) -> tuple[NodeSeen, ...]:
        """The server has answered for its nodes; returns them with their names."""
        named = self._named(nodes)
        self._take(Nodes(named))
        return named

    def fell_silent(self, node_names: tuple[str, ...]) -> None:
        """Their agents see flows, and none arrives: try another stream, once for each silence."""
        if self._sources.chooses:
            # What these nodes see may be what nobody wants.
            return
        self._take(NodeStatus("silent", node_names, "its agent sees flows, and none arrives"))
        new = {name: self.positions.get(name, 0) for name in node_names}
        if new.items() <= self._silent.items():
            return
        self._silent.update(new)
        names = ", ".join(node_names[:_MOST_NAMES])
        self.replace(Disconnected("OK", "node_silent", f"{len(node_names)} nodes are silent: {names}"))

    def replace(self, why: Disconnected) -> None:
        """End the present stream, if there is one, and begin another; called from any thread."""
        with self._lock:
            self._end(why)

    def stats(self) -> SourceStats:
        """What there is to say about it now."""
        mask = self._mask.value if self._streams else ""
        return SourceStats(self._ends, mask, self._keeper.saves, self._resume.stats())

    def events(self) -> Iterator[Event]:
        """Everything from the server, and `Connected` and `Disconnected` for each attempt."""
        with self._keeper.keeping(self._place, self._left_behind):
            waits = self._delays()
            while not self._stopped.is_set():
                self._has_flowed = False
                ended = yield from self._attempt()
                if self._has_flowed:
                    # Only a flow proves that the server works: one that accepts and hangs up keeps its long delay.
                    waits = self._delays()
                if ended is None or ended.reason in AT_ONCE:
                    continue
                self._stopped.wait(self._longest() if is_permanent(ended) else next(waits))

    def _place(self) -> Kept:
        return Kept(dict(self._resume.positions), looks=self._memory.looks() if self._memory else {})

    def _left_behind(self) -> Kept:
        if self._memory is None:
            return self._place()
        return self._place()._replace(processed=self._resume.remembered(), memory=self._memory.remembered())

    def _end(self, why: Disconnected) -> None:
        # Between two streams there is nothing to replace: the next request is made of what holds then.
        if self._streams and self._connection is not None:
            self._replaced = why
            self._connection.cancel()

    def _delays(self) -> Iterator[float]:
        return delays(self._settings.backoff_min, self._settings.backoff_max, self._jitter)

    def _longest(self) -> float:
        return next(delays(self._settings.backoff_max, self._settings.backoff_max, self._jitter))

    def _attempt(self) -> Generator[Event, None, Disconnected | None]:
        """One connection from its beginning to its end; returns how it ended, None when we were stopped."""
        try:
            files = read_files(self._settings.tls) if self._settings.tls.enabled else None
        except TlsFileError as error:
            ended = Disconnected("UNAVAILABLE", "tls_file", str(error))
            yield ended
            return ended
        self._ends = expiries(self._settings.tls, files) if files else {}
        with Connection(self._settings, files) as connection:
            self._use(connection)
            ended = yield from self._talk(connection, files)
            self._use(None)
        if self._stopped.is_set():
            return None
        yield ended
        return ended

    def _talk(self, connection: Connection, files: TlsFiles | None) -> Generator[Event, None, Disconnected]:
        connected = False
        try:
            status = connection.status()
            nodes = connection.nodes(status)
            self._serves(oldest(node.version for node in nodes))
            connected, since_ns = True, self._past_since_ns or self._resume.since_ns
            version, release = status.version if status else "", str(self._release or "")
            yield Connected(self._settings.address, version, release, self._mask.value, since_ns)
            self.saw(nodes)
            call = self._begin(connection, since_ns)
            with Check(self, connection, files, self._settings):
                # From here on a flow costs no line of ours but `_receive`.
                yield from map(self._receive, call)
            ended = Disconnected("OK", "stream_ended", "the server ended the stream")
        except grpc.FutureCancelledError:
            # stop() came while we were connecting; of a stream it shows as an RpcError.
            ended = Disconnected("CANCELLED", "cancelled", "")
        except grpc.RpcError as error:
            ended = fault_of(error)
            if speaks_of_mask(ended.detail) and self._mask.next:
                ended = self._ask_for_less(ended.detail)
            elif not connected and not self._stopped.is_set():
                ended = clearer(ended, self._settings, files)
        with self._lock:
            self._streams = False
            ended, self._replaced = self._replaced or ended, None
        return ended

    def _named(self, nodes: tuple[NodeSeen, ...]) -> tuple[NodeSeen, ...]:
        """An agent does not say its name, its flows do: before the first of them it is left out."""
        positions = self._resume.positions
        ours = max(positions, key=positions.__getitem__, default="")
        named = (node if node.name else node._replace(name=ours) for node in nodes)
        return tuple(node for node in named if node.name)

    def _serves(self, release: Release | None) -> None:
        """Ask what nodes of this release understand; what others refused is asked of them again."""
        if release != self._release:
            self._release, self._mask = release, Mask.RELEASE

    def _begin(self, connection: Connection, since_ns: int) -> Iterator[bytes]:
        with self._lock:
            # Together: who chooses other sources now must find the stream that asks for the old ones.
            ask = past_request if self._past_since_ns else follow_request
            request = ask(self._sources, self._release, self._mask, since_ns)
            self._streams, self._replaced = True, None
        self._resume.begins(since_ns)
        return iter(connection.flows(request))

    def _receive(self, data: bytes) -> Event:
        self.arrivals += 1
        event = self._decoder.decode_bytes(data)
        if isinstance(event, Flow):
            self._has_flowed = True
            return self._resume.take(event)
        if isinstance(event, NodeStatus) and event.state != "connected":
            for node_name in event.node_names:
                self._resume.returns(node_name)
            if speaks_of_mask(event.message) and self._mask.next:
                # How a mixed cluster shows it: the call lives on, without the node that refused the mask.
                self.replace(self._ask_for_less(event.message))
            elif self._resume.leaves_out and not self._once:
                self.replace(Disconnected("OK", ASKED_ANEW, "nodes are away, and what they write is to come too"))
        return event

    def _ask_for_less(self, detail: str) -> Disconnected:
        self._mask = self._mask.next or Mask.NONE
        return Disconnected("INVALID_ARGUMENT", MASK_REFUSED, f"asking for less ({self._mask.value}): {detail}")

    def _use(self, connection: Connection | None) -> None:
        with self._lock:
            self._connection = connection
            if connection is not None and self._stopped.is_set():
                connection.cancel()
