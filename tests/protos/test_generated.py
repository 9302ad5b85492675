"""The generated code is fresh, and it speaks Hubble's wire format, JSON and method paths."""

import importlib
import re
from pathlib import Path
from unittest.mock import MagicMock

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc
from exporter.hubble.pb.relay import relay_pb2

# Not a package, so mypy would know the script under two names.
generate = importlib.import_module("protos.generate")

FILES = (flow_pb2.DESCRIPTOR, relay_pb2.DESCRIPTOR, observer_pb2.DESCRIPTOR)

BOOL = FieldDescriptor.TYPE_BOOL
DOUBLE = FieldDescriptor.TYPE_DOUBLE
ENUM = FieldDescriptor.TYPE_ENUM
INT32 = FieldDescriptor.TYPE_INT32
MESSAGE = FieldDescriptor.TYPE_MESSAGE
STRING = FieldDescriptor.TYPE_STRING
UINT32 = FieldDescriptor.TYPE_UINT32
UINT64 = FieldDescriptor.TYPE_UINT64

# Copied by hand from Cilium 1.19, never from our .proto files: what both have wrong in the same way would pass.
FIELDS = [
    ("flow.Flow", "time", 1, MESSAGE),
    ("flow.Flow", "verdict", 2, ENUM),
    ("flow.Flow", "drop_reason", 3, UINT32),
    ("flow.Flow", "IP", 5, MESSAGE),
    ("flow.Flow", "l4", 6, MESSAGE),
    ("flow.Flow", "source", 8, MESSAGE),
    ("flow.Flow", "destination", 9, MESSAGE),
    ("flow.Flow", "Type", 10, ENUM),
    ("flow.Flow", "node_name", 11, STRING),
    ("flow.Flow", "source_names", 13, STRING),
    ("flow.Flow", "destination_names", 14, STRING),
    ("flow.Flow", "l7", 15, MESSAGE),
    ("flow.Flow", "event_type", 19, MESSAGE),
    ("flow.Flow", "traffic_direction", 22, ENUM),
    ("flow.Flow", "policy_match_type", 23, UINT32),
    ("flow.Flow", "drop_reason_desc", 25, ENUM),
    ("flow.Flow", "is_reply", 26, MESSAGE),
    ("flow.Flow", "uuid", 34, STRING),
    ("flow.Flow", "trace_reason", 36, ENUM),
    ("flow.Flow", "emitter", 41, MESSAGE),
    ("flow.Flow", "egress_allowed_by", 21001, MESSAGE),
    ("flow.Flow", "ingress_allowed_by", 21002, MESSAGE),
    ("flow.Flow", "egress_denied_by", 21004, MESSAGE),
    ("flow.Flow", "ingress_denied_by", 21005, MESSAGE),
    ("flow.Flow", "policy_log", 21006, STRING),
    ("flow.Flow", "aggregate", 21007, MESSAGE),
    ("flow.Flow", "Summary", 100000, STRING),
    ("flow.IP", "source", 1, STRING),
    ("flow.IP", "destination", 2, STRING),
    ("flow.IP", "ipVersion", 3, ENUM),
    ("flow.Layer4", "TCP", 1, MESSAGE),
    ("flow.Layer4", "UDP", 2, MESSAGE),
    ("flow.Layer4", "ICMPv4", 3, MESSAGE),
    ("flow.Layer4", "ICMPv6", 4, MESSAGE),
    ("flow.Layer4", "SCTP", 5, MESSAGE),
    ("flow.TCP", "destination_port", 2, UINT32),
    ("flow.TCPFlags", "SYN", 2, BOOL),
    ("flow.TCPFlags", "ACK", 5, BOOL),
    ("flow.Layer7", "dns", 100, MESSAGE),
    ("flow.Layer7", "http", 101, MESSAGE),
    ("flow.Layer7", "kafka", 102, MESSAGE),
    ("flow.DNS", "ips", 2, STRING),
    ("flow.DNS", "ttl", 3, UINT32),
    ("flow.DNS", "rcode", 6, UINT32),
    ("flow.DNS", "qtypes", 7, STRING),
    ("flow.Endpoint", "ID", 1, UINT32),
    ("flow.Endpoint", "identity", 2, UINT32),
    ("flow.Endpoint", "labels", 4, STRING),
    ("flow.Endpoint", "workloads", 6, MESSAGE),
    ("flow.Endpoint", "cluster_name", 7, STRING),
    ("flow.CiliumEventType", "sub_type", 2, INT32),
    ("flow.Policy", "kind", 5, STRING),
    ("flow.Aggregate", "egress_flow_count", 2, UINT32),
    ("flow.LostEvent", "num_events_lost", 2, UINT64),
    ("flow.LostEvent", "cpu", 3, MESSAGE),
    ("flow.FlowFilter", "event_type", 6, MESSAGE),
    ("flow.FlowFilter", "reply", 15, BOOL),
    ("flow.FlowFilter", "destination_identity", 20, UINT32),
    ("flow.FlowFilter", "traffic_direction", 30, ENUM),
    ("flow.FlowFilter", "drop_reason_desc", 33, ENUM),
    ("flow.EventTypeFilter", "match_sub_type", 2, BOOL),
    ("flow.EventTypeFilter", "sub_type", 3, INT32),
    ("observer.GetFlowsRequest", "number", 1, UINT64),
    ("observer.GetFlowsRequest", "follow", 3, BOOL),
    ("observer.GetFlowsRequest", "blacklist", 5, MESSAGE),
    ("observer.GetFlowsRequest", "whitelist", 6, MESSAGE),
    ("observer.GetFlowsRequest", "since", 7, MESSAGE),
    ("observer.GetFlowsRequest", "field_mask", 10, MESSAGE),
    ("observer.GetFlowsRequest", "experimental", 999, MESSAGE),
    ("observer.GetFlowsRequest.Experimental", "field_mask", 1, MESSAGE),
    ("observer.GetFlowsResponse", "flow", 1, MESSAGE),
    ("observer.GetFlowsResponse", "node_status", 2, MESSAGE),
    ("observer.GetFlowsResponse", "lost_events", 3, MESSAGE),
    ("observer.GetFlowsResponse", "node_name", 1000, STRING),
    ("observer.GetFlowsResponse", "time", 1001, MESSAGE),
    ("observer.ServerStatusResponse", "seen_flows", 3, UINT64),
    ("observer.ServerStatusResponse", "num_unavailable_nodes", 6, MESSAGE),
    ("observer.ServerStatusResponse", "flows_rate", 9, DOUBLE),
    ("relay.NodeStatusEvent", "state_change", 1, ENUM),
    ("relay.NodeStatusEvent", "node_names", 2, STRING),
]

