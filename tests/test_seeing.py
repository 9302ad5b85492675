"""What the memory is told of contacts, and when it is told again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.chosen import Chosen
from exporter.coverage import Coverage
from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings
from exporter.expectations.expectations import Expectations
from exporter.expectations.files import read_files
from exporter.expectations.interface import Expectation
from exporter.expectations.settings import ExpectationsSettings
from exporter.flow import Flow, Policy, Verdict
from exporter.hubble.interface import Connected
from exporter.hubble.settings import SourcesSettings
from exporter.known.interface import WorkloadKey
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Missed, Sighting, Watched
from exporter.seeing import Seeing, cluster_of
from tests.detectors.watching import RESOLVER, Watching
from tests.flows import (
    ACK,
    SYN,
    WORLD_IP,
    at,
    changed,
    denied_verdict,
    dns_answer,
    dns_query,
    drop,
    flow,
    host,
    pod,
    policy_verdict,
    remote_pod,
    world,
)

ALLOW = """\
allow:
  - workloads: [shop/cart]
    to: [{cidr: 93.184.216.34/32}]
    owner: team
    reason: it is ours
"""
POLICIES = (Policy("cart", "shop", "CiliumNetworkPolicy"),)
NARROW = world("cidr:93.184.216.34/32", identity=16_777_217)


class Seen:
    """A pipeline, and what stands in the inbox behind it."""

    def __init__(self, **known: int | str) -> None:
        self.watching = Watching(known=KnownSettings.model_validate({"refresh": 60.0, **known}))
        self.pipeline, self.inbox = self.watching.pipeline, self.watching.judging.inbox

    def notes(self, *events: Flow) -> list[Sighting]:
        """What the memory is told of these flows."""
        for event in events:
            self.pipeline.handle(event)
        return [note for note in self.inbox.take(1_000) if isinstance(note, Sighting)]

    def times(self, make: Callable[..., Flow], *seconds: float) -> list[float]:
        """At which of these times such a flow is noted; each is a connection of its own."""
        events = (make(time_ns=at(second), source_port=30_000 + place) for place, second in enumerate(seconds))
        return [(note.time_ns - at(0)) / 1e9 for note in self.notes(*events)]


def test_what_is_noted() -> None:
    """Whose contact it is, where it went, whether that is expected, and the flow that shows it."""
    event = flow(time_ns=at(5), destination_names=("api.example.com",))
    (note,) = Seen().notes(event)
    assert note.workload == WorkloadKey("east", "shop", "cart")
    assert (note.names, note.address, note.service) == (("example.com",), "93.184.216.34", "443/tcp")
    assert (note.verdict, note.reason, note.answer.expectation) == ("forwarded", "", Expectation.NOT_COVERED)
    assert (note.destination.label, note.sees_dns, note.starts, note.is_owned) == ("api.example.com", False, True, True)
    assert note.coverage is None, "it is not known"
    assert note.flow is event


def test_inside_the_cluster() -> None:
    """Inside the cluster a workload is its own name, and has no address; who reports it need not own the source."""
    event = flow(source=remote_pod(), destination=remote_pod("db-0", "data"), destination_ip="10.0.7.7")
    (note,) = Seen().notes(event)
    assert (note.address, note.is_owned, note.pod, note.is_named) == ("", False, "", False)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [(Verdict.FORWARDED, "forwarded"), (Verdict.REDIRECTED, "redirected"), (Verdict.AUDIT, "audited")],
)
def test_verdicts(verdict: Verdict, said: str) -> None:
    """What passed did so in one of three ways."""
    (note,) = Seen().notes(policy_verdict(verdict=verdict))
    assert (note.verdict, note.denied) == (said, False)


def test_again_when_it_is_due() -> None:
    """However many connections there are, a contact is noted again only when the refresh time is over."""
    assert Seen(refresh=60).times(flow, 0, 0, 10, 59.9, 60, 61, 119, 120.5, 180) == [0, 60, 120.5]


def test_each_contact_for_itself() -> None:
    """Another address, another port, another protocol or another pod is another contact."""
    others = (
        flow(),
        flow(destination_ip="198.51.100.9"),
        flow(destination_port=80),
        flow(protocol="udp", tcp_flags=0),
        flow(source=pod(pod_name="cart-7d4b9c8f6d-b7wz5")),
    )
    seen = Seen()
    assert len(seen.notes(*others)) == 5
    assert seen.notes(*(changed(each, source_port=999) for each in others)) == []


def test_a_name_that_is_learnt_later() -> None:
    """A contact that is something else now, because its name is known, is noted at once."""
    answer = dns_answer("api.example.com.", WORLD_IP, ttl=30, time_ns=at(1), source=RESOLVER, destination=pod())
    first, second = Seen().notes(flow(), answer, flow(time_ns=at(2), source_port=1))
    assert (first.names, second.names) == ((), ("example.com",))


def test_denied_and_allowed() -> None:
    """That a contact was dropped is noted although it passed before, and the other way round; each is refreshed."""
    events = (flow(), drop(time_ns=at(1), source_port=1), flow(time_ns=at(2), source_port=2))
    seen = Seen()
    assert [note.denied for note in seen.notes(*events)] == [False, True]
    assert seen.times(drop, 3, 60.9, 61) == [61]


def test_what_policy_dropped() -> None:
    """What policy dropped is unexpected, though no expectations are there; what was dropped otherwise is not."""
    seen = Seen()
    (policy,) = seen.notes(drop())
    assert (policy.answer.expectation, policy.answer.denied, policy.reason) == (
        Expectation.UNEXPECTED,
        True,
        "policy_denied",
    )
    (other,) = seen.notes(drop(destination_port=80, drop_reason=155))
    assert (other.answer.expectation, other.answer.denied) == (Expectation.NOT_COVERED, False)


def test_refused_names() -> None:
    """Each name that was refused is a contact of its own, without address and port."""
    one, other = (dns_query(f"{name}.example.", verdict=Verdict.DROPPED) for name in ("a", "b"))
    notes = Seen().notes(one, other, changed(one, time_ns=at(59), source_port=1))
    assert [(note.names, note.address, note.port, note.service) for note in notes] == [
        (("a.example",), "", "", "query"),
        (("b.example",), "", "", "query"),
    ]
    assert {note.answer.expectation for note in notes} == {Expectation.UNEXPECTED}


def test_packets_inside_a_connection() -> None:
    """What goes on for hours is noted as often as what begins anew, as something that does not begin."""
    seen = Seen()
    (begun,) = seen.notes(flow())
    inside = [flow(time_ns=at(second), tcp_flags=ACK, trace_reason=2) for second in (1, 59.9, 60, 61, 119.9, 120)]
    notes = seen.notes(*inside)
    assert [(note.time_ns, note.starts) for note in notes] == [(at(60), False), (at(120), False)]
    assert begun.starts
    assert [note.destination for note in notes] == [begun.destination] * 2


def test_packets_that_come_in() -> None:
    """A packet in the middle from outside is none of ours."""
    assert Seen().notes(flow(source=world(), destination=pod(), tcp_flags=ACK, trace_reason=2)) == []


def test_no_contact() -> None:
    """A drop inside a connection may be an answer; a world label on an address of the cluster is nobody's place."""
    seen = Seen()
    assert seen.notes(drop(tcp_flags=ACK)) == []
    assert len(seen.notes(drop(tcp_flags=SYN))) == 1
    seen.pipeline.reconfigure(SourcesSettings(), DestinationsSettings(cluster_cidrs=("10.0.0.0/8",)))
    assert seen.notes(flow(destination_ip="10.0.66.6")) == []


