"""`make pictures`: run the demo with Prometheus for some minutes, draw each dashboard, and say what its panels show.

Exit code 1 when a panel cannot be drawn or its query fails. Needs node, npm and Chromium; the first time npm fetches
Grafana's components, half a gigabyte. Not part of CI.
"""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.stack import Stack, running
from tests.programs import ROOT, required

HERE = Path(__file__).parent
DASHBOARDS = ROOT / "dashboards"
_MINUTES = 9.0


class Shot(NamedTuple):
    """A picture: of which dashboard, under which name, with which variables."""

    dashboard: str
    picture: str
    variables: str = ""


SHOTS = (
    Shot("hubble-egress-overview", "egress-overview"),
    Shot("hubble-egress-workload", "workload-triage", "var-source_namespace=shop&var-source_workload=mailer"),
    Shot("hubble-egress-workload", "workload-quiet", "var-source_namespace=shop&var-source_workload=cart"),
    Shot("hubble-egress-exporter", "exporter-health"),
)


def main() -> int:
    """Take all pictures; `--prometheus URL` draws over one that runs already."""
    for program in ("node", "npm", "chromium"):
        required(program)
    _build()
    if sys.argv[1:2] == ["--prometheus"]:
        return _take(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder, running(Path(folder)) as stack:
        _say(f"The demo runs for {_MINUTES:.0f} minutes first, so that there is something to see.")
        _wait(stack)
        return _take(stack.prometheus.url)


def _build() -> None:
    if not (HERE / "node_modules").exists():
        _say("npm fetches Grafana's components; this takes some minutes the first time ...")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"], cwd=HERE, check=True)  # noqa: S607
    subprocess.run(["npm", "run", "--silent", "build"], cwd=HERE, check=True)  # noqa: S607


def _wait(stack: Stack) -> None:
    while stack.left(_MINUTES * 60) > 0:
        stack.check_alive()
        threading.Event().wait(1.0)


def _take(prometheus: str) -> int:
    work = {
        "prometheus": prometheus,
        "dashboards": str(DASHBOARDS),
        "browser": required("chromium"),
        "shots": [
            {
                "dashboard": shot.dashboard,
                "picture": str(DASHBOARDS / "pictures" / f"{shot.picture}.png"),
                "query": f"span=900&step=15&{shot.variables}",
            }
            for shot in SHOTS
        ],
    }
    told = subprocess.run(
        ["node", "shoot.mjs", json.dumps(work)],  # noqa: S607, which node is the person's choice
        cwd=HERE,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    return max(_tell(one) for one in json.loads(told))


def _tell(shot: dict[str, Any]) -> int:
    _say(f"\n{Path(shot['picture']).name}")
    for panel in shot["panels"]:
        shown = panel["fault"] or (f"empty: {panel['empty']}" if panel["empty"] else "data")
        _say(f"  {panel['title']:<48} {shown}")
    for fault in shot["faults"]:
        _say(f"  page: {fault}")
    return int(bool(shot["faults"]) or any(panel["fault"] for panel in shot["panels"]))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201, the display of a command


if __name__ == "__main__":
    sys.exit(main())
