"""The demo: a story that is told to a relay, and the server that lets others read it."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

from google.protobuf.json_format import MessageToJson

from exporter.demo import cluster
from exporter.demo.observer import RelayObserver
from exporter.demo.relay import Relay
from exporter.demo.server import Server
from exporter.demo.settings import DemoSettings
from exporter.demo.sorting import Sorting
from exporter.demo.story import HISTORY_MINUTES, MINUTE_NS, Happening, Heading, Membership, history, lap
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2

# 2026-01-05T09:00:00Z, a Monday: a story that is told once has the same times whenever it is told.
STORY_START_NS = 1_767_603_600 * 1_000_000_000
_HISTORY_NS = HISTORY_MINUTES * MINUTE_NS


class Demo:
    """A cluster with traffic, served by a real Observer on loopback.

    Either way the history is told as fast as it is read, and nothing of it is lost. With `once` one lap follows in the
    same manner, no clock decides anything, and the stream ends with it. Otherwise the present follows, faster than
    life, in laps without end; `announce` is then told what happens next.
    """

    def __init__(
        self,
        settings: DemoSettings,
        *,
        once: bool = False,
        announce: Callable[[str], None] | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings, self._once, self._announce, self._now_ns = settings, once, announce, now_ns
        sorting = Sorting(drain_seconds=None, error_seconds=0.0) if once else Sorting()
        nodes = [(name, f"{address}:4244") for name, address in cluster.NODE_ADDRESSES.items()]
        story_now: Callable[[], int] = lambda: self.relay.newest_ns  # noqa: E731, one line says it
        self.relay = Relay(nodes, sorting=sorting, waits=True, now_ns=story_now if once else now_ns)
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
            for happening in story_once(self._settings) if self._once else self._live():
                if not self._happen(happening):
                    return
        finally:
            # However it ends, a reader must not wait for more.
            self.relay.close()

    def _happen(self, happening: Happening) -> bool:
        """Let it happen; False when the relay is closed."""
        match happening.event:
            case Membership(connected=True):
                self.relay.rejoin(happening.node)
            case Membership(connected=False):
                self.relay.leave(happening.node)
            case Heading(title):
                if self._announce:
                    self._announce(title)
            case _:
                return self.relay.write(response_of(happening))
        return True

    def _live(self) -> Iterator[Happening]:
        begin_ns = self._now_ns() - _HISTORY_NS
        yield from (_at(happening, begin_ns + happening.at_ns) for happening in history(self._settings.seed))
        self.relay.wait_no_more()
        for number in count():
            begin_ns = self._now_ns()
            for happening in lap(number, self._settings.seed):
                due_ns = begin_ns + happening.at_ns / self._settings.speed
                if self._stopped.wait(max(0.0, (due_ns - self._now_ns()) / 1e9)):
                    return
                yield _at(happening, self._now_ns())


def story_once(settings: DemoSettings) -> Iterator[Happening]:
    """The history and one lap: the same flows at the same times, whenever it is told."""
    for happening in history(settings.seed):
        yield _at(happening, STORY_START_NS + happening.at_ns)
    for happening in lap(0, settings.seed):
        yield _at(happening, STORY_START_NS + _HISTORY_NS + happening.at_ns)


def dumped(settings: DemoSettings) -> Iterator[str]:
    """The story that is told once, as lines of `hubble observe -o jsonpb`, which show no change of nodes."""
    for happening in story_once(settings):
        if not isinstance(happening.event, Membership | Heading):
            yield MessageToJson(response_of(happening), preserving_proto_field_name=True, indent=None) + "\n"


def response_of(happening: Happening) -> observer_pb2.GetFlowsResponse:
    """A flow or a loss as Hubble sends it."""
    response = observer_pb2.GetFlowsResponse(node_name=happening.node)
    if isinstance(happening.event, flow_pb2.Flow):
        response.flow.CopyFrom(happening.event)
    elif isinstance(happening.event, flow_pb2.LostEvent):
        response.lost_events.CopyFrom(happening.event)
        # Since 1.19: one message sums up what was lost between two moments.
        response.lost_events.first.FromNanoseconds(happening.at_ns)
        response.lost_events.last.FromNanoseconds(happening.at_ns)
    response.time.FromNanoseconds(happening.at_ns)
    return response


def _at(happening: Happening, time_ns: int) -> Happening:
    """The same at another time."""
    if isinstance(happening.event, flow_pb2.Flow):
        happening.event.time.FromNanoseconds(time_ns)
    return happening._replace(at_ns=time_ns)
