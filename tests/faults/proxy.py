"""What lies between the exporter and its server: a TCP proxy that can do what networks do."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self

from tests.programs import DEADLINE

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER 0: closing resets the connection."""


class Mode(Enum):
    """What becomes of bytes and of new connections."""

    FORWARD = auto()
    STALL = auto()
    """Nothing moves, and goes on where it was when it is forwarded again."""
    BLACK_HOLE = auto()
    """Bytes vanish for ever: a connection that has met it never says a word again."""
    RESET = auto()
    """New connections are accepted and reset at once."""


class Proxy:
    """Listens on a port of its own as long as the block lasts; every method may be called from any thread."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        """Port of the server; new connections go there."""
        self.attempts = self.cuts = 0
        self.delay = 0.0
        """Seconds by which every piece is late."""
        self._mode, self._moves = Mode.FORWARD, asyncio.Event()
        self._left: int | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        listening = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(DEADLINE)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._do(self._moves.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Reset what is open, and stop."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(DEADLINE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def set(self, mode: Mode) -> None:
        """Behave so from now on."""

        def change() -> None:
            self._mode = mode
            (self._moves.clear if mode is Mode.STALL else self._moves.set)()

        self._do(change)

    def cut(self) -> None:
        """Reset every connection."""
        self._do(self._cut)

    def cut_after(self, number: int) -> None:
        """Reset every connection when the server has sent so many bytes more."""

        def change() -> None:
            self._left = number

        self._do(change)

    def _do(self, work: Callable[[], None]) -> None:
        async def call() -> None:
            work()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(DEADLINE)

    def _cut(self) -> None:
        self._left = None
        self.cuts += 1
        for writer in self._open:
            _reset(writer)

    async def _close(self) -> None:
        self._server.close()
        self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        task = asyncio.current_task()
        if self._mode is Mode.RESET or task is None:
            _reset(writer)
            return
        self._tasks.add(task)
        self._open.add(writer)
        try:
            with suppress(OSError):
                await self._moves.wait()
                theirs, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
                self._open.add(to_server)
                try:
                    await asyncio.gather(self._pump(reader, to_server), self._pump(theirs, writer, counts=True))
                finally:
                    self._open.discard(to_server)
                    _reset(to_server)
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            _reset(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool = False) -> None:
        swallowed = False
        while data := await reader.read(65536):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._moves.wait()
            swallowed = swallowed or self._mode is Mode.BLACK_HOLE
            if swallowed:
                continue
            if counts and self._left is not None:
                data, self._left = data[: self._left], self._left - len(data)
            writer.write(data)
            await writer.drain()
            if counts and self._left is not None and self._left <= 0:
                self._cut()
        raise ConnectionResetError


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
