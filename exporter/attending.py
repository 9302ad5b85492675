"""Tells the memory which nodes are watched and what was missed of them, and counts what it has found."""

from exporter.coverage import Gap
from exporter.judging import Judging
from exporter.known.sighting import Missed, Watched
from exporter.metrics.recorder import Recorder
from exporter.seeing import Seeing
from exporter.stream import StreamState

_DAY_NS = 86_400 * 1_000_000_000
_BEAT_NS = 60 * 1_000_000_000
"""How often the memory is told which nodes are watched."""


class Attending:
    """Not thread-safe: the pipeline owns it. Without a memory it keeps gaps for the log only."""

    def __init__(self, stream: StreamState, seeing: Seeing, recorder: Recorder, judging: Judging | None) -> None:
        self._stream, self._seeing, self._recorder, self._judging = stream, seeing, recorder, judging
        self._beat_ns, self._gaps = 0, list[Gap]()

    def tick(self, flow_now: int) -> None:
        """Let time pass."""
        gaps = self._stream.coverage.take_gaps()
        self._gaps += gaps
        self.take_news()
        if self._judging is None or not self._stream.live:
            return
        self._seeing.oldest_ns = self._stream.last_flow_ns - _DAY_NS
        for gap in gaps:
            self._judging.inbox.offer(Missed(gap.node_name, gap.seconds, flow_now))
        if self._stream.connected and not self._stream.is_behind and flow_now - self._beat_ns >= _BEAT_NS:
            watched = tuple(name for name, state in self._stream.nodes.items() if state == "connected")
            if watched and self._judging.inbox.offer(Watched(watched, flow_now)):
                self._beat_ns = flow_now

    def take_news(self) -> None:
        """Count what the memory has found since the last time."""
        if self._judging:
            for values, number in self._judging.announcing.take_news().items():
                self._recorder.new_destination(values, number)
            for values, number in self._judging.announcing.take_nameless().items():
                self._recorder.nameless_news(values, number)

    def take_gaps(self) -> list[Gap]:
        """Gaps found since the last call, for the log."""
        gaps, self._gaps = self._gaps, []
        return gaps
