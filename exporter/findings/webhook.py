"""Findings on their way to an HTTP endpoint: a thread, a bounded queue, and attempts that come ever more slowly."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from exporter.findings.document import finding_id, to_line
from exporter.findings.interface import Finding
from exporter.findings.outcomes import Count, Outcome
from exporter.findings.posting import MOST_DELAY, Answer, Poster
from exporter.findings.settings import WebhookSettings
from exporter.log import RateLimit, logger

_DOUBLINGS = 6
"""1 s doubled so often is longer than the longest delay."""


class Webhook:
    """Takes findings from one thread, and posts them in another, in order. `tell` hears what became of each."""

    def __init__(
        self,
        settings: WebhookSettings,
        tell: Count,
        *,
        wait: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._tell, self._clock = settings, tell, clock
        self._poster, self._limit = Poster(settings, wall), RateLimit(clock=clock)
        self._changed = threading.Condition()
        self._queue: deque[Finding] = deque()
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._ends = float("inf")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to post."""
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        self._thread.start()

    def offer(self, finding: Finding) -> None:
        """Take it into the queue, unless that is full."""
        with self._changed:
            takes = len(self._queue) < self._settings.queue and not self._stopping.is_set()
            if takes:
                self._queue.append(finding)
                self._changed.notify()
        if not takes:
            self._tell(finding.detector, Outcome.DROPPED)

    def stop(self) -> None:
        """Wait for nothing any more, and try what is queued once, within the timeout of one attempt."""
        with self._changed:
            self._ends = self._clock() + self._settings.timeout
            self._stopping.set()
            self._changed.notify()
        if self._thread is None:
            self._ends = float("-inf")
            self._work()
        else:
            self._thread.join(self._settings.timeout)

    def _work(self) -> None:
        while (finding := self._next()) is not None:
            self._tell(finding.detector, self._delivered(finding))

    def _next(self) -> Finding | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping.is_set())
            return self._queue.popleft() if self._queue else None

    def _delivered(self, finding: Finding) -> Outcome:
        try:
            return self._attempts(finding)
        except Exception:  # noqa: BLE001, the others must still be posted
            logger().exception("webhook_broken")
            return Outcome.FAILED

    def _attempts(self, finding: Finding) -> Outcome:
        body, delivery = to_line(finding).encode(), finding_id(finding)
        for number in count(1):
            is_last = self._stopping.is_set() or number >= self._settings.attempts
            seconds = min(self._settings.timeout, self._ends - self._clock())
            if seconds <= 0:
                return Outcome.DROPPED if number == 1 else Outcome.FAILED
            answer = self._poster.post(body, delivery, seconds)
            if answer.taken:
                return Outcome.DELIVERED
            if is_last or not answer.again:
                self._failed(answer, delivery, number)
                break
            self._wait(max(_delay(number), answer.delay))
        return Outcome.FAILED

    def _failed(self, answer: Answer, delivery: str, attempts: int) -> None:
        held = self._limit.admit("webhook", answer.said)
        if held is not None:
            fields = {"url": self._poster.shown, "error": answer.said, "id": delivery, "attempts": attempts}
            logger().warning("webhook_failed", **fields, similar_before=held)


def _delay(number: int) -> float:
    """Seconds after that attempt: 1, 2, 4 and so on."""
    return min(2.0 ** min(number - 1, _DOUBLINGS), MOST_DELAY)
