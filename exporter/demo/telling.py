"""The demo: a story that is told to a relay, and the server that lets others read it."""

import threading
import time
from collections.abc import Iterator
from itertools import count

from exporter.demo import cluster
from exporter.demo.observer import RelayObserver
from exporter.demo.relay import Relay
from exporter.demo.server import Server
from exporter.demo.settings import DemoSettings
from exporter.demo.sorting import Sorting
from exporter.demo.story import ROUND_SECONDS, play
from exporter.hubble.pb.observer import observer_pb2

# 2026-01-05T09:00:00Z, a Monday: a story that is told once has the same times whenever it is told.
STORY_START_NS = 1_767_603_600 * 1_000_000_000
STORY_ROUNDS = 5
_NODES = [(name, f"192.168.7.{number}:4244") for number, name in enumerate(cluster.NODES, start=21)]


class Demo:
    """A cluster with traffic, served by a real Observer on loopback.

    With `once` the story is told from its start to its end, as fast as it is read; nothing is lost, no clock decides
    anything, and the stream ends with it. Otherwise it goes on for ever, faster than life, in the present.
    """

    def __init__(self, settings: DemoSettings, *, once: bool = False) -> None:
        self._settings, self._once = settings, once
        sorting = Sorting(drain_seconds=None, error_seconds=0.0) if once else Sorting()
        self.relay = Relay(_NODES, sorting=sorting, waits=once)
        self._server = Server(RelayObserver(self.relay))
        self.relay.watch(lambda reachable: self._server.set_serving(serving=reachable))
        self._stopped = threading.Event()
        self._teller = threading.Thread(target=self._tell, name="story", daemon=True)

    def start(self, address: str = "127.0.0.1:0") -> str:
        """Begin to serve and to tell, and return the address with its real port.

        Raises:
            CannotServeError: when the address cannot be bound.
        """
        address = self._server.start(address)
        self._teller.start()
        return address

    def stop(self) -> None:
        """End the story and all calls at once."""
        self._stopped.set()
        self.relay.close()
        self._server.stop()

    def _tell(self) -> None:
        try:
            for response in story_once(self._settings) if self._once else self._live():
                if not self.relay.write(response):
                    return
        finally:
            # However it ends, a reader must not wait for more.
            self.relay.close()

    def _live(self) -> Iterator[observer_pb2.GetFlowsResponse]:
        for number in count():
            part = list(play(number, time.time_ns(), self._settings.seed))
            pause = ROUND_SECONDS / self._settings.speed / len(part)
            for response in part:
                if self._stopped.wait(pause):
                    return
                if response.HasField("flow"):
                    response.flow.time.FromNanoseconds(time.time_ns())
                    response.time.CopyFrom(response.flow.time)
                yield response


def story_once(settings: DemoSettings) -> Iterator[observer_pb2.GetFlowsResponse]:
    """The story from its start to its end: the same flows at the same times, whenever it is told."""
    for number in range(STORY_ROUNDS):
        yield from play(number, STORY_START_NS + int(number * ROUND_SECONDS * 1e9), settings.seed)
