"""Every query of every panel, asked of a Prometheus that has watched the demo: it succeeds, and has data."""

import math
import os
import re

import pytest

from tests.e2e.asking import QueryError, Series
from tests.e2e.boards import SPAN, Query, Variable, all_chosen, boards, filled, queries, silent_panels, variables
from tests.e2e.stack import Stack

pytestmark = pytest.mark.skipif(
    os.environ.get("CI") != "true" and "EXPORTER_E2E" not in os.environ, reason="takes minutes: `make e2e` runs it"
)
EMPTY = {
    "Egress overview: DNS past the resolver (in ten minutes) A": "all of the story asks the cluster's resolver",
    "Workload triage: DNS past the resolver (in ten minutes) A": "all of the story asks the cluster's resolver",
    "Exporter health: Certificates end in A": "the demo's Hubble and pages have no TLS",
    "Exporter health: Folded and refused A": "so few series are far from every budget",
    "Exporter health: Folded and refused B": "so few series are far from every budget",
    "Exporter health: Errors A": "the demo's memory is no file, and works",
    "Exporter health: Errors B": "everything that the demo sends can be decoded",
    "Exporter health: Errors C": "so few facts are far from the bound of the memory",
    "Exporter health: Errors D": "so few unexpected destinations have room",
    "Exporter health: Errors E": "one Prometheus scrapes, and never twice at once",
}
"""Queries that have no data in the story, by name, and why."""
EMPTY_VARIABLES = {"cluster": "one cluster, and nobody gave it a label"}


def _answer(stack: Stack, query: Query, values: dict[str, str]) -> Series:
    text = filled(query.text, values, query.step)
    if not query.step:
        return stack.prometheus.instant(text)
    now = stack.prometheus.now()
    return stack.prometheus.over(text, now - SPAN, now, query.step)


def _has_data(series: Series) -> bool:
    """Whether there is a number to draw: a share of nothing is none."""
    points = (point for one in series for point in one.get("values", [one.get("value")]))
    return any(math.isfinite(float(value)) for _, value in points)


def test_there_are_dashboards() -> None:
    """The tests below are about something, and only texts and rows ask for nothing."""
    assert {board["uid"] for board in boards()} == {
        "hubble-egress-overview",
        "hubble-egress-workload",
        "hubble-egress-exporter",
    }
    assert len(queries()) > 50
    assert silent_panels() <= {"row", "text"}


@pytest.mark.parametrize("query", queries(), ids=str)
def test_queries(told: Stack, query: Query) -> None:
    """With everything chosen it succeeds and returns numbers; the few that cannot are listed with their reason."""
    found = _answer(told, query, all_chosen(query.board))
    assert _has_data(found) is (str(query) not in EMPTY), EMPTY.get(str(query), query.text)


@pytest.mark.parametrize("workload", ["shop/recommender", "ops/ci-runner", "nowhere/nothing"])
def test_queries_about_one_workload(told: Stack, workload: str) -> None:
    """Each query succeeds for a workload that somebody chooses too, seen or not."""
    namespace, _, name = workload.partition("/")
    refused = []
    for query in queries():
        try:
            _answer(told, query, {**all_chosen(query.board), "source_namespace": namespace, "source_workload": name})
        except QueryError as error:
            refused.append(str(error))
    assert refused == []


@pytest.mark.parametrize("variable", variables(), ids=lambda one: f"{one.board}: {one.name}")
def test_variables(told: Stack, variable: Variable) -> None:
    """Each offers values, and the alerts' links choose among them."""
    match = filled(variable.match, all_chosen(variable.board))
    values = told.prometheus.ask(f"label/{variable.label}/values", match__=[match])
    assert bool(values) is (variable.name not in EMPTY_VARIABLES)
    assert all(re.fullmatch(variable.everything, value) for value in values)


def test_what_is_listed_as_empty() -> None:
    """No query is excused that is not there any more."""
    assert set(EMPTY) <= {str(query) for query in queries()}
