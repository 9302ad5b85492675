"""What comes out of a source of flows: flows, and everything that happens on the way, on one iterator."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from exporter.flow import Flow
from exporter.hubble.settings import SourcesSettings
from exporter.window import WindowStats


class Connected(NamedTuple):
    """The source answers: a stream is open, or a file is being read.

    `release` is the oldest one among the nodes, by which the request was made, `mask` how much of the field mask was
    asked for, `since_ns` from when on (0: from now on).
    """

    address: str
    server_version: str = ""
    release: str = ""
    mask: str = ""
    since_ns: int = 0


class Disconnected(NamedTuple):
    """An attempt failed or a stream ended. `code` is gRPC's status name, `reason` a short stable word for it."""

    code: str
    reason: str
    detail: str


ASKED_ANEW = "asked_anew"
"""Reason of an end that we wished for: something else is to be asked for, and the stream begins anew at once."""
MASK_REFUSED = "mask_refused"
"""Reason of an end after which less is asked for, at once."""
AT_ONCE = (ASKED_ANEW, MASK_REFUSED)
"""Reasons of ends behind which the next stream begins without a delay."""


class LostEvents(NamedTuple):
    """Hubble says that it lost events; `source` is the enum name in lower case."""

    source: str
    number: int
    node_name: str


class NodeStatus(NamedTuple):
    """Relay's word on some of its nodes; `state` is connected, unavailable, gone, error or unknown."""

    state: str
    node_names: tuple[str, ...]
    message: str


class NodeSeen(NamedTuple):
    """What the server says of one node: its own counts, and what its ring holds now.

    Of a node that relay does not reach it knows no counts, and says 0.
    """

    name: str
    version: str
    seen_flows: int
    ring_flows: int
    connected: bool = True


class Nodes(NamedTuple):
    """The server was asked for its nodes."""

    nodes: tuple[NodeSeen, ...]


class Undecodable(NamedTuple):
    """A message or a line that gave no event, and why."""

    reason: str
    where: str
    detail: str


class Ignored(NamedTuple):
    """A valid message that carries nothing for us, such as an agent event."""

    what: str


Event = Flow | Connected | Disconnected | LostEvents | NodeStatus | Nodes | Undecodable | Ignored


class SourceStats(NamedTuple):
    """What a source says about itself at scrape time."""

    certificate_ends: Mapping[str, float] = {}
    """When the first certificate of each TLS file ends, in seconds since the epoch."""
    mask: str = ""
    """How much of the field mask the present stream was asked for; empty when there is none."""
    saves_position: bool = False
    """Whether the position is on disk for the next start."""
    window: WindowStats | None = None
    """Keys of what was processed lately."""


class FlowSource(Protocol):
    """A source of flows: a live Observer or recorded files."""

    @property
    def description(self) -> str:
        """What is read, for people: an address or file names."""
        ...

    def events(self) -> Iterator[Event]:
        """All events, in the order in which they arrive; ends when the source ends or is stopped."""
        ...

    def choose(self, sources: SourcesSettings) -> None:
        """Leave out from now on what the settings leave out, as far as the source can; called from another thread."""
        ...

    def report_to(self, take: Callable[["Event"], object]) -> None:
        """Give events that do not wait for the next flow to this one, from a thread of the source's own."""
        ...

    def stats(self) -> SourceStats:
        """What there is to say about it now; called from another thread."""
        ...

    def stop(self) -> None:
        """End the iteration soon; called from another thread."""
        ...
