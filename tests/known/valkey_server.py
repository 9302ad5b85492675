"""A real Valkey or Redis server that tests start, stop, and make unwilling."""

import os
import shutil
import signal
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from redis import Redis

from exporter.known.settings import ValkeySettings
from exporter.known.valkey import ValkeyStore
from tests.programs import DEADLINE, eventually, free_port, required

MONTH = 30 * 86_400.0


def valkey_store(
    port: int, *, expire_seconds: float = MONTH, expire_pause: int = 0, **settings: float | str | bool
) -> ValkeyStore:
    """A store on the server of that port; it expires whenever it is asked to."""
    given = ValkeySettings.model_validate({"address": f"127.0.0.1:{port}", "timeout": DEADLINE, **settings})
    return ValkeyStore(given, expire_seconds, expire_pause)


def program() -> str:
    """The server to start: the one that EXPORTER_VALKEY_SERVER names, else what is installed."""
    chosen = os.environ.get("EXPORTER_VALKEY_SERVER")
    found = (name for name in ("redis-server", "valkey-server") if shutil.which(name))
    return required(chosen or next(found, "redis-server"))


class ValkeyServer:
    """A server in a folder, which keeps nothing when it ends."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self._log = free_port(), folder / "server.log"
        plain = ("--port", str(self.port)) if "--tls-port" not in options else ()
        memory = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder))
        self._command = [program(), *plain, *memory, *options]
        self.start()

    def start(self) -> None:
        """Start it, also again; it takes connections when this returns."""
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        eventually(lambda: self._process.poll() is not None or "eady to accept" in self._log.read_text(), "a server")
        assert self._process.poll() is None, self._log.read_text()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(DEADLINE)

    def pause(self) -> None:
        """Let it hang: connections stay, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | bytes | int, password: str = "") -> Any:  # noqa: ANN401, answers are of any type
        """The answer to a command."""
        with Redis(port=self.port, password=password or None, protocol=2) as client:
            return client.execute_command(*command)

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it whatever became of the test."""
        self.stop()


class Saying(socketserver.ThreadingTCPServer):
    """A server that says the same whatever it is asked."""

    daemon_threads = True

    def __init__(self, line: bytes) -> None:
        self.line, self.asked = line, 0
        super().__init__(("127.0.0.1", 0), _Saying)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.01,)).start()

    def __exit__(self, *_: object) -> None:
        """End it whatever became of the test."""
        self.shutdown()
        self.server_close()


class _Saying(socketserver.BaseRequestHandler):
    server: Saying

    def handle(self) -> None:
        """Say it until the client hangs up."""
        while self.request.recv(65_536):
            self.server.asked += 1
            self.request.sendall(self.server.line + b"\r\n")
