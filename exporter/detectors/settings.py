"""Settings of what is noticed."""

from pydantic import BaseModel, ConfigDict, Field

from exporter.destinations.scopes import Scope
from exporter.duration import Duration
from exporter.expectations.interface import Expectation


class DnsSettings(BaseModel):
    """When name resolution counts as broken, and how much evidence is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_timeout: Duration = Field(
        default=10.0,
        gt=0,
        description="A query without a response for so long, by the flows' own time, is unanswered; clients ask again "
        "after 5s.",
    )
    queries: int = Field(
        default=10_000,
        ge=1,
        description="Queries (entries, about 800 B each) whose response is awaited, and as many names just found.",
    )
    window: Duration = Field(
        default=300.0, gt=0, description="Failures are counted over so long; also the window of `dns_failing_names`."
    )
    failures: int = Field(
        default=5,
        ge=1,
        description="NXDOMAIN, SERVFAIL, unanswered queries and errors of the proxy are a breakage from so many in the "
        "window on; expansions are left out.",
    )
    failure_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="They must also be this share of the workload's answers, or half of those for one name.",
    )
    settle: Duration = Field(
        default=15.0,
        ge=0,
        description="A cause begins when its evidence is so old: policies of a pod that starts take a moment.",
    )
    quiet: Duration = Field(default=900.0, gt=0, description="A cause ends when it had no evidence for so long.")
    evidence: int = Field(
        default=2_000,
        ge=1,
        description="Pieces of evidence (entries, about 3 KiB each), each a kind of failure of one workload and name.",
    )
    evidence_per_workload: int = Field(default=64, ge=1, description="Pieces of evidence of one workload.")
    workloads: int = Field(
        default=10_000, ge=1, description="Workloads (entries, about 500 B each) whose answers are counted for shares."
    )
    failing_names_gauge: bool = Field(
        default=False, description="Expose `hubble_egress_dns_failing_names`: failing names of each workload."
    )


class DestinationsDetectorSettings(BaseModel):
    """New and unexpected destinations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scopes: tuple[Scope, ...] = Field(
        default=(Scope.PUBLIC, Scope.METADATA),
        description="Scopes of destinations whose findings are a `warning`; in others they are `info`.",
    )
    answers: tuple[Expectation, ...] = Field(
        default=(Expectation.UNEXPECTED, Expectation.NOT_COVERED),
        description="Answers of the expectations to which findings are a `warning`. Add `expected_wide` if a rule that "
        "allows the whole world is not meant to allow everything.",
    )


class DetectorsSettings(BaseModel):
    """What is noticed in flows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dns: DnsSettings = Field(default=DnsSettings(), description="Name resolution that does not work.")
    destinations: DestinationsDetectorSettings = Field(
        default=DestinationsDetectorSettings(), description="New and unexpected destinations."
    )
