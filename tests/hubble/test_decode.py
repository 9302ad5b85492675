"""Decoding: every field that is read arrives unchanged, the mask asks for all of them, and nothing makes it fail."""

from dataclasses import fields

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st

from exporter.endpoint import Endpoint, Workload
from exporter.flow import L7, Dns, EventType, Flow, Http, Kafka, Kind, Policy, TcpFlags
from exporter.hubble.decode import MASK, Decoder
from exporter.hubble.drop_reasons import drop_reason_name
from exporter.hubble.interface import Ignored, LostEvents, NodeStatus, Undecodable
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2
from tests.hubble.messages import filled, messages

EVENTS = (Flow, LostEvents, NodeStatus, Ignored)
KIND = {field.name for field in fields(Kind)}
# A varint in field 4999, which no version has.
UNKNOWN_FIELD = b"\xb8\xb8\x02\x07"


@pytest.fixture
def decoder() -> Decoder:
    """A decoder with room enough."""
    return Decoder(1000)


def full_flow(**arms: str) -> flow_pb2.Flow:
    """A flow with every field set to a value of its own; both of its ends are the outside, for only that has names."""
    message = filled(flow_pb2.Flow(), {"protocol": "TCP", "record": "dns", **arms})
    message.source.labels.append("reserved:world")
    message.destination.labels.append("reserved:world")
    return message


def record_flow(**arms: str) -> flow_pb2.Flow:
    """Such a flow as the proxy sends it."""
    message = full_flow(**arms)
    message.event_type.type = EventType.L7
    return message


def flow_of(decoder: Decoder, message: flow_pb2.Flow) -> Flow:
    """The decoded form of a flow that came over the wire."""
    event = decoder.decode_bytes(observer_pb2.GetFlowsResponse(flow=message).SerializeToString())
    assert isinstance(event, Flow)
    return event


def test_every_field_of_a_flow_arrives_unchanged(decoder: Decoder) -> None:
    """Each field of `Flow` holds what the message held, numbers as Hubble's own numbers."""
    message = flow_pb2.Flow(
        verdict=flow_pb2.DROPPED,
        drop_reason=133,
        drop_reason_desc=flow_pb2.POLICY_DENY,
        node_name="kind/w1",
        destination_names=["b.example", "c.example"],
        traffic_direction=flow_pb2.EGRESS,
        policy_match_type=2,
        trace_reason=flow_pb2.ESTABLISHED,
        policy_log=["audit this"],
    )
    message.time.seconds, message.time.nanos = 1_600_000_000, 123_456_789
    message.event_type.type, message.event_type.sub_type = 5, 3
    message.is_reply.value = True
    message.IP.source, message.IP.destination = "10.0.0.1", "2001:db8::1"
    message.l4.TCP.source_port, message.l4.TCP.destination_port = 40000, 443
    message.l4.TCP.flags.SYN = message.l4.TCP.flags.ACK = True
    message.source.CopyFrom(
        flow_pb2.Endpoint(
            ID=7, identity=471, namespace="shop", pod_name="web-1", cluster_name="blue", labels=["k8s:a=b"]
        )
    )
    message.source.workloads.add(name="web", kind="Deployment")
    message.destination.CopyFrom(flow_pb2.Endpoint(identity=2, labels=["reserved:world", "cidr:0.0.0.0/0"]))
    message.egress_allowed_by.add(name="allow", namespace="shop", kind="CiliumNetworkPolicy")
    message.egress_denied_by.add(name="deny")
    message.aggregate.egress_flow_count = 5

    assert decoder.decode(observer_pb2.GetFlowsResponse(flow=message)) == Flow(
        Kind(
            event_type=5,
            sub_type=3,
            verdict=2,
            direction=2,
            is_reply=True,
            trace_reason=2,
            protocol="tcp",
            tcp_flags=TcpFlags.SYN | TcpFlags.ACK,
        ),
        time_ns=1_600_000_000_123_456_789,
        node_name="kind/w1",
        drop_reason=181,
        source=Endpoint(7, 471, "shop", "web-1", frozenset({"k8s:a=b"}), (Workload("web", "Deployment"),), "blue"),
        destination=Endpoint(identity=2, labels=frozenset({"reserved:world", "cidr:0.0.0.0/0"})),
        source_ip="10.0.0.1",
        destination_ip="2001:db8::1",
        source_port=40000,
        destination_port=443,
        destination_names=("b.example", "c.example"),
        l7=None,
        policy_match_type=2,
        egress_allowed_by=(Policy("allow", "shop", "CiliumNetworkPolicy"),),
        egress_denied_by=(Policy("deny", "", ""),),
        policy_log=("audit this",),
        weight=5,
        aggregated=True,
    )


