"""Settings of the windows in which events belong to one connection."""

from pydantic import BaseModel, ConfigDict, Field

from exporter.duration import Duration


class ConnectionsSettings(BaseModel):
    """When an event belongs to a connection that is already counted. All times are flow times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int = Field(
        default=60_000, ge=1, description="Connections (entries, about 250 B each) remembered; the oldest leave first."
    )
    tcp_window: Duration = Field(
        default=60.0,
        gt=0,
        description="A TCP start this soon after the last one of the same 5-tuple is the same connection: SYNs are "
        "retransmitted up to 32 s apart.",
    )
    other_window: Duration = Field(
        default=300.0,
        gt=0,
        description="An event of another protocol this soon after the last one of its 5-tuple is the same connection.",
    )
    dns_window: Duration = Field(
        default=30.0,
        gt=0,
        description="A proxy error this soon after a DNS query of the same 5-tuple and name is about that query: the "
        "proxy waits 10 s for its upstream.",
    )
    proxy_window: Duration = Field(
        default=5.0,
        gt=0,
        description="A start of unknown direction this soon after a redirect verdict to the same address and port is "
        "the proxy's upstream leg.",
    )
