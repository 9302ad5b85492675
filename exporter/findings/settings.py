"""Settings of how findings are delivered."""

from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

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
    secret: SecretStr | None = Field(
        default=None,
        description="Key of the signature: `X-Hubble-Egress-Signature: sha256=` and the HMAC-SHA256 of the body.",
    )
    secret_file: str | None = Field(
        default=None, description="File that `secret` is read from; it is read again when it changes."
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

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        if url:
            _check(url)
        return url


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


def _check(url: str) -> None:
    """Whether findings can be posted there; messages never repeat the URL, for it may hold what is secret.

    Raises:
        ValueError: when they cannot.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError("a URL is written in ASCII without spaces; write other characters as %XX")
    parts = _split(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("the URL begins with neither https:// nor http://")
    if "@" in parts.netloc:
        raise ValueError("a user or a password is in the URL; remove it, and let the receiver check the signature")
    if not parts.hostname:
        raise ValueError("no host is in the URL; write https://HOST/PATH")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("the brackets of the URL's host hold no IPv6 address") from None
    try:
        is_port = parts.port != 0
    except ValueError:
        is_port = False
    if not is_port and "@" not in parts.netloc:
        raise ValueError("the port of the URL is no number from 1 to 65535")
    return parts
