"""What the dashboards have in common: variables, links, and where panels stand."""

from collections.abc import Sequence
from itertools import count
from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, table, text, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.queries import SOURCE

Panel = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel | text.Panel
# Panels beside each other, each with its width of 24, below a heading if there is one.
Line = tuple[int, Sequence[tuple[int, Panel]]] | str

TAGS: Final = ("hubble", "cilium-overview", "hubble-egress")
_REPOSITORY: Final = "https://github.com/hubble-egress-exporter/hubble-egress-exporter"
RUNBOOKS: Final = f"{_REPOSITORY}/tree/main/deploy/runbooks"
RUNBOOK: Final = f"{_REPOSITORY}/blob/main/deploy/runbooks/%s.md"
_SEEN: Final = '{__name__=~"hubble_egress_(connections|drops|dns_queries)_total", cluster=~"$cluster"%s}'
_OF_NAMESPACE: Final = ', source_namespace=~"$source_namespace"'


def board(uid: str, title: str, meaning: str) -> Dashboard:
    """An empty dashboard."""
    new = Dashboard(title).uid(uid).description(meaning).tags(list(TAGS)).readonly()
    new.timezone("browser").refresh("30s").time("now-1h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    new.link(_by_tag("Egress dashboards", "hubble-egress"))
    new.link(_by_tag("Cilium and Hubble", "cilium-overview").as_dropdown(True))
    return new.link(DashboardLink("Runbooks").type(DashboardLinkType.LINK).url(RUNBOOKS).target_blank(True))


def _by_tag(title: str, tag: str) -> DashboardLink:
    link = DashboardLink(title).type(DashboardLinkType.DASHBOARDS).tags([tag])
    return link.include_vars(True).keep_time(True)


def with_variables(to: Dashboard, *, several: bool = True, hidden: bool = False) -> Dashboard:
    """The four variables; `several` workloads at once, or `hidden` ones that only travel with the links."""
    to.with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
    to.with_variable(_asked("cluster", "Cluster", "hubble_egress_exporter_build_info").multi(several))
    namespace = _asked("source_namespace", "Namespace", _SEEN % "").multi(several)
    workload = _asked("source_workload", "Workload", _SEEN % _OF_NAMESPACE).multi(several)
    for variable in (namespace, workload):
        to.with_variable(variable.hide(VariableHide.HIDE_VARIABLE) if hidden else variable)
    return to


def _asked(name: str, label: str, series: str) -> QueryVariable:
    question = f"label_values({series}, {name})"
    variable = QueryVariable(name).label(label).datasource(SOURCE).definition(question)
    variable.query({"query": question, "refId": "StandardVariableQuery"})
    variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    # `.*` matches series without the label too: Prometheus of one cluster has no such label, the host no namespace.
    return variable.include_all(True).all_value(".*").current(VariableOption(text="All", value="$__all"))


def with_lines(to: Dashboard, lines: Sequence[Line]) -> Dashboard:
    """Put the panels in their places, from the top."""
    top, numbers = 0, count(1)
    for line in lines:
        if isinstance(line, str):
            to.with_row(Row(line).id(next(numbers)).grid_pos(GridPos(h=1, w=24, x=0, y=top)))
            top += 1
            continue
        height, panels = line
        left = 0
        for width, panel in panels:
            to.with_panel(panel.id(next(numbers)).grid_pos(GridPos(h=height, w=width, x=left, y=top)))
            left += width
        top += height
    return to
