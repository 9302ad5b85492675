"""`make soak MINUTES=10`: a server, a proxy that does harm at random, and the exporter; at its end what came of it.

Run as a program: `python -m tests.faults.soak MINUTES`. Exit code 1 when a flow was counted twice or lost unsaid.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable

from tests.faults.counts import Counts, Exporter, begin, oracle
from tests.faults.proxy import Mode, Proxy
from tests.faults.serving import Served
from tests.faults.traffic import chance_of
from tests.programs import eventually

_SEED, _NODES = 7, 3
_LOST = 'lost_events_total{source="hubble_ring_buffer"}'
_MIB = 1024 * 1024
_PORTION = 60
"""Flows written at once, about twenty times a second."""


class Soak:
    """Minutes of faults, one after the other, while flows go on."""

    def __init__(self, server: Served, proxy: Proxy, exporter: Exporter) -> None:
        self._server, self._proxy, self._exporter = server, proxy, exporter
        self._chance = chance_of(_SEED)
        self.injected: dict[str, int] = {}

    def run(self, seconds: float) -> None:
        """Do harm for so long, then let everything arrive."""
        faults = self._faults()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._write(self._chance.randrange(20, 60))
            name = self._chance.choice(list(faults))
            self.injected[name] = self.injected.get(name, 0) + 1
            faults[name]()
        self._proxy.set(Mode.FORWARD)
        self._exporter.is_told(self._server.written)

    def _faults(self) -> dict[str, Callable[[], None]]:
        return {
            "cut": self._proxy.cut,
            "cut in a while": lambda: self._proxy.cut_after(self._chance.randrange(1, 200_000)),
            "stall": lambda: self._through(Mode.STALL),
            "black hole": lambda: self._through(Mode.BLACK_HOLE),
            "refused connections": lambda: self._through(Mode.RESET),
            "server stopped and going on": self._freeze,
            "server restarted in order": lambda: self._server.order("restart", grace=0.05),
            "slow network": self._slow,
        }

    def _write(self, portions: int) -> None:
        for _ in range(portions):
            self._server.write(_PORTION)
            threading.Event().wait(0.05)

    def _through(self, mode: Mode) -> None:
        self._proxy.set(mode)
        self._write(20)
        self._proxy.set(Mode.FORWARD)
        self._proxy.cut()

    def _freeze(self) -> None:
        self._server.send(signal.SIGSTOP)
        threading.Event().wait(1.0)
        self._server.send(signal.SIGCONT)

    def _slow(self) -> None:
        self._proxy.delay = 0.05
        self._write(20)
        self._proxy.delay = 0.0


def main() -> int:
    """Soak, and print the account."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with (
        Served(seed=_SEED, nodes=_NODES) as server,
        Proxy(server.port) as proxy,
        Exporter(proxy.address) as exporter,
    ):
        begin(server, exporter)
        for _ in range(20):
            # A burst would overrun the rings, which is another test's subject.
            server.write(1_000)
            exporter.is_told(server.written)
        before = exporter.memory
        soak = Soak(server, proxy, exporter)
        soak.run(minutes * 60)
        eventually(lambda: exporter.sample("connected") == 1, "a stream at the end")
        return _account(soak, server, exporter, before)


def _account(soak: Soak, server: Served, exporter: Exporter, before: int) -> int:
    counted, expected = exporter.counts(), oracle(server.told())
    too_much, too_little = _sum(counted - expected), _sum(expected - counted)
    rows = {
        **{f"injected: {name}": f"{number:,}" for name, number in sorted(soak.injected.items())},
        "connections made": f"{exporter.ended('connected'):,}",
        "flows written": f"{server.written:,}",
        "flows taken for new": f"{exporter.processed():,}",
        "flows that came again": f"{exporter.outcome('replayed'):,}",
        "reported lost": f"{exporter.sample(_LOST):,}",
        "counted twice": f"{too_much:,}",
        "lost unsaid": f"{too_little:,}",
        "memory before, MiB": f"{before / _MIB:.1f}",
        "memory after, MiB": f"{exporter.memory / _MIB:.1f}",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:<{width}}  {value:>12}")  # noqa: T201, the command's answer
    return 1 if too_much or too_little else 0


def _sum(counts: Counts) -> int:
    return sum(counts.values())


if __name__ == "__main__":
    sys.exit(main())
