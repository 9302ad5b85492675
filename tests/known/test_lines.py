"""Facts as lines of JSON, and back."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.known.interface import Fact, Mark, Row, What, WorkloadKey
from exporter.known.lines import read, to_line, written
from exporter.known.memory import MemoryStore
from exporter.known.times import time_from, time_text

HEADER = b'{"format": "hubble-egress-known", "version": 1}\n'
texts = st.text(st.characters(), max_size=9)
sightings = texts | st.sampled_from(
    ["", "{}", '{"a":"b"}', '{"a": "b"}', '{"a":1e400}', '{"a":NaN}', '{"a":1,"a":2}', '{"a":"é"}', "[1]", "1", "null"]
)
times = st.integers(-(2**63), 10**20 - 1)
workloads = st.builds(WorkloadKey, texts, texts, texts)
marks = st.builds(Mark, st.sampled_from(What), texts)
rows = st.builds(
    lambda ordered, began, latest: Row(ordered[0], ordered[2], ordered[1], began, latest),
    st.tuples(times, times, times).map(sorted),
    sightings,
    sightings,
)


@given(st.builds(Fact, workloads, marks, rows))
@example(Fact(WorkloadKey("\ud800", "\n", "\0"), Mark(What.TOLD, "\u2028"), Row(-1, 10**20 - 1, 0, "[" * 20_000, "{")))
def test_property_a_line_is_the_fact(fact: Fact) -> None:
    """Whatever a fact holds, its line is one line of ASCII, and is read as the very same fact."""
    line = to_line(fact)
    assert line.isascii()
    assert line.count("\n") == 1
    assert read("file", [HEADER, line.encode()]) == [fact]


def test_times() -> None:
    """RFC 3339 to the nanosecond; what no calendar has is a number."""
    assert time_text(1_800_000_000_000_000_001) == "2027-01-15T08:00:00.000000001Z"
    assert time_text(-1) == -1
    assert time_text(253_402_300_800 * 10**9) == 253_402_300_800 * 10**9
    assert time_from("2027-01-15T08:00:00.000000001Z") == 1_800_000_000_000_000_001


@pytest.mark.parametrize("value", ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000000001+01:00", None, 1.5, 10**20])
def test_no_time(value: object) -> None:
    """Nothing else is a time."""
    with pytest.raises(ValueError, match="is no time such as 2027-01-15T08:00:00"):
        time_from(value)


def test_an_object_where_it_is_the_same() -> None:
    """A sighting is an object where that says the same, and else the text that it is."""
    row = Row(1, 1, 1, '{"pod":"a"}', '{"pod": "a"}')
    said = json.loads(to_line(Fact(WorkloadKey("", "", ""), Mark(What.WORKLOAD), row)))
    assert (said["began"], said["latest"]) == ({"pod": "a"}, '{"pod": "a"}')


def test_an_empty_store() -> None:
    """Of nothing there is the first line."""
    assert list(written(MemoryStore())) == [HEADER.decode()]
