"""What the policies that were read say of a dropped connection or a refused query, worked out once for each."""

from collections.abc import Iterable
from typing import NamedTuple

from exporter.destinations.directory import Destinations
from exporter.destinations.dns_answers import Given
from exporter.destinations.domains import registered_domain
from exporter.destinations.interface import Destination, WorkloadName
from exporter.detectors.interface import Key
from exporter.expectations.asked import target_of_name
from exporter.expectations.contacts import target_called
from exporter.expectations.enforced import Enforced
from exporter.expectations.expectations import Expectations
from exporter.expectations.interface import YES, Answer, Expectation
from exporter.expectations.outside_peers import NamePeer
from exporter.expectations.question import Target
from exporter.flow import Flow


class Facts(NamedTuple):
    """What is known from policies; `is_read` is false where none applies or the answer is open: then nothing else is.

    `allows`: name and port together. `is_wanted`: by somebody who enforces nothing, or a rule comes near: it names the
    same domain.
    """

    is_read: bool = False
    denies: bool = False
    allows: bool = False
    allows_by_name: bool = False
    allows_other_port: bool = False
    allowed_cname: str = ""
    is_wanted: bool = False
    names_on_port: tuple[str, ...] = ()
    """Selectors of `toFQDNs` on this port."""
    sees_names: bool = False
    """Whether a DNS rule hands this workload's queries to the proxy."""
    says: tuple[str, ...] = ()
    """The same for people."""


UNREAD = Facts()


class PolicyFacts:
    """Asks the expectations. Not thread-safe: the pipeline owns what it reads."""

    def __init__(self, expectations: Expectations, destinations: Destinations) -> None:
        self._expectations, self._destinations = expectations, destinations

    def of_drop(self, workload: WorkloadName, flow: Flow, key: Key) -> Facts:
        """Of a connection that was dropped, wherever it went.

        An address may have several names: one that is allowed on this port is enough, as it is for Cilium.
        """
        enforced = self._expectations.enforced(flow, workload)
        if enforced is None:
            return UNREAD
        given = self._destinations.dns.given(flow)
        others = (one.name for one in given if not one.ended and one.name != key.name) if key.name else ()
        facts = self._of_name(workload, flow, key, enforced, given)
        for name in others:
            other = self._of_name(workload, flow, key._replace(name=name), enforced, given)
            if other.allows_by_name and not facts.allows:
                return other._replace(says=(f"the address is also that of {name}", *other.says))
        return facts

    def _of_name(
        self, workload: WorkloadName, flow: Flow, key: Key, enforced: Enforced, given: tuple[Given, ...]
    ) -> Facts:
        destination = self._destinations.destination_of(flow, workload)
        target = self._target(flow, destination, key)
        answer = enforced.answer(target, key.protocol, key.port)
        if answer.expectation in (Expectation.UNDECIDED, Expectation.NOT_COVERED):
            return UNREAD
        on_port = enforced.names_on(target, key.protocol, key.port)
        narrow = [peer for peer in enforced.names if not peer.wide]
        cnames = [name for one in given if one.name == key.name for name in one.cnames]
        covered = [name for name in cnames if _means(on_port, target_of_name(name))]
        allows = answer.expectation is not Expectation.UNEXPECTED
        return Facts(
            is_read=True,
            denies=answer.denied,
            allows=allows,
            allows_by_name=allows and _means(on_port, target),
            allows_other_port=bool(key.name) and not _means(on_port, target) and _means(narrow, target),
            allowed_cname=next(iter(covered), ""),
            is_wanted=enforced.is_wanted(target, key.protocol, key.port) or _is_near(key.name, narrow, enforced.asks),
            names_on_port=tuple(dict.fromkeys(peer.name or peer.pattern for peer in on_port if not peer.wide)),
            sees_names=bool(enforced.asks),
            says=(*_says(answer), *(f"a rule covers {name}, to which the answer leads" for name in covered[:1])),
        )

    def of_query(self, workload: WorkloadName, flow: Flow, name: str, *, is_internal: bool) -> Facts:
        """Of a query that the proxy refused."""
        enforced = self._expectations.enforced(flow, workload)
        if enforced is None or not enforced.asks:
            return UNREAD
        target = target_of_name(name)
        allows = _means(enforced.asks, target)
        near = _is_near(name, enforced.names, enforced.asks)
        wanted = is_internal or near or _means(enforced.names, target) or enforced.is_wanted(target, "", None)
        rules = ", ".join(dict.fromkeys(map(str, enforced.asks)))
        return Facts(is_read=True, allows=allows, is_wanted=wanted, says=(f"its DNS rules cover {rules}",))

    def _target(self, flow: Flow, destination: Destination, key: Key) -> Target:
        # A pattern is the label of the identity: no name is known, and the label itself is what a rule is held against.
        if key.name and "*" not in key.name and destination.external:
            return target_called(flow, destination, key.name)
        workload = self._destinations.workload_of(flow.destination)
        return self._expectations.target_of(flow, destination, workload)


def _means(peers: Iterable[NamePeer], target: Target) -> bool:
    return any(peer.matches(target) is YES for peer in peers)


def _is_near(name: str, *known: Iterable[NamePeer]) -> bool:
    """Whether a rule names the domain that the name is in: who wrote it wants something there."""
    domain = _domain(name)
    return bool(domain) and any(
        _domain(peer.name or peer.pattern) == domain for peers in known for peer in peers if not peer.wide
    )


def _domain(name: str) -> str:
    """The registered domain, or the last two labels where the suffix is on no list."""
    labels = [label for label in name.lower().rstrip(".").split(".") if label.strip("*")]
    whole = ".".join(labels)
    return registered_domain(whole) or (".".join(labels[-2:]) if len(labels) > 1 else "")


def _says(answer: Answer) -> Iterable[str]:
    if answer.rule is not None:
        yield f"{'denied' if answer.denied else 'allowed'} by {answer.rule}"
    for policy in answer.policies:
        yield f"{policy} applies, and no rule of it allows this"
