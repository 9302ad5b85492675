"""Lets detectors see flow time pass, and counts what they find."""

from exporter.destinations.interface import WorkloadName
from exporter.detectors.dns import DnsDetector
from exporter.detectors.interface import UNANSWERED, Cause
from exporter.metrics.recorder import Recorder

_STEP_NS = 1_000_000_000
_LEAP_NS = 3600 * 1_000_000_000
_MOST_TOLD = 100
Started = tuple[tuple[WorkloadName, Cause], ...]


class Noticing:
    """Not thread-safe: the pipeline owns it."""

    def __init__(self, dns: DnsDetector, recorder: Recorder) -> None:
        self._dns, self._recorder = dns, recorder
        self.due_ns = 0
        """Flow time of the next step."""
        self._leapt = False
        self._started: Started = ()

    def saw(self, now_ns: int) -> None:
        """A flow has this time, which lies behind the next step.

        One line of a broken clock is not the time: of a leap of more than an hour the second flow is believed.
        """
        self._leapt = not self._leapt and 0 < self.due_ns < now_ns - _LEAP_NS
        if not self._leapt:
            self.let_pass(now_ns)

    def let_pass(self, now_ns: int) -> None:
        """Let flow time pass up to now.

        A file has no ticks, and a replay must find what the live stream has found: while something is pending, a leap
        is made of steps. Before the first flow there is no time that could pass.
        """
        if now_ns <= 0:
            return
        while self.due_ns and self.due_ns < now_ns and self._dns.is_pending:
            self._step(self.due_ns)
            self.due_ns += _STEP_NS
        self._step(now_ns)
        self.due_ns = now_ns + _STEP_NS

    def take_started(self) -> Started:
        """The last causes that have begun since the last call, for the log."""
        started, self._started = self._started, ()
        return started

    def _step(self, now_ns: int) -> None:
        for workload, cause in self._dns.step(now_ns):
            self._recorder.dns_breakage(workload, cause)
            self._started = (*self._started, (workload, cause))[-_MOST_TOLD:]
        for query in self._dns.watch.take_unanswered():
            self._recorder.dns_failure(query.workload, UNANSWERED, query.flow.weight)
