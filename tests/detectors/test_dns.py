"""When a cause begins and ends while flows stream, and what must never begin one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.interface import WorkloadName
from exporter.detectors.answers import NO_ASKER
from exporter.detectors.case import Case
from exporter.detectors.diagnosis import PRECEDENCE
from exporter.detectors.dns_policies import Facts
from exporter.detectors.interface import Cause, Key, Kind, Needs
from exporter.detectors.ledger import Tally
from exporter.detectors.settings import DetectorsSettings, DnsSettings
from exporter.expectations.files import load_files
from exporter.flow import Direction, Flow
from exporter.hubble.interface import Connected, Disconnected, LostEvents
from exporter.metrics import families
from tests.flows import (
    DNS_IP,
    at,
    changed,
    dns_answer,
    dns_query,
    dns_response,
    drop,
    flow,
    pod,
    remote_pod,
    udp,
    world,
)
from tests.test_pipeline import Rig

RESOLVER = remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", identity=104, labels=("k8s:k8s-app=kube-dns",))
POLICIES = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {}
  egress:
    - toFQDNs: [{matchName: www.example.org}]
"""


def to_resolver(seconds: float, **more: int) -> Flow:
    """A query that policy drops."""
    event = drop(destination=RESOLVER, destination_ip=DNS_IP, destination_port=53, time_ns=at(seconds))
    return changed(event, protocol="udp", tcp_flags=0, **more)  # type: ignore[arg-type] # a port


class Watched:
    """A pipeline, and what it says of shop/cart."""

    def __init__(self, *, live: bool = False, **settings: float) -> None:
        self.settings = DetectorsSettings(dns=DnsSettings.model_validate(settings))
        self.rig = Rig(live=live, detectors=self.settings)
        # Somewhere somebody was answered: the stream has both directions.
        self.rig.pipeline.stream.sees_replies = True

    def see(self, *events: Flow | Connected | Disconnected | LostEvents) -> None:
        """Let these happen."""
        for event in events:
            if isinstance(event, Flow):
                self.rig.wall = event.time_ns
            self.rig.pipeline.handle(event)

    def pass_until(self, seconds: float) -> None:
        """Let time pass on the stream, by a flow that says nothing of names."""
        self.see(flow(time_ns=at(seconds), source=pod("other"), source_port=int(seconds) % 60_000 + 1))

    @property
    def active(self) -> list[str]:
        """Causes that are active now."""
        return [cause.value for _, cause in self.rig.pipeline.dns.breakages]

    @property
    def starts(self) -> dict[str, int]:
        """How often each has begun."""
        return self.rig.counts(families.DNS_BREAKAGE_STARTS)


def test_a_cause_begins_when_it_has_settled_and_ends_when_it_was_quiet() -> None:
    """Not with its first evidence, but when that is so old; it ends when nothing came for so long, and counts once."""
    watched = Watched(settle=15, quiet=100)
    watched.see(to_resolver(0), to_resolver(5))
    watched.pass_until(14)
    assert watched.active == []
    watched.pass_until(16)
    assert watched.active == ["dns_blocked"]
    watched.pass_until(104)
    assert watched.active == ["dns_blocked"]
    watched.pass_until(112)
    assert watched.active == []
    assert watched.starts == {"shop cart dns_blocked": 1}


def test_it_begins_again() -> None:
    """A cause that comes back has another start."""
    watched = Watched(settle=5, quiet=20)
    for seconds in (0, 100):
        watched.see(to_resolver(seconds))
        watched.pass_until(seconds + 7)
    assert watched.starts == {"shop cart dns_blocked": 2}


@pytest.mark.parametrize(
    "passing",
    [
        lambda seconds: udp(destination=RESOLVER, destination_ip=DNS_IP, destination_port=53, time_ns=at(seconds)),
        lambda seconds: flow(destination=RESOLVER, destination_ip=DNS_IP, destination_port=53, time_ns=at(seconds)),
        lambda seconds: dns_query(time_ns=at(seconds)),
        lambda seconds: dns_query(time_ns=at(seconds), verdict=2),
    ],
    ids=["UDP", "TCP", "a query", "a refused query"],
)
def test_a_query_that_passes_refutes_what_was_dropped(passing: Callable[[float], Flow]) -> None:
    """Whatever the transport, and even if the proxy refuses it then: port 53 is not blocked."""
    watched = Watched(settle=15)
    watched.see(to_resolver(0), to_resolver(5))
    watched.pass_until(20)
    assert watched.active == ["dns_blocked"]
    watched.see(passing(22))
    watched.pass_until(28)
    assert "dns_blocked" not in watched.active


