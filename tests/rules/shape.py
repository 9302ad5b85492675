"""Which labels the result of an expression can have, by Prometheus' own rules."""

from typing import Protocol

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from tests.rules.promql import ABSENCE, PICKING, SETS, ignored_labels, is_scalar, name_of, on_labels, selectors

_NONE: frozenset[str] = frozenset()


class Labels(Protocol):
    """Knows the labels of every metric."""

    def labels(self, name: str) -> frozenset[str]:
        """Those of this metric."""


def labels_of(expr: Expr, known: Labels) -> frozenset[str]:
    """All labels that the result can have."""
    match expr:
        case VectorSelector():
            return known.labels(name_of(expr))
        case MatrixSelector():
            return labels_of(expr.vector_selector, known)
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            return labels_of(expr.expr, known)
        case AggregateExpr():
            return _of_aggregate(expr, known)
        case Call():
            return _of_call(expr, known)
        case BinaryExpr():
            return _of_binary(expr, known)
        case _:
            return _NONE


def _of_aggregate(expr: AggregateExpr, known: Labels) -> frozenset[str]:
    inside = labels_of(expr.expr, known)
    if str(expr.op) in PICKING:
        return inside
    if expr.modifier is None:
        return _NONE
    named = frozenset(expr.modifier.labels)
    kept = inside & named if expr.modifier.type == AggModifierType.By else inside - named
    name = expr.param.val if str(expr.op) == "count_values" and isinstance(expr.param, StringLiteral) else None
    return kept | ({name} if name else _NONE)


def _of_call(call: Call, known: Labels) -> frozenset[str]:
    if call.func.name in ABSENCE:
        # What is not there has the labels that were asked for exactly.
        matchers = [matcher for selector in selectors(call) for matcher in selector.matchers.matchers]
        return frozenset(matcher.name for matcher in matchers if matcher.op == MatchOp.Equal) - {"__name__"}
    inside = _NONE.union(*(labels_of(argument, known) for argument in call.args))
    if call.func.name in ("scalar", "vector", "time"):
        return _NONE
    if call.func.name == "histogram_quantile":
        return inside - {"le"}
    if call.func.name in ("label_replace", "label_join"):
        return inside | {call.args[1].val}
    return inside


def _of_binary(binary: BinaryExpr, known: Labels) -> frozenset[str]:
    left, right = labels_of(binary.lhs, known), labels_of(binary.rhs, known)
    if is_scalar(binary.lhs) or is_scalar(binary.rhs):
        return left | right
    if str(binary.op) in SETS:
        return left | right if str(binary.op) == "or" else left
    card = binary.modifier.card if binary.modifier else VectorMatchCardinality.OneToOne
    added = frozenset((binary.modifier.group_labels or ()) if binary.modifier else ())
    if card == VectorMatchCardinality.ManyToOne:
        return left | (added & right)
    if card == VectorMatchCardinality.OneToMany:
        return right | (added & left)
    on = on_labels(binary)
    return left & frozenset(on) if on is not None else left - frozenset(ignored_labels(binary))
