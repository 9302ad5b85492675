"""Findings are announced: within the allowance of their workload, to the log, the file and the webhook."""

import threading
from collections import Counter, deque
from collections.abc import Callable

from exporter.findings.allowance import Allowance
from exporter.findings.document import to_line
from exporter.findings.file import FindingsFile
from exporter.findings.interface import Detector, Finding
from exporter.findings.log import log_finding
from exporter.findings.outcomes import Count, CountKey, Outcome, Sink
from exporter.findings.settings import FindingsSettings, WebhookSettings
from exporter.findings.webhook import Webhook


class Findings:
    """One thread announces, between `start` and `stop`; any thread reads `counts` and `recent`."""

    def __init__(
        self,
        settings: FindingsSettings,
        *,
        webhook: Callable[[WebhookSettings, Count], Webhook] = Webhook,
    ) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[CountKey] = Counter()
        self._recent: deque[Finding] = deque(maxlen=settings.recent)
        self._allowance = Allowance(settings.per_workload)
        self._file = FindingsFile(settings.file) if settings.file.path else None
        self._webhook = webhook(settings.webhook, self._posted) if settings.webhook.url else None
        used = {Sink.LOG: True, Sink.FILE: self._file is not None, Sink.WEBHOOK: self._webhook is not None}
        self.sinks = tuple(sink for sink, is_used in used.items() if is_used)
        """Where findings go by these settings."""

    @property
    def counts(self) -> Counter[CountKey]:
        """What became of findings since the start, by detector, sink and outcome."""
        with self._lock:
            return self._counts.copy()

    @property
    def recent(self) -> tuple[Finding, ...]:
        """The last findings, oldest first, with those that were suppressed."""
        with self._lock:
            return tuple(self._recent)

    def start(self) -> None:
        """Begin to post."""
        if self._webhook:
            self._webhook.start()

    def announce(self, finding: Finding) -> None:
        """Send it wherever findings go, unless its workload has had its share; waits for no network."""
        with self._lock:
            self._recent.append(finding)
        if not self._allowance.admit(finding):
            for sink in self.sinks:
                self._count(finding.detector, sink, Outcome.SUPPRESSED)
            return
        log_finding(finding)
        self._count(finding.detector, Sink.LOG, Outcome.DELIVERED)
        if self._file:
            is_written = self._file.write(to_line(finding))
            self._count(finding.detector, Sink.FILE, Outcome.DELIVERED if is_written else Outcome.FAILED)
        if self._webhook:
            self._webhook.offer(finding)

    def stop(self) -> None:
        """Post what waits, as far as there is time, and give the file back."""
        if self._webhook:
            self._webhook.stop()
        if self._file:
            self._file.close()

    def _posted(self, detector: Detector, outcome: Outcome) -> None:
        self._count(detector, Sink.WEBHOOK, outcome)

    def _count(self, detector: Detector, sink: Sink, outcome: Outcome) -> None:
        with self._lock:
            self._counts[detector, sink, outcome] += 1
