"""All settings of the exporter: the blocks that the stages declare, composed into one frozen model."""

from pydantic import BaseModel, ConfigDict, Field

from exporter.connections.settings import ConnectionsSettings
from exporter.demo.settings import DemoSettings
from exporter.destinations.settings import DestinationsSettings
from exporter.detectors.settings import DetectorsSettings
from exporter.expectations.settings import ExpectationsSettings
from exporter.findings.settings import FindingsSettings
from exporter.hubble.settings import HubbleSettings, SourcesSettings
from exporter.known.settings import KnownSettings
from exporter.log import LogSettings
from exporter.metrics.settings import MetricsSettings
from exporter.web.settings import WebSettings


class Settings(BaseModel):
    """What the exporter can be told. `layers.load` fills it from a file, the environment and flags."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: LogSettings = Field(default=LogSettings(), description="What is logged, and how.")
    hubble: HubbleSettings = Field(default=HubbleSettings(), description="The Observer to stream from.")
    sources: SourcesSettings = Field(default=SourcesSettings(), description="Whose egress is counted.")
    destinations: DestinationsSettings = Field(
        default=DestinationsSettings(), description="How a destination gets its kind, name and scope."
    )
    connections: ConnectionsSettings = Field(
        default=ConnectionsSettings(), description="When an event belongs to a connection that is already counted."
    )
    expectations: ExpectationsSettings = Field(
        default=ExpectationsSettings(), description="What each workload is allowed to reach."
    )
    detectors: DetectorsSettings = Field(default=DetectorsSettings(), description="What is noticed in flows.")
    known: KnownSettings = Field(default=KnownSettings(), description="The memory of where each workload goes.")
    findings: FindingsSettings = Field(default=FindingsSettings(), description="How findings are delivered.")
    metrics: MetricsSettings = Field(default=MetricsSettings(), description="What keeps the number of series bounded.")
    web: WebSettings = Field(default=WebSettings(), description="Where `/metrics` and the pages are served.")
    demo: DemoSettings = Field(default=DemoSettings(), description="The cluster that `demo` invents.")
