"""The command `triage`: where flows come from, what is asked of them, and how it ends."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import jsonschema  # type: ignore[import-untyped] # it has no types
import pytest
import yaml
from google.protobuf.json_format import Parse

from exporter.cli import main
from exporter.demo import cluster
from exporter.demo.observer import RelayObserver
from exporter.demo.relay import Relay
from exporter.demo.server import Server
from exporter.detectors.interface import Cause
from exporter.hubble.pb.observer import observer_pb2
from tests.hubble.relay import Relay as OldRelay
from tests.programs import free_port, run
from tests.triage.test_scenarios import FOLDERS

SCENARIOS = Path(__file__).parent / "scenarios"
BLOCKED = SCENARIOS / "dns-blocked" / "flows.jsonl"
SEVERAL = SCENARIOS / "several-causes" / "flows.jsonl"
QUIET = SCENARIOS / "quiet-ingress-elsewhere" / "flows.jsonl"
BLOCKED_RESPONSE = Parse(BLOCKED.read_text().splitlines()[1], observer_pb2.GetFlowsResponse()).SerializeToString()
SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[2] / "exporter/triage/schema.json").read_text())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_schema(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written as JSON is what the schema says, in every scenario."""
    main(["triage", "--format", "json", str(folder / "flows.jsonl")])
    jsonschema.validate(json.loads(capsys.readouterr().out), SCHEMA)


def test_the_schema_is_strict() -> None:
    """It knows every cause, and refuses what it does not know."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]["finding"]["properties"]["cause"]["enum"]) == {cause.value for cause in Cause}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"coverage": {}, "intended_blocks": 0, "workloads": []}, SCHEMA)
    objects = [part for part in (SCHEMA, *SCHEMA["$defs"].values()) if part.get("properties")]
    assert all(part["additionalProperties"] is False for part in objects)


def test_yaml_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Both formats are one document, and policies stand in YAML as lines to copy."""
    main(["triage", "--format", "json", str(SEVERAL)])
    as_json = json.loads(capsys.readouterr().out)
    main(["triage", "--format", "yaml", str(SEVERAL)])
    text = capsys.readouterr().out
    assert yaml.safe_load(text) == as_json
    assert "kind: CiliumNetworkPolicy\n" in text


