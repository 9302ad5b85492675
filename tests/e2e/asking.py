"""Prometheus' HTTP API, as far as the tests ask it."""

import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.programs import get

Series = list[dict[str, Any]]


class QueryError(Exception):
    """Prometheus refuses a query; the text says why."""


class Prometheus(NamedTuple):
    """One that runs at `url`."""

    url: str

    def ask(self, path: str, **parameters: object) -> Any:  # noqa: ANN401, JSON
        """What it answers.

        Raises:
            QueryError: when it refuses to.
        """
        pairs = {name.rstrip("_"): value for name, value in parameters.items()}
        status, text = get(f"{self.url}/api/v1/{path}?{urlencode(pairs, doseq=True)}")
        if status != 200:
            raise QueryError(f"{status}: {text} for {pairs}")
        return json.loads(text)["data"]

    def instant(self, query: str) -> Series:
        """The result of a query now."""
        result: Series = self.ask("query", query=query)["result"]
        return result

    def over(self, query: str, start: float, end: float, step: float) -> Series:
        """The result of a query over a time."""
        result: Series = self.ask("query_range", query=query, start=start, end=end, step=step)["result"]
        return result

    def now(self) -> float:
        """The time by its clock."""
        return float(self.ask("query", query="time()")["result"][1])

    def groups(self) -> list[dict[str, Any]]:
        """The groups of rules, with how their last evaluation went."""
        groups: list[dict[str, Any]] = self.ask("rules")["groups"]
        return groups

    def fired(self, seconds: int) -> list[dict[str, str]]:
        """The labels of every alert that has fired within so long."""
        series = self.instant(f'count without (instance) (last_over_time(ALERTS{{alertstate="firing"}}[{seconds}s]))')
        return [one["metric"] for one in series]
