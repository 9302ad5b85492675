"""One line of a recording: every shape that Hubble has ever written is read, and a broken line says where and why."""

import copy
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from hypothesis import strategies as st

from exporter.demo.settings import DemoSettings
from exporter.demo.telling import dumped
from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Event, Ignored, LostEvents, NodeStatus, Undecodable
from exporter.hubble.lines import decode_line
from exporter.hubble.pb.observer import observer_pb2

WHERE = "flows.jsonl:7"
LINE: dict[str, Any] = {
    "flow": {
        "time": "2023-08-21T12:12:18.510175415Z",
        "verdict": "DROPPED",
        "ethernet": {"source": "d2:d9:76:de:f4:90"},
        "IP": {"source": "10.0.1.7", "destination": "2001:db8::1", "ipVersion": "IPv6"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 443, "flags": {"SYN": True}}},
        "source": {"ID": 7, "identity": 471, "namespace": "shop", "pod_name": "web-1", "labels": ["k8s:a=b"]},
        "destination": {"identity": 2, "labels": ["reserved:world"]},
        "Type": "L3_L4",
        "node_name": "kind/w1",
        "destination_names": ["a.example"],
        "event_type": {"type": 5},
        "traffic_direction": "EGRESS",
        "policy_match_type": 2,
        "drop_reason_desc": "POLICY_DENIED",
        "is_reply": False,
        "egress_denied_by": [{"name": "no-egress", "revision": "5"}],
        "Summary": "TCP Flags: SYN",
    },
    "node_name": "kind/w1",
    "time": "2023-08-21T12:12:18.510175415Z",
}
STATUS = {"node_status": {"state_change": "NODE_CONNECTED", "node_names": ["demo/node-1"]}, "node_name": "demo/node-1"}
DUMPED = list(dumped(DemoSettings()))
LOSSES = [line for line in DUMPED if "lost_events" in line]
STORY = [line.encode() for line in (json.dumps(STATUS), *LOSSES, *DUMPED[::50])]


def decode(line: object) -> Event:
    """The event of a line, given as bytes, text or a document."""
    if not isinstance(line, bytes | str):
        line = json.dumps(line)
    return decode_line(line if isinstance(line, bytes) else line.encode(), WHERE, Decoder(100))


def flow_of(line: object) -> Flow:
    """The flow of a line that has one."""
    event = decode(line)
    assert isinstance(event, Flow), event
    return event


def changed(**fields: object) -> dict[str, Any]:
    """The line with other fields in its flow; None removes one."""
    line = copy.deepcopy(LINE)
    line["flow"] = {name: value for name, value in {**line["flow"], **fields}.items() if value is not None}
    return line


def test_a_line_of_hubble_observe_is_read() -> None:
    """`hubble observe -o jsonpb` and the export file write the flow, its node and its time side by side."""
    flow = flow_of(LINE)
    assert flow.time_ns == 1_692_619_938_510_175_415
    assert (flow.kind.event_type, flow.kind.verdict, flow.kind.direction, flow.drop_reason) == (5, 2, 2, 133)
    assert (flow.kind.protocol, flow.source_port, flow.destination_port) == ("tcp", 40000, 443)
    assert (flow.source.identity, flow.source.pod_name) == (471, "web-1")
    assert flow.destination_names == ("a.example",)
    assert flow.node_name == "kind/w1"
    assert flow.kind.is_reply is False


def test_a_bare_flow_of_an_old_release_is_read() -> None:
    """A line that is the flow itself, without anything around it, is the same flow."""
    assert flow_of(LINE["flow"]) == flow_of(LINE)


def test_a_bare_flow_needs_only_one_key_that_flows_have() -> None:
    """Whatever a field mask left of a bare flow, it is recognised."""
    for key in ("verdict", "IP", "l4", "source", "Type", "event_type", "traffic_direction", "is_reply"):
        assert isinstance(flow_of({key: LINE["flow"][key]}), Flow)


def test_time_and_node_name_may_stand_on_either_side() -> None:
    """What a field mask left out of the flow is taken from the outside, and the outside may be missing."""
    outside = changed(time=None, node_name=None)
    inside = {"flow": LINE["flow"]}
    assert flow_of(outside) == flow_of(inside) == flow_of(LINE)


