"""Looking into parsed PromQL: what it selects, and which labels come out."""

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    StringLiteral,
    VectorSelector,
)

from tests.dashboards.catalogue import labels_of
from tests.rules.promql import children

PICKING = frozenset({"topk", "bottomk"})


def grouping(expr: Expr) -> frozenset[str]:
    """Labels of its own `by`, `on`, `ignoring` and `without`."""
    match expr:
        case AggregateExpr() if expr.modifier:
            return frozenset(expr.modifier.labels)
        case BinaryExpr() if expr.modifier and expr.modifier.matching:
            return frozenset(expr.modifier.matching.labels)
        case _:
            return frozenset()


def coming_out(expr: Expr) -> frozenset[str]:
    """The labels that its series have."""
    match expr:
        case VectorSelector():
            return labels_of(expr.name or "")
        case AggregateExpr():
            return _aggregated(expr)
        case BinaryExpr() if str(expr.op) == "or":
            return coming_out(expr.lhs) | coming_out(expr.rhs)
        case BinaryExpr():
            return coming_out(expr.lhs) or coming_out(expr.rhs)
        case Call() if expr.func.name == "label_replace" and isinstance(expr.args[1], StringLiteral):
            return coming_out(expr.args[0]) | {expr.args[1].val}
        case Call() if expr.func.name == "histogram_quantile":
            return coming_out(expr.args[1]) - {"le"}
        case _:
            below = children(expr)
            return coming_out(below[0]) if below else frozenset()


def _aggregated(expr: AggregateExpr) -> frozenset[str]:
    inside = coming_out(expr.expr)
    if str(expr.op) in PICKING:
        return inside
    if not expr.modifier:
        return frozenset()
    named = frozenset(expr.modifier.labels)
    return inside - named if expr.modifier.type == LabelModifierType.Exclude else named
