"""What the process is told from outside: to end, to end at once, to read its settings again."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

_FAILED = 1


class Signals:
    """Handlers only take note: whatever takes time is done by the thread that waits."""

    def __init__(self, leave: Callable[[int], object] = os._exit) -> None:
        self.stopping = threading.Event()
        self.terminated = False
        """Whether it was SIGTERM, by which Kubernetes and systemd end a process; nobody waits at a terminal then."""
        self._hung_up = False
        self._leave = leave

    def listen(self) -> None:
        """Handle SIGTERM, SIGINT and SIGHUP from now on; called in the main thread."""
        signal.signal(signal.SIGTERM, self.end)
        signal.signal(signal.SIGINT, self.end)
        signal.signal(signal.SIGHUP, self.hang_up)

    @staticmethod
    def deafen() -> None:
        """Let SIGHUP do nothing: before there is anything to reload, and when it ends, it would kill the process."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def end(self, number: int, _frame: FrameType | None = None) -> None:
        """Begin to end; the second time, leave without an end."""
        if self.stopping.is_set():
            # Not the log: it may be this very thread that holds its lock.
            os.write(sys.stderr.fileno(), b"hubble-egress-exporter: a second signal: leaving at once\n")
            self._leave(_FAILED)
        self.terminated = number == signal.SIGTERM
        self.stopping.set()

    def hang_up(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ask for a reload."""
        self._hung_up = True

    def take_reload(self) -> bool:
        """Whether a reload was asked for since the last time."""
        hung_up, self._hung_up = self._hung_up, False
        return hung_up
