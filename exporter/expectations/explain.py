"""The answer to one question, and why, rule by rule: what `expectations explain` prints."""

from collections.abc import Iterator
from datetime import date

from exporter.documents.faults import printable
from exporter.expectations.evaluator import Evaluator, Selected
from exporter.expectations.interface import NO, UNKNOWN, YES, Answer, Expectation
from exporter.expectations.policy import Rule
from exporter.expectations.question import Question

_WHY = {
    Expectation.EXPECTED: "allowed by",
    Expectation.EXPECTED_WIDE: "allowed only by a rule as wide as the world:",
}


def explain(evaluator: Evaluator, question: Question, today: date) -> Iterator[str]:
    """Lines for a person; the first is the answer alone."""
    return map(printable, _explain(evaluator, question, today))


def _explain(evaluator: Evaluator, question: Question, today: date) -> Iterator[str]:
    selected = evaluator.selected(question.source)
    answer = evaluator.answer(question, today, selected)
    port = "" if question.port is None else f"{question.port}/"
    yield answer.expectation.value
    yield ""
    yield f"{question.source} to {question.target.text} on {port}{question.protocol.upper()}: {_why(answer)}"
    for note in answer.notes:
        yield f"  note: {note}"
    for doubt in answer.missing:
        yield f"  not known: {doubt}"
    if selected:
        yield ""
        for one in selected:
            yield from _policy(one, question, today)


def _why(answer: Answer) -> str:
    if answer.rule is not None:
        return f"{'denied by' if answer.denied else _WHY[answer.expectation]} {answer.rule}"
    match answer.expectation:
        case Expectation.UNEXPECTED:
            count = len(answer.policies)
            return f"no rule allows it, and {count} {'policy covers' if count == 1 else 'policies cover'} the workload"
        case Expectation.UNDECIDED:
            return "it cannot be told from what is known"
        case _:
            return "no policy covers the workload, and none allows it"


def _policy(one: Selected, question: Question, today: date) -> Iterator[str]:
    policy = one.policy
    sure = "selects the workload" if one.selects is YES else "may select the workload (its labels are not known)"
    effect = "what no rule allows is denied" if policy.isolates else "isolates nobody"
    yield f"{policy.ref}: {sure}; {effect}"
    for rule in policy.rules:
        yield f"  {_verdict(rule, question, today):<12} {rule.ref.section}[{rule.ref.number}]  {rule}"
    if not policy.rules:
        yield "  it has no rules"
    for field in policy.not_evaluated:
        yield f"  not evaluated {field.path} (line {field.line})"


def _verdict(rule: Rule, question: Question, today: date) -> str:
    matches = max(rule.means(question.target, question.protocol, question.port))
    if matches is NO:
        return "no match"
    if today >= rule.expires:
        return "expired"
    return "not known" if matches is UNKNOWN else "MATCHES"
