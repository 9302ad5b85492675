"""The programs that tests start: our own command as a process, and real tools that must be there in CI."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEADLINE = 60.0
"""Seconds after which something that must happen counts as never happening; no test waits for it to pass."""


def required(program: str) -> str:
    """The path of a real program; without it the test is skipped, but in CI it fails."""
    # Servers stand where the search path of people who are not root does not lead.
    path = shutil.which(program) or shutil.which(program, path="/usr/local/sbin:/usr/sbin")
    if path is None:
        missing = f"{program} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}, and CI=true asks for every test", pytrace=False)
        pytest.skip(missing)
    return path


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process: this checkout before any installed one, no settings of the person who tests."""
    # Unbuffered output would hide what happens to the last words of a process whose reader has left.
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HUBBLE_EGRESS_") and name != "PYTHONUNBUFFERED"
    }
    # What a test does not ask for is not written to the disk of whoever tests.
    ours["HUBBLE_EGRESS_KNOWN__STORE"] = "memory"
    return {**ours, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "", **(added or {})}


def run(
    *arguments: str,
    stdin: bytes | None = b"",
    settings: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    before: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run our command to its end; `settings` are environment variables, `before` is what starts it."""
    ended = subprocess.run(
        [*before, sys.executable, "-m", "exporter", *arguments],
        input=stdin,
        capture_output=True,
        env=environment(settings),
        cwd=cwd,
        timeout=DEADLINE,
        check=False,
    )
    return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def eventually(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Return when `condition` holds; fail when it does not within the deadline."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"never happened: {what}")
        threading.Event().wait(0.01)


def get(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and text of an HTTP answer."""
    request = Request(url, headers=headers, method=method)  # noqa: S310, the URL is our own server's
    try:
        with urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310, the same
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def value_of(exposition: str, sample: str) -> float:
    """The value of one sample, given as name with labels; 0 when it is not there."""
    lines = (line.rpartition(" ") for line in exposition.splitlines() if line.startswith(f"{sample} "))
    return next((float(value) for _, _, value in lines), 0.0)


class Process:
    """Our command, running in the background; its log is JSON, and its port is read from there."""

    def __init__(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        stdin: int | None = None,
        own_port: bool = True,
        before: tuple[str, ...] = (),
    ) -> None:
        """Start it; `before` is what starts it in other circumstances, as `setpriv` does."""
        port = {"HUBBLE_EGRESS_WEB__LISTEN_ADDRESS": "127.0.0.1:0"} if own_port else {}
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "exporter", *arguments],
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment({**port, **(settings or {})}),
            text=True,
        )
        assert self._process.stdout
        assert self._process.stderr
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._readers = [
            threading.Thread(target=lambda: self.stdout.extend(self._process.stdout or ())),
            threading.Thread(target=self._read_log),
        ]
        for reader in self._readers:
            reader.start()

    def _read_log(self) -> None:
        # Line by line, so that a test sees a line as soon as it is written.
        for line in self._process.stderr or ():
            self.stderr.append(line)

    def __enter__(self) -> Self:
        """Use the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process whatever became of the test."""
        if self._process.poll() is None:
            self._process.kill()
        self.wait()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines with this event name."""
        lines = [json.loads(line) for line in list(self.stderr) if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    @property
    def url(self) -> str:
        """The base URL, once the process says that it serves."""
        eventually(lambda: bool(self.events("exporter_started")) or self._process.poll() is not None, "a start")
        started = self.events("exporter_started")
        assert started, self.stderr
        return str(started[0]["url"])

    def metrics(self) -> str:
        """The exposition as it is now."""
        return get(f"{self.url}/metrics")[1]

    def wait(self) -> int:
        """The exit code, when the process has ended."""
        code = self._process.wait(DEADLINE)
        for reader in self._readers:
            reader.join(DEADLINE)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and return the exit code."""
        self._process.send_signal(number)
        return self.wait()
