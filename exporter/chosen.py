"""Whose egress is counted: what the settings leave out, and what was found out about each workload."""

from fnmatch import fnmatchcase

from exporter.destinations.interface import WorkloadName
from exporter.hubble.settings import SourcesSettings
from exporter.window import WindowStats


class Chosen:
    """Remembers the answer for each workload. Not thread-safe: the pipeline owns it."""

    def __init__(self, sources: SourcesSettings) -> None:
        self._sources, self._resets = sources, 0
        self.chooses = sources.chooses
        """Whether anything is left out at all; mostly nothing is, and nobody needs to ask."""
        self._known: dict[WorkloadName, bool] = {}

    def reconfigure(self, sources: SourcesSettings) -> None:
        """Choose by other settings from now on."""
        self._sources, self.chooses = sources, sources.chooses
        self._known.clear()

    def excludes(self, source: WorkloadName) -> bool:
        """Whether this workload's egress is left out."""
        chosen = self._known.get(source)
        if chosen is None:
            if len(self._known) >= self._sources.workload_cache:
                self._known.clear()
                self._resets += 1
            chosen = self._known[source] = is_chosen(source, self._sources)
        return not chosen

    def stats(self) -> WindowStats:
        """For the exporter's own metrics."""
        return WindowStats(len(self._known), self._sources.workload_cache, self._resets)


def is_chosen(source: WorkloadName, sources: SourcesSettings) -> bool:
    """Whether the settings want this workload's egress counted."""
    name = f"{source.namespace}/{source.name}"
    if source.namespace in sources.exclude_namespaces:
        return False
    if any(fnmatchcase(name, pattern) for pattern in sources.exclude_workloads):
        return False
    if sources.include_namespaces and source.namespace not in sources.include_namespaces:
        return False
    return not sources.include_workloads or any(fnmatchcase(name, pattern) for pattern in sources.include_workloads)
