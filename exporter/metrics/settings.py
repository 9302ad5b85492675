"""Settings of the metric families."""

from pydantic import BaseModel, ConfigDict, Field


class MetricsSettings(BaseModel):
    """What keeps the number of series bounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    destinations_per_workload: int = Field(
        default=50,
        ge=1,
        description="Distinct values of the label `destination` per source workload; the rest is `~other`.",
    )
