"""A relay's calls: where they begin and end, what is lost, and nodes that leave (semantics of Hubble Relay 1.19)."""

import threading
from typing import Any

import pytest

from exporter.demo.query import BadRequestError
from exporter.demo.relay import Relay
from exporter.demo.sorting import Sorting
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsRequest, GetFlowsResponse
from tests.demo.responses import DEADLINE, NODES, A, B, flow, losses, lost, seconds, statuses

MOST = 2**64 - 1


def at(second: int) -> dict[str, int]:
    """A timestamp, as the constructors of messages take it."""
    return {"seconds": second}


def made(**options: Any) -> Relay:  # noqa: ANN401, those of the relay
    """A relay with two nodes, in which no clock decides anything."""
    return Relay(NODES, **{"sorting": Sorting(drain_seconds=None, error_seconds=0.0), "now_ns": lambda: 0, **options})


def read(relay: Relay, *later: GetFlowsResponse, **request: Any) -> list[GetFlowsResponse]:  # noqa: ANN401
    """All of a call, during which something more is written."""
    stream = relay.stream(GetFlowsRequest(**request))
    for response in later:
        relay.write(response)
    relay.close()
    return list(stream)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"follow": True}, [9, 10]),
        ({"follow": True, "number": 1}, [7, 8, 9, 10]),
        ({"follow": True, "number": 99}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"follow": True, "since": at(6)}, [6, 7, 8, 9, 10]),
        ({"follow": True, "since": at(6), "number": 1}, [6, 7, 8, 9, 10]),
        ({"follow": True, "until": at(9)}, [9]),
        ({"follow": True, "since": at(3), "until": at(5)}, [3, 4, 5]),
        ({"number": 1}, [7, 8]),
        ({"number": 3}, [3, 4, 5, 6, 7, 8]),
        ({"number": MOST}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"first": True, "number": 1}, [1, 2]),
        ({"first": True}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"since": at(3), "until": at(6)}, [3, 4, 5, 6]),
        ({"since": at(3)}, [3, 4, 5, 6, 7, 8]),
        ({"since": at(3), "number": 1}, [3, 4]),
        ({"first": True, "since": at(5), "number": 1}, [5, 6]),
        ({"since": at(99)}, []),
        ({"until": at(2)}, [1, 2]),
        ({"until": at(0)}, []),
    ],
)
def test_request_options(request_: dict[str, Any], expected: list[int]) -> None:
    """`number` is per node; `since` goes before it; without `follow` a call ends where the ring ended."""
    relay = made()
    for second in range(1, 9):
        relay.write(flow(second, A if second % 2 else B))

    assert seconds(read(relay, flow(9, A), flow(10, B), **request_)) == expected


def test_first_excludes_follow() -> None:
    """The oldest flows cannot be followed."""
    with pytest.raises(BadRequestError, match="first cannot be specified with follow"):
        made().stream(GetFlowsRequest(first=True, follow=True))


@pytest.mark.parametrize(
    "request_",
    [
        {"whitelist": [{"source_ip": ["x"]}]},
        {"blacklist": [{"destination_port": ["x"]}]},
        {"whitelist": [{}, {"dns_query": ["("]}]},
        {"field_mask": {"paths": ["bogus"]}},
        {"since": {"nanos": -1}},
        {"until": {"seconds": 2**60}},
    ],
    ids=["whitelist", "blacklist", "second filter", "mask", "since", "until"],
)
def test_bad_requests(request_: dict[str, Any]) -> None:
    """What cannot be compiled is refused before anything is read."""
    with pytest.raises(BadRequestError):
        made().stream(GetFlowsRequest(**request_))


def test_number_counts_what_passes() -> None:
    """The last N are the last N that match; lost events are not counted, and pass all filters and times."""
    relay = made()
    for second in range(1, 7):
        relay.write(flow(second, verdict=flow_pb2.DROPPED if second % 2 else flow_pb2.FORWARDED))
        relay.write(lost(second, second=second))
    responses = read(relay, number=2, whitelist=[flow_pb2.FlowFilter(verdict=[flow_pb2.DROPPED])])

    assert seconds(responses) == [3, 5]
    assert [number for _, number, _ in losses(responses)] == [3, 4]


def test_lost_events_ignore_until() -> None:
    """A loss after `until` is delivered as long as the call reads on."""
    relay = made()
    for response in (flow(1), lost(7, second=50), flow(2), flow(60), lost(8)):
        relay.write(response)
    responses = read(relay, until=at(10))

    assert seconds(responses) == [1, 2]
    assert losses(responses) == [("PERF_EVENT_RING_BUFFER", 7, A)]


