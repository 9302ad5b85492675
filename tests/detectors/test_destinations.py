"""New and unexpected destinations: what is announced, and what is not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from exporter.destinations.interface import WorkloadName
from exporter.destinations.settings import DestinationsSettings
from exporter.findings.interface import Context, Detector, Novelty, Severity
from exporter.flow import Policy, Verdict
from exporter.hubble.settings import SourcesSettings
from exporter.known.interface import Fact, Fault, Mark, Row, Size, StoreError, WorkloadKey
from exporter.known.learning import State
from exporter.known.memory import MemoryStore
from exporter.known.settings import KnownSettings, LearningSettings
from exporter.known.sighting import Watched
from tests.detectors.watching import DAY, HOUR, PODS, Watching
from tests.flows import ACK, at, changed, dns_query, flow, host, icmp, pod, policy_verdict, remote_pod, world

NOW = 16 * DAY
"""When `learn` has ended."""


@pytest.fixture
def armed() -> Watching:
    """A workload that has gone to api.example.com:443 for sixteen days, and nowhere else."""
    watching = Watching()
    watching.learn()
    assert watching.progress(NOW).state is State.ARMED
    assert not watching.found
    return watching


def test_one_shot_contact(armed: Watching) -> None:
    """One connection to a new name, never repeated, is announced: the case that PromQL misses."""
    armed.contact(NOW, "leak.example.net", "198.51.100.7")
    (finding,) = armed.found
    assert (finding.detector, finding.severity) == (Detector.NEW_DESTINATION, Severity.WARNING)
    assert (finding.novelty, finding.context, finding.expectation) == (
        Novelty.DESTINATION,
        Context.STEADY,
        "not_covered",
    )
    assert (finding.source_namespace, finding.source_workload, finding.cluster) == ("shop", "cart", "east")
    assert (finding.destination, finding.known_as, finding.address) == (
        "leak.example.net",
        "example.net",
        "198.51.100.7",
    )
    assert (finding.pod_name, finding.node_name) == ("cart-7d4b9c8f6d-x2k4q", "east/node-1")
    assert finding.at_ns == at(NOW + 1)


def test_announced_once(armed: Watching) -> None:
    """It is announced once, however often the workload goes there, and whichever of its pods."""
    for number, pod_name in enumerate(PODS):
        armed.contact(NOW + number * 5000, "leak.example.net", "198.51.100.7", source=pod(pod_name=pod_name))
    assert len(armed.found) == 1


def test_new_address_of_a_known_name(armed: Watching) -> None:
    """Addresses rotate: a new address under a known name, or another name of the same domain, is not news."""
    for number in range(50):
        armed.contact(NOW + number, f"node-{number}.example.com", f"198.51.100.{number}")
    assert not armed.found


def test_new_port_of_a_known_name(armed: Watching) -> None:
    """A known name on a new port is news."""
    armed.contact(NOW, destination_port=22)
    (finding,) = armed.warnings
    assert (finding.novelty, finding.destination_port) == (Novelty.PORT, "22")


def test_new_name_of_a_known_address(armed: Watching) -> None:
    """A known address under a new name is news: many share the addresses of a CDN."""
    armed.contact(NOW, "leak.example.net")
    (finding,) = armed.warnings
    assert finding.novelty is Novelty.ADDRESS_REUSED


def test_nameless_contact_to_a_known_address(armed: Watching) -> None:
    """Hubble forgets names when their time is over: the memory still knows under which name the address was seen."""
    armed.connect(NOW)
    assert not armed.found
    armed.connect(NOW + 5, destination_port=22)
    (finding,) = armed.found
    assert (finding.known_as, finding.name_confidence, finding.novelty) == ("example.com", "stale", Novelty.PORT)


def test_several_names_on_an_address(armed: Watching) -> None:
    """Of several names on one address one that is known is enough."""
    armed.connect(NOW, "198.51.100.9", destination_names=("another.example.org", "www.example.com"))
    assert not armed.found
    armed.connect(NOW + 9, "198.51.100.10", destination_names=("another.example.org", "third.example.net"))
    assert len(armed.found) == 1


def test_direct_to_an_address(armed: Watching) -> None:
    """A workload whose names are seen goes to an address without one: that is news."""
    armed.connect(NOW, "198.51.100.77")
    (finding,) = armed.warnings
    assert (finding.destination_kind, finding.known_as, finding.destination) == ("world", "198.51.100.77", "world")


def test_nameless_workload() -> None:
    """A workload whose DNS nobody sees: new addresses are counted, never announced one by one."""
    watching = Watching()
    for hour in range(16 * 24):
        watching.connect(hour * HOUR)
    for number in range(20):
        watching.connect(NOW + number * 100, f"198.51.100.{number}")
    watching.connect(NOW + 5000, "192.0.2.1", destination_port=8443)
    assert not watching.found
    assert not watching.news()
    rows = watching.series.families
    nameless = next(family for family in rows if family.short == "nameless_news")
    assert {one.key[2]: one.value for one in rows[nameless].live.values()} == {"address": 22, "network": 3, "port": 2}
    watching.judging.finish()
    (surveyed,) = watching.judging.memory.workloads
    assert surveyed.nameless
    assert surveyed.fanout == 7, "six of the last hour, and the one on another port"


def test_name_of_a_known_address_is_seen_at_last() -> None:
    """DNS becomes visible: an address that was known without a name has one now, and is the same place."""
    watching = Watching()
    for hour in range(16 * 24):
        watching.connect(hour * HOUR)
    watching.contact(NOW)
    assert not watching.found


def test_known_by_its_range() -> None:
    """Addresses within a range that the operator named are one destination, also without DNS."""
    watching = Watching()
    ranges = DestinationsSettings(cidr_names={"198.51.100.0/24": "partner", "192.0.2.0/24": "other"})
    watching.pipeline.reconfigure(SourcesSettings(), ranges)
    for hour in range(16 * 24):
        watching.connect(hour * HOUR, f"198.51.100.{hour % 200}")
    watching.connect(NOW, "198.51.100.250")
    assert not watching.found
    watching.connect(NOW + 5, "192.0.2.9")
    (finding,) = watching.warnings
    assert finding.known_as == "other"


def test_renamed_pod_and_scaled_deployment(armed: Watching) -> None:
    """Other pods of the workload go where it goes: not news, and neither is a pod that other nodes report."""
    for number, name in enumerate(PODS):
        armed.contact(NOW + number * 60, source=pod(pod_name=name), node_name=f"east/node-{number}")
    armed.connect(NOW + 999, source=remote_pod(PODS[2]), node_name="east/node-9")
    assert not armed.found


def test_workload_seen_for_the_first_time() -> None:
    """Everything of a new workload is new: it is counted as learning, and nobody is told."""
    watching = Watching()
    for number in range(30):
        watching.contact(number * 60, f"www.example-{number}.com", f"198.51.100.{number}")
    assert not watching.found
    assert set(watching.news()) == {("destination", "not_covered", "learning")}


def test_restart_of_ours(armed: Watching) -> None:
    """What was learnt is in the store: after a restart nothing known is new, and what is new still is."""
    armed.judging.inbox.offer(Watched(("east/node-1",), at(NOW)))
    armed.restart()
    armed.contact(NOW + 5000)
    assert not armed.found
    armed.contact(NOW + 6000, "leak.example.net", "198.51.100.7")
    assert [finding.context for finding in armed.warnings] == [Context.AFTER_GAP], "we were away for 5,000 s"
    armed.contact(NOW + 11_000, "other.example.org", "198.51.100.8")
    assert armed.warnings[-1].context is Context.STEADY


def test_start_of_a_pod(armed: Watching) -> None:
    """What a pod does in its first minutes, or now and then, is explained by its start."""
    fresh = pod(pod_name=PODS[1])
    armed.contact(NOW, "updates.example.net", "198.51.100.7", source=fresh)
    assert [(one.context, one.severity) for one in armed.found] == [(Context.STARTUP, Severity.INFO)]
    for seconds in (500, 3000, 7 * DAY, 14 * DAY):
        armed.contact(NOW + seconds, "updates.example.net", "198.51.100.7", source=fresh)
    assert len(armed.found) == 1


def test_goes_on_after_the_start(armed: Watching) -> None:
    """What began at the start of a pod and goes on for an hour is announced: an implant must not hide there."""
    fresh = pod(pod_name=PODS[1])
    for minute in range(0, 200, 10):
        armed.contact(NOW + minute * 60, "c2.example.net", "198.51.100.7", source=fresh)
    assert [(one.context, one.severity, one.at_ns) for one in armed.found] == [
        (Context.STARTUP, Severity.INFO, at(NOW + 1)),
        (Context.STEADY, Severity.WARNING, at(NOW + 3601)),
    ]


def test_restarted_stateful_set(armed: Watching) -> None:
    """The next pod of a StatefulSet has the same name, and is another one by the number that its agent gave it."""
    for hour in range(16 * 24):
        armed.contact(hour * HOUR, "api.example.com", source=replace(pod("db", pod_name="db-0"), id=1))
    armed.contact(NOW, "updates.example.net", "198.51.100.7", source=replace(pod("db", pod_name="db-0"), id=2))
    assert [one.context for one in armed.found] == [Context.STARTUP]


def test_rollout(armed: Watching) -> None:
    """A new place minutes after a new ReplicaSet is announced, with the revision."""
    armed.contact(NOW - 60)
    armed.contact(NOW, "c2.example.net", "198.51.100.7", source=pod(pod_name="cart-5f6d7c8b9-qq2zx"))
    (finding,) = armed.warnings
    assert (finding.context, finding.revision) == (Context.ROLLOUT, "5f6d7c8b9")


def test_no_start_without_watching() -> None:
    """The first flow of a pod is its start only if its node was watched before: not right after our own start."""
    watching = Watching()
    watching.contact(0)
    watching.contact(700, source=pod(pod_name=PODS[1]))
    watching.contact(701, source=pod(pod_name=PODS[2]), node_name="east/node-2")
    assert watching.progress(800).missing[1] == "1 of 2 pod starts seen"


def test_pages_nobody_about_pings(armed: Watching) -> None:
    """ICMP is never announced, whoever is pinged."""
    armed.see(icmp(time_ns=at(NOW), destination_ip="198.51.100.99", source=pod(), destination=world()))
    assert not armed.found
    assert not [key for key in armed.news() if key[2] != "learning"]


def test_in_the_cluster_it_is_for_the_record(armed: Watching) -> None:
    """A new place inside the cluster, or at a private address, is a finding that nobody is woken for."""
    armed.connect(NOW, "10.0.7.7", destination=remote_pod("db-0", "data"), destination_port=5432)
    armed.contact(NOW + 9, "nas.example.org", "192.168.1.7")
    assert [(one.severity, one.known_as) for one in armed.found] == [
        (Severity.INFO, "data/db"),
        (Severity.INFO, "example.org"),
    ]


def test_host_is_counted_only() -> None:
    """The host goes everywhere by nature."""
    watching = Watching()
    for hour in range(16 * 24):
        watching.connect(hour * HOUR, source=host(), source_ip="192.168.0.1")
    watching.contact(NOW, "leak.example.net", "198.51.100.7", source=host(), source_ip="192.168.0.1")
    assert not watching.found


def test_denied_attempts(armed: Watching) -> None:
    """What policy drops was not allowed by anybody: it is unexpected, and announced at the first attempt."""
    armed.deny(NOW, "198.51.100.66", destination_port=4444)
    (finding,) = armed.warnings
    assert (finding.detector, finding.verdict, finding.expectation) == (
        Detector.UNEXPECTED_DESTINATION,
        "dropped",
        "unexpected",
    )
    assert finding.reason == "policy_denied"
    armed.deny(NOW + 3, "198.51.100.66", destination_port=4444)
    assert len(armed.found) == 1


def test_refused_name(armed: Watching) -> None:
    """A query that policy refuses is a denied contact to the name that was asked, not to the resolver."""
    armed.see(dns_query("paste.leak.example.", verdict=Verdict.DROPPED, time_ns=at(NOW), source=pod()))
    (finding,) = armed.warnings
    assert (finding.destination, finding.verdict, finding.destination_port) == ("paste.leak.example", "dropped", "")
    ((where, row),) = armed.listed().items()
    assert (where.label, where.verdict, where.port) == ("paste.leak.example", "dropped", "")
    assert row.first_ns == at(NOW)


def test_drop_inside_a_connection_is_no_contact(armed: Watching) -> None:
    """A dropped packet that begins nothing may answer anything: it feeds no detector."""
    armed.deny(NOW, "198.51.100.66", destination_port=4444, tcp_flags=ACK)
    assert not armed.found


def test_long_connection_is_persistent(armed: Watching) -> None:
    """One SYN, then hours of packets of an established connection: the episode goes on as long as they do."""
    syn = flow(time_ns=at(NOW), destination_ip="198.51.100.66", source=pod(), destination=world(), source_port=999)
    armed.see(replace(syn, time_ns=at(NOW)))
    inside = changed(syn, tcp_flags=ACK, trace_reason=2)
    for minute in range(1, 180):
        armed.see(replace(inside, time_ns=at(NOW + minute * 60)))
    armed.judging.finish()
    rows = {mark.name: row for _, mark, row in armed.store.facts() if "198.51.100.66" in mark.name}
    (row_of_address,) = rows.values()
    assert row_of_address.since_ns == at(NOW)
    assert row_of_address.last_ns == at(NOW + 175 * 60), "it is noted every five minutes"


def test_answer_misread_as_a_packet_of_ours(armed: Watching) -> None:
    """A packet in the middle of a connection to a port of clients may be an answer: it is not a new place."""
    inside = flow(
        time_ns=at(NOW),
        destination_ip="198.51.100.66",
        destination_port=51_234,
        tcp_flags=ACK,
        trace_reason=2,
        source=pod(),
        destination=world(),
    )
    armed.see(inside)
    assert not armed.found


def test_upgrade_of_cilium() -> None:
    """1.14 says `cidr:` where 1.19 says `fqdn:`, without a cluster name or a trace reason; it is the same place."""
    watching = Watching()
    old_pod = replace(pod(), cluster_name="")
    for hour in range(16 * 24):
        labels = world("cidr:203.0.113.10/32", identity=16_777_217) if hour % 2 else world()
        names = () if hour % 2 else ("api.example.com",)
        watching.connect(hour * HOUR, source=old_pod, destination=labels, destination_names=names, trace_reason=0)
    new_pod = pod(cluster_name="east")
    fqdn = world("fqdn:*.example.com", identity=16_777_300)
    watching.connect(NOW, source=new_pod, destination=fqdn)
    watching.connect(NOW + 100, source=new_pod, destination=fqdn, destination_names=("api.example.com",))
    assert not watching.found
    watching.judging.finish()
    assert [one.workload.cluster for one in watching.judging.memory.workloads] == ["east"], "one workload, not two"


def test_hundred_names_do_not_push_out_what_goes_on() -> None:
    """Whoever makes up names must not hide the one that goes on: the longest episodes stay, the rest is counted."""
    watching = Watching(known=KnownSettings(unexpected=10))
    watching.learn()
    for minute in range(0, 120, 10):
        watching.deny(NOW + minute * 60, "198.51.100.66", destination_port=4444)
    for number in range(100):
        query = dns_query(f"a{number}.example-{number}.net.", verdict=Verdict.DROPPED, time_ns=at(NOW + 7300 + number))
        watching.see(replace(query, source=pod()))
    listed = watching.listed()
    assert len(listed) == 10
    (persistent,) = [row for where, row in listed.items() if where.port == "4444"]
    assert persistent.last_ns - persistent.since_ns == 110 * 60 * 1_000_000_000
    assert watching.judging.memory.unexpected_refused == 91


def test_unexpected_while_learning() -> None:
    """It is listed at once, and exported from the moment at which the workload is armed, if it goes on."""
    settings = KnownSettings(learning=LearningSettings(starts=0))
    watching = Watching(known=settings)
    for hour in range(3 * 24):
        watching.deny(hour * HOUR, "198.51.100.66")
        if hour == 5:
            assert not watching.listed()
    assert [one.severity for one in watching.found] == [Severity.INFO]
    watching.deny(3 * DAY + HOUR, "198.51.100.66")
    ((_, row),) = watching.listed().items()
    assert row.first_ns == row.since_ns == at(0)


def test_listed_again_after_a_restart(armed: Watching) -> None:
    """Alerts go on where they were: the timestamps come from the store, whether or not the workload speaks again."""
    armed.deny(NOW, "198.51.100.66")
    before = armed.listed()
    armed.steady.seconds = NOW + 60
    armed.restart()
    assert armed.listed() == before
    armed.contact(NOW + 70)
    assert armed.listed() == before


def test_allowed_at_last(armed: Watching) -> None:
    """What somebody has declared meanwhile is no longer listed."""
    armed.deny(NOW, "198.51.100.66", destination_names=("partner.example.org",))
    assert [where.label for where in armed.listed()] == ["partner.example.org"]
    armed.see(
        policy_verdict(
            time_ns=at(NOW + 100),
            destination=world("cidr:198.51.100.66/32", identity=16_777_217),
            destination_ip="198.51.100.66",
            destination_names=("partner.example.org",),
            egress_allowed_by=(Policy("cart", "shop", "CiliumNetworkPolicy"),),
        )
    )
    assert not armed.listed()
    assert [finding.expectation for finding in armed.found] == ["unexpected"]


def test_open_ended_is_listed_too() -> None:
    """Of a workload that goes everywhere nothing is announced, and what policy denies it is listed all the same."""
    watching = Watching()
    for hour in range(16 * 24):
        watching.contact(hour * HOUR, f"site-{hour}.com", f"198.51.{hour // 250}.{hour % 250}")
    assert watching.progress(NOW).state is State.OPEN_ENDED
    watching.deny(NOW, "192.0.2.66")
    assert not watching.found
    assert [where.port for where in watching.listed()] == ["443"]


def test_start_of_a_job_explains_nothing() -> None:
    """Everything that a job does it does behind its start: a new place of one of its runs is announced as any other."""
    watching = Watching()
    for day in range(16):
        run = pod("report", pod_name=f"report-2945{day:04}-x2k4q", kind="CronJob")
        watching.contact(day * DAY, source=replace(run, id=day + 1))
        watching.contact(day * DAY + HOUR, source=pod("other"))
    run = replace(pod("report", pod_name="report-29460000-x2k4q", kind="CronJob"), id=99)
    watching.contact(NOW, "leak.example.net", "198.51.100.7", source=run)
    assert [(one.context, one.severity) for one in watching.found] == [(Context.STEADY, Severity.WARNING)]


class Broken(MemoryStore):
    """A store that does not work while `broken`."""

    broken = False

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """Load, if it works."""
        self._check()
        return super().load(workload)

    def merge(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Merge, if it works."""
        self._check()
        return super().merge(facts)

    def size(self) -> Size:
        """Size, if it works."""
        self._check()
        return super().size()

    def _check(self) -> None:
        if self.broken:
            raise StoreError(Fault.UNREACHABLE, "it is gone")


