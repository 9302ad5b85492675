"""Settings of the HTTP server."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exporter.duration import Duration

_HIGHEST_PORT = 65535


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `:PORT` or `[V6]:PORT`; an empty host means every interface.

    Raises:
        ValueError: for anything else.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > _HIGHEST_PORT or (":" in host and not bracketed):
        raise ValueError(f"{address!r} is no listen address; write HOST:PORT, :PORT or [V6]:PORT")
    return host.strip("[]"), int(port)


def _listen_address(value: str) -> str:
    split_address(value)
    return value


class WebConfigSettings(BaseModel):
    """TLS and logins, in the file format that Prometheus' exporters share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = Field(
        default=None,
        description="File with TLS, client certificates, headers and basic auth; without one, plain HTTP for everybody."
        " Certificates and users are read again when they change.",
    )


class WebSettings(BaseModel):
    """Where `/metrics` and the pages are served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_address: Annotated[str, AfterValidator(_listen_address)] = Field(
        default=":9968",
        description="`HOST:PORT` to listen on; without a host every interface, IPv6 and IPv4. Port 0 takes a free one.",
    )
    max_scrapes: int = Field(
        default=4, ge=1, description="Scrapes answered at the same time; further ones get 503 and are counted."
    )
    recent_drops: int = Field(
        default=20,
        ge=1,
        description="Last drops (entries, about 1 KiB each) that the landing page and `/api/v1/status` show.",
    )
    timeout: Duration = Field(
        default=10.0, gt=0, description="A client that sends or takes nothing for this long is disconnected."
    )
    last_scrape: Duration = Field(
        default=5.0,
        ge=0,
        description="After SIGTERM the port stays open until one more scrape came, at most this long; not at all when "
        "nobody has ever scraped.",
    )
    enable_lifecycle: bool = Field(
        default=False, description="Allow `POST /-/reload`. Whoever reaches the port can then use it."
    )
    config: WebConfigSettings = Field(
        default=WebConfigSettings(), description="TLS and logins, in the file format that Prometheus' exporters share."
    )
