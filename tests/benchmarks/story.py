"""What the demo shows: how soon it is ready, and how much our request keeps off the wire on its normal day."""

import time

from exporter.demo import normal_day
from exporter.demo.exchanges import Scene
from exporter.demo.filters import compile_lists
from exporter.hubble.request import follow_request
from exporter.hubble.settings import SourcesSettings
from tests.benchmarks.report import Figures
from tests.benchmarks.session import ROUNDS, Session, median, say
from tests.programs import Process, eventually, get

_MINUTES = 120


def ready(_session: Session) -> Figures:
    """Seconds from the start of the process to the first `/-/ready` that says so."""
    times = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        with Process("demo") as demo:
            url = demo.url
            eventually(lambda url=url: get(f"{url}/-/ready")[0] == 200, "ready")  # type: ignore[misc]
            times.append(time.monotonic() - started)
    say("ready: " + ", ".join(f"{one:.2f}" for one in times) + " s")
    return {"ready_s": median(times)}


def filtered(_session: Session) -> Figures:
    """Share of the flows that the filters of our request do not let pass."""
    request, scene = follow_request(SourcesSettings()), Scene(0)
    passes = compile_lists(request.whitelist, request.blacklist)
    answers = [passes(flow) for number in range(_MINUTES) for flow in normal_day.minute(number, scene)]
    return {"filtered_share": 1 - sum(answers) / len(answers)}
