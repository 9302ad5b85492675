"""The gRPC channel to an Observer."""

import grpc
import grpc.experimental

OPTIONS = (
    # The sync stream without a second thread takes a quarter of the CPU time per message (see ARCHITECTURE).
    (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
    # Hubble runs grpc-go's default enforcement: pings more often than every 5 min are answered with GOAWAY.
    ("grpc.keepalive_time_ms", 300_000),
    # We decide when to try again; gRPC's own reconnects would only delay that.
    ("grpc.enable_retries", 0),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


def open_channel(address: str) -> grpc.Channel:
    """A plaintext channel to `HOST:PORT` or `unix:///path`; connects when it is used."""
    return grpc.insecure_channel(address, options=OPTIONS)
