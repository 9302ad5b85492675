"""What the web configuration file can say: the keys of Prometheus' exporter-toolkit, as one frozen model."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ClientAuth(StrEnum):
    """What is asked of a client's certificate, in the words of Go's crypto/tls."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    REQUIRE_ANY = "RequireAnyClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """Versions of TLS; the texts sort as the versions do."""

    TLS10 = "TLS10"
    TLS11 = "TLS11"
    TLS12 = "TLS12"
    TLS13 = "TLS13"


class Curve(StrEnum):
    """Curves of the key exchange, in Go's words."""

    P256 = "CurveP256"
    P384 = "CurveP384"
    P521 = "CurveP521"
    X25519 = "X25519"


class TlsServer(BaseModel):
    """The certificate we show, and what we ask of clients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cert_file: str | None = Field(default=None, description="Certificate, and the chain above it.")
    key_file: str | None = Field(default=None, description="Its key, without a passphrase.")
    client_auth_type: ClientAuth = Field(default=ClientAuth.NONE, description="Whether clients show a certificate.")
    client_ca_file: str | None = Field(default=None, description="Authorities that sign the clients' certificates.")
    client_allowed_sans: tuple[str, ...] = Field(default=(), description="One of these names a client must have.")
    min_version: TlsVersion = Field(default=TlsVersion.TLS12, description="Oldest version that is spoken.")
    max_version: TlsVersion = Field(default=TlsVersion.TLS13, description="Newest version that is spoken.")
    cipher_suites: tuple[str, ...] = Field(default=(), description="Suites of TLS 1.2, best first.")
    prefer_server_cipher_suites: bool = Field(default=True, description="Whether our order of suites counts.")
    curve_preferences: tuple[Curve, ...] = Field(default=(), description="The curve of the key exchange.")

    @property
    def files(self) -> dict[str, str]:
        """The files that are named, by their keys."""
        named = {key: getattr(self, key) for key in ("cert_file", "key_file", "client_ca_file")}
        return {key: file for key, file in named.items() if file}


class HttpServer(BaseModel):
    """How we answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http2: bool = Field(default=True, description="Of no effect, we speak HTTP/1.1.")
    headers: dict[str, str] = Field(default={}, description="Headers of every answer; a blank one is not sent.")


class WebConfig(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tls_server_config: TlsServer = Field(default=TlsServer(), description="TLS, when a certificate is named.")
    http_server_config: HttpServer = Field(default=HttpServer(), description="Headers.")
    basic_auth_users: dict[str, SecretStr] = Field(default={}, description="bcrypt hashes of passwords, by user.")

    @property
    def is_tls(self) -> bool:
        """Whether TLS is spoken."""
        return bool(self.tls_server_config.cert_file)

    @property
    def closed_by(self) -> dict[str, bool]:
        """What keeps strangers out."""
        tls = self.tls_server_config
        return {
            "TLS": self.is_tls,
            "client certificates": tls.client_auth_type is ClientAuth.REQUIRE_AND_VERIFY,
            "client_allowed_sans": bool(tls.client_allowed_sans),
            "basic_auth_users": bool(self.basic_auth_users),
        }

    def beside(self, folder: Path) -> "WebConfig":
        """The same, its relative paths taken from `folder`."""
        tls = self.tls_server_config
        whole = {key: str(folder / file) for key, file in tls.files.items()}
        return self.model_copy(update={"tls_server_config": tls.model_copy(update=whole)})
