"""The dashboards as JSON, and their queries as Prometheus would get them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
UIDS = ("hubble-egress-overview", "hubble-egress-workload", "hubble-egress-exporter")
RATE_INTERVAL = "2m"
_BUILT_IN = {"__rate_interval": RATE_INTERVAL, "__range": "1h", "__interval": "30s", "__auto": "30s"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


def dashboard(uid: str) -> Json:
    """One of ours, as it is checked in."""
    read: Json = json.loads((FOLDER / f"{uid}.json").read_text(encoding="utf-8"))
    return read


def panels(board: Json) -> Iterator[Json]:
    """Its panels without the headings."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def targets(board: Json) -> Iterator[tuple[Json, Json]]:
    """Every query with its panel."""
    return ((panel, target) for panel in panels(board) for target in panel.get("targets", []))


def variables(board: Json) -> list[Json]:
    """Its variables."""
    listed: list[Json] = board.get("templating", {}).get("list", [])
    return listed


def filled(text: str, board: Json) -> str:
    """Without variables: those of the dashboard stand for all of their values."""
    known = {one["name"]: one.get("allValue") or ".*" for one in variables(board)} | _BUILT_IN

    def put(match: re.Match[str]) -> str:
        return str(known.get(match[1] or match[2], match[0]))

    return _VARIABLE.sub(put, text)
