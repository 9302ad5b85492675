"""The exporter in one process without gRPC: what comes on standard input goes through the decoder and the pipeline.

Run as a process: `python -m tests.benchmarks.fed FLOWS` prints its resident memory, in bytes, after half of the flows
and after all of them, and how many have an outcome.
"""

import json
import os
import random
import sys
from pathlib import Path

import exporter.cli  # noqa: F401, as when the command runs: what it imports is in its memory
from exporter.hubble.decode import Decoder
from exporter.hubble.observer import Observer
from exporter.service import Service
from exporter.settings import Settings

FLOWS_PER_SECOND = 1_000
"""Flows from one tick to the next; their own time passes as fast."""
_FLOWS_PER_SCRAPE = 250_000
_PREFIX = 5


def main() -> int:
    """Read all flows, tick once a second of their time, be scraped now and then."""
    flows, settings = int(sys.argv[1]), Settings()
    decoder = Decoder(settings.hubble.endpoint_cache)
    source = Observer(settings.hubble, settings.sources, decoder, random.SystemRandom())
    # Not live: the flows' hours pass in minutes, which a live exporter would take for clocks that are wrong.
    service = Service(settings, source, decoder, live=False)
    resident = []
    for number in range(1, flows + 1):
        size = int.from_bytes(sys.stdin.buffer.read(_PREFIX)[1:], "big")
        service.pipeline.handle(decoder.decode_bytes(sys.stdin.buffer.read(size)))
        if number % FLOWS_PER_SECOND == 0:
            service.pipeline.tick()
        if number % _FLOWS_PER_SCRAPE == 0:
            service.exposition("")
        if number in (flows // 2, flows):
            resident.append(_resident())
    print(json.dumps({"resident": resident, "counted": sum(service.pipeline.outcomes.values())}))  # noqa: T201
    return 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
