"""Recorded files as a source: plain or gzip, `-` for standard input, at full speed or paced by the flows' own time."""

import gzip
import os
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Event, SourceStats, Undecodable
from exporter.hubble.lines import decode_line
from exporter.hubble.settings import SourcesSettings

STDIN = "-"
_GZIP_MAGIC = b"\x1f\x8b"


class UnreadableRecordingError(Exception):
    """A file that cannot be opened; the text says which and why."""


@dataclass
class FileReport:
    """What a file held: lines, lines that gave something, and broken lines by reason."""

    path: str
    lines: int = 0
    usable: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    first_fault: str = ""
    ended: bool = False
    """Whether it was read to its end."""


class Recording:
    """Flows of files, one after the other."""

    def __init__(
        self,
        paths: Sequence[str],
        decoder: Decoder,
        *,
        longest_line: int,
        speed: float | None = None,
        progress: Callable[[int], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths, self._decoder, self._longest_line = paths, decoder, longest_line
        self._speed, self._progress, self._clock = speed, progress, clock
        self._stopped = threading.Event()
        self.reports: list[FileReport] = []

    @property
    def description(self) -> str:
        """The names of the files."""
        return " ".join(self._paths)

    @property
    def hopeless(self) -> list[FileReport]:
        """The files that were read to their end and gave nothing at all."""
        return [report for report in self.reports if report.ended and not report.usable]

    def choose(self, sources: SourcesSettings) -> None:
        """Nothing to do: a file has what it has, and the pipeline leaves out what is not wanted."""

    def report_to(self, take: Callable[[Event], object]) -> None:
        """Whatever a recording tells stands in it."""

    def stats(self) -> SourceStats:
        """A recording has nothing to say about itself."""
        return SourceStats()

    def stop(self) -> None:
        """End the iteration at the next line."""
        self._stopped.set()

    def events(self) -> Iterator[Event]:
        """The events of all files; broken lines are `Undecodable`.

        Raises:
            UnreadableRecordingError: when a file cannot be opened.
        """
        yield Connected(self.description)
        pace = Pace(self._speed, self._clock, self._stopped)
        for path in self._paths:
            report = FileReport(path)
            self.reports.append(report)
            for event in self._file(path, report):
                if self._stopped.is_set():
                    return
                if isinstance(event, Flow):
                    pace.wait_for(event)
                yield event

    def _file(self, path: str, report: FileReport) -> Iterator[Event]:
        name = "standard input" if path == STDIN else path
        with ExitStack() as stack:
            raw = _open(path, stack)
            lines = _lines(raw, self._longest_line)
            while True:
                where = f"{name}:{report.lines + 1}"
                try:
                    line, size = next(lines)
                except StopIteration:
                    report.ended = True
                    return
                except (EOFError, OSError, zlib.error) as error:
                    report.ended = True
                    yield _noted(report, Undecodable("broken_file", where, str(error)))
                    return
                report.lines += 1
                self._progress(size)
                if line is None:
                    detail = f"longer than {self._longest_line} bytes"
                    yield _noted(report, Undecodable("line_too_long", where, detail))
                elif line.strip():
                    yield _noted(report, decode_line(line, where, self._decoder))


def check_readable(paths: Sequence[str]) -> None:
    """Fail before anything starts when one of the files cannot be opened.

    Raises:
        UnreadableRecordingError: naming the file.
    """
    for path in paths:
        if path == STDIN:
            try:
                os.fstat(0)
            except OSError as error:
                raise UnreadableRecordingError(f"standard input: {error.strerror}") from error
        # A pipe gives its bytes once: opening it here would lose them, or wait for its writer.
        elif not Path(path).is_fifo():
            with ExitStack() as stack:
                _open(path, stack)


class Pace:
    """Lets recorded flows pass at `speed` times the rate of their own times; without a speed, at once."""

    def __init__(self, speed: float | None, clock: Callable[[], float], stopped: threading.Event) -> None:
        self._speed, self._clock, self._stopped = speed, clock, stopped
        self._first: tuple[int, float] | None = None

    def wait_for(self, flow: Flow) -> None:
        """Return when it is the flow's turn, or when the source is stopped."""
        if self._speed is None or not flow.time_ns:
            return
        if self._first is None:
            self._first = flow.time_ns, self._clock()
        first_ns, began = self._first
        due = began + (flow.time_ns - first_ns) / 1e9 / self._speed
        self._stopped.wait(min(max(0.0, due - self._clock()), threading.TIMEOUT_MAX))


def _noted(report: FileReport, event: Event) -> Event:
    if isinstance(event, Undecodable):
        report.broken[event.reason] += 1
        report.first_fault = report.first_fault or f"{event.where}: {event.reason}: {event.detail}"
    else:
        report.usable += 1
    return event


def _open(path: str, stack: ExitStack) -> BinaryIO:
    try:
        # Not sys.stdin: a thread that waits in its reader would hold a lock that the interpreter wants when it ends.
        buffered = stack.enter_context(open(0 if path == STDIN else path, "rb", closefd=path != STDIN))  # noqa: SIM115, the stack closes it
        # By content, not by name: standard input has no name, and `.gz` may be missing or wrong.
        start = buffered.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)]
    except OSError as error:
        raise UnreadableRecordingError(f"{path}: {error.strerror or error}") from error
    if start == _GZIP_MAGIC:
        return cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=buffered)))
    return cast("BinaryIO", buffered)


def _lines(raw: BinaryIO, longest: int) -> Iterator[tuple[bytes | None, int]]:
    """Lines without a limit of 64 KiB, with their sizes; None stands for one that is longer than `longest` bytes."""
    while line := raw.readline(longest + 1):
        size = len(line)
        if size <= longest or line.endswith(b"\n"):
            yield line, size
            continue
        while line and not line.endswith(b"\n"):
            line = raw.readline(longest + 1)
            size += len(line)
        yield None, size
