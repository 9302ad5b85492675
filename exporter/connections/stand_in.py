"""Verdicts that stand in for drop events, on nodes that send none.

A policy drop is two events, and only the drop event (type 1) is counted. An agent can leave it out
(`bpf-events-drop-enabled`, `hubble-monitor-events`): then nothing would be counted at all.
"""

from typing import NamedTuple

_SPAN_NS = 600 * 1_000_000_000


class _Denials(NamedTuple):
    first_ns: int
    last_ns: int


class StandIn:
    """Which nodes send denied verdicts and no drop, at most `most` of them. Not thread-safe: the pipeline owns it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._denials: dict[str, _Denials] = {}
        self.nodes: set[str] = set()
        """Nodes whose verdicts stand in now."""
        self._new: list[str] = []

    def dropped(self, node_name: str) -> bool:
        """A drop event of this node; whether its packet was counted already, at a verdict that stood in."""
        if node_name not in self._denials:
            return False
        del self._denials[node_name]
        stood_in = node_name in self.nodes
        self.nodes.discard(node_name)
        return stood_in

    def denied(self, node_name: str, time_ns: int) -> bool:
        """Whether this denied verdict is to be counted as the drop: they keep coming for ten minutes without one."""
        before = self._denials.get(node_name)
        if before is None and len(self._denials) >= self._most:
            return False
        if before is None or time_ns - before.last_ns > _SPAN_NS:
            before = _Denials(time_ns, time_ns)
            self.nodes.discard(node_name)
        self._denials[node_name] = _Denials(before.first_ns, max(before.last_ns, time_ns))
        if time_ns - before.first_ns < _SPAN_NS:
            return False
        if node_name not in self.nodes:
            self.nodes.add(node_name)
            self._new.append(node_name)
        return True

    def take_new(self) -> list[str]:
        """Nodes whose verdicts began to stand in since the last call."""
        new, self._new = self._new, []
        return new
