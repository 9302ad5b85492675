"""What is known of all workloads in use, as gauges show it."""

import pytest

from exporter.flow import Flow
from exporter.known.interface import WorkloadKey
from exporter.known.learning import State
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Watched
from tests.detectors.watching import DAY, HOUR, Watching
from tests.flows import at, flow, host, pod, remote_pod

NOW = 16 * DAY


def _of(number: int, seconds: float = 0) -> Flow:
    return flow(time_ns=at(seconds), source=pod(f"web-{number}"), source_port=20_000 + number)


def _names(watching: Watching) -> set[str]:
    return {one.workload.name for one in watching.judging._survey.seen}


@pytest.fixture
def hundred(monkeypatch: pytest.MonkeyPatch) -> Watching:
    """A hundred workloads that nobody has looked at, which are many here."""
    monkeypatch.setattr("exporter.detectors.survey._FEW_FACTS", 0)
    watching = Watching()
    watching.see(*(_of(number) for number in range(100)))
    return watching


def test_some_each_step(hundred: Watching) -> None:
    """One thirtieth of what is held is looked at in each step, so that each workload has its turn once in a round."""
    seen = [len(_names(hundred))]
    for _ in range(24):
        hundred.judging._survey.step(at(0))
        seen.append(len(_names(hundred)))
    assert seen == [*range(4, 101, 4)]


def test_few_at_once() -> None:
    """While there are few facts, all workloads are looked at in one step."""
    watching = Watching()
    watching.see(*(_of(number) for number in range(50)))
    watching.judging._survey.step(at(0))
    assert len(_names(watching)) == 50


def test_every(hundred: Watching) -> None:
    """All of them are looked at when that is asked for, and the states add up."""
    hundred.judging._survey.step(at(0), every=True)
    assert _names(hundred) == {f"web-{number}" for number in range(100)}
    assert hundred.judging._survey.states == {"learning": 100}


def test_what_is_seen_of_one() -> None:
    """State with its time, what is known, where it went lately, and whether its names are seen."""
    watching = Watching()
    watching.learn()
    watching.contact(NOW, "one.example.org", "198.51.100.1")
    watching.contact(NOW + 60, "one.example.org", "198.51.100.1", destination_port=80)
    watching.connect(NOW + 120, "10.0.7.7", destination=remote_pod("db-0", "data"), destination_port=5432)
    watching.judging.finish()
    (one,) = watching.judging.memory.workloads
    assert (one.workload.name, one.state, one.missing, one.nameless) == ("cart", State.ARMED, (), False)
    assert one.since_ns == at(14 * DAY + 1), "fourteen days after its first connection"
    assert one.known == 3, "with all their ports, those inside the cluster too"
    assert one.fanout == 1, "outside the cluster, of the last hour; its usual place was seen an hour and more before"


def test_fan_out_window() -> None:
    """What was seen before the window counts as known only; what was denied counts as tried."""
    watching = Watching(known=KnownSettings(fanout_window=600))
    watching.contact(0)
    watching.contact(400, "one.example.org", "198.51.100.1")
    watching.deny(500, "198.51.100.66")
    watching.contact(601, "two.example.net", "198.51.100.2")
    watching.judging.finish()
    (one,) = watching.judging.memory.workloads
    assert (one.known, one.fanout) == (4, 3)


def test_what_is_missing() -> None:
    """Of a workload that is still learning the reason is shown."""
    watching = Watching()
    watching.contact(0)
    watching.contact(HOUR)
    watching.judging.finish()
    (one,) = watching.judging.memory.workloads
    assert (one.state, one.since_ns) == (State.LEARNING, 0)
    assert one.missing == ("known for 1h of 72h", "0 of 2 pod starts seen", "nothing new for 1h of 24h")


def test_nameless() -> None:
    """Whoever goes outside without a name is nameless; inside the cluster nobody needs one."""
    watching = Watching()
    watching.connect(0)
    watching.connect(0, "10.0.7.7", source=pod("inside"), destination=remote_pod("db-0", "data"))
    watching.judging.finish()
    assert {one.workload.name: one.nameless for one in watching.judging.memory.workloads} == {
        "cart": True,
        "inside": False,
    }


def test_nodes_are_no_workloads() -> None:
    """That nodes are watched is in the memory too, and is not surveyed; nor is who went nowhere."""
    watching = Watching()
    watching.judging.inbox.offer(Watched(("east/node-1",), at(0)))
    watching.judging.finish()
    assert watching.judging.memory.workloads == ()
    assert len(watching.judging._recall.workloads) == 1


def test_open_ended() -> None:
    """The host is open-ended from the start."""
    watching = Watching()
    watching.connect(0, source=host(), source_ip="192.168.0.1")
    watching.judging.finish()
    assert watching.judging._survey.states == {"open_ended": 1}


def test_who_is_no_longer_held() -> None:
    """A workload that is held no more is not shown when a new round has begun."""
    watching = Watching(known=KnownSettings(entries=1_000))
    watching.see(*(_of(number) for number in range(10)))
    watching.judging.finish()
    assert len(_names(watching)) == 10
    watching.judging._recall._held.let_go(WorkloadKey("east", "shop", "web-3"))
    watching.judging.finish()
    assert len(_names(watching)) == 9


def test_every_after_some(hundred: Watching) -> None:
    """All are looked at anew, those too that were looked at in the round that was going on."""
    survey = hundred.judging._survey
    assert len(_names(hundred)) == 4
    for number in range(4):
        hundred.judging._recall.of(WorkloadKey("east", "shop", f"web-{number}"))
    survey.step(at(HOUR + 1), every=True)
    assert {one.fanout for one in survey.seen} == {0}
    assert len(survey.seen) == 100
