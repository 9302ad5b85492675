"""The flow itself: how it reads from the other side."""

from dataclasses import fields, replace

import pytest

from exporter.endpoint import Endpoint
from exporter.flow import Flow, Kind, Policy, TcpFlags

# Every field has a value of its own.
SENT = replace(
    Flow(
        **{field.name: number for number, field in enumerate(fields(Flow), start=100)}  # type: ignore[arg-type] # any value will do
    ),
    source=Endpoint(id=1),
    destination=Endpoint(id=2),
    egress_allowed_by=(Policy("a", "b", "c"),),
)
OTHER_SIDE = {
    "source": "destination",
    "source_ip": "destination_ip",
    "source_port": "destination_port",
    "source_names": "destination_names",
}
OTHER_SIDE |= {theirs: ours for ours, theirs in OTHER_SIDE.items()}


def test_turned() -> None:
    """The two sides change places, and nothing else changes."""
    turned = SENT.turned()
    assert isinstance(turned, Flow)
    for name in (field.name for field in fields(Flow)):
        assert getattr(turned, name) == getattr(SENT, OTHER_SIDE.get(name, name)), name
    assert turned.turned() == SENT


@pytest.mark.parametrize(
    ("kind", "starts", "answers", "is_inside"),
    [
        (Kind(4, protocol="tcp", tcp_flags=TcpFlags.SYN, is_reply=False), True, False, False),
        (Kind(4, protocol="tcp", tcp_flags=TcpFlags.SYN | TcpFlags.ACK, is_reply=True), False, True, False),
        (Kind(4, protocol="tcp", tcp_flags=TcpFlags.ACK, is_reply=True), False, False, True),
        (Kind(4, protocol="tcp", tcp_flags=TcpFlags.RST, is_reply=True), False, False, True),
        (Kind(4, protocol="tcp", tcp_flags=TcpFlags.ACK, is_reply=False), False, False, False),
        (Kind(4, protocol="tcp", tcp_flags=TcpFlags.ACK, is_reply=None), False, False, False),
        (Kind(5, protocol="tcp", tcp_flags=TcpFlags.ACK, is_reply=True), False, False, False),
        (Kind(4, protocol="udp", is_reply=True), False, False, False),
    ],
)
def test_kind(kind: Kind, *, starts: bool, answers: bool, is_inside: bool) -> None:
    """Only the initiator sends a SYN without ACK; only a trace of a TCP reply behind the SYN+ACK is no news."""
    assert (kind.starts_tcp, kind.answers_tcp, kind.replies_inside_tcp) == (starts, answers, is_inside)


def test_kinds_have_numbers_of_their_own() -> None:
    """Equal kinds that are two objects are equal, and what is remembered of one is not taken for the other's."""
    assert Kind(4) == Kind(4)
    assert Kind(4).serial != Kind(4).serial
