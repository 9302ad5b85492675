"""Why a connection failed or a stream ended: one short word each, and whether trying again soon is of any use."""

from collections.abc import Iterable

import grpc

from exporter.hubble.interface import Disconnected
from exporter.hubble.probe import refuses_our_certificate, speaks_tls
from exporter.hubble.settings import HubbleSettings
from exporter.hubble.tls import TlsFiles

PERMANENT = frozenset(
    (
        *("tls", "tls_unknown_authority", "tls_expired", "tls_wrong_name", "tls_not_spoken", "tls_required"),
        *("tls_certificate_refused", "tls_file", "no_observer", "not_allowed", "invalid_request", "bad_address"),
    )
)
"""Nothing heals these but a person or a rotated certificate: they are tried again at the longest delay."""

# What gRPC's texts say about a connection that was not made or was lost, and the word we use for it.
_TEXTS = (
    ("refused", "connection_refused"),
    ("certificate has expired", "tls_expired"),
    ("certificate_expired", "tls_expired"),
    ("hostname verification", "tls_wrong_name"),
    ("hostname mismatch", "tls_wrong_name"),
    ("wrong_version_number", "tls_not_spoken"),
    ("certificate_verify_failed", "tls_unknown_authority"),
    ("resol", "name_resolution"),
    ("no such file", "socket_missing"),
    ("permission denied", "permission_denied"),
    ("too_many_pings", "too_many_pings"),
    ("ping timeout", "half_open"),
    ("tls", "tls"),
    ("ssl", "tls"),
    ("socket closed", "connection_lost"),
    ("reset", "connection_lost"),
    ("goaway", "connection_lost"),
    ("end of tcp stream", "connection_lost"),
)
_CODES = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "timeout",
    grpc.StatusCode.UNIMPLEMENTED: "no_observer",
    grpc.StatusCode.UNAUTHENTICATED: "not_allowed",
    grpc.StatusCode.PERMISSION_DENIED: "not_allowed",
    grpc.StatusCode.INVALID_ARGUMENT: "invalid_request",
}
_PROBE_SECONDS = 3.0
_MASK_TEXTS = ("fieldmask", "field mask", "field_mask", "invalid path")


def fault_of(error: grpc.RpcError) -> Disconnected:
    """What a failed call means."""
    code, detail = error.code(), error.details() or ""
    return Disconnected(code.name, _reason(code, detail.lower()), detail)


def clearer(fault: Disconnected, settings: HubbleSettings, files: TlsFiles | None) -> Disconnected:
    """The same fault, or what is behind it: a server that hangs up on the first bytes wants TLS, or a certificate."""
    if fault.reason not in ("connection_lost", "unavailable") or settings.address.startswith("unix:"):
        return fault
    timeout = min(settings.connect_timeout, _PROBE_SECONDS)
    if files is None:
        if speaks_tls(settings.address, timeout):
            return fault._replace(reason="tls_required", detail=f"{settings.address} speaks TLS: {fault.detail}")
        return fault
    if refusal := refuses_our_certificate(settings.address, files, timeout):
        what = "no certificate of ours was given" if files.certificate is None else "it refuses our certificate"
        detail = f"{settings.address} says {refusal}: {what}"
        return fault._replace(reason="tls_certificate_refused", detail=detail)
    return fault


def is_permanent(fault: Disconnected) -> bool:
    """Whether the same attempt would fail again."""
    return fault.reason in PERMANENT


def speaks_of_mask(detail: str) -> bool:
    """Whether a server refuses paths of a field mask that a newer one knows (Go's fieldmaskpb, or Hubble around it)."""
    return _first((text, "mask") for text in _MASK_TEXTS if text in detail.lower()) != ""


def _reason(code: grpc.StatusCode, detail: str) -> str:
    if code in _CODES:
        return _CODES[code]
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message" in detail:
        return "message_too_large"
    if code is grpc.StatusCode.UNAVAILABLE:
        return _first((text, reason) for text, reason in _TEXTS if text in detail) or "unavailable"
    return code.name.lower()


def _first(found: Iterable[tuple[str, str]]) -> str:
    return next((word for _, word in found), "")
