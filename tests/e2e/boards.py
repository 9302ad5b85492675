"""The dashboards as Grafana would ask for them: their panels, queries and variables, with values put in."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.programs import ROOT

FOLDER = ROOT / "dashboards"
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_LABEL_VALUES = re.compile(r"label_values\((?P<match>.*), *(?P<label>\w+)\)", re.DOTALL)
SPAN = 3600
"""Seconds that a dashboard shows when it is opened."""
_SCRAPES = 15
"""Seconds between two of them, by deploy/prometheus/: Grafana's least step where a query names none."""


class Query(NamedTuple):
    """One query of a panel."""

    board: str
    panel: str
    ref: str
    text: str
    step: int
    """Seconds between two points; 0 for one that asks for now."""

    def __str__(self) -> str:
        """Its name among the tests."""
        return f"{self.board}: {self.panel} {self.ref}"


class Variable(NamedTuple):
    """A variable whose values are those of a label."""

    board: str
    name: str
    match: str
    label: str
    everything: str
    """What it is when all values are chosen."""


def boards() -> list[dict[str, Any]]:
    """Every dashboard that the repository ships."""
    return [json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))]


def queries() -> list[Query]:
    """Every query of every panel, within rows too."""
    return [
        Query(board["title"], panel["title"], target["refId"], target["expr"], _step_of(target))
        for board in boards()
        for panel in _panels(board["panels"])
        for target in panel.get("targets", [])
    ]


def _step_of(target: dict[str, Any]) -> int:
    if target.get("instant"):
        return 0
    interval = target.get("interval", f"{_SCRAPES}s")
    assert interval.endswith("s"), interval
    return int(interval[:-1])


def silent_panels() -> set[str]:
    """The panels that ask for nothing."""
    panels = (panel for board in boards() for panel in _panels(board["panels"]))
    return {panel["type"] for panel in panels if not panel.get("targets")}


def variables() -> list[Variable]:
    """Those that are asked of Prometheus, of every dashboard."""
    found = []
    for board in boards():
        for one in board["templating"]["list"]:
            if one["type"] == "datasource":
                continue
            asked = one["query"]["query"] if isinstance(one["query"], dict) else one["query"]
            read = _LABEL_VALUES.fullmatch(asked)
            assert read, f"{board['title']}: how is {one['name']} asked for?"
            everything = one["allValue"] if one.get("includeAll") else ".*"
            found.append(Variable(board["title"], one["name"], read["match"], read["label"], everything))
    return found


def filled(text: str, values: Mapping[str, str], step: int = 0) -> str:
    """The text with a value for each variable; one that nobody knows is a fault of the dashboard."""
    step = step or _SCRAPES
    # Grafana takes four of the least steps for its rates.
    known = {"__rate_interval": f"{4 * step}s", "__interval": f"{step}s", "__range": f"{SPAN}s", **values}
    return _VARIABLE.sub(lambda found: known[found[1] or found[2]], text)


def all_chosen(board: str) -> dict[str, str]:
    """The variables of a dashboard when everything is chosen."""
    return {one.name: one.everything for one in variables() if one.board == board}


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))
