"""The stack ends with whoever started it, however that ends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import Running, answers
from tests.e2e.stack import running
from tests.programs import DEADLINE, ROOT, eventually, required

pytestmark = pytest.mark.skipif(
    os.environ.get("CI") != "true" and "EXPORTER_E2E" not in os.environ, reason="takes minutes: `make e2e` runs it"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(number: signal.Signals, tmp_path: Path) -> None:
    """`make watch` says where everything is, and when it is told to end, or killed, nothing of it goes on."""
    required("setpriv")
    watch = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert watch.stdout
    try:
        said = ""
        while "Ctrl-C ends it" not in said:
            line = watch.stdout.readline()
            assert line, said
            said += line
        urls = re.findall(r"http://127\.0\.0\.1:\d+", said)
        assert [answers(f"{url}/-/ready") for url in urls] == [True, True, True]
        watch.send_signal(number)
        assert watch.wait(DEADLINE) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    finally:
        watch.kill()
        watch.communicate()
    eventually(lambda: not any(answers(f"{url}/-/ready") for url in urls), "the end of all programs")
    if number != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []


def test_failures(tmp_path: Path) -> None:
    """A test that fails ends it too, and a program that does not start is told with its last words."""
    with pytest.raises(ZeroDivisionError), running(tmp_path) as stack:
        _ = 1 / 0
    assert [program.is_alive for program in stack.programs] == [False, False, False]
    broken = Running("broken", [sys.executable, "-c", "raise SystemExit('no such setting')"], tmp_path / "log")
    with broken, pytest.raises(RuntimeError, match=r"(?s)broken has ended:.*no such setting"):
        broken.await_ready("http://127.0.0.1:9/-/ready")
