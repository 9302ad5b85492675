"""An Observer in a process of its own, which does what it is told: orders are lines of JSON, and so are its answers.

It behaves like one agent, or like a relay in front of several, and sends whole flows whatever filters and mask ask for.
Raw handlers: it can send what no Observer would.
"""

import argparse
import base64
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from itertools import cycle, islice

import grpc

from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2
from tests.faults.rings import Reading, Ring, Rings, node_status
from tests.faults.traffic import NODES, told

Unary = Callable[[bytes, grpc.ServicerContext], bytes]


class Answers:
    """What the methods of the Observer answer; everything can be changed while it serves."""

    def __init__(self, rings: Rings, version: str) -> None:
        self.rings, self.version = rings, version
        self.hang_up_after: int | None = None
        self.refused: dict[str, set[str]] = {}
        """Paths of the field mask that a node does not know."""
        self.unserved: set[str] = set()
        self.silent = False
        """Whether questions wait for an answer until they are given up."""
        self.sent = self.flood = self.unanswered = 0

    def service(self, call: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method, as gRPC asks for it."""
        name = call.method.rpartition("/")[2]
        unary: dict[str, Unary] = {"ServerStatus": self._status, "GetNodes": self._nodes}
        if name in self.unserved:
            return None
        if name == "GetFlows":
            return grpc.unary_stream_rpc_method_handler(self._flows)
        return grpc.unary_unary_rpc_method_handler(unary[name]) if name in unary else None

    def _status(self, _request: bytes, context: grpc.ServicerContext) -> bytes:
        given_up = threading.Event()
        if self.silent and context.add_callback(given_up.set):
            given_up.wait()
            self.unanswered += 1
        seen, held = (sum(numbers) for numbers in zip(*map(_counts, self.rings.nodes.values()), strict=True))
        status = observer_pb2.ServerStatusResponse(version=self.version, seen_flows=seen, num_flows=held)
        return status.SerializeToString()

    def _nodes(self, _request: bytes, _context: grpc.ServicerContext) -> bytes:
        answer = observer_pb2.GetNodesResponse()
        for name, ring in list(self.rings.nodes.items()):
            seen, held = _counts(ring)
            answer.nodes.add(
                name=name, version=self.version, state=relay_pb2.NODE_CONNECTED, seen_flows=seen, num_flows=held
            )
        return answer.SerializeToString()

    def _flows(self, data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        request = observer_pb2.GetFlowsRequest.FromString(data)
        paths = {*request.field_mask.paths, *request.experimental.field_mask.paths}
        refusing = {name: unknown & paths for name, unknown in self.refused.items() if unknown & paths}
        since_ns = request.since.ToNanoseconds()
        reading = Reading(self.rings, since_ns, follow=request.follow, without=refusing)
        if context.add_callback(reading.end):
            yield from islice(self._messages(reading, refusing), self.hang_up_after)

    def _messages(self, reading: Reading, refusing: dict[str, set[str]]) -> Iterator[bytes]:
        for name, paths in refusing.items():
            message = f"rpc error: code = InvalidArgument desc = invalid FieldMask: invalid path: {min(paths)}"
            yield node_status(relay_pb2.NODE_ERROR, [name], message)
        for batch in reading:
            for data in batch:
                self.sent += 1
                yield data
            yield from self._flooded(reading)

    def _flooded(self, reading: Reading) -> Iterator[bytes]:
        ring = next(iter(self.rings.nodes.values()))
        for record in cycle(ring.records[-ring.capacity :]):
            if self.flood <= 0 or reading.ended:
                return
            self.flood -= 1
            self.sent += 1
            yield record.data


class House:
    """The server, and the orders that it knows: each is a method, whose arguments are those of the order."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._messages = told(options.seed, options.nodes, options.disorder)
        known = options.nodes if options.known is None else options.known
        self._rings = Rings(NODES[:known], options.capacity)
        self._answers = Answers(self._rings, options.version)
        list(islice(self._messages, options.skip))
        self._rings.write(islice(self._messages, options.written))
        self._rating: tuple[threading.Thread, threading.Event] | None = None
        self._server = self._open()
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _open(self) -> grpc.Server:
        pool = futures.ThreadPoolExecutor(64, thread_name_prefix="observer")
        server = grpc.server(pool, options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers([self._answers])  # type: ignore[list-item] # one method is all gRPC asks for
        return server

    def obey(self, order: dict[str, object]) -> dict[str, int]:
        """Do what is ordered, and say how things are then."""
        getattr(self, f"do_{order.pop('do')}")(**order)
        answers = self._answers
        return {
            "written": self._rings.written,
            "calls": self._rings.calls,
            "sent": answers.sent,
            "unanswered": answers.unanswered,
        }

    def do_nothing(self) -> None:
        """Only answer."""

    def do_write(self, number: int) -> None:
        """Write the next flows."""
        self._rings.write(islice(self._messages, number))

    def do_rate(self, per_second: float) -> None:
        """Write flows by the clock from now on, and by it only; 0 ends it, and then nothing more is written."""
        if self._rating:
            thread, ended = self._rating
            ended.set()
            thread.join()
            self._rating = None
        if per_second:
            ended = threading.Event()
            thread = threading.Thread(target=self._write_by_clock, args=(ended, per_second / 50), daemon=True)
            self._rating = thread, ended
            thread.start()

    def _write_by_clock(self, ended: threading.Event, portion: float) -> None:
        while not ended.wait(0.02):
            self.do_write(max(1, int(portion)))

    def do_say(self, data: list[str]) -> None:
        """Send these bytes (base64) to every call that runs."""
        self._rings.say(*map(base64.b64decode, data))

    def do_set(self, **values: object) -> None:
        """Change what the methods answer."""
        for name, value in values.items():
            setattr(self._answers, name, value)

    def do_unserve(self, methods: list[str]) -> None:
        """Answer UNIMPLEMENTED to these methods, and serve all others."""
        self._answers.unserved = set(methods)

    def do_refuse(self, node: str, paths: list[str]) -> None:
        """A node does not know these paths of the mask."""
        self._answers.refused[node] = set(paths)

    def do_leave(self, names: list[str], message: str) -> None:
        """Relay loses nodes."""
        self._rings.leave(names, message)

    def do_come(self, name: str) -> None:
        """Relay has a node back."""
        self._rings.come(name)

    def do_restart(self, grace: float | None = None) -> None:
        """Send GOAWAY, end all calls (after `grace` seconds), and serve again at the same port."""
        self._server.stop(grace).wait()
        self._server = self._open()
        self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()


def _counts(ring: Ring) -> tuple[int, int]:
    """How many flows the agent saw, and how many its ring holds."""
    return len(ring.records), len(ring.records) - ring.oldest


def main() -> None:
    """Serve, and obey until standard input ends."""
    parser = argparse.ArgumentParser()
    for flag, default in (("seed", 0), ("nodes", 1), ("capacity", 4095), ("written", 0), ("skip", 0), ("disorder", 0)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--known", type=int)
    parser.add_argument("--version", default="cilium v1.19.4")
    house = House(parser.parse_args())
    _answer({"port": house.port})
    for line in sys.stdin:
        _answer(house.obey(json.loads(line)))


def _answer(said: dict[str, int]) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
