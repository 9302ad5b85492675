"""What is measured of a process is what it has used."""

import os
import subprocess
import sys
import time

import pytest

from tests.benchmarks.processes import cpu_seconds, memory_mib


def test_cpu_time_is_the_process_own() -> None:
    """Of this process it is what the process knows of itself."""
    assert cpu_seconds(os.getpid()) == pytest.approx(time.process_time(), abs=0.05)


def test_cpu_time_counts_threads_that_have_ended() -> None:
    """Another process is read from outside, while it does nothing any more."""
    work = "import threading, time; t = threading.Thread(target=lambda: sum(range(3_000_000))); t.start(); t.join()"
    tell = "print(time.process_time(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", f"{work}; {tell}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        known = float(process.stdout.readline())
        assert cpu_seconds(process.pid) == pytest.approx(known, abs=0.05)
        process.communicate("\n")


def test_memory_is_what_the_kernel_says() -> None:
    """A hundred MiB that are written are resident, and the most that it ever was is no less."""
    with subprocess.Popen(
        [sys.executable, "-c", "held = bytearray(b'x' * 2**20) * 100; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        memory = memory_mib(process.pid)
        process.communicate("\n")
    assert 100 < memory["Pss"] <= memory["Rss"] < 150
    assert memory["Rss"] <= memory["VmHWM"] < 350
