"""CPU time per flow: the process `run` beside a raw reader with the same channel, in interleaved rounds."""

import time
from typing import NamedTuple

from tests.benchmarks.processes import Exporter, Floor
from tests.benchmarks.reels import Reel
from tests.benchmarks.report import Figures
from tests.benchmarks.server import Server
from tests.benchmarks.session import MEASURED, ROUNDS, WARM_UP, InvalidMeasurementError, Session, median, say

_FLOOR_STREAMS = 3
"""How often a round reads the floor: it is short, so that a neighbour on the machine moves it more than the rest."""


class _Round(NamedTuple):
    floor: float
    exporter: float
    """Both in µs of CPU time per flow."""
    floor_rate: float
    """Flows per second that the raw reader took."""


def cpu(session: Session) -> Figures:
    """Whole pipeline ÷ floor, full and masked. Each round takes all four, one after the other."""
    full, masked = session.mix
    rounds: list[tuple[_Round, _Round]] = []
    for number in range(ROUNDS):
        rounds.append((_round(full), _round(masked)))
        told = [f"{one.exporter:.1f} / {one.floor:.1f} = {one.exporter / one.floor:.2f}" for one in rounds[-1]]
        say(f"cpu {number + 1}/{ROUNDS}: full {told[0]}, masked {told[1]} µs per flow")
    say(f"the raw reader took {median(one.floor_rate for one, _ in rounds):,.0f} full flows per second")
    return {
        "cpu_ratio_full": median(one.exporter / one.floor for one, _ in rounds),
        "cpu_us_per_flow_full": median(one.exporter for one, _ in rounds),
        "floor_us_per_flow_full": median(one.floor for one, _ in rounds),
        "cpu_ratio_masked": median(one.exporter / one.floor for _, one in rounds),
    }


def _round(reel: Reel) -> _Round:
    with Server() as server, Floor(server.address) as floor:
        _warm_up(server, reel)
        streams = [_cost(server, floor, reel) for _ in range(_FLOOR_STREAMS)]
        if [floor.read() for _ in range(_FLOOR_STREAMS + 1)] != [WARM_UP, *[MEASURED] * _FLOOR_STREAMS]:
            raise InvalidMeasurementError("the raw reader has not read all flows")
    with Server() as server, Exporter(server.address) as exporter:
        _warm_up(server, reel)
        cost, _ = _cost(server, exporter, reel)
        if exporter.flows() != WARM_UP + MEASURED:
            raise InvalidMeasurementError("the exporter has not received all flows")
    return _Round(median(floor for floor, _ in streams), cost, median(rate for _, rate in streams))


def _warm_up(server: Server, reel: Reel) -> None:
    server.called()
    server.play(reel, 0, WARM_UP)
    server.end()


def _cost(server: Server, client: Floor | Exporter, reel: Reel) -> tuple[float, float]:
    """µs of CPU time per flow, and flows per second; from the call that waits to the last flow that is read."""
    server.called()
    started, used = time.monotonic(), client.cpu
    server.play(reel, WARM_UP)
    server.end()
    used, took = client.cpu - used, time.monotonic() - started
    return used / MEASURED * 1e6, MEASURED / took