VALUES = [
    ("flow.Verdict", "FORWARDED", 1),
    ("flow.Verdict", "DROPPED", 2),
    ("flow.Verdict", "AUDIT", 4),
    ("flow.Verdict", "REDIRECTED", 5),
    ("flow.TrafficDirection", "EGRESS", 2),
    ("flow.TraceObservationPoint", "TO_ENDPOINT", 101),
    ("flow.TraceObservationPoint", "TO_NETWORK", 11),
    ("flow.TraceReason", "NEW", 1),
    ("flow.TraceReason", "REPLY", 3),
    ("flow.L7FlowType", "RESPONSE", 2),
    ("flow.IPVersion", "IPv6", 2),
    ("flow.DropReason", "DROP_REASON_UNKNOWN", 0),
    ("flow.DropReason", "POLICY_DENIED", 133),
    ("flow.DropReason", "POLICY_DENY", 181),
    ("flow.DropReason", "AUTH_REQUIRED", 189),
    ("flow.DropReason", "NO_EGRESS_GATEWAY", 194),
    ("flow.DropReason", "DROP_NO_EGRESS_IP", 204),
    ("flow.DropReason", "DROP_PUNT_PROXY", 205),
    ("flow.LostEventSource", "HUBBLE_RING_BUFFER", 3),
    ("relay.NodeState", "NODE_CONNECTED", 1),
    ("relay.NodeState", "NODE_ERROR", 4),
]

