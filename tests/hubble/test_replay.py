"""Recorded files: read by content, line by line, whatever is wrong with some of them."""

import gzip
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Event, Ignored, Undecodable
from exporter.hubble.replay import Pace, Recording, UnreadableRecordingError, _lines, check_readable
from tests.programs import DEADLINE, run, value_of

Write = Callable[..., str]
LONGEST = 200_000
COUNTED = 'hubble_egress_exporter_flows_total{outcome="counted"}'


def line(port: int = 443, second: int = 0, **fields: object) -> bytes:
    """A line with the start of one connection."""
    flow = {
        "time": f"2026-01-05T09:00:{second:02}Z",
        "verdict": "FORWARDED",
        "IP": {"source": "10.0.1.7", "destination": "192.0.2.1"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": port, "flags": {"SYN": True}}},
        "source": {"ID": 7, "identity": 471, "namespace": "shop", "pod_name": "web-1", "workloads": [{"name": "web"}]},
        "destination": {"identity": 2, "labels": ["reserved:world"]},
        "node_name": "kind/w1",
        "event_type": {"type": 4, "sub_type": 3},
        "traffic_direction": "EGRESS",
        "trace_reason": "NEW",
        "is_reply": False,
    }
    return json.dumps({"flow": {**flow, **fields}}).encode() + b"\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file, and return its name."""

    def write_file(*parts: bytes, name: str = "flows.jsonl") -> str:
        path = tmp_path / name
        path.write_bytes(b"".join(parts))
        return str(path)

    return write_file


def recording(*paths: str, longest_line: int = LONGEST) -> Recording:
    """A recording of files."""
    return Recording(paths, Decoder(100), longest_line=longest_line)


def events(*paths: str, longest_line: int = LONGEST) -> list[Event]:
    """Everything that files give after `Connected`."""
    connected, *others = recording(*paths, longest_line=longest_line).events()
    assert connected == Connected(" ".join(paths))
    return others


def ports(found: list[Event]) -> list[int]:
    """The destination ports of the flows among events: which lines arrived."""
    return [event.destination_port for event in found if isinstance(event, Flow)]


def test_flows_arrive_in_the_order_of_the_files(write: Write) -> None:
    """One file after the other, one line after the other."""
    first, second = write(line(1), line(2), name="a"), write(line(3), name="b")
    assert ports(events(second, first, second)) == [3, 1, 2, 3]


def test_a_missing_final_newline_is_no_fault(write: Write) -> None:
    """The last line of a file that is still being written to counts when it is whole."""
    assert ports(events(write(line(1), line(2).rstrip()))) == [1, 2]


def test_blank_lines_are_skipped_in_silence(write: Write) -> None:
    """They are lines, so that numbers stay right, but no faults."""
    path = write(b"\n", line(1), b"  \r\n", b"\n", b"broken\n", line(2))
    (broken,) = (event for event in events(path) if isinstance(event, Undecodable))
    assert broken.where == f"{path}:5"
    assert ports(events(path)) == [1, 2]


def test_lines_longer_than_64_kib_are_read(write: Write) -> None:
    """As many of them as there are."""
    labels: dict[str, object] = {"identity": 471, "labels": [f"k8s:label-{number}=x" for number in range(6000)]}
    long_line = line(1, source=labels)
    assert len(long_line) > 64 * 1024
    assert ports(events(write(long_line, line(2), long_line))) == [1, 2, 1]


@pytest.mark.parametrize("end", [b"\n", b""], ids=["newline", "end of file"])
@pytest.mark.parametrize("excess", [1, 2, LONGEST - 1, LONGEST, LONGEST + 1, 5 * LONGEST])
def test_a_line_that_is_too_long_costs_itself_only(write: Write, excess: int, end: bytes) -> None:
    """It is skipped without being held in memory, and has its file and line; numbers go on behind it."""
    path = write(line(1), b"x" * (LONGEST + excess), end, *([line(2), b"broken\n"] if end else []))
    found = [event for event in events(path) if isinstance(event, Undecodable)]
    assert (found[0].reason, found[0].where) == ("line_too_long", f"{path}:2")
    assert [event.where for event in found[1:]] == ([f"{path}:4"] if end else [])
    assert ports(events(path)) == ([1, 2] if end else [1])


def test_a_line_of_exactly_the_longest_length_is_read(write: Write) -> None:
    """The newline does not count."""
    whole = line(1).rstrip(b"\n")
    path = write(whole, b"\n", whole)
    assert ports(events(path, longest_line=len(whole))) == [1, 1]
    assert ports(events(path, longest_line=len(whole) - 1)) == []


def test_every_broken_line_is_reported_with_its_place_and_the_next_one_still_arrives(write: Write) -> None:
    """One broken line of each kind between good ones: as many faults as broken lines, and every good line."""
    broken = [
        (b"{", "invalid_json"),
        (b'{"flow": {"node_name": "\xff"}}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"flow": {"verdict": NaN}}', "invalid_json"),
        (b'{"flow": {"source": 7}}', "invalid_field"),
        (b"x" * (LONGEST + 1), "line_too_long"),
        (b"[]", "not_an_object"),
        (b'{"x": 1}', "unknown_shape"),
        (b"\x00\x00", "invalid_json"),
    ]
    path = write(*(part for at, (text, _) in enumerate(broken, 1) for part in (text, b"\n", line(at))))
    found = events(path)
    assert ports(found) == list(range(1, len(broken) + 1))
    faults = [event for event in found if isinstance(event, Undecodable)]
    assert [fault.reason for fault in faults] == [reason for _, reason in broken]
    assert [fault.where for fault in faults] == [f"{path}:{2 * at + 1}" for at in range(len(broken))]


def test_the_report_of_a_file_says_what_it_held(write: Write) -> None:
    """Lines, usable lines, broken ones by reason, and the first fault in full."""
    path = write(b"{\n", line(1), b"\n", b'{"agent_event": {}}\n', b"[]\n", b"{\n")
    source = recording(path)
    found = list(source.events())
    assert [type(event) for event in found[2:4]] == [Flow, Ignored]
    (report,) = source.reports
    assert (report.path, report.lines, report.usable) == (path, 6, 2)
    assert report.broken == {"invalid_json": 2, "not_an_object": 1}
    assert report.first_fault.startswith(f"{path}:1: invalid_json: ")


@pytest.mark.parametrize("name", ["flows.jsonl.gz", "flows.jsonl", "flows"])
def test_gzip_is_known_by_its_content(write: Write, name: str) -> None:
    """The name does not matter, and several members are one text."""
    packed = gzip.compress(line(1) + line(2)[:40]) + gzip.compress(line(2)[40:] + line(3))
    assert ports(events(write(packed, name=name))) == [1, 2, 3]
    assert ports(events(write(line(4), name=name))) == [4]


@pytest.mark.parametrize("kept", [3, 12, 0.5, 0.9, -1])
def test_a_truncated_gzip_file_gives_what_it_has(write: Write, kept: float) -> None:
    """Every whole line before the break arrives; the break is one fault with its place; the next file is read."""
    lines = [line(port % 60000 + 1) for port in range(2000)]
    packed = gzip.compress(b"".join(lines))
    end = int(kept * len(packed)) if 0 < kept < 1 else int(kept)
    path, after = write(packed[:end], name="cut.gz"), write(line(7), name="after")
    found = events(path, after)
    arrived = ports(found)
    *before, last = arrived
    assert last == 7
    assert before == list(range(1, len(before) + 1))
    (fault,) = (event for event in found if isinstance(event, Undecodable))
    assert (fault.reason, fault.where) == ("broken_file", f"{path}:{len(before) + 1}")
    if kept == -1:
        # Only the last byte of the check sum is missing: all lines are there.
        assert len(before) == len(lines)
    if 0 < kept < 1:
        assert before


def test_a_damaged_gzip_file_gives_a_fault(write: Write) -> None:
    """Bytes that cannot be unpacked, and a check sum that is wrong, are faults and no crash."""
    packed = bytearray(gzip.compress(line(1)))
    packed[-6] ^= 0xFF
    assert [event.reason for event in events(write(bytes(packed))) if isinstance(event, Undecodable)] == ["broken_file"]
    packed = bytearray(gzip.compress(line(1)))
    packed[10:20] = b"\xff" * 10
    assert [event.reason for event in events(write(bytes(packed))) if isinstance(event, Undecodable)] == ["broken_file"]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, write: Write) -> None:
    """Missing files and folders fail before anything is read, with name and reason."""
    good = write(line(1))
    for bad, why in ((str(tmp_path / "missing"), "No such file"), (str(tmp_path), "Is a directory")):
        with pytest.raises(UnreadableRecordingError, match=f"^{bad}: {why}"):
            check_readable([good, "-", bad])
        with pytest.raises(UnreadableRecordingError):
            list(recording(bad).events())
    check_readable([good, "-"])


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc here")
def test_a_file_that_opens_but_cannot_be_read_is_named() -> None:
    """An input that fails at its first byte is unreadable input, not a crash."""
    with pytest.raises(UnreadableRecordingError, match=r"^/proc/self/mem: "):
        check_readable(["/proc/self/mem"])