def test_no_room() -> None:
    """A contact that found no room in the queue is noted at its next flow, however soon, and then not again."""
    seen = Seen(queue=1)
    first, second = flow(), flow(destination_port=80, source_port=1)
    assert [note.port for note in seen.notes(first, second)] == ["443"]
    assert seen.inbox.refused == 1
    again = changed(second, time_ns=at(0) + 1, source_port=2)
    assert [note.port for note in seen.notes(again)] == ["80"]
    assert seen.notes(changed(again, time_ns=at(1), source_port=3)) == []


def test_excluded() -> None:
    """Workloads that are not chosen are not noted, neither what they begin nor what goes on nor what is dropped."""
    seen = Seen()
    seen.pipeline.reconfigure(SourcesSettings(exclude_namespaces=("shop",)), DestinationsSettings())
    inside = flow(time_ns=at(1), tcp_flags=ACK, trace_reason=2)
    assert seen.notes(flow(), inside, drop(), denied_verdict()) == []
    assert len(seen.notes(changed(inside, source=pod("db", "data")))) == 1


def test_expectations_that_change(tmp_path: Path) -> None:
    """Every contact is asked about anew, and noted, when the expectations have changed."""
    seen = Seen()
    assert [note.answer.expectation for note in seen.notes(flow())] == [Expectation.NOT_COVERED]
    (tmp_path / "allow.yaml").write_text(ALLOW)
    seen.pipeline.expect(read_files([str(tmp_path / "allow.yaml")]))
    assert [note.answer.expectation for note in seen.notes(flow(time_ns=at(1), source_port=1))] == [
        Expectation.EXPECTED
    ]
    assert seen.pipeline.cache_stats()["contacts"].evicted == 0


