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
