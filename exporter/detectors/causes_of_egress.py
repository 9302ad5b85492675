"""Why a name is resolved and not reached: one small function for each cause.

As in `causes_of_dns`. Those that say `confirmed` need policies; the others do without, and are then `inferred`.
"""

from collections.abc import Iterator

from exporter.detectors.case import Case, Claim, confirmed
from exporter.detectors.dns_policies import Facts
from exporter.detectors.drop_kinds import POLICY_DENY
from exporter.detectors.interface import Kind
from exporter.detectors.ledger import Tally

_OUTSIDE = frozenset({Kind.DROP_NAMED, Kind.DROP_NAMELESS})


def intended(case: Case) -> Iterator[Claim]:
    """Policies that were read deny it, and nobody declared or nearly declared that it is wanted: no breakage."""
    for tally, facts in case.of(Kind.DROP_NAMED, Kind.DROP_NAMELESS, Kind.DROP_TO_RESOLVER, Kind.DROP_OF_RESOLVER):
        if facts.denies or (tally.key.kind in _OUTSIDE and facts.is_read and not _is_missed(tally, facts, case)):
            yield Claim(tally)
    for tally, facts in case.of(Kind.REFUSED_QUERY):
        if facts.is_read and not facts.allows and not facts.is_wanted:
            yield Claim(tally)


def visibility_missing(case: Case) -> Iterator[Claim]:
    """A rule allows names on this port, and the proxy does not see this workload's DNS: it can never match."""
    for tally, facts in case.of(Kind.DROP_NAMELESS):
        if _is_unseen(tally, facts, case) and not facts.allows:
            # Packets that pass and of which no name is seen are the proof; without them DNS was perhaps not used.
            yield confirmed(tally, facts) if case.asker.passed_ns else Claim(tally, notes=facts.says)


def autopath(case: Case) -> Iterator[Claim]:
    """The resolver answered a name with a search suffix behind it, and only that form is known of the address."""
    for tally, facts in _named(case):
        if tally.key.asked_as and (facts.allows_by_name or not facts.is_read) and not _is_denied(tally):
            yield confirmed(tally, facts) if facts.is_read else Claim(tally)


def port_not_covered(case: Case) -> Iterator[Claim]:
    """A rule covers the name, on other ports."""
    return (confirmed(tally, facts) for tally, facts in _named(case) if facts.allows_other_port and not facts.allows)


def cname_not_covered(case: Case) -> Iterator[Claim]:
    """A rule covers a name that the answer leads to, and none covers the one that was asked: Cilium looks at that."""
    return (confirmed(tally, facts) for tally, facts in _named(case) if facts.allowed_cname and not facts.allows)


def name_not_covered(case: Case) -> Iterator[Claim]:
    """No rule covers the name, and somebody wants it: an allowlist, or a rule for the same domain."""
    return (confirmed(tally, facts) for tally, facts in _named(case) if facts.is_wanted and not facts.allows)


def stale_address(case: Case) -> Iterator[Claim]:
    """The address was the name's, and the answer's time to live was over."""
    for tally, facts in _named(case):
        if tally.key.is_stale and (facts.allows_by_name or not facts.is_read) and not _is_denied(tally):
            sure = facts.is_read and tally.key.is_forgotten
            yield confirmed(tally, facts) if sure else Claim(tally, notes=facts.says)


def still_world(case: Case) -> Iterator[Claim]:
    """A rule covers name and port, the answer is fresh, and yet the address has the identity of the world."""
    for tally, facts in _named(case):
        # An identity of its own, by a name or (before 1.16) by its address, is not that of the world.
        known = any(label.startswith(("fqdn:", "cidr:")) for label in tally.last.destination.labels)
        if facts.allows_by_name and not known and not tally.key.is_stale and not _is_denied(tally):
            yield confirmed(tally, facts)


def egress_denied_after_dns(case: Case) -> Iterator[Claim]:
    """The name was answered and the connection to the answer is dropped; nothing more can be told."""
    return (Claim(tally, notes=facts.says) for tally, facts in _named(case))


def _named(case: Case) -> Iterator[tuple[Tally, Facts]]:
    return case.of(Kind.DROP_NAMED)


def _is_missed(tally: Tally, facts: Facts, case: Case) -> bool:
    """Whether somebody wants it to pass, or a rule is there for it that cannot match."""
    wanted = facts.allows or facts.allows_other_port or facts.allowed_cname or facts.is_wanted
    return bool(wanted) or _is_unseen(tally, facts, case)


def _is_unseen(tally: Tally, facts: Facts, case: Case) -> bool:
    """Whether a rule waits for names that nobody hands to the proxy."""
    nameless = tally.key.kind is Kind.DROP_NAMELESS
    return nameless and bool(facts.names_on_port) and not facts.sees_names and not case.dns_visible


def _is_denied(tally: Tally) -> bool:
    """Whether a deny rule says so, read or not: then neither the agent nor the client is at fault."""
    return tally.last.drop_reason == POLICY_DENY
