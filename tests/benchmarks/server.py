"""A server in a process of its own, as the benchmark holds it: it says what is played to the client, and when."""

import multiprocessing
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.playing import End, Play, serve
from tests.benchmarks.reels import Reel

PATIENCE = 120.0
"""Seconds after which something that a client must do counts as never happening."""
_LAP = 250
"""Messages after which an endless play looks whether it should end."""


class ServerError(Exception):
    """The client did something else than what was waited for, or nothing."""


class Server:
    """One client connects, calls GetFlows, and is played to, as often as it comes back."""

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._control, theirs = spawning.Pipe()
        self._sent = spawning.Value("Q", 0)
        self._process = spawning.Process(target=serve, args=(theirs, self._sent), daemon=True)

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
        self._control.send(Play(reel.path, ends, 0, endless=False))
        self._receive(list)

    def pace(self, reel: Reel, batches: range, *, size: int, interval: float) -> list[float]:
        """Send some of the batches of `size` messages, one every `interval` seconds; the times at which each was due.

        They are those of the monotonic clock, which all processes share.
        """
        bounds = reel.bounds(size)[batches.start : batches.stop + 1]
        self._control.send(Play(reel.path, bounds, interval, endless=False))
        times: list[float] = self._receive(list)
        return times

    def loop(self, reel: Reel) -> None:
        """Send all messages again and again, and return at once; `end` ends it."""
        self._control.send(Play(reel.path, reel.bounds(_LAP), 0, endless=True))

    def end(self) -> None:
        """End the stream, and return when the client has read it to its end: it has hung up, or calls again."""
        self._control.send(End())
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
