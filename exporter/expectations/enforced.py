"""What network policies alone do to one workload: allowlists and ServiceEntries are wishes, which nobody enforces."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from exporter.expectations.evaluator import Evaluator, Selected
from exporter.expectations.interface import YES, Answer, Expectation
from exporter.expectations.outside_peers import NamePeer
from exporter.expectations.policy import Policy, Rule
from exporter.expectations.ports import one_of
from exporter.expectations.question import Question, Subject, Target

_KINDS = frozenset({"NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"})
_ALLOWS = (Expectation.EXPECTED, Expectation.EXPECTED_WIDE)


def is_enforced(policy: Policy) -> bool:
    """Whether Cilium drops what this policy does not allow."""
    return policy.ref.kind in _KINDS


class Enforced(NamedTuple):
    """The policies that apply to a workload, and everything that anybody declared for it."""

    subject: Subject
    today: date
    policies: Evaluator
    """Network policies only."""
    selected: tuple[Selected, ...]
    declared: Evaluator
    """Allowlists and ServiceEntries too."""

    def answer(self, target: Target, protocol: str, port: int | None) -> Answer:
        """What the network policies say; an empty protocol asks for any port of any."""
        return self.policies.answer(Question(self.subject, target, protocol, port), self.today, self.selected)

    def allows(self, target: Target, protocol: str, port: int | None) -> bool:
        """Whether a network policy surely allows it."""
        return self.answer(target, protocol, port).expectation in _ALLOWS

    def is_wanted(self, target: Target, protocol: str, port: int | None) -> bool:
        """Whether anybody declared that it is wanted, enforced or not."""
        answer = self.declared.answer(Question(self.subject, target, protocol, port), self.today)
        return answer.expectation in _ALLOWS

    @property
    def names(self) -> tuple[NamePeer, ...]:
        """The selectors of `toFQDNs` of the policies that surely apply."""
        return tuple(peer for rule in self._rules() for peer in rule.peers if isinstance(peer, NamePeer))

    def names_on(self, target: Target, protocol: str, port: int | None) -> tuple[NamePeer, ...]:
        """Those of the rules that are about this port."""
        rules = (rule for rule in self._rules() if one_of(rule.ports, protocol, port, target) is YES)
        return tuple(peer for rule in rules for peer in rule.peers if isinstance(peer, NamePeer))

    @property
    def asks(self) -> tuple[NamePeer, ...]:
        """The names that DNS rules of the policies that surely apply let ask for."""
        return tuple(peer for rule in self._rules() for peer in rule.asks)

    def _rules(self) -> Iterator[Rule]:
        return (rule for one in self.selected if one.selects is YES for rule in one.policy.rules if not rule.denies)
