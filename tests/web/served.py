"""A web server behind a web configuration, and a client that talks to it over real sockets."""

import http.client
import os
import ssl
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import bcrypt
import trustme

from exporter.settings.web_file import read_web_config
from exporter.web.live import LiveConfig
from exporter.web.server import WebServer
from exporter.web.settings import WebSettings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
PATIENCE = 10.0


class Got(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Site:
    """A folder with a web configuration, and the server that goes by it."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.folder, self.authority = folder, authority
        self.file = folder / "web.yml"
        self.servers: list[WebServer] = []
        self.url = urlsplit("")

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file into its place at once, as a careful operator does."""
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(fresh, self.folder / name)  # noqa: PTH105, atomic

    def certify(self, *names: str, authority: trustme.CA | None = None) -> None:
        """Write server.crt, server.key and ca.crt."""
        leaf = (authority or self.authority).issue_cert(*(names or ("127.0.0.1",)))
        self.write("server.crt", b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        self.write("server.key", leaf.private_key_pem.bytes())
        self.write("ca.crt", self.authority.cert_pem.bytes())

    def serve(self, text: str, timeout: str = "10s") -> None:
        """Write the web configuration and start a server."""
        self.write("web.yml", text)
        settings = WebSettings.model_validate({"listen_address": "127.0.0.1:0", "timeout": timeout})
        server = WebServer(settings, hello, LiveConfig(str(self.file), read_web_config))
        self.url = urlsplit(server.bind())
        # How long an idle server takes to notice that it should stop.
        server._server.expiration_interval = 0.05  # type: ignore[union-attr] # it is bound
        server.start()
        self.servers.append(server)

    @property
    def address(self) -> tuple[str, int]:
        """Where the server listens."""
        return str(self.url.hostname), int(self.url.port or 0)

    def trusting(self, client: str = "", authority: trustme.CA | None = None) -> ssl.SSLContext:
        """A client's context that trusts the authority; with the certificate of `client` when one is named."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        if client:
            (authority or self.authority).issue_cert(client).configure_cert(context)
        return context

    def get(
        self, path: str = "/", *, context: ssl.SSLContext | None = None, method: str = "GET", **headers: str
    ) -> Got:
        """One request on a connection of its own."""
        host, port = self.address
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        if self.url.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context or self.trusting())
        with closing(connection):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return Got(answer.status, dict(answer.getheaders()), answer.read())


def hello(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """An application that says which path and which scheme it was asked for."""
    body = f"{environ['wsgi.url_scheme']} {environ['PATH_INFO']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body))), ("X-Frame-Options", "of the application")])
    return [body]


def hashed(password: str, cost: int = 4) -> str:
    """A bcrypt hash, cheap unless a test is about its cost."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()
