"""Messages that no Observer sends: each costs itself only, and is counted."""

import random
from collections.abc import Iterator

import pytest

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from tests.faults.counts import Exporter, begin, compare
from tests.faults.serving import Served
from tests.programs import eventually

_AGENT_EVENT = bytes((0x22, 2, 8, 1))
"""Arm 4 of the response, which our protos do not have."""
_UNKNOWN_FIELD = bytes((0xBA, 0x3E, 3)) + b"abc"
"""Field 999."""


@pytest.fixture
def server() -> Iterator[Served]:
    """An agent."""
    with Served(seed=31) as served:
        yield served


@pytest.fixture
def exporter(server: Served) -> Iterator[Exporter]:
    """Reads its stream, which is never opened again."""
    with Exporter(f"127.0.0.1:{server.port}") as ours:
        begin(server, ours)
        server.write(200)
        yield ours
        server.write(200)
        compare(ours, server)
        assert server.count("calls") == 1


def errors(exporter: Exporter, reason: str) -> int:
    """Messages that were skipped for this reason."""
    return exporter.sample(f'decode_errors_total{{reason="{reason}"}}')


def test_large_message(server: Served, exporter: Exporter) -> None:
    """A valid message of ten megabytes is refused before it is read."""
    large = flow_pb2.Flow(destination_names=["n" * 1000] * 10_000)
    for _ in range(3):
        server.say(observer_pb2.GetFlowsResponse(flow=large).SerializeToString())
        server.write(10)
    eventually(lambda: errors(exporter, "message_too_large") == 3, "three refusals")


def test_random_bytes(server: Served, exporter: Exporter) -> None:
    """Bytes that end in the middle of a field are no message, whatever is before them."""
    chance = random.Random(31)  # noqa: S311, tests need no secrets
    for _ in range(20):
        server.say(*(bytes((0x0A, 0x7F)) + chance.randbytes(chance.randrange(100)) for _ in range(10)))
        server.write(5)
    eventually(lambda: errors(exporter, "invalid_protobuf") == 200, "two hundred refusals")


def test_any_bytes(server: Served, exporter: Exporter) -> None:
    """Bytes that may be anything never end the stream, though some are read as a flow without a time or an event."""
    chance = random.Random(32)  # noqa: S311, tests need no secrets
    server.say(*(chance.randbytes(chance.randrange(1, 60)) for _ in range(500)))
    eventually(lambda: errors(exporter, "invalid_protobuf") > 100, "many refusals")


def test_unknown_fields_and_arms(server: Served, exporter: Exporter) -> None:
    """What a newer server adds is passed over without a word."""
    server.say(_AGENT_EVENT, _UNKNOWN_FIELD, _AGENT_EVENT + _UNKNOWN_FIELD)
    server.write(10)
    exporter.is_told(210)
    assert errors(exporter, "invalid_protobuf") == 0


def test_empty_responses(server: Served, exporter: Exporter) -> None:
    """A response without content is nothing."""
    server.say(*([b""] * 100))
    server.write(10)
    exporter.is_told(210)
    assert errors(exporter, "invalid_protobuf") == 0


@pytest.mark.parametrize("methods", [["ServerStatus"], ["GetNodes"], ["ServerStatus", "GetNodes"]])
def test_without_a_method(methods: list[str], server: Served) -> None:
    """A server without ServerStatus, without GetNodes or without both is streamed from, and its cut stream goes on.

    It knows no filters and no mask either: it sends whole flows of all kinds, whatever it is asked for.
    """
    server.order("unserve", methods=methods)
    with Exporter(f"127.0.0.1:{server.port}") as exporter:
        begin(server, exporter)
        server.write(200)
        exporter.is_told(200)
        server.order("restart")
        server.write(200)
        compare(exporter, server)
        assert exporter.outcome("replayed") > 0
