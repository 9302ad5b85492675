"""A file of findings, one line of JSON each, renamed before it grows beyond its size."""

import contextlib
import os
import stat
from pathlib import Path

from exporter.findings.settings import FileSettings
from exporter.log import RateLimit, logger

# Read and write, for a pipe that nobody reads would hold up a writer.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o600


class FindingsFile:
    """Used by one thread. A line that cannot be written is lost; the next one tries everything anew."""

    def __init__(self, settings: FileSettings, limit: RateLimit | None = None) -> None:
        self._path, self._size, self._keep = Path(settings.path), settings.size, settings.keep
        self._limit = limit or RateLimit()
        self._descriptor: int | None = None

    def write(self, line: str) -> bool:
        """Append the line and its end; whether it is in the file now. Never raises."""
        try:
            self._append(line.encode() + b"\n")
        except (OSError, ValueError) as error:
            # What was written of it stays as a line of its own: the next line begins with an end.
            self.close()
            reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else "this is no file name"
            held = self._limit.admit("findings_file", reason)
            if held is not None:
                fields = {"file": str(self._path), "error": reason, "hint": "the next finding tries again"}
                logger().warning("findings_file_failed", **fields, similar_before=held)
            return False
        return True

    def close(self) -> None:
        """Give the file back; a line after that opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            # On network file systems closing may say what went wrong before.
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _append(self, line: bytes) -> None:
        file = self._current()
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            # Of a crash, or of a full disk.
            line = b"\n" + line
        if size and size + len(line) > self._size:
            self._rotate()
            file, line = self._current(), line.lstrip(b"\n")
        while line:
            line = line[os.write(file, line) :]

    def _current(self) -> int:
        """The file that has the name now: somebody may have renamed or removed the one that is open."""
        if self._descriptor is not None and not self._is_named(self._descriptor):
            self.close()
        if self._descriptor is None:
            self._descriptor = os.open(self._path, _FLAGS, _MODE)
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise OSError(0, "it is no regular file")
        return self._descriptor

    def _is_named(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        """Make room for a new file: `.2` becomes `.3`, `.1` becomes `.2`, the file `.1`."""
        if self._keep == 0:
            self._path.unlink()
        for number in range(self._keep, 0, -1):
            older = self._numbered(number)
            try:
                self._numbered(number - 1).replace(older)
            except FileNotFoundError:
                # Not so many yet, or the last rotation stopped here.
                continue

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path
