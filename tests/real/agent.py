"""An agent over real gRPC that tells what a test lets it tell: every call gets all of it, from the beginning."""

import threading
import time
from collections.abc import Iterator
from itertools import count
from types import TracebackType
from typing import Self

import grpc

from exporter.demo.cluster import CHECKOUT, named, outside
from exporter.demo.events import Call, drop, trace
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from tests.scripted import ScriptedObserver

SECOND = 1_000_000_000
PORT = 443
_AGO = 590 * SECOND


class Agent:
    """Has no position: an exporter that starts anew hears again what the one before has heard."""

    def __init__(self) -> None:
        """Its flows are some minutes old: so recent that alerts would go on, and no clock has a say in them."""
        self.begin_ns = time.time_ns() - _AGO
        self._told: list[observer_pb2.GetFlowsResponse] = []
        self._changed, self._ports = threading.Condition(), count(20_000)
        self._ended = False
        self._observer = ScriptedObserver(self._responses, threads=64)

    def __enter__(self) -> Self:
        """Serve."""
        self.address = self._observer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all calls."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._observer.stop()

    def goes(self, seconds: float, name: str, address: str = "203.0.113.10", port: int = PORT) -> None:
        """The pod of checkout connects to a name."""
        call = Call(CHECKOUT, next(self._ports), named(address, name), port)
        self._tell(seconds, trace(call, flow_pb2.TO_STACK, flow_pb2.NEW, "S"))

    def is_kept_from(self, seconds: float, address: str, port: int = PORT) -> None:
        """Policy drops what the pod of checkout sends to an address."""
        call = Call(CHECKOUT, next(self._ports), outside(address), port)
        self._tell(seconds, drop(call, flow_pb2.POLICY_DENIED))

    def arms(self) -> None:
        """The pod of checkout goes where it usually goes, and again two seconds later: that much it has to learn."""
        self.goes(0, "api.usual.example")
        self.goes(2, "api.usual.example")

    @property
    def told(self) -> int:
        """How many flows there are."""
        return len(self._told)

    def _tell(self, seconds: float, flow: flow_pb2.Flow) -> None:
        flow.time.FromNanoseconds(self.begin_ns + round(seconds * SECOND))
        response = observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time)
        with self._changed:
            self._told.append(response)
            self._changed.notify_all()

    def _responses(self, context: grpc.ServicerContext) -> Iterator[observer_pb2.GetFlowsResponse]:
        left = threading.Event()

        def leave() -> None:
            left.set()
            with self._changed:
                self._changed.notify_all()

        if not context.add_callback(leave):
            return
        for place in count():
            with self._changed:
                self._changed.wait_for(lambda: len(self._told) > place or left.is_set() or self._ended)  # noqa: B023
                if left.is_set() or self._ended:
                    return
                response = self._told[place]
            yield response
