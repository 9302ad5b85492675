"""What a person sees who watches `demo` in a terminal."""

import threading

from exporter.metrics import families
from exporter.service import Service

_SECONDS = 5.0
_SHOWN = {
    families.CONNECTIONS: "connections",
    families.DROPS: "drops",
    families.DNS_QUERIES: "DNS queries",
    families.L7_REQUESTS: "HTTP requests",
}


def show(service: Service, url: str, observer: str) -> None:
    """Say where to look, and from then on a line now and then."""
    _say(f"\n  metrics       {url}/metrics\n  landing page  {url}/\n  Observer      {observer} (gRPC, plaintext)\n")
    _say("Two hours of history come first, then laps in which one of each thing happens. Ctrl-C ends it.\n")
    threading.Thread(target=_narrate, args=(service,), name="narrator", daemon=True).start()


def announce(title: str) -> None:
    """Say what happens next in the story."""
    _say(f"  story: {title}")


def _narrate(service: Service) -> None:
    while not service.stopped_within(_SECONDS):
        status, totals = service.status(), service.totals()
        counts = "  ".join(f"{totals[family]:>5,} {words}" for family, words in _SHOWN.items())
        _say(f"  {status.stream.state}  {status.counts.flows:>6,} flows  {counts}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201, the display of a command
