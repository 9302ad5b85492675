"""What the panels ask exists: metrics, labels, and the words of legends and tables."""

import re

import pytest
from promql_parser import Expr, parse

from dashboards.triage_names import CAUSES
from exporter.metrics import labels
from exporter.metrics.families import EXPORTER, PRODUCT, READ
from tests.dashboards.catalogue import TARGET, known, labels_of
from tests.dashboards.promql import coming_out, grouping
from tests.dashboards.reading import UIDS, Json, dashboard, filled, panels, targets, variables
from tests.dashboards.tree import nodes
from tests.rules.promql import selectors

ASKED = [
    pytest.param(uid, panel, target, id=f"{uid}-{panel['title']}-{target['refId']}")
    for uid in UIDS
    for panel, target in targets(dashboard(uid))
]
TABLES = [
    pytest.param(uid, panel, id=f"{uid}-{panel['title']}")
    for uid in UIDS
    for panel in panels(dashboard(uid))
    if panel["type"] == "table"
]
LABELS = {label for family in (*PRODUCT, *READ, *EXPORTER) for label in family.labels}
# Drop reasons are an open list: these are the ones that policy gives.
REASONS = {"policy_denied", "policy_deny", "dns_denied", "l7_denied"}
_LEGEND = re.compile(r"\{\{(\w+)\}\}")


def parsed(uid: str, target: Json) -> Expr:
    """A query as Prometheus would get it."""
    return parse(filled(target["expr"], dashboard(uid)))


def missing_labels(expr: Expr) -> set[str]:
    """Labels that stand in it, and that nothing below has."""
    found: set[str] = set()
    for node, _ in nodes(expr):
        below = frozenset[str]().union(*(labels_of(one.name or "") for one in selectors(node)))
        found |= grouping(node) - below
    for one in selectors(expr):
        found |= {matcher.name for matcher in one.matchers.matchers} - labels_of(one.name or "")
    return found


@pytest.mark.parametrize(("uid", "panel", "target"), ASKED)
def test_queries_name_metrics_that_we_export_or_record(uid: str, panel: Json, target: Json) -> None:
    """And Prometheus' own of alerts and processes."""
    named = {str(one.name) for one in selectors(parsed(uid, target))}
    assert named <= known().keys(), panel["title"]


@pytest.mark.parametrize(("uid", "panel", "target"), ASKED)
def test_queries_name_labels_that_these_metrics_have(uid: str, panel: Json, target: Json) -> None:
    """In matchers, groupings and joins."""
    assert missing_labels(parsed(uid, target)) == set(), panel["title"]


@pytest.mark.parametrize(
    "expr",
    ["sum by (verdict) (hubble_egress_drops_total)", 'hubble_egress_workloads{source_workload="a"}', "sum by (a) (up)"],
)
def test_a_label_that_no_metric_has_is_found(expr: str) -> None:
    """In a grouping and in a matcher."""
    assert missing_labels(parse(expr)) != set()


@pytest.mark.parametrize(("uid", "panel", "target"), ASKED)
def test_every_selector_is_of_the_chosen_cluster(uid: str, panel: Json, target: Json) -> None:
    """Limits of the alerts are the same everywhere; all else is filtered."""
    for one in selectors(parse(filled(target["expr"].replace("$cluster", "CHOSEN"), dashboard(uid)))):
        chosen = [matcher.value for matcher in one.matchers.matchers if matcher.name == "cluster"]
        assert chosen == ["CHOSEN"] or str(one.name).startswith("hubble_egress:threshold_"), panel["title"]


@pytest.mark.parametrize("uid", UIDS[:2])
def test_what_has_a_workload_is_of_the_chosen_one(uid: str) -> None:
    """On the two dashboards on which one can be chosen."""
    for panel, target in targets(dashboard(uid)):
        for one in selectors(parsed(uid, target)):
            of_workload = "source_workload" in labels_of(str(one.name))
            filtered = {matcher.name for matcher in one.matchers.matchers} >= {"source_namespace", "source_workload"}
            assert filtered == of_workload, panel["title"]


