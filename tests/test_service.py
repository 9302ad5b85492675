"""The boxes together: a stream equals a file, and a dead thread ends the process."""

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from math import isnan
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from structlog.testing import capture_logs

from exporter.demo.settings import DemoSettings
from exporter.demo.story import Heading, Membership
from exporter.demo.telling import response_of, story_once
from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Event, FlowSource, SourceStats
from exporter.hubble.observer import Observer
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.replay import Recording
from exporter.hubble.settings import HubbleSettings, SourcesSettings
from exporter.metrics import families
from exporter.service import Service
from exporter.settings import Settings
from exporter.web.settings import WebSettings
from tests.programs import DEADLINE, eventually, free_port, get
from tests.scripted import ScriptedObserver

SCENARIOS = Path(__file__).parent / "scenarios"
Response = observer_pb2.GetFlowsResponse


def _read(source: FlowSource, decoder: Decoder) -> str:
    service = Service(Settings(), source, decoder, live=False)
    service.consume()
    lines = service.exposition("").body.decode().splitlines()
    return "\n".join(line for line in lines if "hubble_egress_" in line and "hubble_egress_exporter_" not in line)


def _streamed(responses: list[Response]) -> str:
    def serve(_context: grpc.ServicerContext) -> Iterator[Response]:
        return iter(responses)

    server, decoder = ScriptedObserver(serve), Decoder(1000)
    settings = Settings().hubble.model_copy(update={"address": server.start()})
    try:
        source = Observer(settings, Settings().sources, decoder, random.Random(0), once=True)  # noqa: S311, jitter
        return _read(source, decoder)
    finally:
        server.stop()


def _replayed(responses: list[Response], file: Path) -> str:
    lines = [MessageToJson(response, preserving_proto_field_name=True, indent=None) for response in responses]
    file.write_text("".join(f"{line}\n" for line in lines))
    decoder = Decoder(1000)
    return _read(Recording([str(file)], decoder, longest_line=1 << 24), decoder)


def _scenario(folder: Path) -> list[Response]:
    found = []
    for line in (folder / "flows.jsonl").read_text().splitlines():
        try:
            document = json.loads(line)
            found.append(ParseDict(document, Response(), ignore_unknown_fields=True))
        except (ValueError, AttributeError, TypeError, ParseError):
            continue
    return found


STORY = [
    response_of(happening)
    for happening in story_once(DemoSettings(seed=7))
    if not isinstance(happening.event, Membership | Heading)
]
EVERYTHING = STORY + [response for folder in sorted(SCENARIOS.glob("*/")) for response in _scenario(folder)]
STREAMED = [response for response in EVERYTHING if not response.flow.HasField("aggregate")]
"""Aggregated lines are a thing of the agent's export files."""


def test_replay_equals_stream(tmp_path: Path) -> None:
    """All flows of the story and of the scenarios give the same product families from a file and from a stream."""
    streamed = _streamed(STREAMED)
    assert streamed == _replayed(STREAMED, tmp_path / "flows.jsonl")
    assert streamed.count("hubble_egress_connections_total{") > 50


@given(st.lists(st.sampled_from(STREAMED), max_size=60))
def test_replay_equals_stream_property(tmp_path_factory: pytest.TempPathFactory, responses: list[Response]) -> None:
    """So does any selection of them in any order."""
    assert _streamed(responses) == _replayed(responses, tmp_path_factory.mktemp("flows") / "flows.jsonl")


class Breaking:
    """A source that breaks after it has connected."""

    description = "a source that breaks"

    def __init__(self) -> None:
        self.go = threading.Event()

    def report_to(self, take: Callable[[Event], object]) -> None:
        """Nothing to report."""

    def stats(self) -> SourceStats:
        """Nothing to say."""
        return SourceStats()

    def events(self) -> Iterator[Event]:
        """One event, then the fault."""
        yield Connected("nowhere")
        self.go.wait()
        raise RuntimeError("out of luck")

    def choose(self, sources: SourcesSettings) -> None:
        """All the same to it."""

    def stop(self) -> None:
        """Nothing to stop."""


def test_a_dead_thread_ends_the_process() -> None:
    """It is logged, the exporter is unhealthy, and the exit code is 1."""
    source = Breaking()
    settings = Settings(web=WebSettings(listen_address="127.0.0.1:0"))
    service = Service(settings, source, Decoder(10), live=True)
    assert service.unhealthy() == ""
    with capture_logs() as logged:
        code = service.run(lambda _url: source.go.set())
    assert code == 1
    assert service.unhealthy() == "the stream thread is dead"
    assert [line["thread"] for line in logged if line["event"] == "thread_died"] == ["stream"]


