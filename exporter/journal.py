"""What happens on the stream, told in the log: one line per change, repeats held back."""

from collections.abc import Iterable
from datetime import UTC, datetime

from exporter.coverage import Gap
from exporter.destinations.interface import WorkloadName
from exporter.detectors.interface import Cause
from exporter.flow import Flow, Policy
from exporter.hubble.interface import ASKED_ANEW, Connected, Disconnected, Event, LostEvents, NodeStatus, Undecodable
from exporter.log import RateLimit, logger
from exporter.metrics.store import Hit

_HINTS = {
    "connection_refused": "nothing listens there: check hubble.address, and that Hubble Relay runs",
    "name_resolution": "the name does not resolve: gRPC follows no search suffixes, write the whole DNS name",
    "socket_missing": "no such socket: is the agent's socket folder mounted?",
    "permission_denied": "this user may not open the socket, which is often root's: run as its owner or in its group, "
    "or read the agent's port 4244 with TLS",
    "timeout": "no answer in hubble.connect-timeout: is a network policy in between?",
    "no_observer": "the server answers gRPC, but is no Hubble Observer",
    "tls": "the TLS handshake failed: the detail says how",
    "tls_file": "correct the file; it is read again at the next attempt",
    "tls_required": "the server wants TLS: set hubble.tls.enabled and ca-file; for mTLS cert-file and key-file too",
    "tls_not_spoken": "the server speaks plaintext: unset hubble.tls.enabled, or use its TLS port",
    "tls_unknown_authority": "hubble.tls.ca-file did not sign the server's certificate: take the ca.crt of Hubble",
    "tls_expired": "the server's certificate has expired: renew it (cilium-ca, certgen or cert-manager)",
    "tls_wrong_name": "the server's certificate has another name: set hubble.tls.server-name, for Relay "
    "ui.hubble-relay.cilium.io, for an agent <node>.<cluster>.hubble-grpc.cilium.io",
    "tls_certificate_refused": "give the server a certificate that it accepts: hubble.tls.cert-file and key-file",
    "mask_refused": "an older node does not know a field that was asked for",
    "node_silent": "another stream is tried; look at Relay's connection to these nodes",
    "half_open": "the connection was dead; a new one is made",
    "too_many_pings": "something between us and Hubble pings too often",
    "message_too_large": "a message is larger than the channel takes",
    "invalid_request": "the server refuses the request: the detail says why",
    "not_allowed": "the server does not let us in",
}

_CHANGES = 2
"""Lines per minute for a connection that comes and goes: the first ones tell, the rest are a number."""


