"""Why the file of the SQLite store does not work, and what to do about it."""

import errno
import shutil
import sqlite3
from pathlib import Path

from exporter.known.interface import Fault, StoreError

Cause = sqlite3.Error | OSError | UnicodeDecodeError
"""What SQLite, the operating system and the text of a damaged row raise."""

_FAULTS = {
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_PROTOCOL: Fault.BUSY,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Fault.CORRUPT,
    sqlite3.SQLITE_NOTADB: Fault.CORRUPT,
}
_ERRNOS = {
    errno.EACCES: Fault.READ_ONLY,
    errno.EPERM: Fault.READ_ONLY,
    errno.EROFS: Fault.READ_ONLY,
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
}
_ADVICE = {
    Fault.BUSY: "another program holds it locked; only one exporter may use a file",
    Fault.FULL: "make room on its volume; it is tried again",
    Fault.READ_ONLY: "let the exporter write to the file and its folder, or name another known.file; two more join it",
    Fault.CORRUPT: "it was set aside and an empty one is begun; check the disk",
    Fault.OTHER: "check that the path and its volume can be used, or name another known.file; it is tried again",
}
_ROOM = 64 * 1024
"""SQLite maps 32 KiB at once for what its connections share: with less it does not even open."""


class DamagedRowError(sqlite3.DatabaseError):
    """A row holds what was never written; SQLite itself does not look into rows."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def fault_of(cause: Cause, file: Path) -> Fault:
    """Which fault stands behind an exception; anything but the file's own damage may pass by itself."""
    if isinstance(cause, UnicodeDecodeError):
        return Fault.CORRUPT
    if isinstance(cause, OSError):
        return _ERRNOS.get(cause.errno or 0, Fault.OTHER)
    # The low byte is the error; the rest says which kind of it.
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return Fault.FULL if _is_full(file.parent) else Fault.OTHER
    return _FAULTS.get(code, Fault.OTHER)


def error_of(fault: Fault, cause: Cause, file: Path) -> StoreError:
    """A fault in words: what happened, to which file, and what to do."""
    return StoreError(fault, f"{file}: {cause}; {_ADVICE[fault]}")


def _is_full(folder: Path) -> bool:
    """SQLite often says no more than that it could not open, read or write."""
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False
