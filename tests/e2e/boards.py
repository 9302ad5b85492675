"""The dashboards as Grafana would ask for them: their panels, queries and variables, with values put in."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.programs import ROOT

FOLDER = ROOT / "dashboards"
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_LABEL_VALUES = re.compile(r"label_values\((?P<match>.*), *(?P<label>\w+)\)", re.DOTALL)
# A quarter of an hour on the screen, scraped as deploy/prometheus/ says: Grafana takes four scrapes for its rates.
_GRAFANA = {"__rate_interval": "60s", "__interval": "15s", "__range": "900s", "__range_s": "900"}


class Query(NamedTuple):
    """One query of a panel."""

    board: str
    panel: str
    ref: str
    text: str
    over_time: bool

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
        Query(board["title"], panel["title"], target["refId"], target["expr"], not target.get("instant", False))
        for board in boards()
        for panel in _panels(board["panels"])
        for target in panel.get("targets", [])
    ]


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


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with a value for each variable; one that nobody knows is a fault of the dashboard."""
    known = {**_GRAFANA, **values}
    return _VARIABLE.sub(lambda found: known[found[1] or found[2]], text)


def all_chosen(board: str) -> dict[str, str]:
    """The variables of a dashboard when everything is chosen."""
    return {one.name: one.everything for one in variables() if one.board == board}


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))
