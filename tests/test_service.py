"""The boxes together: a stream equals a file, and a dead thread ends the process."""

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from hypothesis import given
from hypothesis import strategies as st

from exporter.demo.observer import STORY_ROUNDS, STORY_START_NS, DemoObserver
from exporter.demo.story import play
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Event, FlowSource
from exporter.hubble.observer import Observer
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.replay import Recording
from exporter.service import Service
from exporter.settings import Settings
from exporter.web.settings import WebSettings

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

    server, decoder = DemoObserver(serve), Decoder(1000)
    settings = Settings().hubble.model_copy(update={"address": server.start()})
    try:
        return _read(Observer(settings, Settings().sources, decoder, random.Random(0)), decoder)  # noqa: S311, jitter
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


STORY = [response for number in range(STORY_ROUNDS) for response in play(number, STORY_START_NS, 7)]
EVERYTHING = STORY + [response for folder in sorted(SCENARIOS.glob("*/")) for response in _scenario(folder)]


def test_replay_equals_stream(tmp_path: Path) -> None:
    """All flows of the story and of the scenarios give the same product families from a file and from a stream."""
    streamed = _streamed(EVERYTHING)
    assert streamed == _replayed(EVERYTHING, tmp_path / "flows.jsonl")
    assert streamed.count("hubble_egress_connections_total{") > 50


@given(st.lists(st.sampled_from(EVERYTHING), max_size=60))
def test_replay_equals_stream_property(tmp_path_factory: pytest.TempPathFactory, responses: list[Response]) -> None:
    """So does any selection of them in any order."""
    assert _streamed(responses) == _replayed(responses, tmp_path_factory.mktemp("flows") / "flows.jsonl")


class Breaking:
    """A source that breaks after it has connected."""

    description = "a source that breaks"

    def __init__(self) -> None:
        self.go = threading.Event()

    def events(self) -> Iterator[Event]:
        """One event, then the fault."""
        yield Connected("nowhere")
        self.go.wait()
        raise RuntimeError("out of luck")

    def stop(self) -> None:
        """Nothing to stop."""


def test_a_dead_thread_ends_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    """It is logged, the exporter is unhealthy, and the exit code is 1."""
    source = Breaking()
    settings = Settings(web=WebSettings(listen_address="127.0.0.1:0"))
    service = Service(settings, source, Decoder(10), live=True)
    assert service.unhealthy() == ""
    code = service.run(lambda _url: source.go.set())
    assert code == 1
    assert service.unhealthy() == "the stream thread is dead"
    assert "out of luck" in "".join(capsys.readouterr())
