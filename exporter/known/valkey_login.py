"""How a Valkey server is greeted: where it is, who we are, and whether we understand what is there."""

from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.credentials import CredentialProvider
from redis.exceptions import ResponseError
from redis.retry import Retry

from exporter.known.interface import Fault, StoreError
from exporter.known.settings import ValkeySettings
from exporter.known.valkey_faults import detail_of
from exporter.known.valkey_rows import encoded

SCHEMA = b"1"
_DEFAULT_PORT = 6379
_Names = tuple[str] | tuple[str, str]


class Login:
    """Makes a client, and greets the server on each of its connections."""

    def __init__(self, settings: ValkeySettings) -> None:
        self._settings = settings
        self._schema_key = encoded(settings.prefix) + b"schema"
        self._secret = settings.password.get_secret_value() if settings.password else ""

    def client(self) -> Redis:
        """A client that connects when it is first used, and when the server has hung up."""
        settings = self._settings
        host, port = host_and_port(settings.address)
        has_names = settings.user or settings.password_file or self._secret
        return Redis(
            host=host,
            port=port,
            db=settings.database,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            # A command that may have been carried out is not sent twice: the one who asks decides.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
            credential_provider=_Credentials(self._names) if has_names else None,
            redis_connect_func=self._greet,  # type: ignore[arg-type] # it is called with the connection
            ssl=settings.tls,
            ssl_ca_certs=settings.ca_file or None,
        )

    def error(self, fault: Fault, said: str) -> StoreError:
        """What to raise, without the password that was sent."""
        return StoreError(fault, detail_of(self._settings.address, fault, said, self._secret))

    def check_authority(self) -> None:
        """Say so when its file cannot be read, for the client only says that there is no such file."""
        if self._settings.tls and self._settings.ca_file:
            self._read(self._settings.ca_file)

    def _names(self) -> _Names:
        """User and password as they are now, for they are rotated."""
        if self._settings.password_file:
            self._secret = self._read(self._settings.password_file)
        return (self._settings.user, self._secret) if self._settings.user else (self._secret,)

    def _read(self, file: str) -> str:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise self.error(Fault.REFUSED, f"{file} cannot be read: {reason}") from None

    def _greet(self, connection: Connection) -> None:
        connection.on_connect()
        connection.send_command("GET", self._schema_key)
        version = connection.read_response()
        if version is None:
            self._begin(connection)
        elif version != SCHEMA:
            shown = version.decode("utf-8", "replace")
            said = f"what is stored has the schema {shown}; this exporter knows {SCHEMA.decode()}"
            raise self.error(Fault.NEWER_SCHEMA, said)

    def _begin(self, connection: Connection) -> None:
        connection.send_command("SET", self._schema_key, SCHEMA, "NX")
        try:
            connection.read_response()
        except ResponseError:
            # A server that takes no writes can still be read; who writes is told by the answer to that.
            return


class _Credentials(CredentialProvider):
    """Asked at each new connection."""

    def __init__(self, names: Callable[[], _Names]) -> None:
        self._names = names

    def get_credentials(self) -> _Names:
        """What to log in with."""
        return self._names()


def host_and_port(address: str) -> tuple[str, int]:
    """Both parts of `HOST:PORT`; a port that is missing is the usual one."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return address.strip("[]"), _DEFAULT_PORT
