"""A real browser for tests: headless Chromium, told what to do over its DevTools pipe."""

import base64
import fcntl
import json
import os
import select
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.programs import DEADLINE, required

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
    "--remote-debugging-pipe",
)
PHONE, DESKTOP = (390, 844), (1280, 900)
"""Width and height in CSS pixels."""


class Page:
    """One page in the browser."""

    def __init__(self, asks: int, answers: int) -> None:
        self._asks, self._answers = asks, answers
        self._number, self._session, self._read = 0, "", b""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")

    def open(self, url: str, size: tuple[int, int], *, dark: bool = False) -> None:
        """Show a URL on a screen of this size, and return once it is loaded."""
        width, height = size
        is_phone = size == PHONE
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=url)
        self._until("Page.loadEventFired")

    def value(self, expression: str) -> Any:  # noqa: ANN401, whatever the expression gives
        """The value of a JavaScript expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def roles(self) -> Counter[str]:
        """What assistive technology is told: how many elements of each role there are."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return Counter(str(node["role"]["value"]) for node in nodes if not node["ignored"])

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Save what the page looks like: its first screen, or the whole of it."""
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Let the browser end by itself."""
        with suppress(OSError):
            self._send("Browser.close", {})
            for _ in self._messages():
                pass

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401, as the protocol defines them
        number = self._send(method, parameters)
        for message in self._messages():
            if message.get("id") == number:
                assert "error" not in message, (method, message)
                result: dict[str, Any] = message["result"]
                return result
        raise AssertionError(f"the browser ended before it answered {method}")

    def _send(self, method: str, parameters: dict[str, Any]) -> int:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith("Browser."):
            message["sessionId"] = self._session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._asks, rest) :]
        return self._number

    def _until(self, event: str) -> None:
        assert any(message.get("method") == event for message in self._messages()), f"the browser ended before {event}"

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            message, end, rest = self._read.partition(b"\0")
            if end:
                self._read = rest
                yield json.loads(message)
                continue
            assert select.select([self._answers], [], [], DEADLINE)[0], "the browser does not answer"
            more = os.read(self._answers, 65_536)
            if not more:
                return
            self._read += more


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A page of a fresh browser, whose profile lives in `folder`."""
    program = required("chromium")
    with ExitStack() as stack:
        commands_out, commands_in = _pipe()
        answers_out, answers_in = _pipe()
        stack.callback(os.close, commands_in)
        stack.callback(os.close, answers_out)
        # Chromium reads commands from descriptor 3 and answers on descriptor 4; Popen cannot give it these numbers.
        process = os.posix_spawn(
            program,
            [program, *_FLAGS, f"--user-data-dir={folder}"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, commands_out, 3),
                (os.POSIX_SPAWN_DUP2, answers_in, 4),
            ],
            setsid=True,
        )
        stack.callback(_end, process)
        os.close(commands_out)
        os.close(answers_in)
        page = Page(commands_in, answers_out)
        stack.callback(page.close)
        yield page


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are none of the numbers that the browser wants to have."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends[0], ends[1]


def _end(process: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
