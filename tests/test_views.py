"""The status: what the landing page and the API show of a pipeline."""

import threading
from types import TracebackType

import pytest

from exporter.hubble.interface import Connected, Disconnected, Event, LostEvents, NodeStatus, Undecodable
from exporter.metrics import families
from exporter.settings import Settings
from exporter.settings.fields import effective
from exporter.web.status import DestinationRow, ReasonRow, State, WorkloadRow
from exporter.web.words import moment
from tests.flows import at, dns_query, drop, flow, http_response, pod
from tests.statuses import CONNECTED, REFUSED, Shown


@pytest.mark.parametrize(
    ("events", "seconds", "state", "headline"),
    [
        ([], 5, State.CONNECTING, "Connecting"),
        (
            [REFUSED],
            5,
            State.DISCONNECTED,
            "Not connected: nothing listens there: check hubble.address, and that Hubble Relay runs",
        ),
        ([CONNECTED], 5, State.WAITING, "Connected, waiting for the first flow"),
        ([CONNECTED], 500, State.WAITING, "Connected, waiting for the first flow"),
        ([CONNECTED, flow()], 5, State.WORKING, "Working: flows arrive"),
        ([CONNECTED, flow()], 60, State.WORKING, "Working: flows arrive"),
        ([CONNECTED, flow()], 61, State.SILENT, "Connected, but the last flow came 1 min ago"),
        (
            [CONNECTED, flow(time_ns=at(-7200))],
            5,
            State.CATCHING_UP,
            "Catching up: the flows that arrive are from 2 h ago",
        ),
        ([CONNECTED, flow(), REFUSED], 5, State.DISCONNECTED, "Not connected: nothing listens there"),
        ([CONNECTED, flow(), Disconnected("OK", "stream_ended", "")], 5, State.DISCONNECTED, "Not connected: trying"),
        ([REFUSED, CONNECTED], 5, State.WAITING, "Connected, waiting for the first flow"),
    ],
)
def test_state(events: list[Event], seconds: float, state: State, headline: str) -> None:
    """The state follows from the connection, from when the last flow came, and from how old it was."""
    shown = Shown()
    shown.take(*events)
    shown.pass_time(seconds)
    status = shown.take()
    assert status.stream.state is state
    assert status.headline.startswith(headline)


def test_silence_is_counted_from_the_connection() -> None:
    """After a long outage a new stream waits for its first flow before it counts as silent."""
    shown = Shown()
    shown.take(CONNECTED, flow(), REFUSED)
    shown.pass_time(600)
    assert shown.take(CONNECTED).stream.state is State.WAITING
    shown.pass_time(61)
    assert shown.take().stream.state is State.SILENT


def test_recording() -> None:
    """A recording is being read, or read to its end; it is neither silent nor behind."""
    shown = Shown(live=False, source="flows.jsonl")
    shown.take(Connected("flows.jsonl"), flow(time_ns=at(-9_999_999)))
    shown.pass_time(600)
    reading, finished = shown.take(), shown.view.take(finished=True)
    assert (reading.stream.state, reading.headline) == (State.READING, "Reading a recording")
    assert (finished.stream.state, finished.headline) == (State.FINISHED, "The recording is read to its end")
    assert finished.stream.flows_per_second is None
    assert not finished.stream.live


def test_dead_thread() -> None:
    """A dead thread comes before everything else."""
    status = Shown().view.take(dead_thread="stream")
    assert (status.stream.state, status.headline) == (
        State.DEAD,
        "Broken: the stream thread is dead, the process ends",
    )


def test_since() -> None:
    """`since` is when the stream was opened or lost; further failures do not move it, the fault has its own time."""
    shown = Shown()
    assert shown.take().stream.since is None
    shown.take(REFUSED)
    shown.pass_time(10)
    status = shown.take(Disconnected("DEADLINE_EXCEEDED", "timeout", "too slow"))
    assert status.stream.since == moment(at(0))
    assert status.stream.last_fault
    assert (status.stream.last_fault.at, status.stream.last_fault.reason) == (moment(at(10)), "timeout")
    assert "network policy" in status.stream.last_fault.hint
    shown.pass_time(10)
    assert shown.take(CONNECTED).stream.since == moment(at(20))
    shown.pass_time(10)
    assert shown.take(REFUSED).stream.since == moment(at(30))


