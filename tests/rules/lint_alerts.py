"""Lint of what makes an alert fire, and for how long it must have done so."""

from collections.abc import Iterator

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, NumberLiteral, ParenExpr, VectorSelector

from tests.rules.catalogue import Catalogue
from tests.rules.promql import (
    ABSENCE,
    COUNTER_FUNCTIONS,
    PICKING,
    QUANTILES,
    bare,
    calls,
    children,
    is_filter,
    is_scalar,
    name_of,
    nodes,
    on_labels,
    selectors,
)
from tests.rules.reading import Rule

TWO_SCRAPES = 120.0
THRESHOLD = "hubble_egress:threshold_"
_COUNTING = frozenset({"count", "group"})


def comparison(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """The expression can be false: an alert that always fires says nothing."""
    if rule.alert and not can_be_false(rule.expression):
        yield "the expression is never false"


def can_be_false(expr: Expr) -> bool:
    """Whether there may be no result although all series are there."""
    match bare(expr):
        case BinaryExpr() as binary if str(binary.op) == "or":
            return can_be_false(binary.lhs) and can_be_false(binary.rhs)
        case BinaryExpr() as binary:
            is_set = str(binary.op) in ("and", "unless")
            return is_set or is_filter(binary) or can_be_false(binary.lhs) or can_be_false(binary.rhs)
        case Call() as call:
            return call.func.name in ABSENCE or any(can_be_false(argument) for argument in call.args)
        case AggregateExpr() as aggregate:
            return can_be_false(aggregate.expr)
        case _:
            return False


def absent_for(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """What is absent must be so for two scrapes: Prometheus itself may just have started."""
    if rule.alert and any(calls(rule.expression, ABSENCE)) and (rule.seconds or 0) < TWO_SCRAPES:
        yield f"absent() needs a `for` of {TWO_SCRAPES:.0f} s at least"


def raw_counter(rule: Rule, known: Catalogue) -> Iterator[str]:
    """An alert does not compare a counter itself: its value is as old as its process."""
    for name in _compared(rule.expression) if rule.alert else ():
        if known[name].kind == "counter":
            yield f"the counter {name} itself is compared; its increase tells something"


def _compared(expr: Expr) -> Iterator[str]:
    """Metrics whose own value counts: not in a range, not behind `and`, not only counted."""
    match expr:
        case VectorSelector():
            yield name_of(expr)
        case BinaryExpr() if str(expr.op) in ("and", "unless"):
            yield from _compared(expr.lhs)
        case AggregateExpr() if str(expr.op) in _COUNTING:
            return
        case Call() if expr.func.name not in ABSENCE:
            for argument in expr.args:
                # A range has a function that knows what it does; another lint looks at those.
                yield from (name for name in _compared(argument) if isinstance(bare(argument), VectorSelector))
        case BinaryExpr() | ParenExpr() | AggregateExpr():
            for child in children(expr):
                yield from _compared(child)


def born_at_one(rule: Rule, known: Catalogue) -> Iterator[str]:
    """`increase()` does not see the event with which a series is born: alerts read a recorded sum that does."""
    for call in calls(rule.expression, COUNTER_FUNCTIONS) if rule.alert else ():
        for name in (name_of(selector) for selector in selectors(call)):
            if known[name].late:
                yield f"{call.func.name} of {name} misses the first event of each series; records.yaml does not"


def picking(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """No topk: who is on top changes with each evaluation, and each time that is another alert."""
    for node in nodes(rule.expression):
        if isinstance(node, AggregateExpr) and str(node.op) in PICKING:
            yield f"{node.op} gives other series each time"


def literal_limit(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """Limits stand in thresholds.yaml, where an installation can change them; 0 and 1 are none. So do quantiles."""
    for node in nodes(rule.expression):
        if isinstance(node, BinaryExpr) and is_filter(node):
            for side in (bare(node.lhs), bare(node.rhs)):
                if isinstance(side, NumberLiteral) and side.val not in (0, 1):
                    yield f"{node.op} {side.val:g} is a limit of its own"
    for call in calls(rule.expression, QUANTILES):
        if isinstance(which := bare(call.args[0]), NumberLiteral):
            yield f"{call.func.name} {which.val:g} is a limit of its own"


def threshold_matching(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """A threshold has no labels: it is compared `on ()`."""
    for node in nodes(rule.expression):
        if not isinstance(node, BinaryExpr) or is_scalar(node.lhs) or is_scalar(node.rhs):
            continue
        for side in (bare(node.lhs), bare(node.rhs)):
            if isinstance(side, VectorSelector) and name_of(side).startswith(THRESHOLD) and on_labels(node) != ():
                yield f"{node.op} {name_of(side)} needs on ()"


LINTS = (comparison, absent_for, raw_counter, born_at_one, picking, literal_limit, threshold_matching)
