"""PromQL of the panels: which series, and how they are asked for.

Every selector has the variables of the dashboard in it. `cluster` may be missing from all series: `.*`, which stands
for "All", matches what has no such label.
"""

from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
# Grafana takes four times this for $__rate_interval, which is enough for scrapes of up to a minute.
SHORTEST_STEP: Final = "30s"
_CLUSTER: Final = 'cluster=~"$cluster"'
_WORKLOAD: Final = 'source_namespace=~"$source_namespace", source_workload=~"$source_workload"'
WORKLOAD: Final = "cluster, source_namespace, source_workload"
DESTINATION: Final = "destination_kind, scope, destination, destination_port, protocol, verdict"


def of_cluster(metric: str, *matchers: str) -> str:
    """Series of the chosen clusters."""
    return f"{metric}{{{', '.join((_CLUSTER, *matchers))}}}"


def of_workloads(metric: str, *matchers: str) -> str:
    """Series of the chosen workloads."""
    return of_cluster(metric, _WORKLOAD, *matchers)


def rate(selector: str) -> str:
    """How often it happens, per second."""
    return f"rate({selector}[$__rate_interval])"


def within_range(selector: str) -> str:
    """How often it happened in the time that the dashboard shows."""
    return f"increase({selector}[$__range])"


def or_zero(expr: str) -> str:
    """Zero where nothing happened and an exporter is scraped; nothing where none is: quiet is not blind."""
    return f"{expr} or 0 * sum({of_cluster('hubble_egress_exporter_build_info')})"


def threshold(name: str, default: int) -> str:
    """A limit of the alerts as a number, also where the rules are not loaded."""
    return f"scalar(max(hubble_egress:threshold_{name}) or vector({default}))"


def line(expr: str, legend: str, ref: str = "A") -> Dataquery:
    """One query over the time that is shown."""
    query = Dataquery().expr(expr).legend_format(legend).range().interval(SHORTEST_STEP)
    return query.ref_id(ref).datasource(SOURCE)


def value(expr: str, legend: str = "", ref: str = "A") -> Dataquery:
    """One query about now."""
    return Dataquery().expr(expr).legend_format(legend).instant().ref_id(ref).datasource(SOURCE)


def rows(expr: str, ref: str = "A") -> Dataquery:
    """One query about now whose labels are the columns of a table."""
    return value(expr, ref=ref).format(PromQueryFormat.TABLE)