@pytest.mark.parametrize(("uid", "panel", "target"), ASKED)
def test_legends_name_labels_that_come_out(uid: str, panel: Json, target: Json) -> None:
    """A legend with an empty place tells nobody which line it is."""
    legend = target.get("legendFormat", "")
    named = set(_LEGEND.findall(legend))
    assert named <= coming_out(parsed(uid, target)), panel["title"]
    if panel["type"] in {"timeseries", "bargauge"}:
        assert legend, panel["title"]


@pytest.mark.parametrize(("uid", "panel"), TABLES)
def test_tables_name_every_column_in_plain_words(uid: str, panel: Json) -> None:
    """Each label and each value has a title and a place, or is left out; nothing else is named."""
    order = next(step["options"] for step in panel["transformations"] if step["id"] == "organize")
    queries = panel["targets"]
    values = {f"Value #{target['refId']}" for target in queries} if len(queries) > 1 else {"Value"}
    there = values.union(*(coming_out(parsed(uid, target)) for target in queries))
    assert there == order["renameByName"].keys() | order["excludeByName"].keys() - {"Time"}
    assert order["excludeByName"]["Time"]
    assert order["indexByName"].keys() == order["renameByName"].keys()


@pytest.mark.parametrize(("uid", "panel"), TABLES)
def test_overrides_and_sorting_of_tables_are_of_their_columns(uid: str, panel: Json) -> None:
    """By the title that the reader sees."""
    order = next(step["options"] for step in panel["transformations"] if step["id"] == "organize")
    titles = set(order["renameByName"].values())
    assert {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]} <= titles, uid
    assert {one["displayName"] for one in panel["options"].get("sortBy", [])} <= titles, uid
    # Queries of one table are put together, those of more than one only then.
    steps = [step["id"] for step in panel["transformations"]]
    assert steps == ["merge", "organize"] if len(panel["targets"]) > 1 else ["organize"]


@pytest.mark.parametrize("uid", UIDS)
def test_colours_are_given_to_lines_that_can_be_there(uid: str) -> None:
    """By the value of a label with a closed list, or the words of a legend."""
    for panel in panels(dashboard(uid)):
        if panel["type"] == "timeseries":
            coloured = {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]}
            assert coloured <= set().union(*(drawn(target) for target in panel["targets"])) | REASONS, panel["title"]


def drawn(target: Json) -> set[str]:
    """Names of the lines, as far as they can be known."""
    legend = str(target["legendFormat"])
    label = _LEGEND.fullmatch(legend)
    return {legend} if not label else {value for one in LABELS if one.name == label[1] for value in one.values}


def test_every_cause_has_its_meaning() -> None:
    """All that the exporter may find, and nothing else."""
    assert set(CAUSES) == set(labels.CAUSE.values)


@pytest.mark.parametrize("uid", UIDS)
def test_variables_ask_for_labels_that_exist(uid: str) -> None:
    """And stand for all of them at first, also for series without the label."""
    asked = [one for one in variables(dashboard(uid)) if one["type"] == "query"]
    assert [one["name"] for one in asked] == ["cluster", "source_namespace", "source_workload"]
    for one in asked:
        assert one["definition"] == one["query"]["query"]
        assert one["definition"].endswith(f", {one['name']})")
        assert one["name"] in TARGET | labels_of("hubble_egress_connections_total")
        assert (one["includeAll"], one["allValue"], one["current"]["value"]) == (True, ".*", "$__all")


@pytest.mark.parametrize("uid", UIDS)
def test_what_was_lost_is_counted_over_the_time_shown(uid: str) -> None:
    """A number that tells of this moment only would say 0 beside the graph of a loss an hour ago."""
    for panel, target in targets(dashboard(uid)):
        if panel["type"] == "stat" and "_lost_" in target["expr"]:
            assert "[$__range]" in target["expr"], panel["title"]
            assert "in the time shown" in panel["description"]


def test_what_is_looked_up_once_is_not_taken_for_what_goes_on() -> None:
    """None unexpected among new contacts stands beside a table of unexpected destinations; the text says why."""
    found = [
        panel for panel, target in targets(dashboard("hubble-egress-exporter")) if "_evaluations_" in target["expr"]
    ]
    assert found
    for panel in found:
        assert "New contacts" in panel["title"]
        assert "once" in panel["description"]
