"""What one flow says about the memory of a workload: it went there, or tried to."""

from typing import NamedTuple

from exporter.destinations.interface import Destination, NameConfidence
from exporter.expectations.interface import Answer
from exporter.flow import Flow
from exporter.known.interface import WorkloadKey

_JOBS = ("CronJob", "Job")
QUERY = "query"
"""Stands for port and protocol where a name was asked for and nothing else."""


class Sighting(NamedTuple):
    """A contact, with all that is needed to judge it later, in another thread.

    `names` are what the destination may be remembered as: of several names on one address one that is known is enough.
    They are empty for an address without a name, which the memory may know under one.
    """

    workload: WorkloadKey
    names: tuple[str, ...]
    address: str
    """Where it went outside the cluster; empty inside it, and for a query that was refused."""
    destination: Destination
    port: str
    protocol: str
    service: str
    """Port and protocol, as they stand in marks: `443/tcp`, `/icmp`; `QUERY` when only the name was asked for."""
    verdict: str
    reason: str
    """Drop reason; empty when it passed."""
    answer: Answer
    sees_dns: bool
    """Whether the workload's DNS passes the proxy."""
    starts: bool
    """Whether the flow begins a contact; one in the middle of it only refreshes what is known."""
    is_owned: bool
    """Whether the node that reports it owns the source: only there the first flow of a pod tells its start."""
    coverage: float | None
    flow: Flow

    @property
    def time_ns(self) -> int:
        """When it was seen."""
        return self.flow.time_ns

    @property
    def denied(self) -> bool:
        """Whether it was dropped or refused."""
        return self.verdict == "dropped"

    @property
    def pod(self) -> str:
        """The pod as one run of it, by the agent's number: of a StatefulSet the next one has the same name."""
        source = self.flow.source
        return f"{source.pod_name} {source.id}" if source.pod_name and source.id else ""

    @property
    def is_job(self) -> bool:
        """Whether the pod is a run of a job, which does all that it ever does behind its start."""
        return any(workload.kind in _JOBS for workload in self.flow.source.workloads)

    @property
    def is_named(self) -> bool:
        """Whether a DNS name was seen for it."""
        return self.destination.external and self.destination.confidence is not NameConfidence.NONE


class Watched(NamedTuple):
    """Nodes whose flows arrive, at a time of the flows."""

    node_names: tuple[str, ...]
    time_ns: int


class Missed(NamedTuple):
    """Flows of a node were missed for so long, until that time of the flows."""

    node_name: str
    seconds: float
    time_ns: int


Note = Sighting | Watched | Missed


def port_and_protocol(service: str) -> tuple[str, str]:
    """The labels of a service, as it stands in marks."""
    if service == QUERY:
        return "", "udp"
    port, _, protocol = service.partition("/")
    return port, protocol
