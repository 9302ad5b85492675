"""The rules of Grafana's dashboard-linter, all but those about job and instance, as functions that list complaints."""

import re
from collections.abc import Iterator

from promql_parser import Call, MatrixSelector, VectorSelector, parse

from tests.dashboards.reading import RATE_INTERVAL, Json, filled, panels, targets, variables
from tests.dashboards.tree import nodes

_TIMES = {"s", "dtdurations", "dateTimeAsIso", "dateTimeFromNow"}
UNITS = _TIMES | {"short", "none", "string", "percentunit", "locale", "bytes", "cps", "reqps"}
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")


def template_datasource(board: Json) -> Iterator[str]:
    """There is one variable for the data source, called so."""
    found = [one for one in variables(board) if one["type"] == "datasource"]
    if [(one["name"], one["query"]) for one in found] != [("datasource", "prometheus")]:
        yield "no variable `datasource` of Prometheus, or another one too"


def template_label_promql(board: Json) -> Iterator[str]:
    """What a variable asks is PromQL."""
    for one in variables(board):
        if one["type"] != "query":
            continue
        asked = _LABEL_VALUES.fullmatch(one["query"]["query"])
        if not asked or not _parses(filled(asked[1], board)):
            yield f"{one['name']} asks no PromQL"


def template_on_time_change_reload(board: Json) -> Iterator[str]:
    """What a variable asks is asked again for another time."""
    yield from (f"{one['name']} is not asked again" for one in _queries(board) if one.get("refresh") != 2)


def uneditable_dashboard(board: Json) -> Iterator[str]:
    """Nobody changes in Grafana what is made from code."""
    if board.get("editable") is not False:
        yield "it can be edited"


def panel_datasource(board: Json) -> Iterator[str]:
    """Panels and queries use the variable."""
    for panel in panels(board):
        asking = [panel, *panel.get("targets", [])] if panel["type"] != "text" else []
        yield from (f"{panel['title']}: another data source" for one in asking if one.get("datasource") != _SOURCE)


def panel_title_description(board: Json) -> Iterator[str]:
    """Panels say what they are, and what they mean."""
    for panel in panels(board):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']} has no title or no description"


def panel_units(board: Json) -> Iterator[str]:
    """Values have units that Grafana knows."""
    for panel in panels(board):
        config = panel.get("fieldConfig", {})
        overrides = [prop for one in config.get("overrides", []) for prop in one["properties"] if prop["id"] == "unit"]
        units = {config.get("defaults", {}).get("unit"), *(prop["value"] for prop in overrides)}
        if panel["type"] != "text" and not units <= UNITS:
            yield f"{panel['title']}: no unit, or one that Grafana does not know"


def panel_no_targets(board: Json) -> Iterator[str]:
    """Panels ask something."""
    yield from (f"{one['title']} asks nothing" for one in panels(board) if one["type"] != "text" and not one["targets"])


def target_promql(board: Json) -> Iterator[str]:
    """What they ask is PromQL, and all variables in it are known."""
    for panel, target in targets(board):
        asked = filled(target["expr"], board)
        if "$" in asked or not _parses(asked):
            yield f"{panel['title']}: no PromQL: {asked}"


def target_rate_interval(board: Json) -> Iterator[str]:
    """Rates are taken over $__rate_interval."""
    for panel, target in targets(board):
        for node, above in _nodes(target, board):
            is_rate = above and isinstance(above[-1], Call) and above[-1].func.name in {"rate", "irate"}
            if isinstance(node, MatrixSelector) and is_rate and f"[{RATE_INTERVAL}]" not in str(node):
                yield f"{panel['title']}: a rate over another time"


def target_counter_agg(board: Json) -> Iterator[str]:
    """Counters are read by functions that know when one began anew."""
    for panel, target in targets(board):
        for node, above in _nodes(target, board):
            if not isinstance(node, VectorSelector) or not str(node.name).endswith(("_total", "_bucket")):
                continue
            function = above[-2].func.name if len(above) > 1 and isinstance(above[-2], Call) else ""
            if function not in {"rate", "irate", "increase"}:
                yield f"{panel['title']}: {node.name} without rate or increase"


def target_logql(board: Json) -> Iterator[str]:
    """Logs are not asked: what we show must be there without a store of logs."""
    yield from (f"{panel['title']} asks Loki" for panel, target in targets(board) if _is_loki(target))


def target_logql_auto(board: Json) -> Iterator[str]:
    """Where logs are asked, then over $__auto."""
    for panel, target in targets(board):
        if _is_loki(target) and any(range_ != "[$__auto]" for range_ in re.findall(r"\[.*?\]", target["expr"])):
            yield f"{panel['title']}: logs over another time"


def _queries(board: Json) -> Iterator[Json]:
    return (one for one in variables(board) if one["type"] == "query")


def _is_loki(target: Json) -> bool:
    return bool(target.get("datasource", {}).get("type") == "loki")


def _parses(asked: str) -> bool:
    try:
        parse(asked)
    except ValueError:
        return False
    return True


def _nodes(target: Json, board: Json) -> Iterator[tuple[object, tuple[object, ...]]]:
    asked = filled(target["expr"], board)
    return nodes(parse(asked)) if _parses(asked) else iter(())


RULES = (
    *(template_datasource, template_label_promql, template_on_time_change_reload, uneditable_dashboard),
    *(panel_datasource, panel_title_description, panel_units, panel_no_targets),
    *(target_promql, target_rate_interval, target_counter_agg, target_logql, target_logql_auto),
)