def test_policies_prove_more() -> None:
    """A verdict that names policies is noted at once; traces that name none do not take back what it has shown."""
    seen = Seen()
    (trace,) = seen.notes(flow(destination=NARROW))
    (verdict,) = seen.notes(policy_verdict(time_ns=at(1), destination=NARROW, egress_allowed_by=POLICIES))
    assert (trace.answer.expectation, verdict.answer.expectation) == (Expectation.NOT_COVERED, Expectation.EXPECTED)
    assert seen.notes(flow(time_ns=at(2), destination=NARROW, source_port=1)) == []
    later = flow(time_ns=at(61), destination=NARROW, source_port=2)
    assert [note.answer.expectation for note in seen.notes(later)] == [Expectation.EXPECTED]
    inside = changed(later, time_ns=at(121), tcp_flags=ACK, trace_reason=2)
    assert [note.answer.expectation for note in seen.notes(inside)] == [Expectation.EXPECTED]


def test_policies_of_another_place() -> None:
    """What policies have shown of a name says nothing of another name at the same address."""
    seen = Seen()
    allowed = policy_verdict(destination=NARROW, egress_allowed_by=POLICIES)
    answer = dns_answer("other.example.com.", WORLD_IP, ttl=30, time_ns=at(1), source=RESOLVER, destination=pod())
    other = flow(time_ns=at(2), source_port=1, destination=NARROW)
    assert [note.answer.expectation for note in seen.notes(allowed, answer, other)] == [
        Expectation.EXPECTED,
        Expectation.NOT_COVERED,
    ]


def test_bounded() -> None:
    """When there are too many contacts all are noted again; that is counted."""
    seen = Seen(contacts=2)
    one, two, three = (flow(destination_port=port) for port in (1, 2, 3))
    assert [note.port for note in seen.notes(one, two, one, two)] == ["1", "2"]
    assert [note.port for note in seen.notes(three, one, one)] == ["3", "1"]
    stats = seen.pipeline.cache_stats()["contacts"]
    assert tuple(stats) == (2, 2, 1)
    again = [changed(each, time_ns=at(60), source_port=1) for each in (one, three)]
    assert [note.port for note in seen.notes(*again, *again)] == ["1", "3"]
    assert seen.pipeline.cache_stats()["contacts"].evicted == 1, "what is known needs no room"


def test_cluster() -> None:
    """The cluster is that of the source's label, else that of the node, else `default`; the settings say it best."""
    assert cluster_of(flow(source=pod(cluster_name="west"))) == "west"
    assert cluster_of(flow(node_name="east/node-1")) == "east"
    assert cluster_of(flow(source=host(), node_name="node-1")) == "default"
    (note,) = Seen(cluster="north").notes(flow(source=pod(cluster_name="west")))
    assert note.workload.cluster == "north"


