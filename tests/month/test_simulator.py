"""The simulated month is the same for the same seed, quiet while it is learnt, and as large as it may be."""

from itertools import zip_longest

import pytest

from tests.flows import BASE
from tests.month.cast import MEMBERS
from tests.month.digest import MINUTES, Digest, domain
from tests.month.simulator import END_NS, Month

NAMES = [member.name for member in MEMBERS]
_ODD = {"vault", "plugin-updates"}


def test_the_same_seed_tells_the_same_story() -> None:
    """Two months of one seed have equal flows, one by one."""
    pairs = zip_longest(Month(5).flows(), Month(5).flows())
    assert all(one == other for one, other in pairs)


def test_another_seed_tells_another_story() -> None:
    """Already the first flows differ."""
    one, other = Month(5).flows(), Month(6).flows()
    assert [next(one) for _ in range(50)] != [next(other) for _ in range(50)]


@pytest.mark.parametrize("seed", [0, 8])
def test_the_size_is_bounded_whatever_the_seed(seed: int) -> None:
    """A month is large enough to mean something and small enough to be played often."""
    assert 300_000 < sum(1 for _ in Month(seed).flows()) <= 400_000


def test_flows_come_in_order_of_time(digest: Digest) -> None:
    """No flow is older than the one before it, and none is outside the fifty days."""
    assert digest.disorder == 0
    assert BASE < digest.last_ns < END_NS


def test_nodes_are_never_silent(digest: Digest) -> None:
    """Each of the three nodes says something in any ten minutes: silence would be a gap."""
    assert len(digest.silence) == 3
    assert max(digest.silence.values()) <= 10 * MINUTES


def test_learning_sees_no_restart(digest: Digest) -> None:
    """Fourteen workloads, and no pod of them starts before day 18; only the weekly job does."""
    starts = [life for life in digest.lives.values() if 1 < life.first < 18]
    assert {life.workload for life in digest.lives.values()} == {*NAMES, "plugin-updates"}
    assert len(NAMES) == 14
    assert {life.workload for life in starts} == {"plugin-updates"}
    assert [int(life.first) for life in starts] == [3, 10, 17]


@pytest.mark.parametrize("workload", sorted(set(NAMES) - _ODD))
def test_learning_shows_a_workload_whole_in_a_week(digest: Digest, workload: str) -> None:
    """Between day 7 and day 18 no workload goes to a domain and port for the first time, but the unbounded one."""
    first: dict[tuple[str, int], float] = {}
    for syn in digest.of(workload):
        if len(syn.names) == 1:
            first.setdefault((domain(syn.names[0]), syn.port), syn.day)
    assert first
    assert [key for key, day in first.items() if 7 < day < 18] == []


def test_queries_look_as_pods_ask(digest: Digest) -> None:
    """There are AAAA queries with and without addresses, and expansions that do not exist."""
    answers = [one.dns for one in digest.asked if one.is_answer]
    aaaa = [dns for dns in answers if dns.qtypes == ("AAAA",)]
    assert {bool(dns.ips) for dns in aaaa} == {True, False}
    assert {dns.rcode for dns in answers if dns.query.endswith("example.svc.cluster.local.")} == {3}
    assert any(":" in syn.ip for syn in digest.syns)


def test_some_domains_have_names_without_end(digest: Digest) -> None:
    """A workload reaches hundreds of names below one registered domain."""
    names = {name for _, name in digest.queries("mediaserver") if name.endswith(".covers.example.com")}
    assert len(names) > 200
    assert {domain(name) for name in names} == {"example.com"}


def test_a_long_connection_has_one_syn(digest: Digest) -> None:
    """The bridge connects to its broker about twice a day, and packets of the connection come all the time."""
    syns = [syn for syn in digest.of("bridge") if syn.port == 8883]
    assert 80 <= len(syns) <= 110


def test_without_dns_nothing_has_a_name() -> None:
    """The same month has the same connections, at the same times, and nothing that a name could be read from."""
    packets = (flow for flow in Month(4).flows() if flow.l7 is None and flow.destination_port != 53)
    for named, nameless in zip_longest(packets, Month(4, dns=False).flows()):
        assert nameless.destination_names == nameless.source_names == ()
        assert nameless.l7 is None
        assert nameless.destination_port != 53
        assert nameless.source_port != 53
        named.destination_names = ()
        assert named == nameless
