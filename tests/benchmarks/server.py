"""A process that serves one client at a time, and plays to it what the benchmark wants, when it wants it."""

import multiprocessing
import socket
import time
from itertools import cycle, pairwise
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.benchmarks.reels import Reel, loaded
from tests.benchmarks.wire import Connection

PATIENCE = 120.0
"""Seconds after which something that a client must do counts as never happening."""
_LAP = 4000
"""Messages after which an endless play looks whether it should end."""


class ServerError(Exception):
    """The client did something else than what was waited for, or nothing."""


class _Play(NamedTuple):
    path: Path
    bounds: list[int]
    """Where each write begins, and where the last one ends."""
    interval: float
    """Seconds from one write to the next; 0 is as fast as the client takes them."""
    endless: bool


class _End(NamedTuple):
    pass


class Server:
    """A server in a process of its own. One client connects, calls GetFlows, and is played to."""

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._control, theirs = spawning.Pipe()
        self._sent = spawning.Value("Q", 0)
        self._process = spawning.Process(target=_serve, args=(theirs, self._sent), daemon=True)

    def __enter__(self) -> Self:
        """Start the process."""
        self._process.start()
        self.address = f"127.0.0.1:{self._receive(int)}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    @property
    def sent(self) -> int:
        """Bytes of messages sent so far; read at any time."""
        return int(self._sent.value)

    def called(self) -> None:
        """Return when a client has called GetFlows and waits for flows."""
        self._expect("called")

    def play(self, reel: Reel, first: int = 0, last: int | None = None) -> None:
        """Send messages as fast as the client takes them; returns when all are sent, which is before they are read."""
        ends = [reel.offsets[first], reel.offsets[reel.count if last is None else last]]
        self._control.send(_Play(reel.path, ends, 0, endless=False))
        self._receive(list)

    def pace(self, reel: Reel, *, batch: int, interval: float) -> list[float]:
        """Send `batch` messages every `interval` seconds; the monotonic times just before each write."""
        self._control.send(_Play(reel.path, reel.bounds(batch), interval, endless=False))
        times: list[float] = self._receive(list)
        return times

    def loop(self, reel: Reel) -> None:
        """Send all messages again and again, and return at once; `end` ends it."""
        self._control.send(_Play(reel.path, reel.bounds(_LAP), 0, endless=True))

    def end(self) -> None:
        """End the stream, and return when the client has read it to its end: it has hung up, or calls again."""
        self._control.send(_End())
        self._expect("finished")

    def _expect(self, word: str) -> None:
        said = self._receive(object)
        if said != word:
            raise ServerError(f"expected {word!r} of the client, got {said!r}")

    def _receive(self, kind: type[Any]) -> Any:  # noqa: ANN401, what the other process sends
        if not self._control.poll(PATIENCE):
            raise ServerError(f"no client did anything for {PATIENCE:.0f} s")
        said = self._control.recv()
        if not isinstance(said, kind):
            raise ServerError(f"expected {kind.__name__} of the server, got {said!r}")
        return said


def _serve(control: "Pipe[Any, Any]", sent: Any) -> None:  # noqa: ANN401, multiprocessing's Value has no public type
    def count(number: int) -> None:
        # Only this process writes: no lock.
        sent.value += number

    with socket.create_server(("127.0.0.1", 0)) as listener:
        control.send(listener.getsockname()[1])
        while True:
            with listener.accept()[0] as sock:
                control.send(_attend(Connection(sock, count), control))


def _attend(connection: Connection, control: "Pipe[Any, Any]") -> str:
    """Do what is wanted until the client has hung up; what that means for who waits for it."""
    open_call = ended = False
    while not connection.closed:
        if control in wait([connection.sock, control]):
            command = control.recv()
            if isinstance(command, _End):
                connection.end()
                open_call, ended = False, True
                continue
            times = _play(connection, command, control)
            if not command.endless:
                control.send(times)
            continue
        connection.read()
        if connection.called and not open_call:
            # gRPC may use a connection again for a channel that is opened as soon as the one before is closed.
            if ended:
                control.send("finished")
            open_call, ended = True, False
            control.send("called")
    return "finished" if ended else "lost"


def _play(connection: Connection, play: _Play, control: "Pipe[Any, Any]") -> list[float]:
    messages, pieces = loaded(play.path), list(pairwise(play.bounds))
    times: list[float] = []
    started = time.monotonic()
    for number, (begin, end) in enumerate(cycle(pieces) if play.endless else pieces):
        if connection.closed or (play.endless and control.poll()):
            break
        time.sleep(max(0.0, started + number * play.interval - time.monotonic()))
        times.append(time.monotonic())
        connection.send(messages[begin:end])
    return times
