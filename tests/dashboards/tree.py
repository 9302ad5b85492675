"""Walking over parsed PromQL."""

from collections.abc import Iterator

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)


def children(expr: Expr) -> list[Expr]:
    """What stands directly below."""
    match expr:
        case Call():
            return list(expr.args)
        case BinaryExpr():
            return [expr.lhs, expr.rhs]
        case AggregateExpr() | ParenExpr() | UnaryExpr() | SubqueryExpr():
            return [expr.expr]
        case MatrixSelector():
            return [expr.vector_selector]
        case _:
            return []


def nodes(expr: Expr, above: tuple[Expr, ...] = ()) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """The expression and everything in it, each with what stands above."""
    yield expr, above
    for child in children(expr):
        yield from nodes(child, (*above, expr))


def selectors(expr: Expr) -> list[VectorSelector]:
    """All selectors in it."""
    return [node for node, _ in nodes(expr) if isinstance(node, VectorSelector)]