def test_ready_once_the_stream_has_connected() -> None:
    """Alive all the time; not ready while Hubble is away, ready when it comes, and still ready when it goes again."""
    port = free_port()
    settings = Settings(
        web=WebSettings(listen_address="127.0.0.1:0"),
        hubble=HubbleSettings(address=f"127.0.0.1:{port}", backoff_min=0.01, backoff_max=0.01),
    )
    decoder = Decoder(10)
    observer = Observer(settings.hubble, settings.sources, decoder, random.Random(0))  # noqa: S311, jitter
    service, server = Service(settings, observer, decoder, live=True), ScriptedObserver(lambda _: iter(STORY))
    urls: list[str] = []
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(service.run(urls.append)))
    thread.start()
    try:
        eventually(lambda: bool(urls) and service.pipeline.stream.last_fault is not None, "an attempt")
        assert get(f"{urls[0]}/-/ready") == (503, "not ready: the stream has not connected yet\n")
        assert get(f"{urls[0]}/-/healthy")[0] == 200
        assert "Not connected: nothing listens there" in get(urls[0])[1]
        server.start(f"127.0.0.1:{port}")
        eventually(lambda: get(f"{urls[0]}/-/ready")[0] == 200, "readiness")
        server.stop()
        eventually(lambda: not service.pipeline.stream.connected, "the end of the stream")
        assert get(f"{urls[0]}/-/ready")[0] == get(f"{urls[0]}/-/healthy")[0] == 200
    finally:
        server.stop()
        service.stop()
        thread.join(DEADLINE)
    assert codes == [0]


def test_a_dead_ticker_ends_the_process_too() -> None:
    """Windows that never end would be a silent fault."""
    decoder = Decoder(10)
    source = Recording([], decoder, longest_line=1024)
    service = Service(Settings(web=WebSettings(listen_address="127.0.0.1:0")), source, decoder, live=False)

    def broken() -> None:
        raise RuntimeError("out of time")

    service.pipeline.tick = broken  # type: ignore[method-assign] # a fault that no input can cause
    assert service.run(lambda _url: None) == 1
    assert service.unhealthy() == "the ticker thread is dead"


def test_metrics_are_complete_before_the_first_flow() -> None:
    """Every value of every closed label set of the exporter's own families is there at 0 from the start.

    Of the product families that of named connections is there, with a series for each of its five confidences.
    """
    text = Service(Settings(), Breaking(), Decoder(10), live=True).exposition("").body.decode()
    for family in families.EXPORTER:
        values = family.labels[0].values if len(family.labels) == 1 else ()
        for value in values:
            at = 5.0 if (family, value) == (families.SERIES, "named_connections") else 0.0
            assert f'{family.name}{{{family.labels[0].name}="{value}"}} {at}\n' in text
    for confidence in ("observed", "joined", "stale", "ambiguous", "none"):
        assert f'hubble_egress_named_connections_total{{name_confidence="{confidence}"}} 0\n' in text


def test_every_flow_has_one_outcome() -> None:
    """The outcomes add up to the flows received."""
    decoder = Decoder(1000)
    service = Service(Settings(), Breaking(), decoder, live=False)
    flows = [event for event in map(decoder.decode, EVERYTHING) if isinstance(event, Flow)]
    for flow in flows:
        service.pipeline.handle(flow)
    assert sum(service.pipeline.outcomes.values()) == sum(flow.weight for flow in flows)


def test_both_formats_are_read_by_the_reference_parsers() -> None:
    """Text and OpenMetrics hold the same samples, and each is announced by its own content type."""
    decoder = Decoder(1000)
    service = Service(Settings(), Breaking(), decoder, live=False)
    for event in map(decoder.decode, EVERYTHING):
        service.pipeline.handle(event)
    text, openmetrics = service.exposition("text/plain"), service.exposition("application/openmetrics-text")
    assert text.content_type.startswith("text/plain; version=0.0.4")
    assert openmetrics.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.body.endswith(b"# EOF\n")
    assert _ours(parse_text(text.body.decode())) == _ours(_openmetrics(openmetrics.body)) != {}


def _openmetrics(body: bytes) -> Iterable[Metric]:
    metrics: Iterable[Metric] = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call] # untyped there
    return metrics


def _ours(metrics: Iterable[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float | None]:
    return {
        # What is not known equals nothing, itself included.
        (sample.name, frozenset(sample.labels.items())): None if isnan(sample.value) else sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name.startswith("hubble_egress_")
    }
