"""Settings of what is expected of each workload."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exporter.duration import Duration
from exporter.expectations.policy import WorkloadChooser


def _workload(text: str) -> str:
    workload_chooser(text)
    return text


def workload_chooser(text: str) -> WorkloadChooser:
    """Workloads by `namespace/workload`, in which a star stands for anything.

    Raises:
        ValueError: when it is something else.
    """
    namespace, slash, workload = text.partition("/")
    if not slash or not namespace or not workload:
        raise ValueError(f"{text!r} is no namespace/workload such as istio-system/istio-egressgateway")
    return WorkloadChooser(namespace, workload)


class KubernetesSettings(BaseModel):
    """Policies as they are in the cluster, followed through its API server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=False,
        description="Read policies, and what they refer to, from the API server too. Needs the extra `kubernetes` of "
        "the package, and leave to get, list and watch.",
    )
    kubeconfig: str = Field(
        default="", description="File that says how to reach the API server. Without one it is that of the own pod."
    )
    context: str = Field(default="", description="Context of that file; without one the current one.")
    rebuild_interval: Duration = Field(
        default=5.0, ge=0, description="Rules are made anew at most this often, however much changes in the cluster."
    )
    timeout: Duration = Field(default=30.0, ge=0.1, description="How long the API server may take to answer.")
    page_size: int = Field(default=500, ge=1, description="Objects of one answer to a list.")
    first_delay: Duration = Field(
        default=1.0, ge=0.01, description="Pause after a fault; it doubles with every further one."
    )
    longest_delay: Duration = Field(default=60.0, ge=0.01, description="Longest pause between two attempts.")
    absent_delay: Duration = Field(
        default=300.0,
        ge=0.01,
        description="Longest pause before a kind is looked for again that the cluster does not have.",
    )


class ExpectationsSettings(BaseModel):
    """What each workload is allowed to reach. Without files nothing is looked up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(
        default=(),
        description="Files with policies and allowlists, or folders of them (`*.yaml`, `*.yml`, `*.json`). They are "
        "read again when they change; a broken one never replaces a good one.",
    )
    check_interval: Duration = Field(
        default=30.0, ge=1, description="How often is looked whether the files have changed."
    )
    egress_gateways: tuple[Annotated[str, AfterValidator(_workload)], ...] = Field(
        default=(),
        description="Egress gateways of a mesh, as `namespace/workload`: the hosts of every ServiceEntry are expected "
        "of them, and nothing else.",
    )
    answer_cache: int = Field(
        default=100_000, ge=1, description="Answers (entries, about 700 B each) remembered until the files change."
    )
    kubernetes: KubernetesSettings = Field(
        default=KubernetesSettings(), description="Policies as they are in the cluster."
    )
