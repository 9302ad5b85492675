"""The web configuration in effect: read again when one of its files changed, and kept when the new one is broken."""

import os
import ssl
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from exporter.log import RateLimit, logger
from exporter.web.config import WebConfig

# A broken configuration may be mended by a file that is not watched yet: look again after so many seconds.
_RETRY_SECONDS = 5.0


class WebConfigError(Exception):
    """The web configuration cannot be used; the text says where and why, and holds no secret."""


class Loaded(NamedTuple):
    """A configuration, and what TLS needs of it; no context is plain HTTP."""

    config: WebConfig
    context: ssl.SSLContext | None


Stamp = tuple[int, int, int, int] | None
Read = Callable[[str], Loaded]


class LiveConfig:
    """Hands out the configuration in effect; asked at every handshake and every request, by any thread."""

    def __init__(self, file: str, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        """Read `file` for the first time.

        Raises:
            WebConfigError: when it cannot be used; `current` raises nothing any more.
        """
        self._file, self._read, self._clock = file, read, clock
        self._limit, self._lock = RateLimit(clock=clock), threading.Lock()
        self._retry_at = float("inf")
        self._loaded, self._stamps = self._read_stamped({file})

    def current(self) -> Loaded:
        """The newest usable configuration."""
        if self._is_fresh():
            return self._loaded
        with self._lock:
            if not self._is_fresh():
                self._reload()
            return self._loaded

    def _is_fresh(self) -> bool:
        stamps = self._stamps
        return self._clock() < self._retry_at and all(_stamp(file) == stamp for file, stamp in stamps.items())

    def _reload(self) -> None:
        before = {file: _stamp(file) for file in self._stamps}
        try:
            loaded, stamps = self._read_stamped(set(before))
            _refuse_opening(self._loaded.config, loaded.config)
        except WebConfigError as error:
            self._stamps, self._retry_at = before, self._clock() + _RETRY_SECONDS
            held = self._limit.admit("web_config_refused")
            if held is not None:
                logger().error("web_config_refused", error=str(error), in_effect="the previous", similar_before=held)
        else:
            self._loaded, self._stamps, self._retry_at = loaded, stamps, float("inf")
            logger().info("web_config_read", file=self._file)

    def _read_stamped(self, files: set[str]) -> tuple[Loaded, dict[str, Stamp]]:
        """Stamps are those from before the reading: what is written meanwhile shows as a change the next time."""
        while True:
            before = {file: _stamp(file) for file in files}
            loaded = self._read(self._file)
            named = {self._file, *loaded.config.tls_server_config.files.values()}
            if named <= before.keys():
                return loaded, {file: before[file] for file in named}
            files = named


def _stamp(file: str) -> Stamp:
    try:
        found = os.stat(file)  # noqa: PTH116, at every request: a Path costs more than the call
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _refuse_opening(old: WebConfig, new: WebConfig) -> None:
    """A file that is cut off while it is written must not let anybody in: what was closed stays closed."""
    if new.is_tls and not old.is_tls:
        raise WebConfigError("TLS cannot be switched on while the server runs; restart it")
    now = new.closed_by
    if opened := [name for name, was in old.closed_by.items() if was and not now[name]]:
        raise WebConfigError(f"{' and '.join(opened)} would be switched off; that needs a restart")
