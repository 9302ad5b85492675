"""The ring of one node."""

import pytest

from exporter.demo.ring import Record, Ring
from exporter.hubble.pb.flow.flow_pb2 import Flow, LostEvent


def filled(capacity: int, records: int) -> Ring:
    """A ring with that many records written, one a second, the first at second 0 as arrival 0."""
    ring = Ring(capacity)
    for number in range(records):
        ring.write(Record(number, number * 1_000_000_000, Flow(uuid=str(number))))
    return ring


@pytest.mark.parametrize("capacity", [1, 3, 4095, 65535])
def test_capacities(capacity: int) -> None:
    """Hubble takes 2^n-1 up to 65535; the default is 4095."""
    assert Ring(capacity).capacity == capacity
    assert Ring().capacity == 4095


@pytest.mark.parametrize("capacity", [0, -1, 2, 4096, 131071])
def test_bad_capacities(capacity: int) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match=r"2\^n-1"):
        Ring(capacity)


@pytest.mark.parametrize(("records", "oldest", "length"), [(0, 0, 0), (2, 0, 2), (3, 0, 3), (4, 1, 3), (10, 7, 3)])
def test_overwriting(records: int, oldest: int, length: int) -> None:
    """A full ring forgets its oldest record; positions go on counting."""
    ring = filled(3, records)

    assert (ring.oldest, len(ring), ring.end) == (oldest, length, records)
    assert [ring[position].arrival for position in range(ring.oldest, ring.end)] == list(range(oldest, records))


@pytest.mark.parametrize("position", [-1, 6, 10])
def test_what_is_not_there(position: int) -> None:
    """Neither what is overwritten nor what is not written yet can be read."""
    with pytest.raises(IndexError):
        filled(3, 10)[position]


def test_seen_flows() -> None:
    """Losses are records, but no flows."""
    ring = filled(3, 5)
    ring.write(Record(5, 5_000_000_000, LostEvent()))

    assert (ring.seen_flows, ring.end) == (5, 6)


@pytest.mark.parametrize(("arrival", "end"), [(0, 7), (8, 8), (9, 9), (10, 10), (99, 10)])
def test_end_at_an_arrival(arrival: int, end: int) -> None:
    """Where the ring ended before something arrived, as far as it still reaches back."""
    assert filled(3, 10).end_at(arrival) == end


@pytest.mark.parametrize(
    ("capacity", "records", "now", "rate"),
    [(127, 0, 10, 0.0), (127, 31, 30, 31 / 60), (127, 121, 120, 61 / 60), (15, 31, 31, 1.0), (15, 31, 1000, 0.0)],
)
def test_flow_rate(capacity: int, records: int, now: int, rate: float) -> None:
    """Flows of the last minute, or of what a full ring reaches back to."""
    assert filled(capacity, records).flows_per_second(now * 1_000_000_000) == pytest.approx(rate, rel=0.1)