def test_a_loss_without_time_happens_now() -> None:
    """It gets the time of the newest flow, so that it stays where it was told."""
    relay = made()
    for response in (flow(1), flow(5, B), lost(3), flow(6)):
        relay.write(response)

    assert [response.time.seconds for response in read(relay)[1:]] == [1, 5, 5, 6]


def test_nodes_are_merged_in_the_order_of_time() -> None:
    """Up to a hundred responses are sorted."""
    relay = made()
    for second in range(10, 20):
        relay.write(flow(second, A))
    for second in range(5, 15):
        relay.write(flow(second, B))

    assert seconds(read(relay)) == sorted([*range(10, 20), *range(5, 15)])


def test_time_and_node_outside_come_from_the_masked_flow() -> None:
    """A mask without them leaves them empty outside too; losses and node status are not masked."""
    relay = made()
    relay.write(flow(1))
    relay.write(lost(1))
    responses = read(relay, field_mask={"paths": ["uuid"]})

    masked = next(response for response in responses if response.HasField("flow"))
    assert (masked.flow.uuid, masked.node_name, masked.HasField("time")) == ("1", "", False)
    assert losses(responses) == [("PERF_EVENT_RING_BUFFER", 1, A)]
    assert statuses(responses) == [("NODE_CONNECTED", [A, B], "")]


def test_a_reader_that_falls_behind_is_told() -> None:
    """What is overwritten before it is read is one loss with its number, per node."""
    relay = made(capacity=3, now_ns=lambda: 77_000_000_000)
    responses = read(relay, *(flow(second) for second in range(10)), flow(3, B), follow=True)

    assert losses(responses) == [("HUBBLE_RING_BUFFER", 7, A)]
    assert seconds(responses) == [3, 7, 8, 9]
    loss = next(response for response in responses if response.HasField("lost_events"))
    assert (loss.time.seconds, loss.lost_events.first.seconds, loss.lost_events.last.seconds) == (77, 77, 77)


def test_a_reader_can_fall_behind_again() -> None:
    """Each gap is told by itself."""
    relay = made(capacity=3, sorting=Sorting(length=1, drain_seconds=None))
    stream = relay.stream(GetFlowsRequest(follow=True))
    responses = iter(stream)
    next(responses)
    for second in range(5):
        relay.write(flow(second))
    told = [next(responses), next(responses)]
    for second in range(5, 10):
        relay.write(flow(second))
    relay.close()
    told.extend(responses)

    assert [number for _, number, _ in losses(told)] == [2, 3]
    assert seconds(told) == [2, 3, 7, 8, 9]


def test_a_bounded_call_is_told_too() -> None:
    """Only what belonged to the call counts as lost."""
    relay = made(capacity=3)
    for second in range(3):
        relay.write(flow(second))
    responses = read(relay, *(flow(second) for second in range(3, 5)))
    assert (losses(responses), seconds(responses)) == ([("HUBBLE_RING_BUFFER", 2, A)], [2])

    relay = made(capacity=3)
    relay.write(flow(0))
    responses = read(relay, *(flow(second) for second in range(1, 9)))
    assert (losses(responses), seconds(responses)) == ([("HUBBLE_RING_BUFFER", 1, A)], [])


def test_node_status_at_the_start() -> None:
    """One message with all connected nodes, and one with the others if there are any."""
    relay = made()
    assert statuses(read(relay, follow=True)) == [("NODE_CONNECTED", [A, B], "")]

    relay = made()
    relay.leave(B)
    relay.write(flow(1, A))
    relay.write(flow(2, B))
    responses = read(relay)
    assert statuses(responses) == [("NODE_CONNECTED", [A], ""), ("NODE_UNAVAILABLE", [B], "")]
    assert seconds(responses) == [1]


def test_a_relay_without_nodes_ends_the_call() -> None:
    """There is nothing to wait for."""
    relay = made()
    relay.leave(A)
    relay.leave(B)

    assert statuses(relay.stream(GetFlowsRequest(follow=True))) == [("NODE_UNAVAILABLE", [A, B], "")]


