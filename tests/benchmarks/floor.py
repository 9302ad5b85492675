"""The least that any client of an Observer costs: the same channel, the same request, every message thrown away.

Run as a process: `python -m tests.benchmarks.floor HOST:PORT` reads one stream after the other, and ends when the
server is gone. It prints the number of messages of each.
"""

import sys

import grpc

from exporter.hubble.channel import open_channel
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.request import follow_request
from exporter.hubble.settings import SourcesSettings


def read_once(address: str) -> int:
    """Read one stream to its end, undecoded; how many messages it had."""
    with open_channel(address) as channel:
        get_flows: grpc.UnaryStreamMultiCallable[observer_pb2.GetFlowsRequest, bytes] = channel.unary_stream(
            "/observer.Observer/GetFlows",
            request_serializer=observer_pb2.GetFlowsRequest.SerializeToString,
            response_deserializer=None,
        )
        read = 0
        for _ in get_flows(follow_request(SourcesSettings())):
            read += 1
        return read


def main() -> int:
    """Read streams until there are none."""
    while True:
        try:
            print(read_once(sys.argv[1]), flush=True)  # noqa: T201, who started us counts
        except grpc.RpcError:
            return 0


if __name__ == "__main__":
    sys.exit(main())
