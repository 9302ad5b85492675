"""Our dashboards keep the rules, and each rule finds what it is there for."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dashboards import lint
from tests.dashboards.reading import UIDS, Json, dashboard

Rule = Callable[[Json], Iterator[str]]
Path = tuple[str | int, ...]

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_EXPR: Path = ("panels", 0, "targets", 0, "expr")
GOOD: Json = {
    "editable": False,
    "templating": {
        "list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            {"name": "cluster", "type": "query", "refresh": 2, "query": {"query": "label_values(up, cluster)"}},
        ]
    },
    "panels": [
        {
            "id": 1,
            "type": "timeseries",
            "title": "Drops",
            "description": "What is dropped.",
            "datasource": _SOURCE,
            "fieldConfig": {"defaults": {"unit": "cps"}, "overrides": []},
            "targets": [{"datasource": {**_SOURCE}, "expr": 'rate(x_total{cluster=~"$cluster"}[$__rate_interval])'}],
        }
    ],
}
BAD: tuple[tuple[Rule, Path, Any], ...] = (
    (lint.template_datasource, ("templating", "list", 0, "name"), "DS_PROMETHEUS"),
    (lint.template_datasource, ("templating", "list"), []),
    (lint.template_label_promql, ("templating", "list", 1, "query", "query"), "label_values(up{, cluster)"),
    (lint.template_label_promql, ("templating", "list", 1, "query", "query"), "names()"),
    (lint.template_on_time_change_reload, ("templating", "list", 1, "refresh"), 1),
    (lint.uneditable_dashboard, ("editable",), True),
    (lint.panel_datasource, ("panels", 0, "datasource", "uid"), "prometheus-1"),
    (lint.panel_datasource, ("panels", 0, "targets", 0, "datasource"), None),
    (lint.panel_title_description, ("panels", 0, "title"), ""),
    (lint.panel_title_description, ("panels", 0, "description"), ""),
    (lint.panel_units, ("panels", 0, "fieldConfig", "defaults"), {}),
    (lint.panel_units, ("panels", 0, "fieldConfig", "defaults", "unit"), "seconds"),
    (
        lint.panel_units,
        ("panels", 0, "fieldConfig", "overrides"),
        [{"properties": [{"id": "unit", "value": "secs"}]}],
    ),
    (lint.panel_no_targets, ("panels", 0, "targets"), []),
    (lint.target_promql, _EXPR, "sum(x"),
    (lint.target_promql, _EXPR, 'x{node="$node"}'),
    (lint.target_rate_interval, _EXPR, "rate(x_total[5m])"),
    (lint.target_rate_interval, _EXPR, "sum(irate(x_total[$__interval]))"),
    (lint.target_counter_agg, _EXPR, "sum(x_total)"),
    (lint.target_counter_agg, _EXPR, "max_over_time(x_total[$__range])"),
    (lint.target_logql, ("panels", 0, "targets", 0, "datasource"), {"type": "loki", "uid": "${datasource}"}),
)


@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("rule", lint.RULES)
def test_our_dashboards_keep_the_rules_of_dashboard_linter(rule: Rule, uid: str) -> None:
    """All but job and instance: the exporters of a cluster are looked at together."""
    assert list(rule(dashboard(uid))) == []


@pytest.mark.parametrize("rule", lint.RULES)
def test_a_dashboard_in_order_has_no_complaints(rule: Rule) -> None:
    """So that the bad ones are bad in what was changed, and in nothing else."""
    assert list(rule(GOOD)) == []


@pytest.mark.parametrize(("rule", "path", "value"), BAD)
def test_each_rule_finds_what_it_is_there_for(rule: Rule, path: Path, value: object) -> None:
    """One change to a dashboard in order, one complaint."""
    assert len(list(rule(_changed(path, value)))) == 1


def test_logs_are_asked_over_auto() -> None:
    """The last rule is about queries that another one forbids us."""
    bad = _changed(("panels", 0, "targets", 0), {"datasource": {"type": "loki"}, "expr": 'rate({a="b"}[5m])'})
    good = _changed(("panels", 0, "targets", 0), {"datasource": {"type": "loki"}, "expr": 'rate({a="b"}[$__auto])'})
    assert (len(list(lint.target_logql_auto(bad))), list(lint.target_logql_auto(good))) == (1, [])


def _changed(path: Path, value: object) -> Json:
    board = copy.deepcopy(GOOD)
    at: Any = board
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return board
