"""The answer of all policies together: a union of what they allow, less what one of them denies."""

from collections.abc import Iterable
from datetime import date
from itertools import chain
from typing import NamedTuple

from exporter.expectations.interface import (
    NO,
    UNKNOWN,
    YES,
    Answer,
    Expectation,
    Match,
    PolicyRef,
    RuleRef,
)
from exporter.expectations.policy import Policy, Rule
from exporter.expectations.question import Question, Subject


class Selected(NamedTuple):
    """A policy that applies to a workload, or may."""

    policy: Policy
    selects: Match


class Evaluator:
    """Answers questions. It remembers nothing and changes nothing; time comes with the question."""

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self.policies = tuple(policies)
        self._of_namespace: dict[str, list[Policy]] = {}
        self._anywhere: list[Policy] = []
        for policy in self.policies:
            namespace = policy.chooser.namespace
            (self._anywhere if namespace is None else self._of_namespace.setdefault(namespace, [])).append(policy)

    def selected(self, subject: Subject) -> tuple[Selected, ...]:
        """The policies that apply to a workload, and those that may."""
        candidates = chain(self._of_namespace.get(subject.namespace, ()), self._anywhere)
        found = ((policy, policy.chooser.selects(subject)) for policy in candidates)
        return tuple(Selected(policy, selects) for policy, selects in found if selects is not NO)

    def answer(self, question: Question, today: date, selected: tuple[Selected, ...] | None = None) -> Answer:
        """Whether somebody declared this contact, and where.

        The first that holds wins: denied, expected, expected_wide, undecided, unexpected, not_covered.
        """
        if selected is None:
            selected = self.selected(question.source)
        if question.denied_by:
            return Answer(Expectation.UNEXPECTED, _of_flow(question.denied_by[0]), denied=True)
        found = _Found()
        for policy, selects in selected:
            for rule in policy.rules:
                found.look(rule, selects, question, today)
                if found.denied is not None:
                    return Answer(Expectation.UNEXPECTED, found.denied.ref, denied=True)
        return found.answer(question, selected)


class _Found:
    """What the rules that were looked at say, the strongest first."""

    __slots__ = ("denied", "expected", "maybe", "maybe_denied", "wide")

    def __init__(self) -> None:
        self.denied: Rule | None = None
        self.expected: Rule | None = None
        self.wide: Rule | None = None
        self.maybe: Rule | None = None
        self.maybe_denied: Rule | None = None

    def look(self, rule: Rule, selects: Match, question: Question, today: date) -> None:
        """Take one rule in."""
        if self.expected is not None and not rule.denies:
            return
        narrow, wide = rule.means(question.target, question.protocol, question.port)
        narrow, wide = min(narrow, selects), min(wide, selects)
        if narrow is NO and wide is NO:
            return
        if rule.denies:
            if YES in (narrow, wide):
                self.denied = rule
            else:
                self.maybe_denied = rule
        elif today >= rule.expires:
            return
        elif narrow is YES:
            self.expected = rule
        elif wide is YES:
            self.wide = self.wide or rule
        else:
            self.maybe = self.maybe or rule

    def answer(self, question: Question, selected: tuple[Selected, ...]) -> Answer:
        """The answer, when nothing denies."""
        by_flow = question.allowed_by[0] if question.allowed_by else None
        if self.expected is not None:
            return Answer(Expectation.EXPECTED, self.expected.ref, notes=self.expected.notes)
        if by_flow is not None and question.proven_narrow:
            return Answer(Expectation.EXPECTED, _of_flow(by_flow))
        if self.wide is not None:
            return Answer(Expectation.EXPECTED_WIDE, self.wide.ref, notes=self.wide.notes)
        if by_flow is not None:
            return Answer(Expectation.EXPECTED_WIDE, _of_flow(by_flow))
        return self._unanswered(selected)

    def _unanswered(self, selected: tuple[Selected, ...]) -> Answer:
        covering = tuple(one.policy.ref for one in selected if one.selects is YES and one.policy.isolates)
        doubts = tuple(_doubts(selected, self.maybe, None if covering else self.maybe_denied))
        maybe_covering = not covering and [one for one in selected if one.selects is UNKNOWN and one.policy.isolates]
        if maybe_covering:
            doubts += tuple(f"whether {one.policy.ref} selects the workload: its labels" for one in maybe_covering)
        if doubts:
            return Answer(Expectation.UNDECIDED, policies=tuple(one.policy.ref for one in selected), missing=doubts)
        if covering:
            return Answer(Expectation.UNEXPECTED, policies=covering)
        return Answer(Expectation.NOT_COVERED)


def _doubts(selected: tuple[Selected, ...], maybe: Rule | None, maybe_denied: Rule | None) -> Iterable[str]:
    for rule in filter(None, (maybe, maybe_denied)):
        yield f"whether {rule.ref} matches: {rule}"
    for policy, _ in selected:
        for field in policy.not_evaluated:
            yield f"{field.path} of {policy.ref}, which is not evaluated"


def _of_flow(policy: PolicyRef) -> RuleRef:
    return RuleRef(policy, "", 0)