LINE = """{
    "flow": {
        "time": "2023-08-21T12:12:18.510175415Z", "verdict": "DROPPED",
        "IP": {"source": "10.0.1.7", "destination": "2001:db8::1", "ipVersion": "IPv6"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 443, "flags": {"SYN": true}}},
        "source": {"ID": 7, "identity": 471, "pod_name": "web-1", "workloads": [{"name": "web", "kind": "Deployment"}]},
        "Type": "L3_L4", "node_name": "kind/w1", "event_type": {"type": 5}, "traffic_direction": "EGRESS",
        "drop_reason_desc": "POLICY_DENIED", "is_reply": false,
        "egress_denied_by": [{"name": "no-egress", "revision": "5"}], "Summary": "TCP Flags: SYN"
    },
    "node_name": "kind/w1",
    "time": "2023-08-21T12:12:18.510175415Z"
}"""


def message(name: str) -> Descriptor:
    """Find a message of ours by its full name."""
    package, *path = name.split(".")
    (file,) = (file for file in FILES if file.package == package)
    found = file.message_types_by_name[path[0]]
    for part in path[1:]:
        found = found.nested_types_by_name[part]
    return found


def enum(name: str) -> EnumDescriptor:
    """Find an enum of ours by its full name."""
    package, _, short = name.partition(".")
    (file,) = (file for file in FILES if file.package == package)
    return file.enum_types_by_name[short]


def test_the_generated_files_are_what_the_proto_files_give(capsys: pytest.CaptureFixture[str]) -> None:
    """The checked-in code is what its sources give today, and a check that finds nothing says nothing."""
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_check_names_every_file_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed, a missing and a left-over file each fail the check by name; writing mends all three."""
    monkeypatch.setattr(generate, "TARGET", tmp_path)
    assert generate.main([]) == 0
    with (tmp_path / "flow" / "flow_pb2.py").open("a") as file:
        file.write("# changed\n")
    (tmp_path / "relay" / "relay_pb2.pyi").unlink()
    (tmp_path / "peer_pb2.py").touch()

    assert generate.main(["--check"]) == 1
    named = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert named == [
        "exporter/hubble/pb/flow/flow_pb2.py",
        "exporter/hubble/pb/peer_pb2.py",
        "exporter/hubble/pb/relay/relay_pb2.pyi",
    ]

    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_a_fault_in_a_proto_file_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """When protoc refuses a file the script fails, protoc's message is shown, and nothing is written."""
    monkeypatch.setattr(generate, "TARGET", tmp_path / "pb")
    monkeypatch.setattr(generate, "SOURCES", ("flow/missing.proto",))
    with pytest.raises(SystemExit, match="protoc failed"):
        generate.main([])
    assert "flow/missing.proto" in capfd.readouterr().err
    assert not (tmp_path / "pb").exists()


def test_generated_modules_import_each_other_from_our_package() -> None:
    """No generated file, stub or not, names a top-level package `flow`, `relay` or `observer`."""
    bare = re.compile(r"^\s*(?:from|import) (?:flow|relay|observer)\b", re.MULTILINE)
    files = generate.read(generate.TARGET)
    assert "observer/observer_pb2_grpc.pyi" in files
    assert [path for path, text in files.items() if bare.search(text)] == []
    assert flow_pb2.Flow.__module__ == "exporter.hubble.pb.flow.flow_pb2"


