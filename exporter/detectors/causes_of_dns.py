"""Why a name is not resolved: one small function for each cause.

A function takes the evidence that nobody before it has claimed, and claims what supports its cause. All of these need
flows alone, and their claims are `inferred`; where policies were read and agree, drops and refusals are `confirmed`.
"""

from collections.abc import Iterator

from exporter.detectors.answers import Result
from exporter.detectors.case import Case, Claim, judged
from exporter.detectors.drop_kinds import TRANSIENT_REASONS
from exporter.detectors.interface import Kind

_FEW_DROPS = 3
"""One packet and what is sent again of it."""
_BETWEEN_QUERIES_NS = 30 * 1_000_000_000
_RETRY_NS = 4 * 1_000_000_000
"""Clients ask again after five seconds."""
_MOMENT_NS = 60 * 1_000_000_000
"""Pods that come and go leave drops behind for less than that."""


def infrastructure(case: Case) -> Iterator[Claim]:
    """Drops that no policy explains; those of pods that come and go only when they do not end."""
    window_ns = int(case.settings.window * 1e9)
    for tally, _ in case.of(Kind.DROP_OTHER):
        lasts = tally.last.time_ns - tally.first.time_ns >= _MOMENT_NS
        often = tally.is_frequent(window_ns, _FEW_DROPS)
        if often and (lasts or tally.last.drop_reason not in TRANSIENT_REASONS):
            yield Claim(tally)


def upstream_blocked(case: Case) -> Iterator[Claim]:
    """Policy drops what the resolver itself asks of others."""
    return _by_policy(case, Kind.DROP_OF_RESOLVER)


def resolver_ingress_blocked(case: Case) -> Iterator[Claim]:
    """Policy lets the query leave, and drops it at the resolver; the queries that are not answered are its effect."""
    at_resolver = [Claim(tally) for tally, _ in case.of(Kind.DROP_AT_RESOLVER)]
    yield from at_resolver
    if at_resolver:
        yield from (Claim(tally) for tally, _ in case.of(Kind.UNANSWERED, Kind.PROXY_ERROR))


def dns_tcp_blocked(case: Case) -> Iterator[Claim]:
    """Policy drops queries by TCP, and those by UDP pass."""
    dropped = list(_by_policy(case, Kind.DROP_TO_RESOLVER))
    if "udp" in case.asker.passed_ns and all(claim.tally.key.protocol == "tcp" for claim in dropped):
        yield from dropped


def dns_blocked(case: Case) -> Iterator[Claim]:
    """Policy drops queries, and none has passed since by any transport: one that passes refutes what was before."""
    passed_ns = max(case.asker.passed_ns.values(), default=0)
    for claim in _by_policy(case, Kind.DROP_TO_RESOLVER):
        first, last = claim.tally.first, claim.tally.last
        # One that is lost among many that pass is no blockade.
        if first.time_ns - passed_ns >= _BETWEEN_QUERIES_NS or last.time_ns - first.time_ns >= _RETRY_NS:
            yield claim


def query_refused(case: Case) -> Iterator[Claim]:
    """The proxy refused a name: a DNS rule exists that does not cover it. Its expansions are refused with it."""
    names = {tally.key.name for tally, _ in case.of(Kind.REFUSED_QUERY) if not tally.key.asked_as}
    return (claim for claim in _refusals(case) if claim.tally.key.name in names)


def search_suffix_refused(case: Case) -> Iterator[Claim]:
    """The proxy refused expansions of a name, and the name itself was never asked: the search ended there."""
    return (claim for claim in _refusals(case) if claim.tally.key.asked_as)


def upstream_refused(case: Case) -> Iterator[Claim]:
    """The server itself answered REFUSED."""
    return (Claim(tally) for tally, _ in case.of(Kind.REFUSED_ANSWER))


def proxy_error(case: Case) -> Iterator[Claim]:
    """The proxy could not forward queries."""
    return case.often(Kind.PROXY_ERROR, Result.PROXY_ERROR)


def servfail(case: Case) -> Iterator[Claim]:
    """The server answered SERVFAIL."""
    return case.often(Kind.SERVFAIL, Result.SERVFAIL)


def nxdomain(case: Case) -> Iterator[Claim]:
    """The same name does not exist, again and again.

    Many names that do not exist once are no fault: lists of blocked senders are asked so.
    """
    window_ns = int(case.settings.window * 1e9)
    return (Claim(tally) for tally, _ in case.of(Kind.NXDOMAIN) if tally.is_frequent(window_ns))


def unanswered(case: Case) -> Iterator[Claim]:
    """Nobody answers."""
    return case.often(Kind.UNANSWERED, Result.UNANSWERED)


def _by_policy(case: Case, kind: Kind) -> Iterator[Claim]:
    """Drops of packets to port 53."""
    return (judged(tally, facts) for tally, facts in case.of(kind))


def _refusals(case: Case) -> Iterator[Claim]:
    return (judged(tally, facts) for tally, facts in case.of(Kind.REFUSED_QUERY))
