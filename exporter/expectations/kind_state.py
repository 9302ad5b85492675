"""How it goes with one kind of objects: what metrics, pages and the log say of it."""

import time
from collections import Counter
from collections.abc import Callable

from exporter.documents.faults import printable
from exporter.expectations.kinds import Kind
from exporter.expectations.trouble import ApiError, Trouble
from exporter.log import logger

_PASSING = (Trouble.ENDED, Trouble.EXPIRED, Trouble.ABSENT)
"""What is part of a healthy life."""
_LONGEST = 500


class KindState:
    """Written by the thread that follows the kind, read by any."""

    def __init__(self, kind: Kind, wall: Callable[[], float] = time.time) -> None:
        self.kind, self._wall = kind, wall
        self._said: tuple[Trouble, str] | None = None
        self._was_heard = False
        self.trouble: Trouble | None = None
        """Why it is not followed at the moment."""
        self.verb = ""
        """What did not work: list or watch."""
        self.is_listed = False
        """Whether all objects of the kind are known, or were at some time."""
        self.is_absent = False
        """Whether the cluster has no such kind."""
        self.ends: Counter[Trouble] = Counter()
        """Lists and watches that ended, by why."""
        self.last_list = self.last_event = 0.0
        """When all of them were listed, and when the server last told anything, in seconds since the epoch."""

    @property
    def is_settled(self) -> bool:
        """Whether it is known what there is."""
        return self.is_listed or self.is_absent

    @property
    def is_tried(self) -> bool:
        """Whether at least one attempt has ended."""
        return self.is_settled or self.trouble is not None

    def listed(self, number: int, version: str) -> None:
        """All objects were read."""
        if not self.is_settled or self.is_absent or self._said is not None:
            logger().info("objects_listed", resource=self.kind.full_name, version=version, objects=number)
        self.is_listed, self.is_absent, self.trouble = True, False, None
        self.last_list = self._wall()
        self.heard()

    def heard(self) -> None:
        """The server told something, or that it will: it is followed."""
        self.last_event, self._was_heard = self._wall(), True
        if self.trouble is not None:
            logger().info("objects_followed", resource=self.kind.full_name)
        self.trouble, self._said, self.verb = None, None, ""

    def gone(self) -> None:
        """The cluster has no such kind (any more), so there is no object of it."""
        if not self.is_absent:
            logger().info("kind_absent", resource=self.kind.full_name, hint="it is looked for again now and then")
        self.is_listed, self.is_absent, self.trouble, self._said = False, True, None, None

    def ended(self, verb: str, error: ApiError) -> None:
        """A list or a watch ended; said once until why changes."""
        self.ends[error.trouble] += 1
        was_heard, self._was_heard = self._was_heard, False
        if error.trouble in _PASSING and not self._is_odd(verb, error.trouble):
            return
        if error.trouble is Trouble.BROKEN_OFF and was_heard:
            # Load balancers cut what is quiet for a minute: the next attempt tells whether anything is wrong.
            return
        self.trouble, self.verb = error.trouble, verb
        if self._said == (error.trouble, verb):
            return
        self._said = (error.trouble, verb)
        logger().warning(
            "objects_not_read",
            resource=self.kind.full_name,
            verb=verb,
            reason=error.trouble.value,
            said=printable(str(error))[:_LONGEST],
            hint=self._hint(verb, error.trouble),
        )

    def _is_odd(self, verb: str, trouble: Trouble) -> bool:
        """Histories expire, but lists should be read before; kinds are absent, but not those that were known."""
        return (trouble is Trouble.EXPIRED and verb == "list") or (trouble is Trouble.ABSENT and self.is_listed)

    def _hint(self, verb: str, trouble: Trouble) -> str:
        match trouble:
            case Trouble.FORBIDDEN:
                return f"allow {verb} on {self.kind.full_name} in a ClusterRole: get, list and watch are needed"
            case Trouble.UNAUTHORIZED:
                return "the API server does not know who asks; is the token mounted, and valid?"
            case Trouble.UNREACHABLE | Trouble.TIMED_OUT:
                return "may the pod reach the API server, by network policies too?"
            case _:
                return "what was read before stays; it is tried again"
