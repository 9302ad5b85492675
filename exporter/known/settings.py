"""Settings of the memory of destinations."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from exporter.duration import Duration

_DAY = 86_400.0


class StoreKind(StrEnum):
    """Where facts are kept."""

    MEMORY = "memory"
    SQLITE = "sqlite"
    VALKEY = "valkey"


class ValkeySettings(BaseModel):
    """A Valkey or Redis server that several exporters share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(default="", description="`HOST:PORT` of the server.")
    database: int = Field(default=0, ge=0, description="Number of its database.")
    user: str = Field(default="", description="User name, where the server has users.")
    password: SecretStr | None = Field(default=None, description="Password.")
    password_file: str | None = Field(
        default=None, description="File that `password` is read from, anew for each connection."
    )
    tls: bool = Field(default=False, description="Speak TLS.")
    ca_file: str = Field(default="", description="Certificates (PEM) of the server's authority; else the system's.")
    timeout: Duration = Field(default=2.0, gt=0, description="Longest wait for a connection or an answer.")
    prefix: str = Field(default="hubble-egress:", description="All keys begin with it.")


class LearningSettings(BaseModel):
    """When a workload has shown where it usually goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_age: Duration = Field(default=3 * _DAY, ge=0, description="A workload that is known for less is learning.")
    max_age: Duration = Field(
        default=14 * _DAY,
        ge=1,
        description="A workload that is known for so long is armed in any case, or open-ended if it never converged.",
    )
    quiet: Duration = Field(
        default=_DAY, gt=0, description="How long nothing new must have been seen before a workload is armed."
    )
    starts: int = Field(
        default=2, ge=0, le=8, description="Starts of its pods that must have been seen before a workload is armed."
    )
    startup_window: Duration = Field(
        default=600.0, gt=0, description="For how long after its start a pod, or a new ReplicaSet, is starting up."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_age > self.max_age:
            raise ValueError("min-age is longer than max-age")
        return self


class KnownSettings(BaseModel):
    """The memory of where each workload goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: StoreKind = Field(
        default=StoreKind.SQLITE,
        description="Where it is kept: `sqlite` in a file, `valkey` on a server that several exporters share, `memory` "
        "not at all. `demo` and `replay` always use `memory`.",
    )
    file: str = Field(
        default="/var/lib/hubble-egress-exporter/known.db",
        min_length=1,
        description="File of `sqlite`; its folder must be writable, for two more files beside it.",
    )
    valkey: ValkeySettings = Field(default=ValkeySettings(), description="Server of `valkey`.")
    cluster: str = Field(
        default="", description="Name of the cluster in keys and findings; else what flows say, or `default`."
    )
    learning: LearningSettings = Field(default=LearningSettings(), description="When a workload is armed.")
    expire: Duration = Field(
        default=90 * _DAY,
        ge=_DAY,
        description="What was not seen for so long is forgotten, and new when it comes again.",
    )
    refresh: Duration = Field(
        default=300.0,
        ge=1,
        description="How often it is noted that something known was seen again; `last_seen` is as exact as this.",
    )
    entries: int = Field(
        default=200_000,
        ge=1_000,
        description="Facts (about 50 B of memory each, and 10 MB for those in use) of the workloads in use, and of an "
        "SQLite file; beyond them what was unseen for longest is left out.",
    )
    destinations_per_workload: int = Field(
        default=2_000,
        ge=1,
        description="Destinations of one workload, each port of one by itself; what is seen beyond them is counted as "
        "refused, and never new.",
    )
    addresses_per_workload: int = Field(
        default=2_000,
        ge=1,
        description="Addresses under their names, of one workload; beyond them those unseen for longest are forgotten.",
    )
    pods_per_workload: int = Field(
        default=10_000, ge=1, description="Pods of one workload; beyond them those unseen for longest are forgotten."
    )
    contacts: int = Field(
        default=40_000,
        ge=1,
        description="Contacts (pod, address, port; entries, about 250 B each) that are known to be noted; when it is "
        "full all are noted again.",
    )
    queue: int = Field(
        default=10_000, ge=1, description="Sightings (entries, about 1 KiB each) that wait for the store."
    )
    unexpected: int = Field(
        default=500,
        ge=1,
        description="Unexpected destinations whose timestamps are exported; beyond them the longest episodes stay.",
    )
    fanout_window: Duration = Field(
        default=3600.0, ge=60, description="Over which time the destinations of a workload are counted."
    )
    workloads: int = Field(
        default=500,
        ge=1,
        description="Workloads with series of their own in `known_destinations` and `destination_fanout`, those that "
        "reach most; the rest is `~other`.",
    )