def is_degraded(watching: Watching) -> bool:
    """Whether the memory says that its store does not work."""
    watching.judging.finish()
    return watching.judging.memory.degraded


def test_store_gone_and_back() -> None:
    """While the store is gone findings go on, marked; what was learnt meanwhile is written when it is back."""
    store = Broken()
    watching = Watching(store)
    watching.learn()
    store.broken = True
    watching.contact(NOW, "leak.example.net", "198.51.100.7")
    assert [(one.degraded, one.known_as) for one in watching.warnings] == [(True, "example.net")]
    assert is_degraded(watching)
    store.broken = False
    watching.steady.seconds += 100
    watching.contact(NOW + 100, "leak.example.net", "198.51.100.7")
    assert len(watching.found) == 1
    assert not is_degraded(watching)
    assert any("example.net" in mark.name for _, mark, _ in store.facts())


def test_store_gone_at_the_start() -> None:
    """Of a workload that the store could not be asked about nothing is known: it is learning, and pages nobody."""
    store = Broken()
    store.broken = True
    watching = Watching(store)
    watching.contact(0)
    assert watching.progress(0).missing == ("the store could not be asked",)
    assert not watching.found


def test_workload_of_the_host_is_open_ended() -> None:
    """The state says so from the start."""
    watching = Watching()
    watching.connect(0, source=host(), source_ip="192.168.0.1")
    watching.judging.finish()
    (one,) = watching.judging.memory.workloads
    assert (WorkloadName(*one.workload[1:]), one.state) == (WorkloadName("", "~host"), State.OPEN_ENDED)
