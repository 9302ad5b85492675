"""Settings of the demo cluster."""

from pydantic import BaseModel, ConfigDict, Field


class DemoSettings(BaseModel):
    """The cluster that `demo` invents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=1, ge=0, description="Seed of everything that looks random in the demo's traffic.")
    speed: float = Field(
        default=20.0, gt=0, allow_inf_nan=False, description="How many times faster than life the demo's day runs."
    )
