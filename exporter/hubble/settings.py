"""Settings of the connection to Hubble and of what is asked from it."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from exporter.duration import Duration


class TlsSettings(BaseModel):
    """TLS towards the Observer. The files are read again when they change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=False,
        description="Speak TLS: agents do by default (port 4244), Relay if `hubble.relay.tls.server.enabled` is set.",
    )
    ca_file: str = Field(
        default="",
        description="Certificates (PEM) of the authority that signed the server's; without it those of the system. "
        "Cilium keeps its own as `ca.crt` in the secrets of Hubble.",
    )
    cert_file: str = Field(
        default="", description="Our certificate (PEM), for a server that asks for one: agents do, Relay can."
    )
    key_file: str = Field(default="", description="The private key (PEM, no passphrase) of `cert-file`.")
    server_name: str = Field(
        default="",
        description="Name that the server's certificate must have, where it is not that of the address: of Relay "
        "`ui.hubble-relay.cilium.io`, of an agent `<node>.<cluster>.hubble-grpc.cilium.io` with the dots of the node's "
        "name as dashes.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.enabled and (self.ca_file or self.cert_file or self.key_file or self.server_name):
            raise ValueError("these need tls.enabled")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert-file and key-file belong together")
        return self


class HubbleSettings(BaseModel):
    """The Observer to stream from, and how hard to try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        default="hubble-relay.kube-system.svc.cluster.local:80",
        description="Hubble Relay or a node's agent: `HOST:PORT`, or `unix:///path` of an agent's socket. gRPC does "
        "not follow search suffixes: write the whole DNS name.",
        min_length=1,
    )
    tls: TlsSettings = Field(default=TlsSettings(), description="TLS towards the Observer.")
    connect_timeout: Duration = Field(
        default=10.0, gt=0, description="Longest wait for a connection before the attempt counts as failed."
    )
    check_interval: Duration = Field(
        default=15.0,
        gt=0,
        description="How often the server is asked for its nodes. A stream on which nothing arrives meanwhile, and "
        "whose server does not answer either, is replaced; so is one whose certificate files have changed.",
    )
    silent_after: Duration = Field(
        default=120.0,
        gt=0,
        description="A node whose agent sees flows while none arrives for so long counts as missed, and the stream is "
        "replaced once: relay does not try a peer again whose stream ended cleanly. Not with `sources` that choose.",
    )
    backoff_min: Duration = Field(default=1.0, gt=0, description="Delay before the second attempt to connect.")
    backoff_max: Duration = Field(
        default=30.0, gt=0, description="Longest delay between attempts; delays double up to it, with jitter."
    )
    overlap: Duration = Field(
        default=10.0,
        ge=0,
        description="After a reconnect the server is asked again for what it told so long before the end, and what was "
        "processed already is left out. Records of the proxy carry the access log's time, which may be seconds older.",
    )
    resume_window: int = Field(
        default=60_000,
        ge=1,
        description="Flows (entries, about 150 B each) by whose keys is told what was processed already. What is older "
        "than the window and comes again is left out whatever it is (outcome `replayed`).",
    )
    position_file: str = Field(
        default="",
        description="File in which the position of each node's stream is kept, at most once a second, and at an end in "
        "order what was counted lately (up to 11 MB), for our own next start; without it a start begins with new "
        "flows. Its folder must be writable.",
    )
    endpoint_cache: int = Field(
        default=25_000,
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