def test_an_empty_flow_is_the_default_flow(decoder: Decoder) -> None:
    """What the server leaves out has the value that `Flow` declares, and a missing `is_reply` is not False."""
    flow = flow_of(decoder, flow_pb2.Flow())
    assert flow == Flow(Kind(protocol="unknown"))
    assert flow.kind.is_reply is None


def test_no_field_of_flow_keeps_its_default_when_everything_is_set(decoder: Decoder) -> None:
    """Every field of `Flow`, `Kind` and `Endpoint` is read from somewhere: of a verdict, of a record, or of a line."""
    line = decoder.decode(observer_pb2.GetFlowsResponse(flow=full_flow()))
    assert isinstance(line, Flow)
    record = flow_of(decoder, record_flow())
    assert unset(line) & unset(record) == {"replayed"}, "which is not the server's to say"
    assert unset(line.kind) | unset(line.source) | unset(line.destination) == set()


def unset(value: Flow | Kind | Endpoint) -> set[str]:
    """Names of the fields that have their default."""
    return {field.name for field in fields(value) if field.init and getattr(value, field.name) == field.default}


def test_what_a_kind_of_event_does_not_have_is_not_looked_for(decoder: Decoder) -> None:
    """Reasons and policies belong to drops and verdicts, records to the proxy, names to what is outside."""
    message = full_flow()
    message.event_type.type = EventType.TRACE
    message.l4.TCP.flags.SYN = message.is_reply.value = False
    trace = flow_of(decoder, message)
    assert unset(trace) >= {"drop_reason", "l7", "source_names", "egress_allowed_by", "egress_denied_by", "policy_log"}
    assert trace.destination_names == tuple(message.destination_names) != ()
    assert unset(flow_of(decoder, full_flow())) == {"l7", "source_names", "weight", "aggregated", "replayed"}
    del message.destination.labels[:]
    assert flow_of(decoder, message).destination_names == ()


def test_a_reply_inside_a_tcp_connection_has_its_time_and_node_only(decoder: Decoder) -> None:
    """There are more of them than of anything else, and the packets that they answer have said the rest."""
    message = full_flow()
    message.event_type.type, message.l4.TCP.flags.SYN = EventType.TRACE, False
    flow = flow_of(decoder, message)
    assert flow.kind.replies_inside_tcp
    assert unset(flow) == {field.name for field in fields(Flow)} - {"kind", "time_ns", "node_name"}
    message.l4.TCP.flags.SYN = True
    assert flow_of(decoder, message).source_ip == message.IP.source


@pytest.mark.parametrize("value", [True, False])
def test_is_reply_has_three_states(decoder: Decoder, value: bool) -> None:
    """True, false and not known are told apart."""
    message = flow_pb2.Flow()
    message.is_reply.value = value
    assert flow_of(decoder, message).kind.is_reply is value


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("TCP", "tcp"),
        ("UDP", "udp"),
        ("SCTP", "sctp"),
        ("ICMPv4", "icmp"),
        ("ICMPv6", "icmpv6"),
        ("VRRP", "vrrp"),
        ("IGMP", "igmp"),
    ],
)
def test_every_protocol_has_its_name_and_ports_where_it_has_ports(decoder: Decoder, arm: str, expected: str) -> None:
    """TCP, UDP and SCTP have ports, only TCP has flags, and the others have neither."""
    message = full_flow(protocol=arm)
    flow = flow_of(decoder, message)
    inner = getattr(message.l4, arm)
    ports = (inner.source_port, inner.destination_port) if arm in ("TCP", "UDP", "SCTP") else (0, 0)
    assert (flow.kind.protocol, flow.source_port, flow.destination_port) == (expected, *ports)
    assert flow.kind.tcp_flags == (31 if arm == "TCP" else 0)


