"""The thread of the memory: when it does what."""

import pytest
from structlog.testing import capture_logs

from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.judging import Clocks, Judging
from exporter.known.interface import Size
from exporter.known.learning import State
from exporter.known.recall import Jitter
from exporter.known.settings import KnownSettings, LearningSettings
from exporter.known.sighting import Watched
from tests.detectors.watching import DAY, HOUR, Steady, Watching
from tests.flows import BASE, at
from tests.known.faulty import Faulty

EXPIRE = 90 * DAY


class Judged:
    """An exporter whose store, clocks and findings a test has in its hands."""

    def __init__(self, *, shared: bool = False, jitter: Jitter = max, **known: int) -> None:
        self.store, self.steady = Faulty(shared=shared), Steady()
        self.watching = Watching(self.store, KnownSettings.model_validate(known), self.steady, jitter)

    @property
    def judging(self) -> Judging:
        """The thread's work."""
        return self.watching.judging

    def unexpected(self) -> list[str]:
        """Whose unexpected destinations are shown, in the end."""
        self.judging.finish()
        return [where.workload.name for where in dict(self.judging.memory.unexpected)]

    def step(self, seconds: float) -> None:
        """Let time pass, and look whether something is due."""
        self.steady.seconds = seconds
        self.judging.step()


@pytest.fixture
def judged() -> Judged:
    """With settings as they are by default."""
    return Judged()


def test_works_until_it_is_time_to_stop(judged: Judged) -> None:
    """What waits is judged; at the end what is left is judged and written, and the store is closed."""
    judged.watching.contact(0)
    judged.watching.contact(1_000)
    assert judged.store.asked["merge"] > 0
    judged.judging.inbox.offer(Watched(("east/node-1",), at(2_000)))
    asked = [False, True]
    judged.judging.work(lambda: asked.pop(0))
    assert len(judged.judging.inbox) == 0
    assert judged.store.closed
    assert at(2_000) in {row.last_ns for _, _, row in judged.store.inner.facts()}


def test_stops_at_once(judged: Judged) -> None:
    """What waits when it is told to stop before it began is not lost."""
    judged.judging.inbox.offer(Watched(("east/node-1",), at(2_000)))
    judged.judging.work(lambda: True)
    assert [row.last_ns for _, _, row in judged.store.inner.facts()] == [at(2_000)]
    assert judged.store.closed


def test_finish_writes_and_looks_at_everything(judged: Judged) -> None:
    """When the input has ended, what is known is in the store though no flush is due, and every workload is shown."""
    judged.watching.contact(0)
    judged.watching.contact(400)
    judged.judging.finish()
    memory = judged.judging.memory
    assert (memory.waiting, memory.entries) == (0, judged.store.inner.size().entries)
    assert at(401) in {row.last_ns for _, _, row in judged.store.inner.facts()}
    assert [(one.workload.name, one.known, one.fanout) for one in memory.workloads] == [("cart", 1, 1)]
    assert not judged.store.closed


def test_written_when_it_is_due() -> None:
    """That something known was seen again is written once in the refresh time."""
    judged = Judged(refresh=60)
    judged.watching.contact(0)
    judged.watching.contact(100)
    written = judged.store.asked["merge"]
    judged.step(59.9)
    assert judged.store.asked["merge"] == written
    judged.step(60)
    assert judged.store.asked["merge"] == written + 1


def test_shown_once_a_second(judged: Judged) -> None:
    """What metrics read is made anew once a second at most; the size of the store once a minute."""
    judged.step(0)
    first, sized = judged.judging.memory, judged.store.asked["size"]
    assert sized == 1
    judged.step(0.9)
    assert judged.judging.memory is first
    for tenth in range(10, 600):
        judged.step(tenth / 10)
    assert judged.judging.memory is not first
    assert judged.store.asked["size"] == 1
    judged.step(60)
    assert judged.store.asked["size"] == 2


def test_size_of_a_store_that_does_not_work(judged: Judged) -> None:
    """The last known size stands while the store does not work."""
    judged.watching.contact(0)
    judged.judging.finish()
    size = judged.judging.memory.size
    assert size == Size(judged.store.inner.size().entries, 0)
    judged.store.broken = True
    judged.judging.finish()
    assert (judged.judging.memory.size, judged.judging.memory.degraded) == (size, True)
    assert judged.judging.memory.errors == (("unreachable", 1),)


def test_asks_again_though_nothing_comes() -> None:
    """What waited for a store that did not work is written when it works, on a silent stream too."""
    judged = Judged()
    judged.store.broken = True
    judged.watching.contact(0)
    assert judged.store.inner.size().entries == 0
    judged.store.broken = False
    judged.step(0.9)
    assert judged.store.inner.size().entries == 0, "it is asked again after a second"
    judged.step(1)
    assert judged.store.inner.size().entries > 0
    assert not judged.judging.memory.degraded


