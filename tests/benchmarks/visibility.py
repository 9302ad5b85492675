"""How long it takes until a flow that was written is in a response, under load beside idle."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from threading import Thread
from typing import NamedTuple

from exporter.hubble.pb.flow import flow_pb2
from tests.benchmarks.distinct import MARKER, fill, markers
from tests.benchmarks.mix import Mix
from tests.benchmarks.processes import Exporter, Scraper
from tests.benchmarks.reels import Reel, write_reel
from tests.benchmarks.report import Figures
from tests.benchmarks.server import PATIENCE, Server
from tests.benchmarks.session import ROUNDS, SEED, InvalidMeasurementError, Session, median, say, soon

_SERIES, _FLOWS_PER_SECOND = 5_000, 5_000
_MARKERS_PER_SECOND = 100
_INTERVAL = 1 / _MARKERS_PER_SECOND
_SECONDS = 3
"""How long each exporter is watched in a round."""
_MARKERS = _SECONDS * _MARKERS_PER_SECOND
_WORKLOADS = 60
"""Few, so that the mix alone makes fewer series than there should be."""


class _Watched(NamedTuple):
    server: Server
    exporter: Exporter
    reel: Reel
    size: int
    """Messages of a batch; the last of each is a marker."""


def visible(session: Session) -> Figures:
    """The 99th percentile under load, less the same of an exporter that gets nothing else, in turns."""
    mix = Mix(SEED, _WORKLOADS, per_second=_FLOWS_PER_SECOND).flows(soon())
    history = write_reel(session.folder / "history", islice(mix, _FLOWS_PER_SECOND))
    with ExitStack() as stack:

        def watched(name: str, flows: Iterator[flow_pb2.Flow], size: int) -> _Watched:
            reel = write_reel(session.folder / name, islice(flows, ROUNDS * _MARKERS * size))
            server = stack.enter_context(Server())
            exporter = stack.enter_context(Exporter(server.address))
            server.called()
            server.play(history)
            server.end()
            say(f"visible: {name} exporter with {fill(session, server, exporter, _SERIES)} series")
            server.called()
            return _Watched(server, exporter, reel, size)

        idle = watched("idle", markers(soon(), round(_INTERVAL * 1e9)), 1)
        loaded = watched("loaded", _marked(mix), _FLOWS_PER_SECOND // _MARKERS_PER_SECOND)
        rounds = [(_p99_ms(idle, number), _p99_ms(loaded, number)) for number in range(ROUNDS)]
    say("visible: " + ", ".join(f"{loaded:.0f} - {idle:.0f}" for idle, loaded in rounds) + " ms")
    return {"visible_ms_p99": median(loaded - idle for idle, loaded in rounds)}


def _marked(mix: Iterator[flow_pb2.Flow]) -> Iterator[flow_pb2.Flow]:
    """The mix in batches, each with a marker at its end."""
    for marker in markers(soon(), round(1e9 / _MARKERS_PER_SECOND)):
        yield from islice(mix, _FLOWS_PER_SECOND // _MARKERS_PER_SECOND - 1)
        yield marker


def _p99_ms(watched: _Watched, number: int) -> float:
    """From the write of each marker of a round to the end of the first response that counts it."""
    batches = range(number * _MARKERS, (number + 1) * _MARKERS)
    due: list[float] = []
    pace = partial(watched.server.pace, watched.reel, batches, size=watched.size, interval=_INTERVAL)
    playing = Thread(target=lambda: due.extend(pace()))
    playing.start()
    responses = iter(_responses(watched.exporter.url, batches.stop))
    playing.join()
    end, counted = next(responses)
    delays = []
    for marker, written in enumerate(due, batches.start + 1):
        while counted < marker:
            end, counted = next(responses)
        delays.append(end - written)
    return sorted(delays)[int(len(delays) * 0.99)] * 1000


def _responses(url: str, wanted: int) -> list[tuple[float, int]]:
    """Scrape back to back until `wanted` markers are counted: when each response ended, and what it counted."""
    scraper = Scraper(url, gzip=False)
    responses: list[tuple[float, int]] = []
    give_up = time.monotonic() + PATIENCE
    while not responses or responses[-1][1] < wanted:
        body = scraper.scrape()
        responses.append((time.monotonic(), _markers_in(body)))
        if time.monotonic() > give_up:
            raise InvalidMeasurementError(f"only {responses[-1][1]} of {wanted} markers were seen")
    scraper.close()
    return responses


def _markers_in(body: bytes) -> int:
    """The value of the markers' series in an exposition."""
    at = body.find(f'source_workload="{MARKER}"'.encode())
    return int(float(body[at : body.index(b"\n", at)].rpartition(b" ")[2])) if at >= 0 else 0