def test_policies_are_yaml(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What is suggested can be written to a file as it is, and is understood as policies are."""
    main(["triage", "--format", "json", str(SEVERAL)])
    findings = json.loads(capsys.readouterr().out)["workloads"][0]["findings"]
    texts = [policy["yaml"] for finding in findings for policy in finding["suggestion"]["policies"]]
    (tmp_path / "all.yaml").write_text("---\n".join(texts))
    assert main(["expectations", "check", str(tmp_path / "all.yaml")]) == 0
    assert "policies: 4, rules: 4, wide rules: 0, fields not evaluated: 0, errors: 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "code", "workloads"),
    [
        ([], 1, ["web"]),
        (["--namespace", "shop"], 1, ["web"]),
        (["--workload", "web"], 1, ["web"]),
        (["--namespace", "data"], 0, []),
        (["--namespace", "shop", "--workload", "cart"], 0, []),
    ],
)
def test_filters(flags: list[str], code: int, workloads: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Namespace and workload leave out what is somebody else's, and the exit code is about the rest."""
    assert main(["triage", "--format", "json", *flags, str(BLOCKED)]) == code
    assert [one["workload"] for one in json.loads(capsys.readouterr().out)["workloads"]] == workloads


def test_several_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Recordings are read one after the other, compressed ones too."""
    compressed = tmp_path / "flows"
    compressed.write_bytes(gzip.compress(BLOCKED.read_bytes()))
    assert main(["triage", "--format", "json", str(QUIET), str(compressed)]) == 1
    (workload,) = json.loads(capsys.readouterr().out)["workloads"]
    assert [finding["cause"] for finding in workload["findings"]] == ["dns_blocked"]


def test_standard_input() -> None:
    """`-` is standard input, as of `hubble observe`."""
    ended = run("triage", "-", stdin=BLOCKED.read_bytes())
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith("1 finding in 1 workload\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["/nowhere/flows.jsonl"], "/nowhere/flows.jsonl: No such file or directory"),
        (["BROKEN"], "no usable line among 1"),
        (["EMPTY"], "no usable line among 0: it is empty"),
        ([str(BLOCKED), "--policies", "/nowhere"], "/nowhere: cannot be read"),
        ([str(BLOCKED), "--policies", "BROKEN"], "BROKEN"),
        ([str(BLOCKED), "--since", "5m"], "--since is for Hubble"),
    ],
)
def test_what_cannot_be_read(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file or a policy that cannot be used ends it with exit code 2, and is named; nothing is said of the flows."""
    (tmp_path / "BROKEN").write_text("kind: [")
    (tmp_path / "EMPTY").touch()
    texts = [str(tmp_path / text) if text in ("BROKEN", "EMPTY") else text for text in arguments]
    assert main(["triage", *texts]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert complaint in errors


@pytest.mark.parametrize("flags", [["--since", "soon"], ["--since", "0s"], ["--format", "xml"], ["--nonsense"]])
def test_bad_use(flags: list[str]) -> None:
    """What argparse refuses ends with exit code 2 too."""
    with pytest.raises(SystemExit) as ended:
        main(["triage", *flags])
    assert ended.value.code == 2


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A Hubble that cannot be reached ends it with exit code 2 and the reason: silence is not health."""
    assert main(["triage", "--hubble.address", f"127.0.0.1:{free_port()}"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "connection_refused" in errors


@pytest.fixture
def relay() -> Iterator[tuple[Relay, str]]:
    """A relay over real gRPC, and its address."""
    relay = Relay([(name, f"{address}:4244") for name, address in cluster.NODE_ADDRESSES.items()])
    server = Server(RelayObserver(relay))
    yield relay, server.start("127.0.0.1:0")
    relay.close()
    server.stop()


def _write(relay: Relay, flows: Path, since: float) -> None:
    """Let the flows of a scenario happen again, from this time on."""
    lines = flows.read_text().splitlines()
    first = Parse(lines[0], observer_pb2.GetFlowsResponse()).time.ToNanoseconds()
    for line in lines:
        response = Parse(line, observer_pb2.GetFlowsResponse())
        moved = response.time.ToNanoseconds() - first + int(since * 1e9)
        response.time.FromNanoseconds(moved)
        response.flow.time.FromNanoseconds(moved)
        response.node_name = response.flow.node_name = cluster.NODE_1
        relay.write(response)


def test_hubble_is_asked_for_the_last_minutes(relay: tuple[Relay, str], capsys: pytest.CaptureFixture[str]) -> None:
    """What the rings hold of the last minutes is read over gRPC, and what is older is not asked for."""
    story, address = relay
    _write(story, SCENARIOS / "query-refused" / "flows.jsonl", time.time() - 3600)
    _write(story, BLOCKED, time.time() - 60)

    def causes(*flags: str) -> list[str]:
        assert main(["triage", "--format", "json", "--hubble.address", address, *flags]) == 1
        report = json.loads(capsys.readouterr().out)
        return [finding["cause"] for one in report["workloads"] for finding in one["findings"]]

    assert causes() == ["dns_blocked"]
    assert causes("--since", "2h") == ["dns_blocked", "query_refused"]


def test_a_quiet_hubble(relay: tuple[Relay, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without a flow nothing is known: the answer says so, and the exit code is not that of health."""
    assert main(["triage", "--hubble.address", relay[1]]) == 2
    assert "no flow was seen: this says nothing" in capsys.readouterr().out


def test_the_position_file_is_left_alone(relay: tuple[Relay, str], tmp_path: Path) -> None:
    """Triage beside an exporter does not touch where that one has got to."""
    kept = tmp_path / "position"
    kept.write_text("not ours")
    assert main(["triage", "--hubble.address", relay[1], "--hubble.position-file", str(kept)]) == 2
    assert kept.read_text() == "not ours"


def test_an_old_server_is_asked_for_less(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that refuses the field mask is asked again for what it understands, at once."""
    old = OldRelay("cilium v1.19.4")
    responses = [Parse(line, observer_pb2.GetFlowsResponse()) for line in BLOCKED.read_text().splitlines()]

    def flows(data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        request = observer_pb2.GetFlowsRequest.FromString(data)
        old.requests.append(request)
        if request.field_mask.paths:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, 'proto: invalid path "policy_log" for message "flow.Flow"')
        yield from (response.SerializeToString() for response in responses)

    monkeypatch.setattr(old, "_flows", flows)
    try:
        assert main(["triage", "--hubble.address", old.start()]) == 1
    finally:
        old.stop()
    assert "dns_blocked" in capsys.readouterr().out
    assert [bool(request.field_mask.paths) for request in old.requests] == [True, True, False]
    assert not any(request.follow for request in old.requests)


def test_a_stream_that_breaks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was read of a stream that broke is no answer: exit code 2, and why."""
    broken = OldRelay("cilium v1.19.4")

    def flows(_data: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield BLOCKED_RESPONSE
        context.abort(grpc.StatusCode.UNAVAILABLE, "going away")

    monkeypatch.setattr(broken, "_flows", flows)
    try:
        assert main(["triage", "--hubble.address", broken.start()]) == 2
    finally:
        broken.stop()
    output, errors = capsys.readouterr()
    assert output == ""
    assert "going away" in errors
