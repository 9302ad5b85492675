"""Follows the objects of one kind: lists them, watches what changes, and begins again whatever happens."""

import random
import threading
import time
from collections.abc import Callable, Iterator

from exporter.expectations.api_server import Event, Session
from exporter.expectations.held import Held
from exporter.expectations.kind_state import KindState
from exporter.expectations.kinds import Key, Kind, kept, key_of, version_of
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble
from exporter.hubble.backoff import delays

_WATCH_SECONDS = (240, 300)
"""The server ends a watch by then: a connection that died unheard is noticed at last."""
_STEADY_SECONDS = 10.0
"""What lasted so long has worked: the next pause is short again."""
_RELIST = (Trouble.EXPIRED, Trouble.ABSENT, Trouble.UNREADABLE)
_TOO_LARGE_VERSION = 504
"""Of an API server that has not reached our version, as after its database was restored. Others of 500 and more are no
reason to list: of a load balancer whose servers are away they come to all exporters at once, at the worst moment."""
_REFUSALS = 3
"""After so many of them, and no watch that went well in between, what we ask for is in doubt."""
_SMALLER = 4
"""A page that was too large is asked for again with a part of the objects."""


class Watcher:
    """One kind, in a thread of its own."""

    def __init__(
        self,
        kind: Kind,
        held: Held,
        connect: Callable[[], Session],
        settings: KubernetesSettings,
        changed: Callable[[], None],
    ) -> None:
        """`connect` gives a new connection for each attempt; `changed` is called when what there is becomes known."""
        self._kind, self._held, self._connect, self._settings = kind, held, connect, settings
        self._changed = changed
        self._jitter = random.SystemRandom()
        self._stopping = threading.Event()
        self._session: Session | None = None
        self._api_version = self._since = ""
        self._absent_since: float | None = None
        self._page_size = settings.page_size
        self._refusals = 0
        self.state = KindState(kind)

    def work(self) -> None:
        """Follow it until `stop`."""
        pauses, absent = self._pauses(), self._pauses_of_absent()
        while not self._stopping.is_set():
            began = time.monotonic()
            error = self._attempt()
            if time.monotonic() - began >= _STEADY_SECONDS:
                pauses = self._pauses()
            if error.trouble is Trouble.ABSENT:
                pause = next(absent)
            else:
                absent = self._pauses_of_absent()
                pause = next(pauses)
            wanted = min(error.pause, self._settings.longest_delay)
            self._stopping.wait(max(pause, wanted * self._jitter.uniform(1.0, 1.2)))

    def stop(self) -> None:
        """End `work` at once, whatever it waits for."""
        self._stopping.set()
        session = self._session
        if session is not None:
            session.stop()

    def _pauses(self) -> Iterator[float]:
        return delays(self._settings.first_delay, self._settings.longest_delay, self._jitter)

    def _pauses_of_absent(self) -> Iterator[float]:
        return delays(self._settings.first_delay, self._settings.absent_delay, self._jitter)

    def _attempt(self) -> ApiError:
        """List if need be, and watch until something ends it."""
        verb = "watch" if self._since else "list"
        try:
            self._session = session = self._connect()
            try:
                if not self._since:
                    self._list(session)
                verb = "watch"
                self._watch(session)
                error = ApiError(Trouble.ENDED, "")
            finally:
                self._session = None
                session.close()
        except ApiError as raised:
            error = raised
        if not self._stopping.is_set():
            self._end(verb, error)
        return error

    def _end(self, verb: str, error: ApiError) -> None:
        self._refusals += verb == "watch" and error.status == _TOO_LARGE_VERSION
        if error.trouble is Trouble.ENDED:
            self._refusals = 0
        if error.trouble in _RELIST or self._refusals >= _REFUSALS:
            self._since, self._refusals = "", 0
        if error.trouble is Trouble.TOO_LARGE:
            self._page_size = max(1, self._page_size // _SMALLER)
        was_tried = self.state.is_tried
        self.state.ended(verb, error)
        if not was_tried:
            self._changed()
        if error.trouble is not Trouble.ABSENT:
            self._absent_since = None
            return
        now = time.monotonic()
        if self._absent_since is None:
            self._absent_since = now
        # An API server that starts says this of custom resources, too: what is known is not given up so soon.
        if not self.state.is_listed or now - self._absent_since >= self._settings.absent_delay:
            self.state.gone()
            self._held.replace(self._kind, {})
            self._changed()

    def _list(self, session: Session) -> None:
        for version in self._kind.versions:
            try:
                found, since = self._whole(session, version)
            except ApiError as error:
                if error.trouble is Trouble.ABSENT and version != self._kind.versions[-1]:
                    continue
                raise
            self._held.replace(self._kind, found)
            self._api_version, self._since = version, since
            was_settled = self.state.is_listed
            self.state.listed(len(found), version)
            if not was_settled:
                self._changed()
            return

    def _whole(self, session: Session, version: str) -> tuple[dict[Key, bytes], str]:
        found: dict[Key, bytes] = {}
        rest = ""
        while not self._stopping.is_set():
            page = session.page(self._kind, version, rest, self._page_size)
            for item in page.items:
                key = key_of(item)
                if key is not None and isinstance(item, dict):
                    found[key] = kept(self._kind, version, item, key)
            rest = page.rest
            if not rest:
                return found, page.version
        raise ApiError(Trouble.ENDED, "")

    def _watch(self, session: Session) -> None:
        seconds = self._jitter.randint(*_WATCH_SECONDS)
        for event in session.watch(self._kind, self._api_version, self._since, seconds):
            self.state.heard()
            if event.type:
                self._refusals = 0
            self._take(event)
            if self._stopping.is_set():
                return

    def _take(self, event: Event) -> None:
        """A bookmark says how far we are, and nothing else."""
        version, key = version_of(event.item), key_of(event.item)
        if key is not None and event.type in ("ADDED", "MODIFIED"):
            self._held.put(self._kind, key, kept(self._kind, self._api_version, event.item, key))
        elif key is not None and event.type == "DELETED":
            self._held.remove(self._kind, key)
        if version:
            self._since = version
