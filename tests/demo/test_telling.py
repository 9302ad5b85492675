"""The demo as a whole: a story, told over gRPC."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from exporter.demo.cluster import NODES
from exporter.demo.declared import ALLOWLIST
from exporter.demo.incidents import INCIDENTS
from exporter.demo.settings import DemoSettings
from exporter.demo.story import HISTORY_MINUTES, MINUTE_NS, Heading, Membership, history
from exporter.demo.telling import Demo, dumped, response_of, story_once
from exporter.hubble.pb.observer import observer_pb2_grpc
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsRequest, GetFlowsResponse
from tests.demo.responses import losses, statuses
from tests.programs import DEADLINE, eventually, run

STORY = [
    response_of(happening)
    for happening in story_once(DemoSettings())
    if not isinstance(happening.event, Membership | Heading)
]


def told(demo: Demo, request: GetFlowsRequest) -> Iterator[GetFlowsResponse]:
    """What a client reads."""
    with grpc.insecure_channel(demo.start()) as channel:
        yield from observer_pb2_grpc.ObserverStub(channel).GetFlows(request, timeout=DEADLINE)


def test_once_is_the_whole_story() -> None:
    """A client that follows gets everything that is told, whenever it comes, in the order of time; then it ends."""
    demo = Demo(DemoSettings(), once=True)
    try:
        events = list(told(demo, GetFlowsRequest(follow=True)))
    finally:
        demo.stop()

    assert [event.flow for event in events if event.HasField("flow")] == [
        response.flow for response in STORY if response.HasField("flow")
    ]
    assert losses(events) == losses(STORY)
    (state, nodes, _), (left, gone, _) = statuses(events)
    assert (state, nodes) == ("NODE_CONNECTED", list(NODES))
    assert (left, gone) == ("NODE_ERROR", [NODES[2]])


def test_live_begins_with_history() -> None:
    """Two hours of the past come first, all of them, and then the present, until the demo is stopped."""
    titles: list[str] = []
    before_ns = time.time_ns()
    demo = Demo(DemoSettings(speed=500), announce=titles.append)
    responses = told(demo, GetFlowsRequest(follow=True))
    length = sum(1 for _ in history(1))
    try:
        flows = [next(responses) for _ in range(length + 200)][1:]
        eventually(lambda: len(titles) > len(INCIDENTS), "all incidents")
    finally:
        demo.stop()

    times = [response.time.ToNanoseconds() for response in flows if response.HasField("flow")]
    past, present = times[:length], times[length:]
    assert before_ns - HISTORY_MINUTES * MINUTE_NS <= past[0] < past[-1] < time.time_ns()
    assert past[-1] - past[0] > (HISTORY_MINUTES - 1) * MINUTE_NS
    assert present == sorted(present)
    assert all(before_ns < happened < time.time_ns() for happened in present)
    assert titles[0] == INCIDENTS[0].title
    with pytest.raises(grpc.RpcError):
        list(responses)


def test_a_second_reader_finds_the_history_in_the_rings() -> None:
    """`hubble observe --since` works: what was told is still there when another client asks."""
    demo = Demo(DemoSettings(speed=0.001))
    address = demo.start()
    try:
        with grpc.insecure_channel(address) as channel:
            observer = observer_pb2_grpc.ObserverStub(channel)
            length = sum(1 for _ in history(1))
            following = observer.GetFlows(GetFlowsRequest(follow=True), timeout=DEADLINE)
            first = [next(following) for _ in range(length + 1)]
            again = list(observer.GetFlows(GetFlowsRequest(first=True), timeout=DEADLINE))
    finally:
        demo.stop()
    assert [response.flow for response in again if response.HasField("flow")][:length] == [
        response.flow for response in first if response.HasField("flow")
    ][:length]


def test_a_dump_is_the_story() -> None:
    """Every line is one response as `hubble observe -o jsonpb` writes it; changes of nodes are not among them."""
    lines = [json.loads(line) for line in dumped(DemoSettings())]
    assert len(lines) == len(STORY)
    assert {key for line in lines for key in line} == {"flow", "lost_events", "node_name", "time"}
    assert lines[0]["flow"]["time"] == lines[0]["time"] == "2026-01-05T09:00:02Z"


def test_a_replayed_dump_equals_the_demo(tmp_path: Path) -> None:
    """What `demo --once` and its dump count is the same, byte for byte, if both learn as fast and expect the same."""
    learning = ("--known.learning.min-age=30m", "--known.learning.quiet=20m", "--known.learning.starts=0")
    same = (*learning, "--expectations.files", ALLOWLIST)
    for seed in ("1", "5"):
        file = f"{tmp_path}/story.jsonl"
        assert run("demo", "--dump", file, "--demo.seed", seed).returncode == 0
        streamed, replayed = run("demo", "--once", "--demo.seed", seed), run("replay", "--once", file, *same)
        assert _products(streamed.stdout) == _products(replayed.stdout)
        assert len(_products(streamed.stdout)) > 100


def test_what_the_demo_declares(tmp_path: Path) -> None:
    """By its own allowlist the recommender's beacon is unexpected, and passes; by files that somebody names not."""
    told = [line for line in _products(run("demo", "--once").stdout) if "unexpected_connections" in line]
    assert [re.findall(r'source_workload="(\w+)"', line) for line in told] == [["recommender"]]
    theirs = tmp_path / "empty.yaml"
    theirs.write_text("")
    assert "unexpected_connections_total{" not in run("demo", "--once", "--expectations.files", str(theirs)).stdout


def test_a_dump_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """A file that was there before is replaced as a whole, and nothing else is left beside it."""
    file = tmp_path / "story.jsonl"
    file.write_text("before\n")
    assert run("demo", "--dump", str(file)).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["story.jsonl"]
    assert file.read_text() == "".join(dumped(DemoSettings()))
    assert run("demo", "--dump", "/dev/full").returncode == 1
    assert run("demo", "--dump", "").returncode == 1


def test_a_dump_that_cannot_be_written(tmp_path: Path) -> None:
    """One line says why, and the exit code is 1."""
    ended = run("demo", "--dump", f"{tmp_path}/missing/story.jsonl")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"hubble-egress-exporter: cannot write {tmp_path}/missing/story.jsonl: No such file or directory\n"
    )


def _products(exposition: str) -> list[str]:
    lines = exposition.splitlines()
    return [line for line in lines if line.startswith("hubble_egress_") and "_exporter_" not in line]
