"""What an answer of a Valkey server, or none, means for the store, and what to do about it."""

import re

from redis import exceptions as redis_errors

from exporter.known.interface import Fault

_BY_TEXT = (
    (Fault.BUSY, re.compile(r"max number of clients|^BUSY\b|^NOREPLICAS|-BUSY\b")),
    (Fault.REFUSED, re.compile(r"-NOPERM\b|^DENIED\b|certificate verify failed")),
    (Fault.REFUSED, re.compile(r"user executing the script can't run|ACL failure in script")),
    (Fault.FULL, re.compile(r"-OOM\b")),
    (Fault.READ_ONLY, re.compile(r"-READONLY\b|^MISCONF\b|-MISCONF\b")),
    (Fault.CORRUPT, re.compile(r"\bWRONGTYPE\b")),
)
"""Errors without a class of their own; those behind a dash come out of scripts before Redis 7."""

_BY_CLASS: tuple[tuple[Fault, tuple[type[Exception], ...]], ...] = (
    (Fault.BUSY, (redis_errors.BusyLoadingError, redis_errors.MasterDownError, redis_errors.ClusterDownError)),
    (Fault.BUSY, (redis_errors.TryAgainError,)),
    (Fault.REFUSED, (redis_errors.AuthenticationError, redis_errors.AuthorizationError)),
    (Fault.REFUSED, (redis_errors.AuthenticationWrongNumberOfArgsError, redis_errors.NoPermissionError)),
    (Fault.FULL, (redis_errors.OutOfMemoryError,)),
    (Fault.READ_ONLY, (redis_errors.ReadOnlyError,)),
    (Fault.UNREACHABLE, (redis_errors.ConnectionError, redis_errors.TimeoutError, OSError, UnicodeError)),
)
"""In this order, for some of them are ConnectionErrors to the client."""

_ADVICE = {
    Fault.UNREACHABLE: "check that it runs, known.valkey.address and tls, and network policies",
    Fault.REFUSED: "check user, its permissions, password or password-file, and ca-file, in known.valkey",
    Fault.FULL: "raise maxmemory of the server, or forget workloads that are no longer of interest",
    Fault.READ_ONLY: "it takes no writes: known.valkey.address must name the primary, and its disk must not be full",
    Fault.CORRUPT: "another program uses keys of the same name: choose another known.valkey.prefix or database",
    Fault.NEWER_SCHEMA: "run the version of the exporter that wrote it, or choose another known.valkey.prefix",
    Fault.BUSY: "it is asked again by itself",
    Fault.OTHER: "Valkey, or Redis 6 or newer, is needed, outside of cluster mode, with the database of known.valkey",
}
_LONGEST = 200
_NOISE = re.compile(r", with args| script: [0-9a-f.]{8}")
"""Where arguments, and places in scripts, begin."""


def fault_of(error: Exception) -> Fault:
    """Why the store does not work."""
    text = str(error)
    for fault, pattern in _BY_TEXT:
        if pattern.search(text):
            return fault
    return next((fault for fault, classes in _BY_CLASS if isinstance(error, classes)), Fault.OTHER)


def detail_of(address: str, fault: Fault, said: str, secret: str) -> str:
    """What happened, where, and what to do, without the secret.

    A server that does not know a command repeats its arguments, and the password is one.
    """
    said = _NOISE.split(said)[0]
    if secret:
        said = said.replace(secret, "...")
    return f"Valkey server {address}: {' '.join(said.split()).rstrip('.')[:_LONGEST]}; {_ADVICE[fault]}"
