"""The server's process, as tests hold it."""

import base64
import json
import os
import signal
import subprocess
import sys
from itertools import islice
from types import TracebackType
from typing import Self

from tests.faults.traffic import Told, told
from tests.programs import DEADLINE, environment


class Served:
    """An Observer in a process of its own, for as long as the block lasts."""

    def __init__(self, *, seed: int = 0, nodes: int = 1, disorder: int = 0, **values: int) -> None:
        """Flows `skip` to `skip + written` of the sequence are in its rings, and it writes the next ones when told.

        `known` of the nodes are there at the beginning; each ring holds `capacity`.
        """
        self._sequence = (seed, nodes, disorder)
        self._skip, self.written = values.get("skip", 0), values.get("written", 0)
        self.said: dict[str, int] = {}
        """How things were when the last order was done."""
        values |= {"seed": seed, "nodes": nodes, "disorder": disorder}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server", *(f"--{name}={value}" for name, value in values.items())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        self._unanswered = 0
        self.port = self._answer()["port"]

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, whatever became of it."""
        self.kill()

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._process.kill()
        self._process.communicate(timeout=DEADLINE)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self._process.pid, number)

    def post(self, do: str, **arguments: object) -> None:
        """Give an order, and wait for nothing: a process that stands still has it in its pipe when it goes on."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps({'do': do, **arguments})}\n")
        self._process.stdin.flush()
        self._unanswered += 1

    def order(self, do: str, **arguments: object) -> None:
        """Give an order, and return when it is done."""
        self.post(do, **arguments)
        while self._unanswered:
            self.said = self._answer()
            self._unanswered -= 1
        self.written = self.said["written"]

    def write(self, number: int) -> None:
        """Let the agents write the next flows."""
        self.order("write", number=number)

    def say(self, *messages: bytes) -> None:
        """Send bytes to every call that runs."""
        self.order("say", data=[base64.b64encode(message).decode() for message in messages])

    def count(self, what: str) -> int:
        """How many `calls` of GetFlows there were so far, messages `sent` or questions `unanswered`."""
        self.order("nothing")
        return self.said[what]

    def told(self) -> list[Told]:
        """All that it has written; what the oracle counts."""
        return list(islice(told(*self._sequence), self._skip, self._skip + self.written))

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the server has ended"
        answer: dict[str, int] = json.loads(line)
        return answer