@pytest.mark.parametrize(("name", "field", "number", "kind"), FIELDS)
def test_fields_have_cilium_s_numbers(name: str, field: str, number: int, kind: int) -> None:
    """A field's number and type are those of Cilium's protocol."""
    found = message(name).fields_by_name[field]
    assert (found.number, found.type) == (number, kind)


@pytest.mark.parametrize(("name", "value", "number"), VALUES)
def test_enum_values_have_cilium_s_numbers(name: str, value: str, number: int) -> None:
    """The name of an enum value, which export files carry, stands for Cilium's number."""
    assert enum(name).values_by_name[value].number == number


def test_drop_reasons_are_complete() -> None:
    """All 76 drop reasons of Cilium 1.19 have names; the numbers run from 130 to 205 but for 159."""
    numbers = set(enum("flow.DropReason").values_by_number)
    assert numbers == {0, *range(130, 206)} - {159}


@pytest.mark.parametrize(
    ("name", "field", "spelling"),
    [
        ("flow.Flow", "IP", "IP"),
        ("flow.Flow", "Type", "Type"),
        ("flow.Flow", "Summary", "Summary"),
        ("flow.Flow", "drop_reason_desc", "dropReasonDesc"),
        ("flow.IP", "ipVersion", "ipVersion"),
        ("flow.Endpoint", "ID", "ID"),
        ("flow.Layer4", "ICMPv6", "ICMPv6"),
        ("flow.TCPFlags", "SYN", "SYN"),
    ],
)
def test_json_names_keep_cilium_s_odd_spelling(name: str, field: str, spelling: str) -> None:
    """The second spelling that Hubble's JSON accepts beside the field's own name is Cilium's."""
    assert message(name).fields_by_name[field].json_name == spelling


def test_methods_have_the_paths_of_the_observer_service() -> None:
    """The client calls `/observer.Observer/<method>`; GetFlows alone streams, and only its answers."""
    channel = MagicMock(spec=grpc.Channel)
    observer_pb2_grpc.ObserverStub(channel)
    assert [call.args[0] for call in channel.unary_stream.call_args_list] == ["/observer.Observer/GetFlows"]
    assert sorted(call.args[0] for call in channel.unary_unary.call_args_list) == [
        "/observer.Observer/GetNamespaces",
        "/observer.Observer/GetNodes",
        "/observer.Observer/ServerStatus",
    ]


def test_a_line_of_an_export_file_survives_a_round_trip() -> None:
    """A line as Hubble writes it parses, and is written again with the same keys and values."""
    event = json_format.Parse(LINE, observer_pb2.ExportEvent())
    assert event.flow.time.nanos == 510175415
    assert event.flow.drop_reason_desc == flow_pb2.POLICY_DENIED
    assert event.flow.HasField("is_reply")
    assert not event.flow.is_reply.value
    again = json_format.MessageToJson(event, preserving_proto_field_name=True)
    assert json_format.Parse(again, observer_pb2.ExportEvent()) == event
    assert set(re.findall(r'"(\w+)":', again)) == set(re.findall(r'"(\w+)":', LINE))


def test_agent_events_are_unknown_keys() -> None:
    """A line with an agent event parses to an event that is neither a flow nor anything else."""
    line = '{"agent_event": {"type": "AGENT_STARTED"}, "node_name": "kind/w1"}'
    event = json_format.Parse(line, observer_pb2.ExportEvent(), ignore_unknown_fields=True)
    assert event.WhichOneof("response_types") is None
    assert event.node_name == "kind/w1"


def test_what_a_newer_server_sends_passes_through() -> None:
    """A drop reason without a name keeps its number, and a field without a name is written again as it came."""
    drop_reason_desc_206 = bytes.fromhex("c801 ce01")
    extensions = bytes.fromhex("829f49 02 0a00")  # field 150000, an Any with an empty type_url
    newer = drop_reason_desc_206 + extensions
    flow = flow_pb2.Flow.FromString(newer)
    assert flow.drop_reason_desc == 206
    assert flow.SerializeToString() == newer
