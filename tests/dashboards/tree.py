"""Walking over parsed PromQL with a look at what stands above."""

from collections.abc import Iterator

from promql_parser import Expr

from tests.rules.promql import children


def nodes(expr: Expr, above: tuple[Expr, ...] = ()) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    """The expression and everything in it, each with what stands above."""
    yield expr, above
    for child in children(expr):
        yield from nodes(child, (*above, expr))