class Journal:
    """Writes the log lines of the stream; called by the stream thread only, never under a lock.

    Every line passes a limit: what a fault repeats, and what it invents, must not fill a disk.
    """

    def __init__(self, limit: RateLimit | None = None, rarely: RateLimit | None = None) -> None:
        self._log = logger()
        self._limit = limit or RateLimit()
        self._rarely = rarely or RateLimit(interval=3600.0, most_lines=500)
        self._told_reason = ""
        self._told_traces = False

    def note(self, event: Event) -> None:
        """Tell what is worth a line."""
        match event:
            case Flow():
                self._policies(event)
            case Connected():
                self._connected(event)
            case Disconnected():
                self._disconnected(event)
            case LostEvents():
                held = self._limit.admit("lost", event.source)
                if held is not None:
                    self._log.warning("events_lost", **event._asdict(), **_similar(held))
            case NodeStatus():
                held = self._limit.admit("node", f"{event.state}/{event.message}")
                if held is not None:
                    self._log.info("node_status_changed", **event._asdict(), **_similar(held))
            case Undecodable():
                held = self._limit.admit("undecodable", f"{event.reason}/{event.where.rpartition(':')[0]}")
                if held is not None:
                    self._log.warning("event_skipped", **event._asdict(), **_similar(held))
            case _:
                pass

    def budgets(self, hits: Iterable[Hit]) -> None:
        """Tell once of each budget that it is used up; from then on a metric counts what is folded."""
        for hit in hits:
            workload = f"{hit.namespace}/{hit.workload}".lstrip("/")
            self._log.warning("budget_reached", setting=hit.setting, workload=workload, family=hit.family)

    def gaps(self, gaps: Iterable[Gap]) -> None:
        """Tell of each time of which a node's ring had forgotten a part when we came back."""
        for gap in gaps:
            held = self._limit.admit("gap", gap.node_name)
            if held is not None:
                fields = {"node_name": gap.node_name, "seconds": round(gap.seconds, 1), "missed_events": gap.missed}
                self._log.warning("stream_gap", **fields, **_similar(held))

    def stand_ins(self, node_names: Iterable[str]) -> None:
        """Tell of each node whose drops are taken from its verdicts from now on."""
        for node_name in node_names:
            held = self._limit.admit("stand_in", node_name)
            if held is not None:
                hint = "its agent sends no drop events: look at bpf-events-drop-enabled and hubble-monitor-events"
                self._log.warning("drops_from_verdicts", node_name=node_name, hint=hint, **_similar(held))

    def breakages(self, started: Iterable[tuple[WorkloadName, Cause]]) -> None:
        """Tell of each cause of broken name resolution that has begun."""
        for workload, cause in started:
            held = self._limit.admit("breakage", cause.value, most=_CHANGES)
            if held is not None:
                names = {"namespace": workload.namespace, "workload": workload.name, "cause": cause.value}
                self._log.warning("dns_breakage", **names, hint="see triage", **_similar(held))

    def traces(self, *, lacking: bool) -> None:
        """Tell once when the agents see flows and send no trace events, and once when they do again."""
        if lacking != self._told_traces:
            self._told_traces = lacking
            if lacking:
                hint = "forwarded connections are not seen: look at bpf-events-trace-enabled and hubble-monitor-events"
                self._log.warning("no_trace_events", hint=hint)
            else:
                self._log.info("trace_events_arrive")

    def _policies(self, flow: Flow) -> None:
        """Name all policies of a verdict that has several: the metric says only that there are several."""
        policies = flow.egress_allowed_by if len(flow.egress_allowed_by) > 1 else flow.egress_denied_by
        if len(policies) > 1:
            names = [_written(policy) for policy in policies]
            source = f"{flow.source.namespace}/{flow.source.pod_name}"
            if self._rarely.admit("policies", f"{flow.source.identity}/{names}") is not None:
                self._log.info("policies_matched", source=source, policies=names)

    def _connected(self, event: Connected) -> None:
        self._told_reason = ""
        # A server that accepts and hangs up would fill the log with pairs of lines.
        held = self._limit.admit("connected", most=_CHANGES)
        if held is not None:
            self._log.info("stream_connected", **_asked(event), **_similar(held))

    def _disconnected(self, event: Disconnected) -> None:
        if event.reason == ASKED_ANEW:
            self._log.info("stream_asked_anew", detail=event.detail)
            return
        if event.reason == self._told_reason:
            return
        held = self._limit.admit("disconnected", event.reason, most=_CHANGES)
        if held is not None:
            self._told_reason = event.reason
            fields = {**event._asdict(), "hint": hint_of(event.reason), **_similar(held)}
            self._log.warning("stream_disconnected", **fields)


def _asked(event: Connected) -> dict[str, str]:
    """What was connected to and what was asked for; what is not known is left out."""
    fields = {
        "address": event.address,
        "server_version": event.server_version,
        "oldest_release": event.release,
        "field_mask": event.mask,
        "since": datetime.fromtimestamp(event.since_ns / 1e9, UTC).isoformat() if event.since_ns else "",
    }
    return {name: value for name, value in fields.items() if value or name in ("address", "server_version")}


def hint_of(reason: str) -> str:
    """What to look at when a connection failed or ended for this reason."""
    return _HINTS.get(reason, "trying again")


def _similar(held: int) -> dict[str, int]:
    return {"similar_before": held} if held else {}


def _written(policy: Policy) -> str:
    return "/".join(part for part in (policy.kind, policy.namespace, policy.name) if part)
