"""What scrapes of 50,000 series cost, by themselves and to the stream."""

import time
from collections.abc import Callable

from tests.benchmarks.distinct import fill
from tests.benchmarks.processes import OPENMETRICS, TEXT, Exporter, Scraper
from tests.benchmarks.report import Figures
from tests.benchmarks.server import Server
from tests.benchmarks.session import ROUNDS, InvalidMeasurementError, Session, median, say

_SERIES = 50_000
_CEILING = ("--metrics.series=100000", "--metrics.series-per-family=100000")
"""Under the default ceiling a part of it is kept for what is folded: so many series are never there at once."""
_SPAN = 3
"""Seconds with scrapes, and as many without, in each round."""
_SETTLE = 0.2
"""Seconds after a response in which its thread may still be busy with it."""


def scrape(session: Session) -> Figures:
    """CPU time of one scrape, and flows per second with scrapes ÷ without."""
    _, masked = session.mix
    with Server() as server, Exporter(server.address, *_CEILING) as exporter:
        server.called()
        server.play(masked)
        server.end()
        series = fill(session, server, exporter, _SERIES)
        say(f"scrape: {series} series")
        if series < _SERIES:
            raise InvalidMeasurementError(f"the exporter has {series} series only")
        server.called()
        cost = _cpu_of_a_scrape(exporter)
        server.loop(masked)
        ratio = _throughput_ratio(server, exporter.url, masked.mean_size)
        server.end()
    return {"scrape_throughput_ratio": ratio, "scrape_cpu_s_50k": cost}


def _cpu_of_a_scrape(exporter: Exporter) -> float:
    """That of the slower format, compressed as Prometheus asks for it; the stream is quiet."""
    costs: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, accept, gzip in (
            ("text", TEXT, True),
            ("OpenMetrics", OPENMETRICS, True),
            ("text, not compressed", TEXT, False),
        ):
            scraper = Scraper(exporter.url, accept=accept, gzip=gzip)
            before = exporter.cpu
            scraper.scrape()
            time.sleep(_SETTLE)
            costs.setdefault(name, []).append(exporter.cpu - before)
            scraper.close()
    medians = {name: median(values) for name, values in costs.items()}
    say("scrape: " + ", ".join(f"{name} {value:.3f} s" for name, value in medians.items()))
    return max(medians["text"], medians["OpenMetrics"])


def _throughput_ratio(server: Server, url: str, mean_size: float) -> float:
    ratios = []
    for number in range(ROUNDS):
        without = _rate(server, lambda: time.sleep(_SPAN)) / mean_size
        scraped = _rate(server, lambda: _scrape_every_second(url)) / mean_size
        ratios.append(scraped / without)
        say(f"scrape {number + 1}/{ROUNDS}: {scraped:,.0f} flows/s with scrapes, {without:,.0f} without")
    return median(ratios)


def _rate(server: Server, during: Callable[[], None]) -> float:
    """Bytes per second that the server got rid of."""
    sent, started = server.sent, time.monotonic()
    during()
    return (server.sent - sent) / (time.monotonic() - started)


def _scrape_every_second(url: str) -> None:
    scraper = Scraper(url)
    started = time.monotonic()
    for second in range(_SPAN):
        time.sleep(max(0.0, started + second - time.monotonic()))
        scraper.scrape()
    time.sleep(max(0.0, started + _SPAN - time.monotonic()))
    scraper.close()