@pytest.mark.parametrize("line", STORY, ids=range(len(STORY)))
def test_camel_case_names_are_the_same_as_original_ones(line: bytes) -> None:
    """`trafficDirection` is `traffic_direction`, with and without the outer shape."""
    event = decode(line)
    camel = MessageToDict(ParseDict(json.loads(line), observer_pb2.GetFlowsResponse()))
    assert decode(camel) == event
    if isinstance(event, Flow):
        assert decode(camel["flow"]) == event


def test_enum_names_and_numbers_are_the_same() -> None:
    """A verdict is `DROPPED` or 2."""
    numbers = changed(verdict=2, traffic_direction=2, drop_reason_desc=133, Type=1)
    assert flow_of(numbers) == flow_of(LINE)


def test_enum_numbers_without_a_name_are_kept() -> None:
    """A newer server's number passes through."""
    flow = flow_of(changed(drop_reason_desc=250, verdict=77))
    assert (flow.drop_reason, flow.kind.verdict) == (250, 77)


def test_enum_names_that_are_unknown_are_no_error() -> None:
    """A newer server's name of a drop reason is skipped, and the old field still gives its number."""
    assert flow_of(changed(drop_reason_desc="SOMETHING_NEW", drop_reason=250)).drop_reason == 250
    assert flow_of(changed(verdict="SOMETHING_NEW")).kind.verdict == 0


@pytest.mark.parametrize("number", ["7", 7, "18446744073709551615", 18446744073709551615], ids=repr)
def test_64_bit_numbers_are_texts_or_numbers(number: str | int) -> None:
    """JSON of protobuf writes them as texts; other tools write numbers."""
    line = {"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": number}, "node_name": "w1"}
    assert decode(line) == LostEvents("hubble_ring_buffer", int(number), "w1")


def test_unknown_keys_change_nothing() -> None:
    """Keys of newer releases, at every level, are skipped."""
    newer = changed(hop_limit={"deep": [1, {"er": None}]}, source={**LINE["flow"]["source"], "new": 1})
    assert flow_of({**newer, "shard": "x"}) == flow_of(LINE)


def test_every_kind_of_event_has_both_spellings() -> None:
    """Lost events and node status are read by their original and their camelCase names."""
    status = {"stateChange": "NODE_ERROR", "nodeNames": ["a"], "message": "gone"}
    original = {"state_change": "NODE_ERROR", "node_names": ["a"], "message": "gone"}
    assert decode({"nodeStatus": status}) == decode({"node_status": original}) == NodeStatus("error", ("a",), "gone")
    assert decode({"lostEvents": {"numEventsLost": "3"}}) == decode({"lost_events": {"num_events_lost": "3"}})


@pytest.mark.parametrize("key", ["agent_event", "agentEvent", "debug_event", "debugEvent"])
def test_agent_and_debug_events_are_ignored(key: str) -> None:
    """Export files hold them too; they are valid and carry nothing for us."""
    line = {key: {"type": "ENDPOINT_CREATED", "endpoint": {"id": "3"}}, "node_name": "w1", "time": LINE["time"]}
    event = decode(line)
    assert isinstance(event, Ignored)
    assert event.what.replace("_", "") == key.replace("_", "").lower()


@pytest.mark.parametrize(
    ("counts", "direction", "weight"),
    [
        ({"egress_flow_count": 4, "ingress_flow_count": 2}, "EGRESS", 4),
        ({"egressFlowCount": "4", "ingressFlowCount": "2"}, "INGRESS", 2),
        ({"unknown_direction_flow_count": 9}, None, 9),
        ({}, "EGRESS", 1),
    ],
)
def test_an_aggregated_line_weighs_what_it_stands_for(
    counts: dict[str, object], direction: str | None, weight: int
) -> None:
    """A line of an aggregating export file is worth the events that it merged."""
    assert flow_of(changed(aggregate=counts, traffic_direction=direction)).weight == weight


def test_a_line_may_be_longer_than_64_kib() -> None:
    """The limit of the hubble command is none of ours."""
    labels = [f"k8s:label-{number}=value" for number in range(20_000)]
    flow = flow_of(changed(source={"identity": 471, "labels": labels}))
    assert len(flow.source.labels) == 20_000


