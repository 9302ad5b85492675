"""`preflight`: try the real connection for some seconds, and say in one list what works and what to change."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.flow import Dns, Flow
from exporter.hubble.interface import (
    ASKED_ANEW,
    MASK_REFUSED,
    Connected,
    Disconnected,
    Event,
    FlowSource,
    LostEvents,
    Nodes,
    Undecodable,
)
from exporter.hubble.settings import HubbleSettings
from exporter.journal import hint_of
from exporter.stream import StreamState

_AT_ONCE = (ASKED_ANEW, MASK_REFUSED)
_SOON = 30 * 86_400


class Finding(NamedTuple):
    """One line: `sign` is `ok`, `--` for what is worth knowing, or `!!` for what keeps it from working."""

    sign: str
    what: str
    said: str


class Preflight:
    """What came of some seconds of the real stream."""

    def __init__(self, settings: HubbleSettings, source: FlowSource, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._settings, self._source, self._wall_ns = settings, source, wall_ns
        self._stream = StreamState(live=True, most_nodes=settings.nodes)
        self._lock = threading.Lock()
        self._connected: Connected | None = None
        self._fault: Disconnected | None = None
        self._nodes: Nodes = Nodes(())
        self._flows = self._dns = 0

    def run(self, seconds: float) -> bool:
        """Read for so long or until the first fault; whether a stream was there at the end."""
        self._source.report_to(self._take)
        timer = threading.Timer(seconds, self._source.stop)
        timer.daemon = True
        timer.start()
        try:
            for event in self._source.events():
                self._take(event)
                if self._fault:
                    self._source.stop()
        finally:
            timer.cancel()
        return self._connected is not None and self._fault is None

    def findings(self, seconds: float) -> Iterator[Finding]:
        """The list, in the order in which one thing needs the other."""
        yield from self._reachable()
        yield from self._encrypted()
        if self._connected is None:
            return
        yield from self._servers(self._connected)
        yield from self._arriving(seconds)
        yield from self._missing()

    def _take(self, event: Event) -> None:
        with self._lock:
            match event:
                case Flow():
                    self._stream.arrived(event, self._wall_ns())
                    self._flows += 1
                    self._dns += bool(event.l7 and isinstance(event.l7.record, Dns))
                case Connected():
                    self._connected = event
                    self._stream.has_connected(event, self._wall_ns())
                case Disconnected():
                    self._stream.has_disconnected(event, self._wall_ns())
                    if event.reason not in _AT_ONCE:
                        self._fault = event
                case Nodes():
                    self._nodes = event
                    self._stream.looked(event, self._wall_ns())
                case LostEvents():
                    self._stream.lost_events(event)
                case Undecodable():
                    self._stream.decode_errors[event.reason] += 1
                case _:
                    pass

    def _reachable(self) -> Iterator[Finding]:
        address = self._settings.address
        if self._fault:
            fault = self._fault
            yield Finding("!!", "reachable", f"{address}: {fault.reason}: {fault.detail}")
            yield Finding("!!", "to do", hint_of(fault.reason))
        elif self._connected is None:
            yield Finding("!!", "reachable", f"{address}: no answer in this time")
        else:
            yield Finding("ok", "reachable", address)

    def _encrypted(self) -> Iterator[Finding]:
        if not self._settings.tls.enabled:
            yield Finding("--", "TLS", "plaintext")
            return
        ends = self._source.stats().certificate_ends
        if self._fault and self._fault.reason == "tls_file":
            # What could not be read is told above, and nothing came in its place.
            return
        said = ", ".join(f"{name} until {_day(end)}" for name, end in ends.items()) or "the system's authorities"
        soon = any(end - self._wall_ns() / 1e9 < _SOON for end in ends.values())
        yield Finding("--" if soon else "ok", "TLS", f"{said}{'; renew it soon' if soon else ''}")

    def _servers(self, connected: Connected) -> Iterator[Finding]:
        yield Finding("ok", "server", connected.server_version or "does not say its version")
        versions = Counter(node.version or "unknown version" for node in self._nodes.nodes)
        said = ", ".join(f"{number} of {version}" for version, number in versions.most_common(5))
        yield Finding("ok" if versions else "--", "nodes", said or "the server does not tell its nodes")
        mask = {
            "release": f"what {connected.release} knows" if connected.release else "all that we read",
            "oldest": "what 1.14 knows, for more was refused: policies and trace reasons are missing",
            "none": "whole flows, for every field mask was refused",
        }
        yield Finding("ok" if connected.mask == "release" else "--", "fields", mask.get(connected.mask, connected.mask))
        yield Finding("ok", "filters", "drops; egress verdicts and records; traces of egress and unknown direction")

    def _arriving(self, seconds: float) -> Iterator[Finding]:
        yield Finding("ok" if self._flows else "!!", "flows", f"{self._flows / seconds:,.1f} per second")
        types = self._stream.event_types
        said = ", ".join(f"{number:,} {name}" for name, number in types.most_common())
        yield Finding("ok" if types["trace"] else "--", "event types", said or "none")
        if self._flows and not types["trace"]:
            yield Finding("--", "to do", "no trace events: is bpf-events-trace-enabled off, or monitor-aggregation up?")
        if self._flows and not types["policy_verdict"]:
            yield Finding("--", "policies", "no verdicts on egress: no pod with an egress policy sent anything")
        if self._dns:
            yield Finding("ok", "names", f"{self._dns:,} DNS records: names of destinations are visible")
        else:
            yield Finding(
                "--", "names", "no DNS record: add an egress rule with rules.dns, or destinations have no names"
            )

    def _missing(self) -> Iterator[Finding]:
        share = self._stream.coverage.of_cluster
        if math.isnan(share):
            yield Finding("--", "coverage", "not measured in this time")
        else:
            yield Finding("ok" if share == 1 else "--", "coverage", f"{share:.1%}")
        for source, number in self._stream.lost.items():
            yield Finding("--", "lost events", f"{number:,} {source}")
        for reason, number in self._stream.decode_errors.items():
            yield Finding("--", "not readable", f"{number:,} {reason}")


def _day(end: float) -> str:
    return datetime.fromtimestamp(end, UTC).date().isoformat()
