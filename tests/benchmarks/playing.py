"""The process of the server: it serves one client at a time, and plays to it what it is told to."""

import socket
import time
from itertools import cycle, pairwise
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.reels import loaded
from tests.benchmarks.wire import Connection


class Play(NamedTuple):
    """Send parts of a reel.

    Answered with the times at which its writes were due, once all are made; an endless one is not answered.
    """

    path: Path
    bounds: list[int]
    """Where each write begins, and where the last one ends."""
    interval: float
    """Seconds from one write to the next; 0 is as fast as the client takes them."""
    endless: bool
    """Again and again, until something else is wanted."""


class End(NamedTuple):
    """End the stream as a server does that has no more flows. Answered when the client has read it to its end."""


def serve(control: "Pipe[Any, Any]", sent: Any) -> None:  # noqa: ANN401, multiprocessing's Value has no public type
    """Tell the port, then who calls, and obey; adds the bytes of messages to `sent` as they are sent."""

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
            if isinstance(command, End):
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


def _play(connection: Connection, play: Play, control: "Pipe[Any, Any]") -> list[float]:
    messages, pieces = loaded(play.path), list(pairwise(play.bounds))
    times: list[float] = []
    started = time.monotonic()
    for number, (begin, end) in enumerate(cycle(pieces) if play.endless else pieces):
        if connection.closed or (play.endless and control.poll()):
            break
        # When it was due, not when it was written: a client that holds up one write must not make the next look quick.
        times.append(started + number * play.interval)
        time.sleep(max(0.0, times[-1] - time.monotonic()))
        connection.send(messages[begin:end])
    return times