@pytest.mark.parametrize("lead", [b"", b"  ", b"\xef\xbb\xbf"], ids=["nothing", "blanks", "byte order mark"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"], ids=["nothing", "LF", "CRLF"])
def test_what_stands_around_a_line_does_not_matter(lead: bytes, end: bytes) -> None:
    """Windows line ends, blanks and a byte order mark are no fault."""
    assert flow_of(lead + json.dumps(LINE).encode() + end) == flow_of(LINE)


BROKEN = [
    (b"{", "invalid_json"),
    (b"hello", "invalid_json"),
    (b'{"flow": {"verdict": "DROPPED"}', "invalid_json"),
    (b'{"flow": {"node_name": "\xff\xfe"}}', "invalid_json"),
    (b"[" * 200_000, "invalid_json"),
    (b'{"flow":' * 100_000 + b"1" + b"}" * 100_000, "invalid_json"),
    (b'{"flow": {"verdict": ' + b"9" * 5000 + b"}}", "invalid_json"),
    (b"[]", "not_an_object"),
    (b"null", "not_an_object"),
    (b'"flow"', "not_an_object"),
    (b"NaN", "invalid_json"),
    (b"{}", "unknown_shape"),
    (b'{"level": "info", "msg": "started"}', "unknown_shape"),
    (b'{"\\ud800": 1}', "unknown_shape"),
    (b'{"flow": 1}', "invalid_field"),
    (b'{"flow": []}', "invalid_field"),
    (b'{"flow": "text"}', "invalid_field"),
    (b'{"flow": {"verdict": NaN}}', "invalid_json"),
    (b'{"flow": {"l4": {"TCP": {"source_port": NaN}}}}', "invalid_json"),
    (b'{"flow": {"l4": {"TCP": {"source_port": -1}}}}', "invalid_field"),
    (b'{"flow": {"l4": {"TCP": {"source_port": 1e400}}}}', "invalid_field"),
    (b'{"flow": {"l4": {"TCP": {"source_port": 1.5}}}}', "invalid_field"),
    (b'{"flow": {"l4": {"TCP": {}, "UDP": {}}}}', "invalid_field"),
    (b'{"flow": {"time": "yesterday"}}', "invalid_field"),
    (b'{"flow": {"time": 5}}', "invalid_field"),
    (b'{"flow": {"time": {"seconds": 5}}}', "invalid_field"),
    (b'{"flow": {"is_reply": "no"}}', "invalid_field"),
    (b'{"flow": {"is_reply": {"value": true}}}', "invalid_field"),
    (b'{"flow": {"source": {"labels": "k8s:a=b"}}}', "invalid_field"),
    (b'{"flow": {"source": {"labels": [null]}}}', "invalid_field"),
    (b'{"flow": {"node_name": "\\ud800"}}', "invalid_field"),
    (b'{"flow": {"node_name": 5}}', "invalid_field"),
    (b'{"flow": {}, "lost_events": {}}', "invalid_field"),
]


@pytest.mark.parametrize(("line", "reason"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_says_where_and_why(line: bytes, reason: str) -> None:
    """Nothing is raised: the line is `Undecodable` with a reason, its file and line, and a detail."""
    event = decode(line)
    assert isinstance(event, Undecodable)
    assert (event.reason, event.where) == (reason, WHERE)
    assert event.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(("EGRESS", "5")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(("value", "flow", "type")), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENTS = (Flow, LostEvents, NodeStatus, Ignored, Undecodable)


@given(st.binary(max_size=200))
def test_fuzz_any_bytes_give_an_event(line: bytes) -> None:
    """Decoding of a line never raises, whatever bytes it has."""
    assert isinstance(decode(line), EVENTS)


@given(st.sampled_from(STORY), st.data())
def test_fuzz_real_lines_with_damaged_bytes_give_an_event(line: bytes, data: st.DataObject) -> None:
    """A real line in which bytes are replaced, removed or added never makes it fail."""
    damaged = bytearray(line)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 4))] = data.draw(
            st.binary(max_size=3) | st.sampled_from((b'"', b"{", b"}", b"NaN", b"-1", b"null", b"[", b"1e999", b"\\u"))
        )
    assert isinstance(decode(bytes(damaged)), EVENTS)


@given(st.sampled_from(STORY), st.data())
def test_fuzz_real_lines_with_foreign_values_give_an_event(line: bytes, data: st.DataObject) -> None:
    """A real line in which any value, at any depth, is any other JSON value never makes it fail."""
    document = json.loads(line)
    places = list(_places(document))
    for holder, key in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        holder[key] = data.draw(JSON)
    assert isinstance(decode(document), EVENTS)


def _places(node: Any) -> Any:  # noqa: ANN401, JSON has no type of its own
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _places(value)
