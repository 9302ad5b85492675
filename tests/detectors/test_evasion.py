"""What somebody may try who wants to leave unseen, and what grows or is forgotten meanwhile."""

from collections import Counter
from dataclasses import replace

from exporter.findings.interface import Novelty
from exporter.flow import Verdict
from exporter.known.interface import Fact, Mark, What, WorkloadKey, seen
from exporter.known.learning import State
from exporter.known.settings import KnownSettings
from tests.detectors.watching import DAY, HOUR, Watching
from tests.flows import at, dns_query, pod

NOW = 16 * DAY
CART = WorkloadKey("east", "shop", "cart")


def armed(known: KnownSettings | None = None) -> Watching:
    """A workload that has gone to one name for sixteen days."""
    watching = Watching(known=known)
    watching.learn()
    return watching


def test_address_in_the_name_of_a_pod() -> None:
    """A packet with the address of the outside as its own sender is dropped, and hides nothing of that address."""
    watching = armed()
    watching.deny(NOW, "8.8.8.8", source_ip="198.51.100.7", drop_reason=132)
    watching.contact(NOW + 9, "leak.example.net", "198.51.100.7")
    assert [finding.known_as for finding in watching.warnings] == ["8.8.8.8", "example.net"]


def test_refused_query_covers_no_port() -> None:
    """A refused query below a known domain does not pardon what goes to another port of it."""
    watching = armed()
    refused = dns_query("blocked.example.com.", verdict=Verdict.DROPPED, time_ns=at(NOW), source=pod())
    watching.see(refused)
    watching.contact(NOW + 9, destination_port=22)
    assert [(one.novelty, one.destination_port) for one in watching.warnings] == [(Novelty.PORT, "22")]


def test_second_port_of_a_refused_name() -> None:
    """Of a name that was announced when it was refused, the first port is no news, and the second is."""
    watching = armed()
    watching.see(dns_query("a.leak.example.", verdict=Verdict.DROPPED, time_ns=at(NOW), source=pod()))
    watching.contact(NOW + 9, "a.leak.example", "198.51.100.7")
    assert [one.verdict for one in watching.warnings] == ["dropped"]
    watching.contact(NOW + 99, "a.leak.example", "198.51.100.7", destination_port=22)
    assert [one.destination_port for one in watching.warnings] == ["", "22"]


def test_scan_of_ports() -> None:
    """Each port of a known name takes room of its workload, which is bounded."""
    watching = armed(KnownSettings(destinations_per_workload=50))
    for port in range(1, 200):
        watching.connect(NOW + port, destination_names=("api.example.com",), destination_port=port)
    assert len(watching.found) == 49
    assert watching.judging.detector.refused == 150
    assert len([mark for mark in watching.store.facts() if mark.mark.what is What.DESTINATION]) == 50


def test_full_memory_hides_nothing_unexpected() -> None:
    """Whoever fills the memory of its workload is still listed with what nobody allowed, as long as it goes on."""
    watching = armed(KnownSettings(destinations_per_workload=50))
    for number in range(60):
        query = dns_query(f"a.example-{number}.net.", verdict=Verdict.DROPPED, time_ns=at(NOW + number))
        watching.see(replace(query, source=pod()))
    for minute in range(0, 180, 10):
        watching.deny(NOW + HOUR + minute * 60, "198.51.100.66", destination_port=4444)
    (row,) = [row for where, row in watching.listed().items() if where.port == "4444"]
    assert (row.since_ns, row.last_ns) == (at(NOW + HOUR), at(NOW + HOUR + 170 * 60))


def test_forgotten_workload_begins_anew() -> None:
    """A workload that comes back after it was forgotten is learning again, and pages nobody."""
    watching = armed(KnownSettings(expire=20 * DAY))
    assert watching.progress(NOW).state is State.ARMED
    for day in range(17, 45):
        watching.steady.seconds = day * DAY
        watching.contact(day * DAY, source=pod("other"))
    assert CART not in watching.store.workloads()
    for number in range(5):
        watching.contact(45 * DAY + number, f"www.example-{number}.com", f"198.51.100.{number}")
    assert not [finding for finding in watching.found if finding.source_workload == "cart"]
    assert watching.progress(45 * DAY + 9).state is State.LEARNING


def test_workload_without_its_own_fact() -> None:
    """Of a workload whose age is not known nothing is known: it is not as old as the epoch."""
    watching = Watching()
    place = Fact(CART, Mark(What.DESTINATION, "443/tcp example.com"), seen(at(0)))
    watching.store.merge([place])
    watching.judging._recall.of(CART)
    assert watching.progress(0).state is State.LEARNING
    assert watching.progress(0).missing == ("nothing is known of it",)


def test_listed_after_a_restart_though_silent() -> None:
    """After a restart alerts go on where they were, also of a workload that says nothing any more."""
    watching = armed()
    watching.deny(NOW, "198.51.100.66")
    before = watching.listed()
    assert before
    watching.steady.seconds = NOW + 60
    watching.restart()
    assert watching.listed() == before


def test_listed_though_not_held() -> None:
    """What was seen in the last day is listed until it ends, also when the hourly forgetting lets its workload go."""
    watching = armed()
    watching.steady.seconds = NOW
    watching.deny(NOW, "198.51.100.66")
    before = watching.listed()
    watching.store.merge([Fact(WorkloadKey("east", "a", "b"), Mark(What.POD, "b-0 1"), seen(at(-1_000 * DAY)))])
    watching.steady.seconds = NOW + 2 * HOUR
    watching.contact(NOW + 2 * HOUR, source=pod("other"))
    assert set(watching.listed()) == set(before)


def test_many_runs_of_a_job() -> None:
    """Each run of a job is a start of a pod; they are bounded, and the workload stays armed by its first ones."""
    watching = Watching(known=KnownSettings(pods_per_workload=150))
    watching.contact(0, source=pod("job", pod_name="job-28000000-abcde"))
    for number in range(1, 1_000):
        runs = replace(pod("job", pod_name=f"job-{28_000_000 + number}-abcde"), id=number)
        watching.contact(number * HOUR, source=runs)
        if number == 100:
            before = watching.progress(number * HOUR, "job")
            assert before.state is State.ARMED
    number_of = Counter(mark.what for _, mark, _ in watching.store.facts())
    assert max(number_of[What.START], number_of[What.POD], number_of[What.REVISION]) <= 150
    watching.judging.detector._armed.clear()
    assert watching.progress(1_000 * HOUR, "job") == before
