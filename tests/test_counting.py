"""What one event is for counting, as tables: event type, direction, is_reply, trace reason, packet."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.counting import OUTCOME_MEANING, Outcome, Role, owns_source
from exporter.counting import role_of as role_of_kind
from exporter.endpoint import Endpoint, Workload
from exporter.flow import L7, Dns, EventType, Flow, Http, Kafka, Kind, L7Type, TcpFlags, Verdict
from tests.flows import ACK, SYN, SYN_ACK, changed, flow, host, labelled, pod, remote_pod, world

# Words of the tables below. A row is the answer for every combination that it fits; the first row that fits counts.
DIRECTIONS = {"ingress": (1,), "egress": (2,), "unknown": (0, 3, 99)}
REPLIES = {"true": (True,), "false": (False,), "absent": (None,)}
REASONS = {"unknown": (0,), "new": (1,), "established": (2,), "reply": (3,), "related": (4,), "other": (5, 6, 7, 8, 40)}
PACKETS = {
    "syn": (("tcp", SYN), ("tcp", SYN | TcpFlags.PSH)),
    "syn+ack": (("tcp", SYN_ACK),),
    "ack": (("tcp", ACK), ("tcp", ACK | TcpFlags.FIN), ("tcp", TcpFlags.RST)),
    "flagless-tcp": (("tcp", TcpFlags.NONE),),
    "udp": (("udp", TcpFlags.NONE),),
    "sctp": (("sctp", TcpFlags.NONE),),
    "icmp": (("icmp", TcpFlags.NONE), ("icmpv6", TcpFlags.NONE)),
}


def role_of(event: Flow) -> Role | Outcome:
    """The role of a flow."""
    return role_of_kind(event.kind, event.l7)


TCP = {"syn", "syn+ack", "ack", "flagless-tcp"}
ANSWERS = (Role.ANSWER, Role.TCP_ANSWER)
CONTINUATIONS = (Role.CONTINUATION, Role.TCP_CONTINUATION)

TRACE = """
# direction  is_reply  reason       packet   is
  any        true      any          syn+ack  ANSWER
  any        true      any          !tcp     ANSWER
  any        true      any          any      TCP_ANSWER
  any        any       reply        any      ANSWER
  any        absent    any          syn+ack  ANSWER
  ingress    any       any          any      ingress
  any        any       related      any      related
  egress     any       any          syn      START
  egress     any       new          any      START
  egress     absent    any          any      reply_unknown
  egress     false     unknown      !tcp     START
  egress     false     any          !tcp     CONTINUATION
  egress     false     any          any      TCP_CONTINUATION
  unknown    any       any          syn      START_IF_WORLD
  unknown    any       new          !tcp     START_IF_WORLD
  unknown    any       any          any      direction_unknown
"""
DROP = """
# direction  is_reply  reason       packet   is
  any        true      any          any      reply
  egress     any       any          any      DROP
  ingress    any       any          any      ingress
  unknown    any       any          syn      DROP_IF_WORLD
  unknown    any       new          !tcp     DROP_IF_WORLD
  unknown    any       any          any      direction_unknown
"""
ALLOWED = """
# direction  is_reply  reason       packet   is
  ingress    any       any          any      ingress
  unknown    any       any          any      direction_unknown
  egress     true      any          any      reply
  egress     absent    any          syn+ack  reply_unknown
  egress     absent    any          ack      reply_unknown
  egress     any       any          any      START
"""
DENIED = """
# direction  is_reply  reason       packet   is
  ingress    any       any          any      ingress
  unknown    any       any          any      direction_unknown
  egress     true      any          any      reply
  egress     any       any          any      DENIED_VERDICT
"""
STRANGE_VERDICT = """
# direction  is_reply  reason       packet   is
  ingress    any       any          any      ingress
  unknown    any       any          any      direction_unknown
  egress     true      any          any      reply
  egress     any       any          any      other_verdict
