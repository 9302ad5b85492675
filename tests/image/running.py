"""A container of the image that runs in the background, and what is asked of it from inside its network."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from tests.image.conftest import Image
from tests.image.tools import done, hardened
from tests.programs import DEADLINE, eventually, required


class Container:
    """Runs `hubble-egress-exporter` with these arguments, hardened; `given` are flags of podman.

    It is alone in its network. With a port it is in the host's, and listens there on loopback.
    """

    def __init__(self, image: Image, *arguments: str, given: tuple[str, ...] = (), port: int | None = None) -> None:
        self._podman, self._port = image.tools.podman, port or 9968
        flags = hardened("host" if port else "none")
        listen = ("--web.listen-address", f"127.0.0.1:{port}") if port else ()
        self.name = done(self._podman("run", "--detach", *flags, *given, image.tag, *arguments, *listen)).strip()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it whatever became of the test."""
        done(self._podman("rm", "--force", "--time", "0", self.name))

    def inspect(self) -> dict[str, Any]:
        """Its state and settings."""
        (found,) = json.loads(done(self._podman("container", "inspect", self.name)))
        return dict(found)

    @property
    def process(self) -> int:
        """The exporter's process, as the host numbers it."""
        return int(self.inspect()["State"]["Pid"])

    def log(self) -> str:
        """All that it has written."""
        ended = subprocess.run(self._podman("logs", self.name), capture_output=True, text=True, check=True)
        return ended.stdout + ended.stderr

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines with this event name."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def get(self, path: str) -> str:
        """What it answers on loopback of its network; nothing as long as it does not."""
        code = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"
        url = f"http://127.0.0.1:{self._port}{path}"
        enter = [required("nsenter"), f"--net=/proc/{self.process}/ns/net"]
        ended = subprocess.run(
            [*enter, sys.executable, "-c", code, url], capture_output=True, text=True, check=False, timeout=DEADLINE
        )
        return ended.stdout

    def stop(self) -> int:
        """Ask it to end as Kubernetes does, and return its exit code."""
        done(self._podman("stop", "--time", "30", self.name))
        eventually(lambda: self.inspect()["State"]["Status"] == "exited", "an end")
        return int(self.inspect()["State"]["ExitCode"])
