"""Looking into parsed PromQL."""

from collections.abc import Iterator

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    ValueType,
    VectorSelector,
)

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SETS = frozenset({"and", "or", "unless"})
COUNTER_FUNCTIONS = frozenset({"rate", "increase", "irate", "resets"})
GAUGE_FUNCTIONS = frozenset({"delta", "idelta", "deriv", "predict_linear"})
ABSENCE = frozenset({"absent", "absent_over_time"})
QUANTILES = frozenset({"quantile_over_time", "histogram_quantile"})
PICKING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


def children(expr: Expr) -> list[Expr]:
    """What stands directly below."""
    match expr:
        case Call():
            return list(expr.args)
        case BinaryExpr():
            return [expr.lhs, expr.rhs]
        case AggregateExpr():
            return [expr.expr] + ([expr.param] if isinstance(expr.param, Expr) else [])
        case ParenExpr() | UnaryExpr() | SubqueryExpr():
            return [expr.expr]
        case MatrixSelector():
            return [expr.vector_selector]
        case _:
            return []


def nodes(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it."""
    yield expr
    for child in children(expr):
        yield from nodes(child)


def bare(expr: Expr) -> Expr:
    """Without the parentheses around it."""
    while isinstance(expr, ParenExpr):
        expr = expr.expr
    return expr


def alternatives(expr: Expr) -> list[Expr]:
    """The sides of `or` at the top."""
    top = bare(expr)
    if isinstance(top, BinaryExpr) and str(top.op) == "or":
        return [*alternatives(top.lhs), *alternatives(top.rhs)]
    return [top]


def selectors(expr: Expr) -> Iterator[VectorSelector]:
    """All selectors in it."""
    return (node for node in nodes(expr) if isinstance(node, VectorSelector))


def name_of(selector: VectorSelector) -> str:
    """The metric that it selects; empty when it selects by labels only."""
    named = (matcher for matcher in selector.matchers.matchers if matcher.name == "__name__")
    return selector.name or next((matcher.value for matcher in named if matcher.op == MatchOp.Equal), "")


def metric_names(expr: Expr) -> set[str]:
    """Names of all metrics that it reads."""
    return {name_of(selector) for selector in selectors(expr)}


def calls(expr: Expr, functions: frozenset[str]) -> Iterator[Call]:
    """All calls of these functions."""
    return (node for node in nodes(expr) if isinstance(node, Call) and node.func.name in functions)


def is_scalar(expr: Expr) -> bool:
    """Whether it is a number, not a vector."""
    match bare(expr):
        case NumberLiteral() | StringLiteral():
            return True
        case Call() as call:
            return bool(call.func.return_type == ValueType.Scalar)
        case UnaryExpr() as unary:
            return is_scalar(unary.expr)
        case BinaryExpr() as binary:
            return is_scalar(binary.lhs) and is_scalar(binary.rhs)
        case _:
            return False


def on_labels(binary: BinaryExpr) -> tuple[str, ...] | None:
    """The labels of `on (…)`; None when there is no `on`."""
    matching = binary.modifier.matching if binary.modifier else None
    return tuple(matching.labels) if matching and matching.type == LabelModifierType.Include else None


def ignored_labels(binary: BinaryExpr) -> tuple[str, ...]:
    """The labels of `ignoring (…)`."""
    matching = binary.modifier.matching if binary.modifier else None
    return tuple(matching.labels) if matching and matching.type == LabelModifierType.Exclude else ()


def is_filter(binary: BinaryExpr) -> bool:
    """Whether it is a comparison that lets through what is true."""
    return str(binary.op) in COMPARISONS and not (binary.modifier and binary.modifier.return_bool)
