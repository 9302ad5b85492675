"""The demo, a real Prometheus, a real Alertmanager and whoever it notifies, together on free ports of loopback."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.e2e.asking import Prometheus
from tests.e2e.files import laid_out
from tests.e2e.running import Running
from tests.findings.receiver import Receiver
from tests.programs import environment, free_port, required


class Arrived(NamedTuple):
    """An alert as it came to a receiver, firing."""

    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Stack(NamedTuple):
    """Everything that runs."""

    demo_url: str
    alertmanager_url: str
    prometheus: Prometheus
    receiver: Receiver
    programs: tuple[Running, ...]
    started: float
    """The monotonic time at which all of them ran."""

    def left(self, seconds: float) -> float:
        """What is left of so long since the start: many wait for what comes in the same minutes."""
        return max(0.0, self.started + seconds - time.monotonic())

    def arrived(self) -> list[Arrived]:
        """What has come so far: each alert once for each receiver that it came to."""
        found: dict[tuple[str, str], Arrived] = {}
        for request in list(self.receiver.requests):
            for alert in json.loads(request.body)["alerts"]:
                if alert["status"] == "firing":
                    one = Arrived(request.target.strip("/"), alert["labels"], alert["annotations"])
                    found[one.receiver, json.dumps(one.labels, sort_keys=True)] = one
        return list(found.values())

    @property
    def story(self) -> str:
        """What the demo has said of its story so far."""
        return self.programs[0].said

    def check_alive(self) -> None:
        """All of them run.

        Raises:
            RuntimeError: when one does not, with its last words.
        """
        for program in self.programs:
            if not program.is_alive:
                raise RuntimeError(f"{program.name} has ended:\n{program.last_words}")

    def last_words(self) -> str:
        """The end of each program's log."""
        return "\n".join(program.last_words for program in self.programs)


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start them, what is asked before who asks; on the way out they end in the other order, whatever happened."""
    demo_at, alertmanager_at, prometheus_at = (f"127.0.0.1:{free_port()}" for _ in range(3))
    tools = {name: required(name) for name in ("prometheus", "prometheus-alertmanager")}
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        laid_out(folder, demo_at, alertmanager_at, f"http://{receiver.address}")
        demo = Running(
            "demo",
            [sys.executable, "-m", "exporter", "demo", "--web.listen-address", demo_at],
            folder / "demo.log",
            env=environment(),
            # After a SIGTERM it would wait for a last scrape.
            ends_by=signal.SIGINT,
        )
        alertmanager = Running(
            "alertmanager",
            [
                tools["prometheus-alertmanager"],
                f"--config.file={folder}/deploy/alertmanager/alertmanager.yml",
                f"--storage.path={folder}/alertmanager",
                f"--web.listen-address={alertmanager_at}",
                "--cluster.listen-address=",
            ],
            folder / "alertmanager.log",
        )
        prometheus = Running(
            "prometheus",
            [
                tools["prometheus"],
                f"--config.file={folder}/deploy/prometheus/prometheus.yml",
                f"--storage.tsdb.path={folder}/prometheus",
                f"--web.listen-address={prometheus_at}",
            ],
            folder / "prometheus.log",
        )
        for program, address in ((demo, demo_at), (alertmanager, alertmanager_at), (prometheus, prometheus_at)):
            stack.enter_context(program)
            program.await_ready(f"http://{address}/-/ready")
        asked = Prometheus(f"http://{prometheus_at}")
        programs = (demo, alertmanager, prometheus)
        yield Stack(f"http://{demo_at}", f"http://{alertmanager_at}", asked, receiver, programs, time.monotonic())
