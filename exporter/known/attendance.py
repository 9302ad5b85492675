"""How long the flows of a node were watched without a gap: only then the first flow of a pod is its start."""

from typing import NamedTuple

from exporter.known.interface import Fact, Mark, What, node_key, seen
from exporter.known.recall import Recall
from exporter.known.sighting import Missed, Watched

_SHORT_NS = 120 * 1_000_000_000
"""A restart of ours that takes no longer is no gap: the rings repeat what they hold."""
_LONGEST_DOUBT = 86_400.0
_NODE = Mark(What.NODE)


class Gap(NamedTuple):
    """A time of which flows were missed: when it ended, and how long it was."""

    ended_ns: int
    seconds: float


class Attendance:
    """The nodes that are watched. Survives a restart: what the process before has noted stands in the memory."""

    def __init__(self, recall: Recall, startup_window: float) -> None:
        self._recall, self._window = recall, startup_window
        self._since: dict[str, int] = {}
        self._gaps: dict[str, Gap] = {}

    def saw(self, node_name: str, time_ns: int) -> None:
        """A flow of a node arrived; the first one shows for how long we were away."""
        if node_name in self._since:
            return
        row = self._recall.of(node_key(node_name)).rows.get(_NODE)
        since_ns = time_ns
        if row is not None:
            if time_ns - row.last_ns <= _SHORT_NS:
                since_ns = int(row.latest) if row.latest.isdecimal() else row.since_ns
            else:
                self._gaps[node_name] = Gap(time_ns, (time_ns - row.last_ns) / 1e9)
        self._since[node_name] = since_ns

    def watched(self, note: Watched) -> None:
        """Flows of these nodes arrive, up to this time."""
        for name in note.node_names:
            self.saw(name, note.time_ns)
            row = seen(note.time_ns, latest=str(self._since[name]))
            self._recall.refresh(Fact(node_key(name), _NODE, row))

    def missed(self, note: Missed) -> None:
        """Flows of a node were missed until now: it is watched anew."""
        self._since[note.node_name] = note.time_ns
        self._gaps[note.node_name] = Gap(note.time_ns, note.seconds)

    def is_long(self, node_name: str, time_ns: int) -> bool:
        """Whether the node was watched for longer than pods take to start up."""
        return time_ns - self._since.get(node_name, time_ns) > self._window * 1e9

    def doubts(self, node_name: str, time_ns: int) -> bool:
        """Whether something new may have been missed before: for as long behind a gap as it was, a day at most."""
        gap = self._gaps.get(node_name)
        if gap is None:
            return False
        span = min(max(gap.seconds, self._window), _LONGEST_DOUBT)
        return time_ns - gap.ended_ns <= span * 1e9