def test_a_pipe_is_read_whole(tmp_path: Path) -> None:
    """`replay <(zcat flows.gz)` names a pipe: checking that it can be read takes nothing out of it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    expected = list(range(1, 301))
    feeder = threading.Thread(target=_feed, args=(pipe, b"".join(line(port) for port in expected)))
    feeder.start()
    # A second name that is never closed: what the check closes does not end the pipe, as with `<(…)` of a shell.
    with os.fdopen(os.open(pipe, os.O_RDONLY), "rb"):
        check_readable([str(pipe)])
        assert ports(events(str(pipe))) == expected
    feeder.join(DEADLINE)


def _feed(pipe: Path, data: bytes) -> None:
    with pipe.open("wb") as end:
        end.write(data)


def test_stop_ends_the_reading_at_the_next_line(write: Write) -> None:
    """Whatever is left of this file and of the next ones is not read."""
    path = write(*(line(port) for port in range(1, 100)))
    source, seen = recording(path, path), 0
    for event in source.events():
        seen += isinstance(event, Flow)
        if seen == 5:
            source.stop()
    assert seen == 5
    assert len(source.reports) == 1


def test_progress_is_told_every_byte_that_was_read(write: Write) -> None:
    """Lines, blank lines and those that are too long."""
    parts = [line(1), b"\n", b"x" * (LONGEST + 10), b"\n", line(2)]
    told: list[int] = []
    list(Recording([write(*parts)], Decoder(9), longest_line=LONGEST, progress=told.append).events())
    assert sum(told) == sum(map(len, parts))


@given(st.lists(st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"")), max_size=8), st.booleans())
def test_property_lines_are_those_of_the_file_whatever_their_length(parts: list[bytes], ended: bool) -> None:
    """Reading in pieces of the longest length never joins, splits or loses a line."""
    longest = 5
    text = b"\n".join(parts) + (b"\n" if ended else b"")
    expected = [None if len(part) > longest else part for part in text.split(b"\n")]
    if not expected[-1] and expected[-1] is not None:
        expected.pop()
    pieces = list(_lines(io.BytesIO(text), longest))
    assert [part if part is None else part.removesuffix(b"\n") for part, _ in pieces] == expected
    assert sum(size for _, size in pieces) == len(text)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_standard_input_is_read_plain_or_packed(packed: bool) -> None:
    """`-` reads standard input, gzip known by content there too, and faults are named `standard input`."""
    text = line(1) + b"broken\n" + line(2)
    ended = run("replay", "--once", "-", stdin=gzip.compress(text) if packed else text)
    assert ended.returncode == 0
    assert value_of(ended.stdout, COUNTED) == 2
    assert "standard input:2" in ended.stderr


class Pauses(threading.Event):
    """An event that passes the time itself instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass at once."""
        assert timeout is not None
        # What a real wait would refuse.
        assert timeout <= threading.TIMEOUT_MAX
        self.waited.append(timeout)
        self.now += timeout
        return self.is_set()


def paced(speed: float | None, seconds: list[float]) -> Pauses:
    """Let flows of these times pass."""
    pauses = Pauses()
    pace = Pace(speed, lambda: pauses.now, pauses)
    for second in seconds:
        pace.wait_for(Flow(time_ns=int((1_700_000_000 + second) * 1e9)))
    return pauses


def total(pauses: Pauses) -> float:
    """How long was waited, beyond what rounding makes of it."""
    return round(sum(pauses.waited), 6)


def test_without_a_speed_nothing_waits() -> None:
    """Full speed is the default."""
    assert paced(None, [0, 10, 20]).waited == []


@pytest.mark.parametrize(("speed", "expected"), [(1.0, 20.0), (10.0, 2.0), (0.5, 40.0)])
def test_the_pace_follows_the_flows_own_time(speed: float, expected: float) -> None:
    """Twenty seconds of flows take twenty seconds, divided by the speed; the first flow waits for nothing."""
    pauses = paced(speed, [0, 10, 20])
    assert pauses.waited[0] == 0
    assert total(pauses) == expected


def test_late_flows_and_flows_without_a_time_wait_for_nothing() -> None:
    """A flow from before the last one passes at once, and does not lengthen the whole."""
    assert total(paced(1.0, [0, 10, 5, 9, 10])) == 10
    assert total(paced(1.0, [-1_700_000_000, 0, 1])) == 1


def test_time_that_the_reader_itself_took_is_not_waited_for_again() -> None:
    """The pace is kept from the first flow on, so that small delays do not add up."""
    pauses = Pauses()
    pace = Pace(1.0, lambda: pauses.now, pauses)
    for second in range(5):
        pace.wait_for(Flow(time_ns=(1_700_000_000 + second) * 10**9))
        pauses.now += 0.25
    assert round(sum(pauses.waited), 6) == 4 - 4 * 0.25


def test_a_flow_from_the_far_future_is_no_crash() -> None:
    """A wait longer than the system can wait would raise: a wrong clock, or a tiny speed, must not."""
    paced(1.0, [0, 9_999 * 365 * 86400.0 - 1_700_000_000])
    paced(1e-9, [0, 60])


def test_stopping_ends_a_wait(write: Write) -> None:
    """A paced recording that waits for its next flow, hours away, ends when it is stopped."""
    path = write(line(1, time="2026-01-05T09:00:00Z"), line(2, time="2026-01-06T09:00:00Z"))
    source = Recording([path], Decoder(9), longest_line=LONGEST, speed=1.0)
    found: list[Event] = []
    seen_first = threading.Event()

    def listen() -> None:
        for event in source.events():
            found.append(event)
            if isinstance(event, Flow):
                seen_first.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert seen_first.wait(DEADLINE)
    source.stop()
    listener.join(DEADLINE)
    assert not listener.is_alive()


def test_times_that_only_grow_are_kept_apart() -> None:
    """Every pause is the distance to the flow before, so nothing bunches up."""
    seconds = [0.0, 1.0, 4.0, 9.0, 9.5]
    expected: Iterator[float] = (later - earlier for earlier, later in pairwise(seconds))
    assert [round(pause, 6) for pause in paced(1.0, seconds).waited] == [0.0, *expected]
