"""Reading the settings again while the exporter runs: a bad file never replaces a good one."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from exporter.log import logger
from exporter.settings import Settings
from exporter.settings.faults import SettingsError
from exporter.settings.reloading import merge


class Reading(NamedTuple):
    """What the layers of settings gave at the start, and how to read them again; that raises a SettingsError."""

    settings: Settings
    again: Callable[[], Settings]


class Reload:
    """Called on SIGHUP and by `/-/reload`; one at a time."""

    def __init__(
        self,
        running: Settings,
        reading: Reading | None,
        apply: Callable[[Settings], None],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Begin with `running`, which `demo` makes from those that were read; without a `reading` nothing changes."""
        self._running, self._reading, self._apply, self._wall = running, reading, apply, wall
        self._lock = threading.Lock()
        self.successful = True
        """Whether the last reading succeeded; the one at the start did."""
        self.success_time = wall()
        """When it last did, in seconds since the epoch."""

    def __call__(self) -> str:
        """Read and apply what may change; returns what is wrong, one line per fault, or an empty text."""
        with self._lock:
            if self._reading is None:
                return "these settings cannot be read again"
            try:
                read = self._reading.again()
            except SettingsError as error:
                self.successful = False
                for fault in error.faults:
                    logger().error("config_refused", fault=str(fault), in_effect="the previous")
                return str(error)
            asked, running = merge(self._reading.settings, read), merge(self._running, read).settings
            try:
                self._apply(running)
            except Exception as error:  # noqa: BLE001, whatever it was, the exporter goes on with what it has
                self.successful = False
                logger().exception("config_not_applied")
                return f"the settings could not be applied: {error}"
            self._reading, self._running = self._reading._replace(settings=asked.settings), running
            self.successful, self.success_time = True, self._wall()
            logger().info("config_reloaded", changed=asked.changed, waiting_for_restart=asked.waiting)
            return ""
