"""The processes that are measured, and the CPU time that they have used."""

import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.programs import DEADLINE, Process, environment

# What Prometheus sends.
TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process with all its threads, those that have ended included, to the nanosecond."""
    # What clock_getcpuclockid(3) answers on Linux; /proc has it in hundredths of seconds only.
    return time.clock_gettime((~pid << 3) | 2)


def memory_mib(pid: int) -> dict[str, float]:
    """Memory of a process by the kernel's names: `Rss`, `Pss`, and `VmHWM`, which is the most that it ever was."""
    lines = [
        line
        for file in ("smaps_rollup", "status")
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines()
        if line.endswith(" kB")
    ]
    return {line.partition(":")[0]: int(line.split()[-2]) / 1024 for line in lines}


class Floor:
    """The raw reader as a process."""

    def __init__(self, address: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.floor", address],
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )

    def __enter__(self) -> Self:
        """Use the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    @property
    def cpu(self) -> float:
        """CPU time so far."""
        return cpu_seconds(self._process.pid)

    def read(self) -> int:
        """Messages of the stream that has ended."""
        assert self._process.stdout
        return int(self._process.stdout.readline())


class Exporter(Process):
    """The command `run` as it is shipped, with its default settings but for `flags`, against one of our servers."""

    def __init__(self, address: str, *flags: str) -> None:
        # That it comes back soon changes no figure: nothing is measured while it is away.
        super().__init__("run", f"--hubble.address={address}", "--hubble.backoff-min=50ms", *flags)

    @property
    def cpu(self) -> float:
        """CPU time so far."""
        return cpu_seconds(self._process.pid)

    def memory(self) -> dict[str, float]:
        """Its memory in MiB, as `memory_mib` has it."""
        return memory_mib(self._process.pid)

    def flows(self) -> int:
        """Flows that it says it has received."""
        return self._sum("hubble_egress_exporter_flows_total")

    def series(self) -> int:
        """Series of the product families that it says it has."""
        return self._sum("hubble_egress_exporter_series")

    def _sum(self, family: str) -> int:
        lines = (line for line in self.metrics().splitlines() if line.startswith((f"{family}{{", f"{family} ")))
        return sum(int(float(line.rpartition(" ")[2])) for line in lines)


class Scraper:
    """Scrapes as Prometheus does, over one connection that stays open."""

    def __init__(self, url: str, *, accept: str = OPENMETRICS, gzip: bool = True) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE)
        self._headers = {"Accept": accept, "Accept-Encoding": "gzip" if gzip else "identity"}

    def scrape(self) -> bytes:
        """One response, as it was sent."""
        self._connection.request("GET", "/metrics", headers=self._headers)
        with self._connection.getresponse() as response:
            body = response.read()
        assert response.status == 200, body
        return body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
