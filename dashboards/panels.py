"""Panels with our defaults: what each must say, and how it looks when there is nothing to show."""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat, text, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTextDisplayOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, ValueMapping
from grafana_foundation_sdk.models.text import TextMode

from dashboards import colours
from dashboards.queries import SOURCE

UNSEEN: Final = "No data: is the exporter scraped?"


def graph(
    title: str,
    meaning: str,
    queries: Sequence[Dataquery],
    *,
    unit: str,
    empty: str = UNSEEN,
    fixed: Mapping[str, str] | None = None,
    stacked: bool = False,
) -> timeseries.Panel:
    """Lines over time, or areas on top of each other where their sum means something."""
    panel = timeseries.Panel().title(title).description(meaning).datasource(SOURCE).targets(list(queries))
    panel.unit(unit).no_value(empty).min(0).line_width(1).fill_opacity(0).show_points(VisibilityMode.AUTO)
    panel.color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC)).thresholds(colours.plain())
    legend = VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    panel.legend(legend.placement(LegendPlacement.BOTTOM).calcs([]))
    panel.tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    if stacked:
        panel.stacking(StackingConfig().mode(StackingMode.NORMAL).group("A")).fill_opacity(40)
    if unit == "short":
        panel.axis_soft_max(1)  # else a line of zeros has an axis up to a hundred
    for name, colour in (fixed or {}).items():
        panel.override_by_name(name, [colours.fixed(colour)])
    return panel


def number(
    title: str,
    meaning: str,
    queries: Sequence[Dataquery],
    *,
    unit: str,
    empty: str = UNSEEN,
    limits: ThresholdsConfig | None = None,
    words: Sequence[ValueMapping] = (),
) -> stat.Panel:
    """One value a query, as it is now: the last one of a time that is over would look like news."""
    panel = stat.Panel().title(title).description(meaning).datasource(SOURCE).targets(list(queries))
    panel.unit(unit).no_value(empty).mappings(list(words)).thresholds(limits or colours.plain())
    panel.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
    panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.NONE)
    return panel.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS)).orientation(VizOrientation.HORIZONTAL)


def bars(
    title: str,
    meaning: str,
    queries: Sequence[Dataquery],
    *,
    unit: str,
    empty: str = UNSEEN,
    limits: ThresholdsConfig | None = None,
    full: float | None = None,
) -> bargauge.Panel:
    """One bar a series, as it is now; `full` is the value of a whole bar."""
    panel = bargauge.Panel().title(title).description(meaning).datasource(SOURCE).targets(list(queries))
    panel.unit(unit).no_value(empty).min(0).thresholds(limits or colours.steps(colours.SKY))
    panel.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
    panel.color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS)).orientation(VizOrientation.HORIZONTAL)
    panel.display_mode(BarGaugeDisplayMode.BASIC).value_mode(BarGaugeValueMode.TEXT).show_unfilled(True)
    panel.name_placement(BarGaugeNamePlacement.LEFT).text(VizTextDisplayOptions().title_size(12).value_size(14))
    return panel if full is None else panel.max(full)


def note(title: str, meaning: str, content: str) -> text.Panel:
    """Words for the reader."""
    return text.Panel().title(title).description(meaning).mode(TextMode.MARKDOWN).content(content)