@pytest.mark.parametrize("flag", list(TcpFlags))
def test_tcp_flags_keep_their_names(decoder: Decoder, flag: TcpFlags) -> None:
    """One flag on the wire is the same one flag after decoding."""
    message = flow_pb2.Flow()
    setattr(message.l4.TCP.flags, str(flag.name), True)
    assert flow_of(decoder, message).kind.tcp_flags == flag


def test_l7_records_of_each_kind_are_read(decoder: Decoder) -> None:
    """DNS, HTTP and Kafka records arrive with the fields that are counted; another kind is a record that is None."""
    dns, http, kafka, other = (flow_pb2.Layer7(type=flow_pb2.RESPONSE) for _ in range(4))
    dns.dns.CopyFrom(
        flow_pb2.DNS(
            query="a.example.", qtypes=["A", "AAAA"], rcode=3, ips=["192.0.2.1"], cnames=["b.example."], ttl=30
        )
    )
    http.http.CopyFrom(flow_pb2.HTTP(method="PUT", code=403))
    kafka.kafka.CopyFrom(flow_pb2.Kafka(api_key="produce", error_code=-1))
    proxy = flow_pb2.CiliumEventType(type=EventType.L7)
    records = [flow_of(decoder, flow_pb2.Flow(event_type=proxy, l7=one)).l7 for one in (dns, http, kafka, other)]
    assert records == [
        L7(2, Dns("a.example.", ("A", "AAAA"), 3, ("192.0.2.1",), ("b.example.",), 30)),
        L7(2, Http("PUT", 403)),
        L7(2, Kafka("produce", -1)),
        L7(2, None),
    ]


def test_the_old_number_of_a_drop_reason_stands_in_for_a_name_that_is_missing(decoder: Decoder) -> None:
    """`drop_reason` is read where `drop_reason_desc` says nothing."""
    assert flow_of(decoder, flow_pb2.Flow(drop_reason=194)).drop_reason == 194


def test_time_and_node_name_are_taken_from_the_outside_where_the_flow_has_none(decoder: Decoder) -> None:
    """The outer values help a flow out, and never replace its own."""
    response = observer_pb2.GetFlowsResponse(flow=flow_pb2.Flow(), node_name="outer")
    response.time.seconds = 9
    bare = decoder.decode(response)
    assert isinstance(bare, Flow)
    assert (bare.time_ns, bare.node_name) == (9_000_000_000, "outer")

    response.flow.time.seconds, response.flow.node_name = 5, "inner"
    own = decoder.decode(response)
    assert isinstance(own, Flow)
    assert (own.time_ns, own.node_name) == (5_000_000_000, "inner")


@pytest.mark.parametrize(
    ("direction", "counts", "weight"),
    [
        (flow_pb2.EGRESS, (3, 5, 7), 5),
        (flow_pb2.INGRESS, (3, 5, 7), 3),
        (flow_pb2.TRAFFIC_DIRECTION_UNKNOWN, (3, 5, 7), 7),
        (flow_pb2.EGRESS, (3, 0, 7), 10),
        (flow_pb2.EGRESS, (0, 0, 0), 1),
        (99, (3, 5, 7), 15),
        (-1, (3, 5, 7), 15),
        (-4, (3, 5, 7), 15),
    ],
)
def test_an_aggregated_flow_weighs_what_its_direction_counted(
    decoder: Decoder, direction: int, counts: tuple[int, int, int], weight: int
) -> None:
    """The count of the flow's own direction; all counts where that has none; never nothing."""
    ingress, egress, unknown = counts
    message = flow_pb2.Flow(traffic_direction=flow_pb2.TrafficDirection.ValueType(direction))
    message.aggregate.CopyFrom(
        flow_pb2.Aggregate(ingress_flow_count=ingress, egress_flow_count=egress, unknown_direction_flow_count=unknown)
    )
    flow = decoder.decode(observer_pb2.GetFlowsResponse(flow=message))
    assert isinstance(flow, Flow)
    assert (flow.weight, flow.aggregated) == (weight, True)
    assert flow_of(decoder, message).weight == 1, "a stream has no lines that stand for several flows"


