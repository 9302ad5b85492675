"""The flow itself: how it reads from the other side."""

from exporter.endpoint import Endpoint
from exporter.flow import Flow, Policy

# Every field has a value of its own.
SENT = Flow(
    **{name: number for number, name in enumerate(Flow._fields, start=100)}  # type: ignore[arg-type] # any value will do
)._replace(source=Endpoint(id=1), destination=Endpoint(id=2), egress_allowed_by=(Policy("a", "b", "c"),))
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
    for name in Flow._fields:
        assert getattr(turned, name) == getattr(SENT, OTHER_SIDE.get(name, name)), name
    assert turned.turned() == SENT
