"""Queries whose response is awaited: latency, silence, and what must not be called unanswered."""

import pytest

from exporter.destinations.interface import WorkloadName
from exporter.detectors.answers import NO_ASKER, Askers, Result
from exporter.detectors.awaited import Awaited, Query
from exporter.flow import Flow
from exporter.window import WindowStats
from tests.flows import at, changed, dns_of, dns_query, dns_response

WEB, CART = WorkloadName("shop", "web"), WorkloadName("shop", "cart")


def _ask(awaited: Awaited, event: Flow) -> None:
    awaited.asked(Query(event, WEB, "api.example.com", is_expansion=False), dns_of(event))


def _answer(awaited: Awaited, event: Flow) -> float | None:
    return awaited.answered(event, dns_of(event))


def test_latency() -> None:
    """A response ends the wait, and takes as long as lies between both; a second one is of no query."""
    awaited = Awaited(10, 10)
    _ask(awaited, dns_query(time_ns=at(0)))
    assert _answer(awaited, dns_response(time_ns=at(0.25))) == pytest.approx(0.25)
    assert _answer(awaited, dns_response(time_ns=at(0.3))) is None
    assert list(awaited.expired(at(60))) == []


def test_the_same_query_again() -> None:
    """What is sent again is the same query: it waits since the first time, and is unanswered once."""
    awaited = Awaited(10, 10)
    _ask(awaited, dns_query(time_ns=at(0)))
    _ask(awaited, dns_query(time_ns=at(5)))
    assert [query.flow.time_ns for query in awaited.expired(at(40))] == [at(0)]
    assert list(awaited.expired(at(60))) == []


@pytest.mark.parametrize(
    "other",
    [
        dns_response("www.example.com."),
        changed(dns_response(), destination_port=40_001),
        changed(dns_response(), destination_ip="10.0.1.6"),
        changed(dns_response(), source_ip="10.0.9.8"),
    ],
    ids=["another name", "another port", "another pod", "another resolver"],
)
def test_responses_of_others(other: Flow) -> None:
    """A response to something else leaves the query waiting."""
    awaited = Awaited(10, 10)
    _ask(awaited, dns_query(time_ns=at(0)))
    assert _answer(awaited, changed(other, time_ns=at(1))) is None
    assert awaited.stats().entries == 1


def test_types_are_queries_of_their_own() -> None:
    """A and AAAA of one name are asked from one port, and each has its response."""
    awaited = Awaited(10, 10)
    _ask(awaited, dns_query("api.example.com.", "A", time_ns=at(0)))
    _ask(awaited, dns_query("api.example.com.", "AAAA", time_ns=at(0)))
    assert _answer(awaited, dns_response(time_ns=at(1))) == pytest.approx(1)
    assert len(list(awaited.expired(at(40)))) == 1


def test_what_has_an_end_is_not_unanswered() -> None:
    """An error of the proxy ends the wait, and what was asked before a cut of the stream is never called unanswered."""
    awaited = Awaited(10, 10)
    failed = dns_query(time_ns=at(0))
    _ask(awaited, failed)
    awaited.failed(failed, dns_of(failed))
    _ask(awaited, dns_query(time_ns=at(1), source_port=1))
    _ask(awaited, dns_query(time_ns=at(2), source_port=2))
    awaited.cut(at(1))
    assert [query.flow.source_port for query in awaited.expired(at(60))] == [2]


def test_latency_across_a_cut() -> None:
    """A response that comes when the stream goes on has its latency all the same."""
    awaited = Awaited(10, 10)
    _ask(awaited, dns_query(time_ns=at(0)))
    awaited.cut(at(0))
    assert _answer(awaited, dns_response(time_ns=at(3))) == pytest.approx(3)


def test_bound() -> None:
    """A query that finds no room is not awaited, so that nobody calls it unanswered, and is counted."""
    awaited = Awaited(2, 10)
    for port in range(5):
        _ask(awaited, dns_query(time_ns=at(0), source_port=port))
    assert awaited.stats() == WindowStats(2, 2, 3)
    assert len(list(awaited.expired(at(40)))) == 2


def test_shares() -> None:
    """The share of failures is that of this window and the one before; older ones have left."""
    askers = Askers(10, 100)
    for seconds, result in (
        (0, Result.SERVFAIL),
        (50, Result.ANSWERED),
        (110, Result.ANSWERED),
        (120, Result.SERVFAIL),
    ):
        askers.got(WEB, result, at(seconds))
    assert askers.of(WEB).number() == 4
    assert askers.of(WEB).share(Result.SERVFAIL) == pytest.approx(0.5)
    askers.got(WEB, Result.ANSWERED, at(210))
    assert (askers.of(WEB).number(), askers.of(WEB).number(Result.SERVFAIL)) == (3, 1)
    askers.got(WEB, Result.ANSWERED, at(500))
    assert askers.of(WEB).number() == 1
    assert askers.of(CART) is NO_ASKER
    assert NO_ASKER.share(Result.SERVFAIL) == 0


def test_passed() -> None:
    """The last time by each transport is known, whatever comes late; the workload that asked least lately leaves."""
    askers = Askers(2, 100)
    askers.passed(WEB, dns_query(time_ns=at(5)))
    askers.passed(WEB, dns_query(time_ns=at(3)))
    askers.passed(WEB, dns_query(time_ns=at(4), protocol="tcp"))
    assert askers.of(WEB).passed_ns == {"udp": at(5), "tcp": at(4)}
    askers.passed(CART, dns_query(time_ns=at(6)))
    askers.passed(WEB, dns_query(time_ns=at(7)))
    askers.passed(WorkloadName("shop", "db"), dns_query(time_ns=at(8)))
    assert askers.of(CART) is NO_ASKER
    assert askers.stats() == WindowStats(2, 2, 1)


def test_clocks_of_nodes() -> None:
    """A query waits by the clock of its own node; another node's time counts when it is half a minute ahead."""
    awaited = Awaited(10, 10)
    _ask(awaited, dns_query(time_ns=at(0), source_port=1))
    assert list(awaited.expired(at(39))) == []
    _ask(awaited, dns_query(time_ns=at(11), source_port=2))
    assert [query.flow.source_port for query in awaited.expired(at(39))] == [1]
    assert [query.flow.source_port for query in awaited.expired(at(51))] == [2]


def test_many_answered_queries_leave_nothing_behind() -> None:
    """What was answered takes no room, however many there are before time passes."""
    awaited = Awaited(5, 10)
    for port in range(1000):
        _ask(awaited, dns_query(time_ns=at(0), source_port=port))
        _answer(awaited, changed(dns_response(time_ns=at(0)), destination_port=port))
    assert len(awaited._by_time) <= 20
