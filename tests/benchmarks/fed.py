"""The exporter in one process without gRPC: what comes on standard input goes through the decoder and the pipeline.

The memory of destinations works as in `run`, on an SQLite file, but in turns with the stream and by its time: after
each tick it has judged all that waited, and what it does every second or every five minutes it does in as many ticks.

Run as a process: `python -m tests.benchmarks.fed FLOWS` prints its resident memory, in bytes, after half of the flows
and after all of them, how many have an outcome, and what became of what was noted.
"""

import json
import os
import random
import sys
import tempfile
from pathlib import Path

import exporter.cli  # noqa: F401, as when the command runs: what it imports is in its memory
from exporter import log
from exporter.hubble.decode import Decoder
from exporter.hubble.observer import Observer
from exporter.judging import Clocks
from exporter.known.settings import KnownSettings
from exporter.known.stores import open_store
from exporter.log import Level, LogSettings
from exporter.service import Service
from exporter.settings import Settings

FLOWS_PER_SECOND = 1_000
"""Flows from one tick to the next; their own time passes as fast."""
_FLOWS_PER_SCRAPE = 250_000
_PREFIX = 5


def main() -> int:
    """Read all flows, tick once a second of their time, be scraped now and then."""
    flows = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        # Findings are made, and not written: tens of thousands of lines would bury what is measured.
        settings = Settings(known=KnownSettings(file=f"{folder}/known.db"), log=LogSettings(level=Level.ERROR))
        log.configure(settings.log)
        print(json.dumps(_fed(flows, settings)))  # noqa: T201
    return 0


def _fed(flows: int, settings: Settings) -> dict[str, object]:
    decoder = Decoder(settings.hubble.endpoint_cache)
    source = Observer(settings.hubble, settings.sources, decoder, random.SystemRandom())
    ticks = 0
    clocks = Clocks(steady=lambda: ticks, jitter=max)
    # Not live: the flows' hours pass in minutes, which a live exporter would take for clocks that are wrong.
    service = Service(settings, source, decoder, live=False, store=open_store(settings.known), clocks=clocks)
    judging, resident = service.judging, []
    assert judging
    for number in range(1, flows + 1):
        size = int.from_bytes(sys.stdin.buffer.read(_PREFIX)[1:], "big")
        service.pipeline.handle(decoder.decode_bytes(sys.stdin.buffer.read(size)))
        if number % FLOWS_PER_SECOND == 0:
            ticks += 1
            service.pipeline.tick()
            judging.step()
        if number % _FLOWS_PER_SCRAPE == 0:
            service.exposition("")
        if number in (flows // 2, flows):
            resident.append(_resident())
    unjudged = len(judging.inbox)
    judging.finish()
    memory = judging.memory
    judging.close()
    return {
        "resident": resident,
        "counted": sum(service.pipeline.outcomes.values()),
        "facts": memory.entries,
        "stored": memory.size.entries,
        "unjudged": unjudged,
        "unnoted": judging.inbox.refused,
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