def test_an_older_packet_refutes_nothing() -> None:
    """Flows of several nodes come out of order: what passed before the drop does not end it."""
    watched = Watched(settle=0)
    watched.see(to_resolver(5), dns_query(time_ns=at(-40)))
    watched.pass_until(10)
    assert watched.active == ["dns_blocked"]


def test_silence_ends_causes_too() -> None:
    """On a live stream on which nothing arrives time passes by our own clock."""
    watched = Watched(live=True, settle=0, quiet=60)
    watched.see(Connected("relay"), to_resolver(0))
    watched.rig.wall = at(5)
    watched.rig.pipeline.tick()
    assert watched.active == ["dns_blocked"]
    watched.rig.wall = at(70)
    watched.rig.pipeline.tick()
    assert watched.active == []


def _ask(watched: Watched, number: int, start: float = 0) -> None:
    for one in range(number):
        watched.see(dns_query(time_ns=at(start + one * 2), source_port=1000 + one))


def test_unanswered() -> None:
    """Queries without a response are counted, and are a breakage from so many on."""
    watched = Watched(settle=0)
    _ask(watched, 4)
    watched.pass_until(60)
    assert watched.rig.counts(families.DNS_FAILURES) == {"shop cart unanswered": 4}
    assert watched.active == []
    _ask(watched, 1, start=61)
    watched.pass_until(120)
    assert watched.active == ["unanswered"]


def test_a_cut_makes_nothing_unanswered() -> None:
    """While the stream is cut answers come and nobody listens."""
    watched = Watched(settle=0)
    _ask(watched, 5)
    watched.see(Disconnected("UNAVAILABLE", "connection_refused", ""))
    watched.pass_until(60)
    assert watched.rig.counts(families.DNS_FAILURES) == {}


def test_no_silence_is_told_of_a_node_that_loses_flows() -> None:
    """Hubble lost events of this node: a missing answer may be among them, known before or afterwards."""
    watched = Watched(settle=0)
    watched.pass_until(1)
    _ask(watched, 5, start=2)
    watched.see(LostEvents("hubble_ring_buffer", 7, "east/node-1"))
    watched.pass_until(60)
    assert watched.rig.counts(families.DNS_FAILURES) == {}
    late = Watched(settle=60)
    late.pass_until(1)
    _ask(late, 6, start=2)
    late.pass_until(55)
    assert late.rig.counts(families.DNS_FAILURES) == {"shop cart unanswered": 6}
    late.see(LostEvents("hubble_ring_buffer", 7, "east/node-1"))
    late.pass_until(100)
    assert late.active == []
    other = Watched(settle=0)
    other.see(LostEvents("hubble_ring_buffer", 7, "east/node-2"))
    _ask(other, 6, start=2)
    other.pass_until(60)
    assert other.active == ["unanswered"]


def _answers(watched: Watched, name: str, rcodes: str, start: float = 0) -> None:
    for number, rcode in enumerate(rcodes):
        watched.see(dns_response(name, int(rcode), time_ns=at(start + number)))


def test_a_few_failures_among_many_answers() -> None:
    """Five names fail once each: of fifty answers that is a tenth and a breakage, of sixty it is not."""
    for others, causes in ((44, ["servfail"]), (54, [])):
        watched = Watched(settle=0)
        for number in range(5):
            _answers(watched, f"n{number}.example.com.", "2", start=number)
        _answers(watched, "good.example.com.", "0" * others, start=10)
        watched.see(dns_response("n9.example.com.", 9, time_ns=at(100)))
        watched.rig.pipeline.dns.reconsider()
        watched.pass_until(110)
        assert watched.active == causes, others


