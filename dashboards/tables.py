"""Tables: a column for each label, in our order and in plain words, and one for each query's value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    ValueMapping,
)

from dashboards import colours
from dashboards.queries import SOURCE

# Grafana puts the values of the row in their places; a label that is missing is empty, as the host's namespace is.
TRIAGE: Final = (
    "/d/hubble-egress-workload?${datasource:queryparam}&${cluster:queryparam}&${__url_time_range}"
    "&var-source_namespace=${__data.fields.source_namespace}&var-source_workload=${__data.fields.source_workload}"
)


@dataclass(frozen=True)
class Column:
    """One column: the label it shows, or `Value` and `Value #B` for what the queries gave."""

    source: str
    title: str
    unit: str | None = None
    width: int | None = None
    decimals: int | None = None
    words: tuple[ValueMapping, ...] = ()
    empty: str = ""
    link: Mapping[str, object] | None = field(default=None, compare=False)
    coloured: bool = False
    wrapped: bool = False

    def properties(self) -> list[DynamicConfigValue]:
        """What Grafana must know about it beside its name."""
        given = (
            ("unit", self.unit),
            ("decimals", self.decimals),
            ("custom.width", self.width),
            # Else each empty cell says what the empty table says.
            ("noValue", self.empty),
            ("mappings", list(self.words) or None),
            ("links", [self.link] if self.link else None),
            ("custom.cellOptions", self._cell()),
        )
        return [DynamicConfigValue(name, value) for name, value in given if value is not None]

    def _cell(self) -> dict[str, object] | None:
        if self.coloured:
            return {"type": "color-text"}
        return {"type": "auto", "wrapText": True} if self.wrapped else None


CLUSTER: Final = Column("cluster", "Cluster", width=100)  # only where Prometheus has one
NAMESPACE: Final = Column("source_namespace", "Namespace", width=100)
WORKLOAD: Final = Column(
    "source_workload", "Workload", width=130, link={"title": "Workload triage", "url": TRIAGE, "targetBlank": False}
)
DESTINATION: Final = Column("destination", "Destination")
SCOPE: Final = Column("scope", "Scope", width=85)
PORT: Final = Column("destination_port", "Port", width=60)
PROTOCOL: Final = Column("protocol", "Protocol", width=75)
VERDICT: Final = Column(
    "verdict",
    "Verdict",
    width=115,
    coloured=True,
    words=(
        colours.alarming(
            {
                "forwarded": ("passed", colours.PLAIN),
                "redirected": ("passed, proxy", colours.PLAIN),
                "audited": ("audit only", colours.WARNING),
                "dropped": ("dropped", colours.BAD),
            }
        ),
    ),
)


def listing(
    title: str,
    meaning: str,
    queries: Sequence[Dataquery],
    columns: Sequence[Column],
    *,
    empty: str,
    hidden: Sequence[str] = (),
    sort: Mapping[str, bool] | None = None,
) -> table.Panel:
    """A table; rows of several queries with the same labels become one. Labels in `hidden` only tell rows apart.

    `sort` has the titles of columns, the most important first, and whether their greatest values come first.
    """
    panel = table.Panel().title(title).description(meaning).datasource(SOURCE).targets(list(queries))
    panel.unit("string").no_value(empty).cell_height(TableCellHeight.SM).thresholds(colours.plain())
    if len(queries) > 1:
        panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    order = {
        "indexByName": {column.source: at for at, column in enumerate(columns)},
        "renameByName": {column.source: column.title for column in columns},
        "excludeByName": dict.fromkeys(("Time", *hidden), True),
    }
    panel.with_transformation(DataTransformerConfig(id_val="organize", options=order))
    for column in columns:
        if properties := column.properties():
            panel.override_by_name(column.title, properties)
    if sort:
        panel.sort_by([TableSortByFieldState().display_name(title).desc(down) for title, down in sort.items()])
    return panel
