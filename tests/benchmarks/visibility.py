"""How long it takes until a flow that was written is in a response, under load beside idle."""

import time
from collections.abc import Iterator
from itertools import islice
from threading import Thread

from exporter.hubble.pb.flow import flow_pb2
from tests.benchmarks.distinct import MARKER, fill, markers
from tests.benchmarks.mix import Mix
from tests.benchmarks.processes import Exporter, Scraper
from tests.benchmarks.reels import Reel, write_reel
from tests.benchmarks.report import Figures
from tests.benchmarks.server import Server
from tests.benchmarks.session import SEED, InvalidMeasurementError, Session, say, soon

_SERIES, _FLOWS_PER_SECOND = 5_000, 5_000
_MARKERS_PER_SECOND = 100
_BATCH = _FLOWS_PER_SECOND // _MARKERS_PER_SECOND
_SECONDS = 15
_WORKLOADS = 60
"""Few, so that the mix alone makes fewer series than there should be."""
_LATE = 1.0
"""Seconds by which the server may be behind its rate at the end."""


def visible(session: Session) -> Figures:
    """The 99th percentile under load, less the same of an exporter that gets nothing else."""
    mix = Mix(SEED, _WORKLOADS, per_second=_FLOWS_PER_SECOND).flows(soon())
    history = write_reel(session.folder / "history", islice(mix, _FLOWS_PER_SECOND))
    interval = 1 / _MARKERS_PER_SECOND
    wanted = _SECONDS * _MARKERS_PER_SECOND
    loaded = write_reel(session.folder / "loaded", islice(_marked(mix), wanted * _BATCH))
    idle = write_reel(session.folder / "idle", islice(markers(soon(), round(interval * 1e9)), wanted))
    results = []
    for name, reel, batch in (("idle", idle, 1), ("loaded", loaded, _BATCH)):
        with Server() as server, Exporter(server.address) as exporter:
            server.called()
            server.play(history)
            server.end()
            series = fill(session, server, exporter, _SERIES)
            server.called()
            delays = _delays(server, exporter, reel, batch, interval)
        results.append(sorted(delays)[int(len(delays) * 0.99)] * 1000)
        say(f"visible: {name}, {series} series: {results[-1]:.0f} ms, 99th percentile of {len(delays)}")
    return {"visible_ms_p99": results[1] - results[0]}


def _marked(mix: Iterator[flow_pb2.Flow]) -> Iterator[flow_pb2.Flow]:
    """The mix in batches, each with a marker at its end."""
    for marker in markers(soon(), round(1e9 / _MARKERS_PER_SECOND)):
        yield from islice(mix, _BATCH - 1)
        yield marker


def _delays(server: Server, exporter: Exporter, reel: Reel, batch: int, interval: float) -> list[float]:
    """From the write of each marker to the end of the first response that counts it, scrapes back to back."""
    writes: list[float] = []
    playing = Thread(target=lambda: writes.extend(server.pace(reel, batch=batch, interval=interval)))
    playing.start()
    scraper = Scraper(exporter.url, gzip=False)
    seen: list[tuple[float, int]] = []
    wanted = reel.count // batch
    give_up = time.monotonic() + 4 * _SECONDS
    while (not seen or seen[-1][1] < wanted) and time.monotonic() < give_up:
        body = scraper.scrape()
        seen.append((time.monotonic(), _markers_in(body)))
    playing.join()
    scraper.close()
    if writes[-1] - writes[0] > _SECONDS + _LATE:
        raise InvalidMeasurementError("the exporter does not take so many flows per second")
    if not seen or seen[-1][1] < wanted:
        raise InvalidMeasurementError(f"only {seen[-1][1] if seen else 0} of {wanted} markers were seen")
    ends = iter(seen)
    end, counted = next(ends)
    delays = []
    for number, written in enumerate(writes, 1):
        while counted < number:
            end, counted = next(ends)
        delays.append(end - written)
    return delays


def _markers_in(body: bytes) -> int:
    """The value of the markers' series in an exposition."""
    at = body.find(f'source_workload="{MARKER}"'.encode())
    return int(float(body[at : body.index(b"\n", at)].rpartition(b" ")[2])) if at >= 0 else 0