def test_a_name_that_fails_now_and_then() -> None:
    """A name that fails as often as it is answered is broken, one that fails less often is not, among many others."""
    for rcodes, causes in (("20" * 5, ["servfail"]), ("200" * 5, [])):
        watched = Watched(settle=0, failure_share=0.5)
        _answers(watched, "good.example.com.", "0" * 50)
        _answers(watched, "flaky.example.com.", rcodes, start=60)
        watched.rig.pipeline.dns.reconsider()
        watched.pass_until(100)
        assert watched.active == causes, rcodes


def test_latency_is_by_namespace() -> None:
    """From query to response, and of a response without a query nothing."""
    watched = Watched()
    watched.see(dns_query(time_ns=at(0)), dns_response(time_ns=at(0.02)), dns_response(time_ns=at(1)))
    (histogram,) = watched.rig.recorder.latency.histograms.values()
    assert sum(histogram.counts) == 1
    assert histogram.total == pytest.approx(0.02)


def test_a_resolver_fails_for_others() -> None:
    """What a resolver asks is asked for its clients: it is neither failing nor unanswered itself."""
    watched = Watched(settle=0)
    for number in range(8):
        event = dns_query(time_ns=at(number), source=RESOLVER, source_port=number + 1)
        watched.see(event, changed(dns_response(rcode=2, time_ns=at(number)), destination=RESOLVER))
    watched.pass_until(60)
    assert watched.active == []


def test_policies_that_come_later() -> None:
    """When policies are read, what was inferred is judged anew: here they mean the block."""
    watched = Watched(settle=0)
    watched.see(dns_answer("api.example.com.", "93.184.216.34", ttl=60, time_ns=at(0)), drop(time_ns=at(1)))
    watched.pass_until(5)
    assert watched.active == ["egress_denied_after_dns"]


def test_policies_are_reconsidered(tmp_path: Path) -> None:
    """Other policies mean another judgement, without another flow of the workload."""
    watched = Watched(settle=0)
    watched.see(dns_answer("api.example.com.", "93.184.216.34", ttl=60, time_ns=at(0)), drop(time_ns=at(1)))
    watched.pass_until(5)
    (tmp_path / "cart.yaml").write_text(POLICIES)
    pipeline = watched.rig.pipeline
    pipeline.expectations.replace(load_files([str(tmp_path)]))
    pipeline.dns.reconsider()
    watched.pass_until(10)
    assert watched.active == []
    (suspect,) = pipeline.dns.workloads
    assert pipeline.dns.diagnosis(suspect, at(10)).intended_blocks == 1


