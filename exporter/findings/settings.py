"""Settings of how findings are delivered."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from exporter.duration import Duration


class FileSettings(BaseModel):
    """A file with one line of JSON for each finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(default="", description="The file; without it none is written. Its folder must be writable.")
    size: int = Field(
        default=10 * 1024 * 1024,
        ge=64 * 1024,
        description="Size (bytes) at which the file is renamed to `.1`, `.1` to `.2` and so on.",
    )
    keep: int = Field(default=3, ge=0, description="Renamed files that are kept; the oldest is removed.")


class WebhookSettings(BaseModel):
    """An HTTP endpoint that gets each finding as a JSON document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        default="", description="Where findings are posted, `https://…` or `http://…`; without it nowhere. No secrets."
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Key of the signature: `X-Hubble-Egress-Signature: sha256=` and the HMAC-SHA256 of the body.",
    )
    secret_file: str = Field(
        default="", description="File that `secret` is read from; it is read again when it changes."
    )
    ca_file: str = Field(default="", description="Certificates (PEM) of the endpoint's authority; else the system's.")
    timeout: Duration = Field(default=10.0, gt=0, description="Longest wait for an answer.")
    attempts: int = Field(
        default=5, ge=1, description="How often a finding is posted that is not taken, with delays from 1 s to 1 m."
    )
    queue: int = Field(
        default=1_000,
        ge=1,
        description="Findings (entries, about 3 KiB each) that wait; one more is dropped and counted.",
    )


class FindingsSettings(BaseModel):
    """How findings are delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_workload: int = Field(
        default=20,
        ge=1,
        description="Findings of one workload in an hour that are logged, written and posted; the rest is counted as "
        "suppressed.",
    )
    recent: int = Field(default=200, ge=1, description="Findings (entries, about 3 KiB each) that the page shows.")
    file: FileSettings = Field(default=FileSettings(), description="A file of findings.")
    webhook: WebhookSettings = Field(default=WebhookSettings(), description="An HTTP endpoint for findings.")
