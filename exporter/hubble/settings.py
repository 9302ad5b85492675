"""Settings of the connection to Hubble and of what is asked from it."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from exporter.duration import Duration


class HubbleSettings(BaseModel):
    """The Observer to stream from, and how hard to try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        default="hubble-relay.kube-system.svc.cluster.local:80",
        description="Hubble Relay or a node's agent: `HOST:PORT`, or `unix:///path` of an agent's socket. gRPC does "
        "not follow search suffixes: write the whole DNS name.",
        min_length=1,
    )
    connect_timeout: Duration = Field(
        default=10.0, gt=0, description="Longest wait for a connection before the attempt counts as failed."
    )
    backoff_min: Duration = Field(default=1.0, gt=0, description="Delay before the second attempt to connect.")
    backoff_max: Duration = Field(
        default=30.0, gt=0, description="Longest delay between attempts; delays double up to it, with jitter."
    )
    endpoint_cache: int = Field(
        default=50_000,
        ge=1,
        description="Distinct endpoints (entries, about 1 KiB each) whose decoded form is remembered.",
    )
    nodes: int = Field(default=10_000, ge=1, description="Nodes (entries, about 200 B each) whose state is remembered.")
    recording_line: int = Field(
        default=16 * 1024 * 1024,
        ge=1024,
        description="Longest line (bytes) of a recorded file; a longer one is skipped and counted.",
    )

    @model_validator(mode="after")
    def _delays_in_order(self) -> Self:
        if self.backoff_min > self.backoff_max:
            raise ValueError("backoff-min is longer than backoff-max")
        return self


class SourcesSettings(BaseModel):
    """Whose egress is counted. Flows of other workloads have the outcome `excluded`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    include_namespaces: tuple[str, ...] = Field(
        default=(), description="Count only these source namespaces; none means all."
    )
    exclude_namespaces: tuple[str, ...] = Field(default=(), description="Never count these source namespaces.")
    include_workloads: tuple[str, ...] = Field(
        default=(),
        description="Count only these source workloads, as `namespace/workload` with `*` and `?`; none means all.",
    )
    exclude_workloads: tuple[str, ...] = Field(
        default=(), description="Never count these source workloads, as `namespace/workload` with `*` and `?`."
    )
    workload_cache: int = Field(
        default=50_000,
        ge=1,
        description="Workloads (entries, about 200 B each) of which is remembered whether they are counted.",
    )

    @property
    def chooses(self) -> bool:
        """Whether anything is left out at all."""
        return any((self.include_namespaces, self.exclude_namespaces, self.include_workloads, self.exclude_workloads))