def test_lost_events_say_where_how_many_and_on_which_node(decoder: Decoder) -> None:
    """The enum name in lower case, Hubble's own count, and the outer node name."""
    lost = flow_pb2.LostEvent(source=flow_pb2.HUBBLE_RING_BUFFER, num_events_lost=2**63)
    response = observer_pb2.GetFlowsResponse(lost_events=lost, node_name="kind/w1")
    assert decoder.decode(response) == LostEvents("hubble_ring_buffer", 2**63, "kind/w1")
    response.lost_events.source = flow_pb2.LostEventSource.ValueType(77)
    assert decoder.decode(response) == LostEvents("source_77", 2**63, "kind/w1")


@pytest.mark.parametrize(
    ("number", "state"),
    [(1, "connected"), (2, "unavailable"), (3, "gone"), (4, "error"), (0, "unknown"), (9, "unknown")],
)
def test_node_status_names_the_nodes_and_their_state(decoder: Decoder, number: int, state: str) -> None:
    """A state that is unknown here is `unknown`."""
    status = relay_pb2.NodeStatusEvent(
        state_change=relay_pb2.NodeState.ValueType(number), node_names=["a", "b"], message="why"
    )
    assert decoder.decode(observer_pb2.GetFlowsResponse(node_status=status)) == NodeStatus(state, ("a", "b"), "why")


def test_a_message_with_nothing_that_we_know_is_ignored(decoder: Decoder) -> None:
    """A kind of response that a newer server invents is no error."""
    assert decoder.decode_bytes(b"") == Ignored("empty")
    assert decoder.decode_bytes(UNKNOWN_FIELD) == Ignored("empty")


def test_unknown_fields_change_nothing(decoder: Decoder) -> None:
    """A newer server's fields, in the flow and in its parts, are skipped."""
    plain = full_flow()
    newer = flow_pb2.Flow.FromString(plain.SerializeToString() + UNKNOWN_FIELD)
    newer.source.MergeFromString(UNKNOWN_FIELD)
    newer.l4.TCP.MergeFromString(UNKNOWN_FIELD)
    assert newer != plain
    assert flow_of(decoder, newer) == flow_of(decoder, plain)


def test_unknown_enum_numbers_pass_through(decoder: Decoder) -> None:
    """Verdicts, reasons and directions that have no name here keep their number; a drop reason is `reason_<n>`."""
    message = flow_pb2.Flow.FromString(
        flow_pb2.Flow(
            verdict=flow_pb2.FORWARDED, drop_reason_desc=flow_pb2.POLICY_DENIED, traffic_direction=flow_pb2.EGRESS
        ).SerializeToString()
    )
    message.verdict = flow_pb2.Verdict.ValueType(88)
    message.drop_reason_desc = flow_pb2.DropReason.ValueType(250)
    message.trace_reason = flow_pb2.TraceReason.ValueType(77)
    message.traffic_direction = flow_pb2.TrafficDirection.ValueType(66)
    flow = flow_of(decoder, message)
    assert (flow.kind.verdict, flow.drop_reason, flow.kind.trace_reason, flow.kind.direction) == (88, 250, 77, 66)
    assert drop_reason_name(flow.drop_reason) == "reason_250"
    assert drop_reason_name(133) == "policy_denied"


def masked(message: flow_pb2.Flow, paths: list[str]) -> flow_pb2.Flow:
    """The flow as a server sends it under a field mask."""
    kept = flow_pb2.Flow()
    # The well-known type's own implementation, which is not the one under test.
    FieldMask(paths=paths).MergeMessage(message, kept)
    return kept


def mask_samples() -> list[flow_pb2.Flow]:
    """Flows with everything set, for each kind of layer 4 and 7, and one whose drop reason is only a number."""
    protocols = ["TCP", "UDP", "SCTP", "ICMPv4", "ICMPv6", "VRRP", "IGMP"]
    samples = [full_flow(protocol=arm) for arm in protocols] + [record_flow(record=arm) for arm in ("http", "kafka")]
    number_only = full_flow()
    number_only.ClearField("drop_reason_desc")
    return [*samples, number_only]


