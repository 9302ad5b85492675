"""Lint of aggregations and of operators between vectors: nothing is lost by the way, `cluster` least of all."""

from collections.abc import Iterator

from promql_parser import AggModifierType, AggregateExpr, BinaryExpr, Expr

from tests.rules.catalogue import Catalogue
from tests.rules.promql import PICKING, SETS, ignored_labels, is_scalar, nodes, on_labels
from tests.rules.reading import Rule
from tests.rules.shape import labels_of

REPLICA = ("instance", "pod")
"""Labels that tell one exporter from another."""
CAREFUL = frozenset({*REPLICA, "node"})
"""What may be taken away although it is not there: not every Prometheus gives its targets these labels."""


def aggregations(rule: Rule, known: Catalogue) -> Iterator[str]:
    """Exporters are added up `without (instance, pod)`: labels that somebody adds to the targets stay."""
    for expr in _aggregations(rule.expression):
        inside = labels_of(expr.expr, known)
        if str(expr.op) in PICKING:
            continue
        if expr.modifier is None:
            yield f"{expr.op} without a word about labels"
        elif expr.modifier.type == AggModifierType.Without:
            for name in REPLICA:
                if name in inside and name not in expr.modifier.labels:
                    yield f"{expr.op} without ({', '.join(expr.modifier.labels)}) keeps {name}"
        elif expr.modifier.labels and "cluster" not in expr.modifier.labels:
            yield f"{expr.op} by ({', '.join(expr.modifier.labels)}) forgets cluster"


def aggregated_labels(rule: Rule, known: Catalogue) -> Iterator[str]:
    """An aggregation names labels that are there."""
    for expr in _aggregations(rule.expression):
        inside = labels_of(expr.expr, known)
        named = expr.modifier.labels if expr.modifier else []
        for name in named:
            if name not in inside | CAREFUL:
                yield f"{expr.op} names {name}, which is not there"


def _aggregations(expr: Expr) -> Iterator[AggregateExpr]:
    return (node for node in nodes(expr) if isinstance(node, AggregateExpr))


def _between_vectors(expr: Expr) -> Iterator[BinaryExpr]:
    for node in nodes(expr):
        if isinstance(node, BinaryExpr) and not is_scalar(node.lhs) and not is_scalar(node.rhs):
            yield node


def matching_labels(rule: Rule, known: Catalogue) -> Iterator[str]:
    """`on` and `group_left` name labels that are there."""
    for binary in _between_vectors(rule.expression):
        left, right = labels_of(binary.lhs, known), labels_of(binary.rhs, known)
        for name in on_labels(binary) or ():
            if name not in left or name not in right:
                yield f"{binary.op} on {name}, which is not on both sides"
        for name in (binary.modifier.group_labels or ()) if binary.modifier else ():
            if name not in left | right:
                yield f"{binary.op} takes over {name}, which is not there"


def matching_cluster(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """What is matched by labels is matched by `cluster` too: two clusters may have the same workload."""
    for binary in _between_vectors(rule.expression):
        on = on_labels(binary)
        if on and "cluster" not in on:
            yield f"{binary.op} on ({', '.join(on)}) forgets cluster"


def matching_sides(rule: Rule, known: Catalogue) -> Iterator[str]:
    """Without `on`, both sides have the same labels; else nothing would ever match."""
    for binary in _between_vectors(rule.expression):
        if on_labels(binary) is not None or str(binary.op) == "or":
            continue
        ignored = frozenset(ignored_labels(binary))
        left, right = labels_of(binary.lhs, known) - ignored, labels_of(binary.rhs, known) - ignored
        if left != right:
            yield f"{binary.op} never matches: only one side has {', '.join(sorted(left ^ right))}"


def many_to_many(rule: Rule, known: Catalogue) -> Iterator[str]:
    """Arithmetic between vectors says which side has several series for one of the other."""
    for binary in _between_vectors(rule.expression):
        on = on_labels(binary)
        if str(binary.op) in SETS or on is None:
            continue
        many = [side for side in (binary.lhs, binary.rhs) if labels_of(side, known) - frozenset(on)]
        grouped = binary.modifier is not None and binary.modifier.group_labels is not None
        if many and not grouped:
            yield f"{binary.op} on ({', '.join(on)}) has more labels on a side, and no group_left or group_right"


LINTS = (aggregations, aggregated_labels, matching_labels, matching_cluster, matching_sides, many_to_many)
