"""Certificates as Hubble has them, and gRPC servers that show them."""

from collections.abc import Callable, Iterator
from concurrent import futures
from datetime import UTC, datetime
from pathlib import Path

import grpc
import trustme

from exporter.hubble.pb.observer import observer_pb2

RELAY, UI = "*.hubble-relay.cilium.io", "ui.hubble-relay.cilium.io"
PAST = datetime(2020, 1, 1, tzinfo=UTC)
Stream = Callable[[grpc.ServicerContext], Iterator[bytes]]


class Pems:
    """A certificate with its key, on disk."""

    def __init__(self, folder: Path, name: str, leaf: trustme.LeafCert) -> None:
        self.certificate, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self.write(leaf)

    def write(self, leaf: trustme.LeafCert) -> None:
        """Put this one in its place."""
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        self.key.write_bytes(leaf.private_key_pem.bytes())


class Authority:
    """An authority, its file, and what it signs."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.signer = folder, trustme.CA(organization_name=name)
        self.file = folder / f"{name}-ca.crt"
        self.file.write_bytes(self.pem)

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self.signer.cert_pem.bytes()

    def server(self, name: str = RELAY, *, ends: datetime | None = None) -> trustme.LeafCert:
        """A certificate for a server."""
        return self.signer.issue_cert(name, not_after=ends)

    def client(self, file: str = "client", *, ends: datetime | None = None) -> Pems:
        """A certificate for us, in files."""
        return Pems(self.folder, file, self.signer.issue_cert("exporter.monitoring", not_after=ends))


class TlsServer:
    """An Observer behind TLS, or without it when it has no certificate."""

    def __init__(
        self, stream: Stream, certificate: trustme.LeafCert | None, *, clients: bytes | None = None, port: int = 0
    ) -> None:
        self.calls = 0
        self._stream = stream
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers([self])  # type: ignore[list-item] # one method is all gRPC asks for
        address = f"127.0.0.1:{port}"
        if certificate is None:
            port = self._server.add_insecure_port(address)
        else:
            chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
            credentials = grpc.ssl_server_credentials(
                [(certificate.private_key_pem.bytes(), chain)], clients, require_client_auth=clients is not None
            )
            port = self._server.add_secure_port(address, credentials)
        self.address = f"127.0.0.1:{port}"
        self._server.start()

    def service(self, call: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method, as gRPC asks for it."""
        if call.method == "/observer.Observer/GetFlows":
            return grpc.unary_stream_rpc_method_handler(self._flows)
        if call.method == "/observer.Observer/ServerStatus":
            status = observer_pb2.ServerStatusResponse(version="cilium v1.19.4").SerializeToString()
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: status)
        return None

    def _flows(self, _request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        self.calls += 1
        yield from self._stream(context)

    def stop(self) -> None:
        """Hang up."""
        self._server.stop(None).wait()