def test_the_mask_covers_every_field_that_is_read(decoder: Decoder) -> None:
    """A server that sends only what the mask names gives the same flow as one that sends everything."""
    for message in mask_samples():
        kept = masked(message, list(MASK))
        assert kept != message
        assert flow_of(decoder, kept) == flow_of(decoder, message)


@pytest.mark.parametrize("path", [path for path in MASK if path != "aggregate"])
def test_the_mask_asks_for_nothing_that_is_not_read(decoder: Decoder, path: str) -> None:
    """Without any single one of its paths some flow reads differently."""
    others = [other for other in MASK if other != path]
    samples = mask_samples()
    assert any(flow_of(decoder, masked(message, others)) != flow_of(decoder, message) for message in samples)


def test_the_mask_is_made_of_top_level_fields_with_time_and_node_name() -> None:
    """Relay sorts by time, and parts of oneofs make empty variants: so it asks for whole fields."""
    assert set(MASK) <= set(flow_pb2.Flow.DESCRIPTOR.fields_by_name)
    assert {"time", "node_name"} <= set(MASK)
    assert len(MASK) == len(set(MASK))


@given(messages(observer_pb2.GetFlowsResponse))
def test_property_any_valid_message_gives_an_event(message: observer_pb2.GetFlowsResponse) -> None:
    """Decoding never raises, whatever fields, numbers and texts a message has."""
    decoder = Decoder(2)
    assert isinstance(decoder.decode_bytes(message.SerializeToString()), EVENTS)
    assert isinstance(decoder.decode(observer_pb2.ExportEvent.FromString(message.SerializeToString())), EVENTS)


@given(messages(flow_pb2.Flow))
def test_property_any_valid_flow_gives_a_flow(message: flow_pb2.Flow) -> None:
    """Nothing that a flow can hold makes its decoding fail, and its weight is never less than one."""
    assert flow_of(Decoder(2), message).weight >= 1


def read_slowly(message: flow_pb2.Flow, flow: Flow) -> dict[str, object]:
    """What each field of `Flow` must be, read from the whole message in the plainest way.

    `flow` says which of its ends are the outside, which is the subject of other tests.
    """
    arm = message.l4.WhichOneof("protocol") or ""
    names = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp", "ICMPv4": "icmp", "ICMPv6": "icmpv6"}
    ports = getattr(message.l4, arm) if arm in ("TCP", "UDP", "SCTP") else flow_pb2.UDP()
    flags = message.l4.TCP.flags
    is_trace, is_record = message.event_type.type == 4, message.event_type.type == 129
    if is_trace and arm == "TCP" and message.is_reply.value and not (flags.SYN and flags.ACK):
        # Replies inside TCP connections are read by their head.
        for name in ("source", "destination", "IP", "destination_names"):
            message.ClearField(name)
        ports = flow_pb2.UDP()
    if is_trace or is_record:
        # They have none of these, and nobody looks for them there.
        for name in ("drop_reason", "drop_reason_desc", "policy_match_type", "policy_log"):
            message.ClearField(name)  # type: ignore[arg-type] # names of its fields
        message.ClearField("egress_allowed_by")
        message.ClearField("egress_denied_by")
    if not is_record:
        message.ClearField("l7")
        message.ClearField("source_names")
    if not flow.source.is_world:
        message.ClearField("source_names")
    if not flow.destination.is_world:
        message.ClearField("destination_names")
    return {
        "time_ns": message.time.seconds * 10**9 + message.time.nanos,
        "node_name": message.node_name,
        "event_type": message.event_type.type,
        "sub_type": message.event_type.sub_type,
        "verdict": message.verdict,
        "drop_reason": message.drop_reason_desc or message.drop_reason,
        "direction": message.traffic_direction,
        "is_reply": message.is_reply.value if message.HasField("is_reply") else None,
        "trace_reason": message.trace_reason,
        "source_ip": message.IP.source,
        "destination_ip": message.IP.destination,
        "protocol": names.get(arm, arm.lower()) or "unknown",
        "source_port": ports.source_port,
        "destination_port": ports.destination_port,
        "tcp_flags": flags.FIN * 1 + flags.SYN * 2 + flags.RST * 4 + flags.PSH * 8 + flags.ACK * 16,
        "source_names": tuple(message.source_names),
        "destination_names": tuple(message.destination_names),
        "policy_match_type": message.policy_match_type,
        "egress_allowed_by": tuple(Policy(one.name, one.namespace, one.kind) for one in message.egress_allowed_by),
        "egress_denied_by": tuple(Policy(one.name, one.namespace, one.kind) for one in message.egress_denied_by),
        "policy_log": tuple(message.policy_log),
    }


