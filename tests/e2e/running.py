"""A program of the stack: its output goes to a file, and it ends with us, whatever ends us."""

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.programs import eventually, get

_LAST_LINES = 40
_PATIENCE = 20.0
"""Seconds for a program to end in order."""


class Running:
    """One program, from its start until it is told to end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self._command, self._log, self._env, self._ends_by = name, command, log, env, ends_by

    def __enter__(self) -> Self:
        """Start it, in a process group of its own: Ctrl-C is ours, and we end the programs in order."""
        # The kernel ends it even if we are killed, where there is somebody to ask it to.
        setpriv = shutil.which("setpriv")
        bound = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*bound, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                process_group=0,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, in order if it can, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.send_signal(self._ends_by)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """Everything that it has written so far."""
        return self._log.read_text(errors="replace")

    @property
    def last_words(self) -> str:
        """The end of that, under its name."""
        lines = self.said.splitlines()[-_LAST_LINES:]
        return "\n".join([f"--- {self.name} (the whole: {self._log})", *lines])

    def await_ready(self, url: str) -> None:
        """Return when it answers at `url` that it is ready.

        Raises:
            RuntimeError: when it has ended instead.
        """
        eventually(lambda: not self.is_alive or answers(url), f"{self.name} is ready")
        if not self.is_alive:
            raise RuntimeError(f"{self.name} has ended:\n{self.last_words}")


def answers(url: str) -> bool:
    """Whether somebody answers there, with 200."""
    try:
        return get(url)[0] == 200
    except OSError:
        return False