"""
SOCKET = "any any any any trace_sock"
CAPTURE = "any any any any capture"
OTHER_TYPE = "any any any any other_type"

TABLES = [
    pytest.param(EventType.TRACE, Verdict.FORWARDED, TRACE, id="trace"),
    pytest.param(EventType.TRACE, 77, TRACE, id="trace-with-a-verdict-of-a-newer-server"),
    pytest.param(EventType.DROP, Verdict.DROPPED, DROP, id="drop"),
    pytest.param(EventType.POLICY_VERDICT, Verdict.FORWARDED, ALLOWED, id="verdict-forwarded"),
    pytest.param(EventType.POLICY_VERDICT, Verdict.REDIRECTED, ALLOWED, id="verdict-redirected"),
    pytest.param(EventType.POLICY_VERDICT, Verdict.AUDIT, ALLOWED, id="verdict-audited"),
    pytest.param(EventType.POLICY_VERDICT, Verdict.DROPPED, DENIED, id="verdict-dropped"),
    *(
        pytest.param(EventType.POLICY_VERDICT, verdict, STRANGE_VERDICT, id=f"verdict-{verdict}")
        for verdict in (Verdict.UNKNOWN, Verdict.ERROR, Verdict.TRACED, Verdict.TRANSLATED, 8, 99)
    ),
    pytest.param(EventType.TRACE_SOCK, Verdict.TRACED, SOCKET, id="socket-before-translation"),
    pytest.param(EventType.TRACE_SOCK, Verdict.TRANSLATED, SOCKET, id="socket-after-translation"),
    pytest.param(EventType.CAPTURE, Verdict.UNKNOWN, CAPTURE, id="capture"),
    *(
        pytest.param(number, Verdict.FORWARDED, OTHER_TYPE, id=f"type-{number}")
        for number in (0, 2, 6, 8, 128, 130, 4444, -1)
    ),
]


@pytest.mark.parametrize(("event_type", "verdict", "table"), TABLES)
def test_role_of_packets(event_type: int, verdict: int, table: str) -> None:
    """Every combination of event type, verdict, direction, is_reply, trace reason and packet has the role it should."""
    rows = [row.split() for row in table.splitlines() if row.split() and not row.startswith("#")]
    used = set()
    for words in product(DIRECTIONS, REPLIES, REASONS, PACKETS):
        number, row = next((at, row) for at, row in enumerate(rows) if _fits(words, row))
        used.add(number)
        for event in _events(words):
            role = role_of(changed(event, event_type=event_type, verdict=verdict))
            assert role == _expected(row[4]), f"{words} of {event}"
    assert used == set(range(len(rows))), "a row of the table is never needed"


L7_TABLE = """
# direction  verdict    type      record  is
  ingress    any        any       any     ingress
  unknown    any        any       any     direction_unknown
  egress     dropped    any       any     L7_DENIED
  egress     any        any       none    l7_unread
  egress     any        sample    any     l7_sample
  egress     any        other     any     l7_sample
  egress     error      request   dns     DNS_ERROR
  egress     any        request   dns     DNS_QUERY
  egress     any        response  dns     DNS_RESPONSE
  egress     error      request   any     L7_EXCHANGE
  egress     any        request   any     l7_request
  egress     any        response  any     L7_EXCHANGE