def test_expires_every_hour(judged: Judged) -> None:
    """What was unseen for too long is forgotten once an hour, by the flows' time: a silent cluster forgets nothing."""
    judged.watching.contact(0)
    judged.step(3_599)
    assert judged.store.expired == []
    judged.step(3_600)
    judged.step(3_601)
    assert judged.store.expired == [at(1 - EXPIRE)], "the connection was a second after the query"
    judged.watching.contact(7_000)
    judged.step(7_200)
    assert judged.store.expired == [at(1 - EXPIRE), at(7_001 - EXPIRE)]


def test_expires_out_of_step() -> None:
    """Of many that began together each expires, and writes all that waits, at a time from half an hour on."""
    judged = Judged(jitter=min)
    judged.step(0.5 * HOUR - 1)
    assert judged.store.expired == []
    judged.step(0.5 * HOUR)
    assert len(judged.store.expired) == 1


def test_flows_of_the_future(judged: Judged) -> None:
    """Flows whose time is ahead of our clock let nothing be forgotten early."""
    judged.watching.contact(5 * DAY)
    judged.step(3_600)
    assert judged.store.expired == [at(HOUR - EXPIRE)]


def test_wall_clock_that_is_set(judged: Judged) -> None:
    """A wall clock that was set is not believed for an hour, which is said; one that drifts is."""
    ahead = 3_601.0
    judged.judging._clocks = Clocks(lambda: BASE + round((judged.steady() + ahead) * 1e9), judged.steady, max)
    judged.watching.contact(0)
    with capture_logs() as lines:
        judged.step(3_600)
    assert judged.store.expired == []
    assert [(line["event"], line["log_level"]) for line in lines] == [("clock_stepped", "warning")]
    ahead += 3_600
    judged.step(7_200)
    assert len(judged.store.expired) == 1


def test_listed_from_the_store_once() -> None:
    """What was unexpected is read from the store at the start, or when it works at last, and then never again."""
    before = Judged()
    before.watching.learn()
    before.watching.deny(16 * DAY, "198.51.100.66")
    before.judging.finish()
    after = Judged()
    after.store.inner, after.store.broken = before.store.inner, True
    after.step(16 * DAY)
    assert after.judging.memory.unexpected == ()
    after.store.broken = False
    after.step(16 * DAY + 1)
    after.step(16 * DAY + 2)
    assert after.unexpected() == ["cart"]
    assert after.store.asked["facts"] == 2


def test_shared_store_is_not_read_whole() -> None:
    """Of a shared store thousands of exporters do not read everything: each lists what its own workloads have."""
    before = Judged()
    before.watching.learn()
    before.watching.deny(16 * DAY, "198.51.100.66")
    before.judging.finish()
    after = Judged(shared=True)
    after.store.inner = before.store.inner
    after.step(16 * DAY)
    assert after.judging.memory.unexpected == ()
    after.watching.contact(16 * DAY + 5)
    assert after.unexpected() == ["cart"]
    assert after.store.asked["facts"] == 0


def test_only_armed_workloads_are_shown() -> None:
    """What a workload does while it is learning is listed, and shown from the moment at which it is armed."""
    learning = LearningSettings(min_age=1_000, quiet=10, starts=0)
    watching = Watching(known=KnownSettings(learning=learning))
    watching.deny(0, "198.51.100.66")
    assert watching.listed() == {}
    watching.deny(1_000, "198.51.100.66")
    assert [row.first_ns for row in watching.listed().values()] == [at(0)]
    assert [one.state for one in watching.judging.memory.workloads] == [State.ARMED]


def test_no_longer_shown() -> None:
    """After a day and an hour in which it was not seen, a destination is no longer shown."""
    judged = Judged()
    judged.watching.learn()
    judged.watching.deny(16 * DAY, "198.51.100.66")
    judged.watching.connect(16 * DAY + 25 * HOUR, destination_names=("api.example.com",))
    assert len(judged.watching.listed()) == 1
    judged.watching.connect(16 * DAY + 25 * HOUR + 1, destination_port=80, destination_names=("api.example.com",))
    assert judged.watching.listed() == {}


def test_what_waits_and_what_was_refused() -> None:
    """Sightings and facts that wait are one number; so are those that found no room in queue, workload and waiting."""
    judged = Judged(queue=1, destinations_per_workload=1)
    judged.watching.contact(0)
    judged.watching.contact(100, "other.example.org", "198.51.100.9")
    for number in range(3):
        judged.judging.inbox.offer(Watched((f"east/node-{number}",), at(200)))
    judged.steady.seconds = 5
    judged.judging.step()
    memory = judged.judging.memory
    assert memory.waiting == 1, "that the first of the nodes is watched"
    assert memory.limit == 200_000
    assert memory.refused == 3, "two in the queue, one destination"
    judged.judging._recall.refused = 4
    judged.judging.finish()
    assert judged.judging.memory.refused == 7


def test_new_without_an_exporter_around_it() -> None:
    """By default it goes by the clocks of the system, and shows an empty memory before the first step."""
    judging = Judging(Faulty(), KnownSettings(), DestinationsDetectorSettings(), lambda _: None)
    assert (judging.memory.entries, judging.memory.limit, judging.memory.degraded) == (0, 200_000, False)
    judging.finish()
    assert judging.memory.workloads == ()
