"""Delivers findings."""

from collections import deque

from exporter.findings.interface import Finding
from exporter.findings.settings import FindingsSettings


class Findings:
    """Keeps the last findings."""

    def __init__(self, settings: FindingsSettings) -> None:
        self.recent: deque[Finding] = deque(maxlen=settings.recent)

    def announce(self, finding: Finding) -> None:
        """Take a finding."""
        self.recent.append(finding)

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""