def test_many_addresses_are_judged_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who tries ever new addresses does not make each step ask all policies again for each of his ports."""
    (tmp_path / "cart.yaml").write_text(POLICIES)
    watched, asked = Watched(settle=0), list[Key]()
    detector = watched.rig.pipeline.dns
    watched.rig.pipeline.expectations.replace(load_files([str(tmp_path)]))
    ask = detector._policies.of_drop

    def of_drop(workload: WorkloadName, event: Flow, key: Key) -> Facts:
        asked.append(key)
        return ask(workload, event, key)

    monkeypatch.setattr(detector._policies, "of_drop", of_drop)
    for seconds in (1, 5):
        for port in range(30):
            watched.see(drop(time_ns=at(seconds), destination_port=port + 1, destination_ip=f"192.0.2.{seconds}"))
        asked.clear()
        (suspect,) = detector.workloads
        assert detector.diagnosis(suspect, at(seconds)).findings
        assert len(asked) == (30 if seconds == 1 else 4)


def test_nameless_drops_need_policies() -> None:
    """Without policies a drop to an address without a name is no evidence, and takes no room."""
    watched = Watched()
    watched.see(drop(time_ns=at(1)), drop(time_ns=at(2), destination=world("cidr:93.184.0.0/16")))
    assert watched.rig.pipeline.dns.workloads == []


def test_the_gauge_is_off_by_default() -> None:
    """Failing names have a gauge for who asks for it, over the window: names, not failures, and no expansion."""
    failing = [
        dns_response(name, 3, time_ns=at(seconds))
        for seconds, name in enumerate(
            ("a.example.com.", "a.example.com.", "b.example.com.", "c.example.com.cluster.local.")
        )
    ]
    quiet, asked = Watched(), Watched(failing_names_gauge=True, window=60)
    for watched in (quiet, asked):
        watched.see(*failing)
    assert quiet.rig.pipeline.dns.gauge(at(10)) == {}
    assert [*asked.rig.pipeline.dns.gauge(at(10)).values()] == [2]
    assert asked.rig.pipeline.dns.gauge(at(100)) == {}


def test_many_workloads_are_looked_at_step_by_step() -> None:
    """A step judges 250 pieces of evidence, and the steps after it go on with the rest, every five seconds."""
    watched = Watched(settle=0)
    watched.see(*(changed(to_resolver(0), source=pod(f"w{number}")) for number in range(600)))
    seen = []
    for seconds in (6, 11, 16):
        watched.pass_until(seconds)
        seen.append(len(watched.active))
    assert seen == [250, 500, 600]


NAMES = st.sampled_from(
    ("a.example.com.", "b.example.com.", "a.example.com.shop.svc.cluster.local.", "x.arpa.", ".", "")
)
EVENTS = st.one_of(
    st.builds(dns_query, NAMES, verdict=st.sampled_from((1, 2, 3))),
    st.builds(dns_response, NAMES, st.sampled_from((0, 2, 3, 5, 9))),
    st.builds(lambda name: dns_answer(name, "93.184.216.34", ttl=5), NAMES),
    st.builds(lambda reason: drop(drop_reason=reason), st.sampled_from((0, 133, 181, 151, 155, 9999))),
    st.builds(lambda port: to_resolver(0, source_port=port), st.integers(1, 9)),
    st.builds(lambda direction: changed(to_resolver(0), direction=direction), st.sampled_from(Direction)),
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 30)), max_size=40), st.booleans())
def test_property_a_piece_of_evidence_has_one_cause(events: list[tuple[Flow, int]], with_names: bool) -> None:
    """Whatever happens in whatever order: no failure, no cause without evidence, and no evidence of two causes."""
    watched = Watched(settle=0, failures=2)
    for event, seconds in events:
        names = ("a.example.com",) if with_names else ()
        watched.see(changed(event, time_ns=at(seconds), destination_names=names))
    detector = watched.rig.pipeline.dns
    for workload in detector.workloads:
        keys = {tally.key for tally in detector.watch.ledger.of(workload).values()}
        found = [one.key for finding in detector.diagnosis(workload, at(31)).findings for one in finding.evidence]
        assert len(found) == len(set(found))
        assert set(found) <= keys


def test_what_needs_policies_claims_nothing_without() -> None:
    """Causes that need policies are silent where none was read, whatever the evidence."""
    keys = [Key(kind, name="a.example.com", is_stale=stale) for kind in Kind for stale in (False, True)]
    tallies = []
    for key in keys:
        tallies.append(Tally(key, drop(), 5))
        for _ in range(5):
            tallies[-1].add(drop())
    by_kind = {kind: [one for one in tallies if one.key.kind is kind] for kind in Kind}
    case = Case(by_kind, {}, NO_ASKER, dns_visible=False, settings=DnsSettings())
    silent = {cause for cause, _, find in PRECEDENCE if not list(find(case))}
    assert silent == {cause for cause, needs, _ in PRECEDENCE if needs is Needs.POLICIES} | {
        Cause.DNS_TCP_BLOCKED,
        Cause.SEARCH_SUFFIX_REFUSED,
        Cause.AUTOPATH,
    }, "the last three want a query by UDP, and an expansion"


def test_kinds_of_evidence_have_words() -> None:
    """Each kind and each cause is a text that people read, once."""
    assert len({kind.value for kind in Kind}) == len(Kind)
    assert len({cause.value for cause in Cause}) == len(Cause) == 20


def test_time_before_the_first_flow() -> None:
    """Ticks before the first flow are no time: the years up to it are not made of steps, whatever is pending then."""
    rig = Rig(live=True)
    rig.pipeline.handle(Connected("relay", "1.19.0"))
    rig.pipeline.tick()
    assert rig.pipeline._noticing.due_ns == 0
    rig.pipeline.handle(dns_query(time_ns=at(0)))
    rig.pipeline.handle(dns_query("other.example.com.", time_ns=at(1), source_port=999))
    assert rig.pipeline._noticing.due_ns == at(1)