def test_without_a_memory(tmp_path: Path) -> None:
    """Without an inbox nothing is noted, and expectations are asked only where there are some."""
    destinations, expectations = Destinations(DestinationsSettings()), Expectations(ExpectationsSettings())
    chosen = Chosen(SourcesSettings())
    seeing = Seeing(destinations, expectations, Coverage(), None, KnownSettings(), chosen)
    event = flow()
    source = destinations.source_of(event)
    destination = destinations.destination_of(event, source)
    assert seeing.begins(event, source, destination).expectation is Expectation.NOT_COVERED
    seeing.goes_on(event)
    assert seeing.stats().entries == 0
    (tmp_path / "allow.yaml").write_text(ALLOW)
    expectations.replace(read_files([str(tmp_path / "allow.yaml")]))
    assert seeing.begins(event, source, destination).expectation is Expectation.EXPECTED


class Ticking:
    """A live pipeline whose clock a test moves."""

    def __init__(self) -> None:
        self.watching = Watching()
        self.pipeline, self.inbox = self.watching.pipeline, self.watching.judging.inbox
        self.pipeline.stream.live = True
        self.pipeline._wall_ns = lambda: self.wall_ns
        self.wall_ns = at(0)

    def tick(self, seconds: float) -> list[Watched | Missed]:
        """What the memory is told by the tick of that time."""
        self.wall_ns = at(seconds)
        self.pipeline.tick()
        return [note for note in self.inbox.take(100) if not isinstance(note, Sighting)]


def test_nodes_that_are_watched() -> None:
    """While a stream is open the memory is told once a minute which nodes are watched, by the flows' time."""
    ticking = Ticking()
    assert ticking.tick(0) == []
    ticking.pipeline.handle(Connected("relay:80", "v1"))
    assert ticking.tick(1) == [], "no flow was seen yet"
    ticking.wall_ns = at(3)
    ticking.pipeline.handle(flow(time_ns=at(2)))
    assert ticking.tick(3) == [Watched(("east/node-1",), at(2))]
    assert ticking.tick(62.9) == []
    assert ticking.tick(63) == [Watched(("east/node-1",), at(62))]


def test_nodes_while_there_is_no_room() -> None:
    """What found no room is said with the next tick."""
    ticking = Ticking()
    ticking.inbox.most = 0
    ticking.pipeline.handle(Connected("relay:80", "v1"))
    ticking.pipeline.handle(flow(time_ns=at(0)))
    assert ticking.tick(1) == []
    ticking.inbox.most = 10
    assert ticking.tick(2) == [Watched(("east/node-1",), at(2))]


def test_gaps() -> None:
    """What the rings have forgotten while we were away is told to the memory, and in the log."""
    ticking = Ticking()
    ticking.pipeline.handle(flow(time_ns=at(0)))
    coverage = ticking.pipeline.stream.coverage
    coverage.attached(0)
    coverage.looked("east/node-1", 1_000, 100, at(0))
    coverage.detached()
    coverage.looked("east/node-1", 1_500, 100, at(50))
    coverage.attached(at(0))
    coverage.looked("east/node-1", 2_000, 100, at(100))
    (gap,) = coverage._gaps
    (note,) = ticking.tick(100)
    assert note == Missed("east/node-1", gap.seconds, at(100))
    assert ticking.pipeline.take_gaps() == [gap]
    assert ticking.tick(101) == []


def test_clock_of_a_node_that_boots() -> None:
    """A flow that is years old on a live stream is taken for a day old: its workload is not known for years."""
    seen = Seen()
    seen.pipeline.stream.live = True
    seen.notes(flow(time_ns=at(0)))
    seen.pipeline.tick()
    (note,) = seen.notes(flow(time_ns=at(-1000 * 86_400), source=pod("web")))
    assert note.time_ns == at(-86_400)
