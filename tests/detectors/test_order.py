"""Evidence that comes late, from clocks that differ, or that later evidence outweighs, misleads no detector."""

from exporter.destinations.interface import WorkloadName
from exporter.detectors.awaited import Awaited, Query
from exporter.detectors.interface import Key, Kind
from exporter.detectors.ledger import Ledger
from exporter.hubble.interface import Connected
from tests.detectors.test_dns import Watched
from tests.flows import WORLD_IP, at, dns_answer, dns_of, dns_query, dns_response, drop, flow, pod


def test_ledger_expires_what_came_late() -> None:
    """Evidence that is older than what came before it is forgotten at its time all the same."""
    ledger, who = Ledger(10, 10, 5), WorkloadName("shop", "web")
    for name, seconds in (("new", 1000), ("old", 500)):
        ledger.add(who, Key(Kind.NXDOMAIN, name=name), flow(time_ns=at(seconds)))
    ledger.expire(at(600))
    assert [key.name for key in ledger.of(who)] == ["new"]


def test_awaited_expires_what_came_late() -> None:
    """A query with a time ahead does not keep those behind it waiting."""
    awaited = Awaited(10, 10)
    for name, seconds in (("ahead.", 600), ("now.", 0)):
        asked = dns_query(name, time_ns=at(seconds))
        awaited.asked(Query(asked, WorkloadName("shop", "web"), name, is_expansion=False), dns_of(asked))
    assert [one.name for one in awaited.expired(at(100))] == ["now."]


def test_live_clock_ahead() -> None:
    """A node whose clock is 20 s ahead makes no alarm of others' queries that a tick finds in flight."""
    watched = Watched(live=True, settle=0)
    watched.rig.pipeline.handle(Connected("relay"))
    for t in range(60):
        name, port = f"n{t % 3}.example.com.", 41000 + t
        watched.rig.wall = at(t)
        watched.rig.pipeline.handle(
            flow(time_ns=at(t + 20), node_name="east/node-9", source=pod("other"), source_port=50000 + t)
        )
        watched.rig.pipeline.handle(dns_query(name, time_ns=at(t + 0.1), source_port=port))
        watched.rig.wall = at(t + 0.5)
        watched.rig.pipeline.tick()
        watched.rig.pipeline.handle(
            dns_answer(name, "1.2.3.4", ttl=3, source_port=53, destination_port=port, time_ns=at(t + 0.7))
        )
    assert watched.active == []


def test_live_syn_sent_again_passes() -> None:
    """A SYN that is dropped and passes a second later raises no alarm, neither at 15 s nor for 15 minutes."""
    watched = Watched(settle=15)
    watched.see(dns_answer("api.example.com.", WORLD_IP, ttl=60, source_port=53, time_ns=at(0)))
    watched.see(drop(time_ns=at(1)), flow(time_ns=at(2)), flow(time_ns=at(3), source_port=40001))
    watched.pass_until(20)
    assert watched.active == []


def test_metric_and_api_agree() -> None:
    """Once 300 answers have made five SERVFAIL a low share, neither the API nor the metric tells of them."""
    watched = Watched(settle=0)
    for t in range(5):
        watched.see(dns_response("api.example.com.", 2, source_port=53, destination_port=40000 + t, time_ns=at(t)))
    watched.pass_until(10)
    for t in range(300):
        watched.see(
            dns_answer(
                "api.example.com.",
                "1.2.3.4",
                ttl=3,
                source_port=53,
                destination_port=41000 + t,
                time_ns=at(11 + t / 10),
            )
        )
    watched.pass_until(50)
    dns = watched.rig.pipeline.dns
    assert watched.active == [one.cause.value for one in dns.diagnosis(dns.workloads[0], at(50)).findings]
