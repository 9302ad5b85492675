"""`python -m tests.e2e`: the stack for a person who wants to look at it; Ctrl-C ends it."""

import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.e2e.stack import Stack, running

_OFTEN = 1.0


def main() -> int:
    """Start it, say where everything is and what arrives, and end it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="hubble-egress-") as folder, running(Path(folder)) as stack:
            _say(f"\n  exporter      {stack.demo_url}/")
            _say(f"  Prometheus    {stack.prometheus.url}/alerts")
            _say(f"  Alertmanager  {stack.alertmanager_url}/")
            _say(f"  logs          {folder}\n")
            _say("The first alerts arrive within two minutes. Ctrl-C ends it.\n")
            _tell(stack)
    except KeyboardInterrupt:
        return 0
    except RuntimeError as error:
        _say(str(error))
    return 1


def _tell(stack: Stack) -> None:
    """A line for each alert that is new."""
    known = 0
    while True:
        arrived = stack.arrived()
        for alert in arrived[known:]:
            labels, said = alert.labels, alert.annotations
            _say(
                f"  {labels['severity']:<8}  {labels['alertname']}: {said.get('description', said.get('summary', ''))}"
            )
        known = len(arrived)
        stack.check_alive()
        threading.Event().wait(_OFTEN)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201, the display of a command


if __name__ == "__main__":
    sys.exit(main())
