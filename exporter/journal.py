"""What happens on the stream, told in the log: one line per change, repeats held back."""

from exporter.flow import Flow, Policy
from exporter.hubble.interface import Connected, Disconnected, Event, LostEvents, NodeStatus, Undecodable
from exporter.log import RateLimit, logger

_HINTS = {
    "connection_refused": "nothing listens there: check hubble.address, and that Hubble Relay runs",
    "name_resolution": "the name does not resolve: gRPC follows no search suffixes, write the whole DNS name",
    "socket_missing": "no such socket: is the agent's socket folder mounted?",
    "permission_denied": "the socket may not be opened by this user",
    "timeout": "no answer in hubble.connect-timeout: is a network policy in between?",
    "no_observer": "the server answers gRPC, but is no Hubble Observer",
    "tls": "the server wants TLS",
}


class Journal:
    """Writes the log lines of the stream; called by the stream thread only, never under a lock."""

    def __init__(self, limit: RateLimit | None = None, rarely: RateLimit | None = None) -> None:
        self._log = logger()
        self._limit = limit or RateLimit()
        self._rarely = rarely or RateLimit(interval=3600.0)
        self._told_reason = ""
        self._connected_since = False

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
                held = self._limit.admit(f"lost/{event.source}")
                if held is not None:
                    self._log.warning("events_lost", **event._asdict(), similar_before=held)
            case NodeStatus():
                held = self._limit.admit(f"node/{event.state}/{event.message}")
                if held is not None:
                    self._log.info("node_status_changed", **event._asdict(), similar_before=held)
            case Undecodable():
                held = self._limit.admit(f"undecodable/{event.reason}/{event.where.rpartition(':')[0]}")
                if held is not None:
                    self._log.warning("event_skipped", **event._asdict(), similar_before=held)
            case _:
                pass

    def _policies(self, flow: Flow) -> None:
        """Name all policies of a verdict that has several: the metric says only that there are several."""
        policies = flow.egress_allowed_by if len(flow.egress_allowed_by) > 1 else flow.egress_denied_by
        if len(policies) > 1:
            names = [_written(policy) for policy in policies]
            source = f"{flow.source.namespace}/{flow.source.pod_name}"
            if self._rarely.admit(f"{flow.source.identity}/{names}") is not None:
                self._log.info("policies_matched", source=source, policies=names)

    def _connected(self, event: Connected) -> None:
        # A server that accepts and hangs up would fill the log with pairs of lines.
        self._connected_since = True
        if self._limit.admit("connected") is not None:
            self._log.info("stream_connected", address=event.address, server_version=event.server_version)

    def _disconnected(self, event: Disconnected) -> None:
        # One line per changed reason; the same one again only after a connection, and not all the time.
        again = self._connected_since and self._limit.admit(f"disconnected/{event.reason}") is not None
        if event.reason == self._told_reason and not again:
            return
        self._told_reason, self._connected_since = event.reason, False
        hint = _HINTS.get(event.reason, "trying again")
        self._log.warning("stream_disconnected", **event._asdict(), hint=hint)


def _written(policy: Policy) -> str:
    return "/".join(part for part in (policy.kind, policy.namespace, policy.name) if part)