def test_losses_are_remarks() -> None:
    """Lost events and nodes that are away stand beside the headline, by source and state."""
    status = Shown().take(
        CONNECTED,
        LostEvents("hubble_ring_buffer", 1000, "n"),
        LostEvents("perf_event_ring_buffer", 200, "n"),
        NodeStatus("connected", ("a", "b"), ""),
        NodeStatus("unavailable", ("c",), "dial failed"),
        Undecodable("invalid_protobuf", "stream", ""),
    )
    assert status.remarks == (
        "Hubble lost 1,200 events since the start: what was in them was not seen.",
        "1 of 3 nodes are not connected: their flows are missing.",
    )
    assert status.coverage == (
        "not_measured",
        None,
        False,
        {"hubble_ring_buffer": 1000, "perf_event_ring_buffer": 200},
        {"invalid_protobuf": 1},
    )


def test_counts_and_tables() -> None:
    """Tables add up connections by workload and by destination, and drops by workload and by reason."""
    db = pod("db", "data", identity=40_002)
    status = Shown().take(
        flow(),
        flow(source_port=40_001),
        flow(source_port=40_002, destination_port=8443),
        flow(source=db, source_ip="10.0.2.9", destination_names=("api.example.com",)),
        drop(),
        drop(drop_reason=181),
        drop(),
        dns_query(),
        http_response(),
    )
    assert status.top_workloads == (
        WorkloadRow("shop", "cart", 3, 3, dns_visible=True),
        WorkloadRow("data", "db", 1, 0, dns_visible=False),
    )
    assert status.top_destinations == (
        DestinationRow("world", "world", "public", 3),
        DestinationRow("api.example.com", "fqdn", "public", 1),
    )
    assert status.drops_by_reason == (ReasonRow("policy_denied", 2), ReasonRow("policy_deny", 1))
    # 9 series of these flows, and one for each confidence of a name.
    assert status.counts == (9, 9, 4, 3, 1, 1, 14, 2, 2)


def test_a_workload_that_is_only_dropped_is_shown() -> None:
    """A workload whose every packet is dropped is a row too."""
    assert Shown().take(drop()).top_workloads == (WorkloadRow("shop", "cart", 0, 1, dns_visible=False),)


def test_top_rows() -> None:
    """Tables have ten rows, the largest first, equal ones by name; the counts say how many there are."""
    shown = Shown()
    for number in range(30):
        values = ("shop", f"w{number:02}", "fqdn", "public", f"d{number:02}", "443", "tcp", "forwarded")
        shown.store.add(families.CONNECTIONS, values, number // 2)
    status = shown.take()
    names = [29, 28, 27, 26, 25, 24, 23, 22, 21, 20]
    by_value = sorted(names, key=lambda number: (-(number // 2), number))
    assert [row.workload for row in status.top_workloads] == [f"w{number:02}" for number in by_value]
    assert [row.destination for row in status.top_destinations] == [f"d{number:02}" for number in by_value]
    assert (status.counts.workloads, status.counts.destinations) == (30, 30)


class CountedLock:
    """The pipeline's lock, which counts how often it is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = 0

    def __enter__(self) -> None:
        """Take it."""
        self._lock.acquire()
        self.taken += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._lock.release()


def test_series_are_read_in_slices() -> None:
    """However many series there are, the lock is given back between slices, so that the stream goes on."""
    shown = Shown()
    for number in range(5000):
        values = ("shop", f"w{number}", "fqdn", "public", "d", "443", "tcp", "forwarded")
        shown.store.add(families.CONNECTIONS, values, 1)
    lock = CountedLock()
    shown.pipeline.lock = lock  # type: ignore[assignment]
    assert shown.take().counts.connections == 5000
    assert lock.taken >= 10


def test_settings() -> None:
    """All settings in effect are shown as the file would have them, and those that differ from the default marked."""
    settings = Settings.model_validate({"web": {"timeout": 90}, "destinations": {"cluster_cidrs": ["10.0.0.0/8"]}})
    rows = Shown(settings=settings).take().settings
    assert {row.path: row.value for row in rows} == effective(settings)
    assert {row.path: row.value for row in rows if row.changed} == {
        "web.timeout": "90s",
        "destinations.cluster-cidrs": "[10.0.0.0/8]",
    }


@pytest.mark.parametrize("time_ns", [0, -1, 10**30, 253_402_300_800 * 10**9])
def test_no_calendar(time_ns: int) -> None:
    """A time that is missing, or that no calendar has, is unknown instead of an error."""
    assert moment(time_ns) is None
    assert Shown(live=False).take(flow(time_ns=time_ns)) is not None