@given(messages(flow_pb2.Flow))
def test_property_the_thin_reading_is_the_whole_one(message: flow_pb2.Flow) -> None:
    """What is left as bytes and remembered by them comes out as if the whole message had been read field by field."""
    flow = flow_of(Decoder(2), message)
    expected = read_slowly(message, flow)
    assert {name: getattr(flow.kind if name in KIND else flow, name) for name in expected} == expected
    for endpoint, own in ((flow.source, message.source), (flow.destination, message.destination)):
        assert (endpoint.id, endpoint.identity, endpoint.namespace) == (own.ID, own.identity, own.namespace)
        assert (endpoint.pod_name, endpoint.labels) == (own.pod_name, frozenset(own.labels))
        assert [(one.name, one.kind) for one in endpoint.workloads] == [(one.name, one.kind) for one in own.workloads]
    assert (flow.l7 is not None) == message.HasField("l7")
    assert flow.l7 is None or flow.l7.type == message.l7.type


@given(st.binary(max_size=300))
def test_fuzz_any_bytes_give_an_event_or_an_undecodable(data: bytes) -> None:
    """Bytes that are no message are `Undecodable` with a reason; nothing is raised."""
    event = Decoder(2).decode_bytes(data)
    assert isinstance(event, (*EVENTS, Undecodable))


@given(st.data())
def test_fuzz_damaged_messages_give_an_event_or_an_undecodable(data: st.DataObject) -> None:
    """A real message with bytes replaced, removed or added never makes decoding fail."""
    damaged = bytearray(observer_pb2.GetFlowsResponse(flow=full_flow()).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    event = Decoder(2).decode_bytes(bytes(damaged))
    assert isinstance(event, (*EVENTS, Undecodable))


def test_bytes_that_are_no_message_say_so(decoder: Decoder) -> None:
    """The reason is `invalid_protobuf`, and the next message is decoded as if nothing had been."""
    broken = decoder.decode_bytes(b"\xff\xff\xff\xff")
    assert isinstance(broken, Undecodable)
    assert (broken.reason, broken.where) == ("invalid_protobuf", "stream")
    assert flow_of(decoder, flow_pb2.Flow(verdict=flow_pb2.FORWARDED)).kind.verdict == 1


def test_endpoints_that_recur_are_one_object(decoder: Decoder) -> None:
    """The decoded form is remembered by the whole content of the endpoint."""
    message = full_flow()
    assert flow_of(decoder, message).source is flow_of(decoder, message).source
    assert decoder.entries == 2
    message.source.labels.append("one more")
    assert "one more" in flow_of(decoder, message).source.labels


def test_pods_of_one_workload_share_their_labels(decoder: Decoder) -> None:
    """Pods with the same labels share one set of them, and pods of other workloads the texts that they have as well."""
    common = ["k8s:io.kubernetes.pod.namespace=shop", "k8s:io.cilium.k8s.policy.cluster=east"]
    first, second, other = (
        flow_of(
            decoder, flow_pb2.Flow(source=flow_pb2.Endpoint(pod_name=pod, labels=[*common, f"k8s:app={app}"]))
        ).source
        for pod, app in (("web-1", "web"), ("web-2", "web"), ("db-1", "db"))
    )
    assert first.labels == {*common, "k8s:app=web"}
    assert first.labels is second.labels
    assert other.labels == {*common, "k8s:app=db"}
    assert len({id(label) for labels in (first.labels, other.labels) for label in labels}) == 4


def test_the_memory_of_endpoints_is_bounded() -> None:
    """It never holds more than its bound, counts how often it started over, and what comes out stays right."""
    decoder = Decoder(3)
    for number in range(1, 21):
        flow = flow_of(decoder, flow_pb2.Flow(source=flow_pb2.Endpoint(identity=number)))
        assert flow.source == Endpoint(identity=number)
        assert decoder.entries <= 3
    assert decoder.resets > 0
