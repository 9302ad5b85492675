"""A file that is read and replaced as a whole: whoever reads it meanwhile sees the one or the other."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_MODE = 0o644


def replace(file: str, before: bytes | None, content: bytes) -> None:
    """Write the file as a whole, unless somebody else has written it meanwhile.

    Raises:
        OSError: when it cannot be written.
    """
    path = Path(file).resolve()
    # The dot hides it from those who read the folder.
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
            _dress(written.fileno(), path)
        _check_unchanged(file, before)
        os.replace(part, path)  # noqa: PTH105, `part` is a text
    except BaseException:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108, the same
        raise


def contents(file: str) -> bytes | None:
    """What stands in the file; None when there is none.

    Raises:
        OSError: when it cannot be read, or is no file.
    """
    path = Path(file)
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no file")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _check_unchanged(file: str, before: bytes | None) -> None:
    if contents(file) != before:
        raise OSError(0, "somebody else has written it meanwhile; try again")


def _dress(descriptor: int, path: Path) -> None:
    """Mode and owner of the file that is replaced; of a new one what the process gives any file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(descriptor, _MODE & ~mask)
        return
    os.fchmod(descriptor, status.st_mode & 0o7777)
    with suppress(OSError):
        os.fchown(descriptor, status.st_uid, status.st_gid)
