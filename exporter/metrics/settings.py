"""Settings of the metric families."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exporter.duration import Duration
from exporter.metrics.labels import PRODUCT_FAMILIES
from exporter.metrics.switches import fault_in

_LEAST_TTL = 60.0
"""Less than a few scrapes, and a series in use would come and go."""


def _families(values: dict[str, float]) -> dict[str, float]:
    if unknown := [name for name in values if name not in PRODUCT_FAMILIES]:
        raise ValueError(f"{unknown[0]!r} is no product family; these are: {', '.join(PRODUCT_FAMILIES)}")
    if short := [name for name, seconds in values.items() if seconds < _LEAST_TTL]:
        raise ValueError(f"{short[0]} is too small; the least is 1m")
    return values


def _switches(values: dict[str, str]) -> dict[str, str]:
    for name, way in values.items():
        if fault := fault_in(name, way):
            raise ValueError(fault)
    return values


class MetricsSettings(BaseModel):
    """What keeps the number of series bounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    series: int = Field(
        default=50_000,
        ge=2_500,
        description="Series (entries, about 1 KiB each) of all product families together; what finds no room is folded "
        "into `~other`: destination, then port, workload, namespace.",
    )
    series_per_family: int = Field(
        default=40_000, ge=100, description="Series of one product family; beyond them it folds in the same way."
    )
    destinations_per_workload: int = Field(
        default=50,
        ge=1,
        description="Distinct values of the label `destination` per source workload; the rest is `~other`.",
    )
    unexpected_per_workload: int = Field(
        default=50, ge=1, description="The same for unexpected destinations, which expected ones never push out."
    )
    ports_per_workload: int = Field(
        default=50,
        ge=1,
        description="Distinct values of the label `destination_port` per source workload; the rest is `~other`.",
    )
    names_per_domain: int = Field(
        default=10,
        ge=1,
        description="Distinct names below one registered domain per source workload; further ones are "
        "`*.` and the domain.",
    )
    latency_namespaces: int = Field(
        default=200,
        ge=1,
        description="Namespaces (entries, about 1 KiB each) with a histogram of their own in `dns_latency_seconds`; "
        "the rest is `~other`.",
    )
    ttl: Duration = Field(
        default=3600.0,
        ge=_LEAST_TTL,
        description="A series in which nothing was counted for this long leaves the exposition.",
    )
    ttl_by_family: Annotated[dict[str, Duration], AfterValidator(_families)] = Field(
        default={}, description="The same for single families, as `family: duration`."
    )
    retained_series: int = Field(
        default=50_000,
        ge=1,
        description="Series that left (entries, about 500 B each) whose value is kept, so that they go on from it.",
    )
    retained_for: Duration = Field(
        default=604_800.0, gt=0, description="How long the value of a series that left is kept."
    )

    labels: Annotated[dict[str, str], AfterValidator(_switches)] = Field(
        default={},
        description="Labels that are turned `off` or made `coarse`, as `family.label: off`; METRICS.md says what each "
        "costs. `coarse` keeps of a destination its registered domain or namespace, of a port only those below 1024. "
        "Workloads that then share their labels share one budget.",
    )