def test_a_node_leaves_and_comes_back() -> None:
    """Its error is told, its return is not; a call that only follows misses what happened meanwhile."""
    relay = made()
    relay.write(flow(1, B))
    stream = relay.stream(GetFlowsRequest(follow=True))
    relay.write(flow(2, B))
    relay.leave(B, "EOF")
    relay.leave(B, "again")
    relay.write(flow(3, B))
    relay.write(flow(4, A))
    relay.rejoin(B)
    relay.write(flow(5, B))
    relay.close()
    responses = list(stream)

    assert statuses(responses) == [("NODE_CONNECTED", [A, B], ""), ("NODE_ERROR", [B], "EOF")]
    assert seconds(responses) == [2, 4, 5]


@pytest.mark.parametrize(
    ("request_", "expected"), [({"since": at(2)}, [2, 2, 3, 4, 5]), ({"number": 1}, [1, 2, 3, 4, 5])]
)
def test_a_node_that_comes_back_is_asked_the_first_question(request_: dict[str, Any], expected: list[int]) -> None:
    """With `since` its flows are repeated, with `number` its last ones come again."""
    relay = made()
    relay.write(flow(1, B))
    stream = relay.stream(GetFlowsRequest(follow=True, **request_))
    relay.write(flow(2, B))
    relay.leave(B)
    relay.write(flow(3, B))
    relay.rejoin(B)
    relay.write(flow(4, B))
    relay.write(flow(5, A))
    relay.close()

    assert seconds(stream) == expected


def test_errors_of_nodes_become_one() -> None:
    """Two nodes that leave with the same message share one."""
    relay = made(sorting=Sorting(drain_seconds=None))
    stream = relay.stream(GetFlowsRequest(follow=True))
    relay.leave(A, "EOF")
    relay.leave(B, "EOF")

    assert statuses(stream)[1:] == [("NODE_ERROR", [A, B], "EOF")]


def test_a_writer_waits_for_its_reader() -> None:
    """With `waits` nothing is lost, however small the ring, across a node's absence and a reader's beginning."""
    relay = made(capacity=1, waits=True)

    def write() -> None:
        for second in range(100):
            relay.write(flow(second, A if second % 3 else B))
        relay.leave(B)
        relay.rejoin(B)
        for second in range(100, 200):
            relay.write(flow(second, A if second % 3 else B))
        relay.close()

    writer = threading.Thread(target=write)
    writer.start()
    responses = list(relay.stream(GetFlowsRequest(follow=True)))
    writer.join(DEADLINE)

    assert not writer.is_alive()
    assert (seconds(responses), losses(responses)) == (list(range(200)), [])


def test_a_closed_relay_lets_its_writer_go() -> None:
    """A writer that waits for a reader ends when the relay does."""
    relay = made(waits=True)
    written: list[bool] = []
    writer = threading.Thread(target=lambda: written.append(relay.write(flow(1))))
    writer.start()
    relay.close()
    writer.join(DEADLINE)

    assert written == [False]


def test_ending_a_call_wakes_its_reader() -> None:
    """A reader that waits for flows ends at once."""
    relay = made()
    stream = relay.stream(GetFlowsRequest(follow=True))
    responses: list[GetFlowsResponse] = []
    reader = threading.Thread(target=lambda: responses.extend(stream))
    reader.start()
    relay.end(stream)
    reader.join(DEADLINE)

    assert not reader.is_alive()
    assert seconds(responses) == []


def test_many_writers_and_readers() -> None:
    """Every reader gets every flow or is told of its loss, whatever the threads do."""
    relay = Relay(NODES, capacity=31, sorting=Sorting(drain_seconds=0.001))
    streams = [relay.stream(GetFlowsRequest(follow=True)) for _ in range(4)]
    read_: list[list[GetFlowsResponse]] = [[] for _ in streams]
    pairs = zip(streams, read_, strict=True)
    readers = [threading.Thread(target=responses.extend, args=(stream,)) for stream, responses in pairs]
    writers = [
        threading.Thread(target=lambda node=node: [relay.write(flow(second, node)) for second in range(500)])
        for node in (A, B)
    ]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join(DEADLINE)
    relay.close()
    for thread in readers:
        thread.join(DEADLINE)

    for responses in read_:
        assert len(seconds(responses)) + sum(number for _, number, _ in losses(responses)) == 1000


def test_a_node_that_was_away_when_the_call_began() -> None:
    """A call with `follow` reads it from its return on; one that comes later finds all of its ring."""
    relay = made()
    relay.leave(B)
    stream = relay.stream(GetFlowsRequest(follow=True))
    relay.write(flow(1, B))
    relay.rejoin(B)
    relay.write(flow(2, B))
    assert seconds(read(relay, flow(3, A))) == [1, 2]
    assert seconds(stream) == [2, 3]
