"""The gRPC channel to an Observer."""

import grpc
import grpc.experimental

from exporter.hubble.tls import TlsFiles

OPTIONS = (
    # The sync stream without a second thread takes a quarter of the CPU time per message (see ARCHITECTURE).
    (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
    # Hubble runs grpc-go's default enforcement: pings more often than every 5 min are answered with GOAWAY.
    ("grpc.keepalive_time_ms", 300_000),
    # What ends a connection whose pings are not answered; `grpc.keepalive_timeout_ms` alone does not.
    ("grpc.http2.ping_timeout_ms", 20_000),
    # We decide when to try again; gRPC's own reconnects would only delay that.
    ("grpc.enable_retries", 0),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A new channel is a new connection, never the one that has just been given up.
    ("grpc.use_local_subchannel_pool", 1),
    # A larger message ends the stream; the decoder refuses from a sixteenth of it on, which costs that message only.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


def open_channel(address: str, files: TlsFiles | None = None, server_name: str = "") -> grpc.Channel:
    """A channel to `HOST:PORT` or `unix:///path`, with TLS when there are files for it; connects when it is used."""
    if files is None:
        return grpc.insecure_channel(address, options=OPTIONS)
    credentials = grpc.ssl_channel_credentials(files.authorities, files.key, files.certificate)
    named = (("grpc.ssl_target_name_override", server_name),) if server_name else ()
    return grpc.secure_channel(address, credentials, options=OPTIONS + named)