"""
L7_VERDICTS = {"forwarded": (1,), "dropped": (2,), "error": (3,), "redirected": (5,), "other": (0, 4, 6, 7, 50)}
L7_TYPES = {"request": (L7Type.REQUEST,), "response": (L7Type.RESPONSE,), "sample": (L7Type.SAMPLE,), "other": (0, 9)}
L7_RECORDS: dict[str, Dns | Http | Kafka | None] = {
    "dns": Dns("a.example.", ("A",), 0),
    "http": Http("GET", 0),
    "kafka": Kafka("fetch", 0),
    "none": None,
}


def test_role_of_l7_records() -> None:
    """An HTTP exchange counts at its response, refusal or error; a DNS exchange at its query and at its response."""
    rows = [row.split() for row in L7_TABLE.splitlines() if row.split() and not row.startswith("#")]
    for words in product(DIRECTIONS, L7_VERDICTS, L7_TYPES, L7_RECORDS):
        row = next(row for row in rows if _fits(words, row))
        numbers = product(DIRECTIONS[words[0]], L7_VERDICTS[words[1]], L7_TYPES[words[2]], (None, False, True))
        for direction, verdict, type_, is_reply in numbers:
            event = flow(
                event_type=EventType.L7,
                direction=direction,
                verdict=verdict,
                is_reply=is_reply,
                l7=L7(type_, L7_RECORDS[words[3]]),
            )
            assert role_of(event) == _expected(row[4]), f"{words} of {event}"


def test_l7_event_without_record() -> None:
    """An L7 event whose record the server did not send is not read, and is a refusal all the same when dropped."""
    event = flow(event_type=EventType.L7, l7=None)
    assert role_of(event) is Outcome.L7_UNREAD
    assert role_of(changed(event, verdict=Verdict.DROPPED)) is Role.L7_DENIED


@pytest.mark.parametrize("protocol", ["vrrp", "igmp", "unknown", ""])
def test_other_protocols_without_direction(protocol: str) -> None:
    """Direction UNKNOWN is egress only for a TCP SYN, or for UDP, SCTP and ICMP with trace reason NEW."""
    event = flow(direction=0, protocol=protocol, tcp_flags=0, source_port=0, destination_port=0)
    assert role_of(event) is Outcome.DIRECTION_UNKNOWN


@pytest.mark.parametrize("protocol", ["vrrp", "igmp", "unknown"])
def test_other_protocols_with_direction(protocol: str) -> None:
    """A protocol without ports starts an egress connection like UDP when the server says EGRESS."""
    event = flow(protocol=protocol, tcp_flags=0, source_port=0, destination_port=0)
    assert role_of(event) is Role.START
    assert role_of(changed(event, trace_reason=2)) is Role.CONTINUATION
    assert role_of(changed(event, trace_reason=0)) is Role.START


@pytest.mark.parametrize(
    ("source", "owned"),
    [
        (pod(), True),
        (replace(pod(), workloads=()), True),  # an L7 record of an older release
        (Endpoint(workloads=(Workload("cart", "Deployment"),)), True),
        (host(), True),
        (labelled(identity=1), True),
        (labelled("reserved:host"), True),
        (remote_pod(), False),
        (labelled("reserved:remote-node", identity=6), False),
        (world(), False),
        (Endpoint(), False),
    ],
)
def test_owner_of_the_source(source: Endpoint, owned: bool) -> None:
    """Only the node that owns the source gives it an endpoint id or workloads; the host is always its own."""
    assert owns_source(flow(source=source)) is owned


def test_every_outcome_has_a_meaning() -> None:
    """Each outcome is explained, once, and in a sentence of its own."""
    assert set(OUTCOME_MEANING) == set(Outcome)
    assert len(set(OUTCOME_MEANING.values())) == len(Outcome)


NUMBERS = st.integers(-5, 300) | st.integers()


@given(
    st.builds(
        lambda l7, **kind: Flow(Kind(**kind), l7=l7),
        event_type=st.sampled_from(EventType) | NUMBERS,
        verdict=NUMBERS,
        direction=NUMBERS,
        is_reply=st.sampled_from((None, False, True)),
        trace_reason=NUMBERS,
        protocol=st.sampled_from(("tcp", "udp", "sctp", "icmp", "icmpv6", "vrrp", "unknown", "")),
        tcp_flags=st.integers(0, 31),
        l7=st.none() | st.builds(L7, type=NUMBERS, record=st.sampled_from(list(L7_RECORDS.values()))),
    )
)
def test_role_property(event: Flow) -> None:
    """Every flow has a role or an outcome, whatever numbers a newer server sends; a reply never starts anything."""
    role = role_of(event)
    assert isinstance(role, Role | Outcome)
    if event.kind.is_reply and event.kind.event_type != EventType.L7:
        assert role not in (Role.START, Role.START_IF_WORLD, Role.DROP, Role.DROP_IF_WORLD, *CONTINUATIONS)
    if event.kind.direction == 1:
        assert role in (Outcome.INGRESS, Outcome.REPLY, *ANSWERS, Outcome.TRACE_SOCK, Outcome.CAPTURE) or (
            role is Outcome.OTHER_TYPE
        )


def _fits(words: tuple[str, ...], row: list[str]) -> bool:
    return all(
        pattern in ("any", word) or (pattern == "!tcp" and word not in TCP)
        for word, pattern in zip(words, row, strict=False)
    )


def _events(words: tuple[str, ...]) -> Iterator[Flow]:
    direction, reply, reason, packet = words
    numbers = product(DIRECTIONS[direction], REPLIES[reply], REASONS[reason], PACKETS[packet])
    for direction_, is_reply, trace_reason, (protocol, flags) in numbers:
        yield flow(
            direction=direction_, is_reply=is_reply, trace_reason=trace_reason, protocol=protocol, tcp_flags=flags
        )


def _expected(word: str) -> Role | Outcome:
    return Role[word] if word.isupper() else Outcome(word)
