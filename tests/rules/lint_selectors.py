"""Lint of selectors: metrics that exist, labels and values that they have, regular expressions that are needed."""

import re
from collections.abc import Iterator
from itertools import product

from promql_parser import Matcher, MatchOp, MatrixSelector, SubqueryExpr, VectorSelector

from tests.rules.catalogue import Catalogue
from tests.rules.promql import COUNTER_FUNCTIONS, GAUGE_FUNCTIONS, calls, name_of, nodes, selectors
from tests.rules.reading import Rule

SHORTEST_RANGE = 300.0
"""Four scrapes of a minute, and one to spare: since Prometheus 3 a range does not include its left end."""
_PLAIN = re.compile(r"[\w ~./:-]*")


def series(rule: Rule, known: Catalogue) -> Iterator[str]:
    """Every metric is exported by us, by every scrape, or recorded."""
    for selector in selectors(rule.expression):
        if not _names(selector, known):
            yield f"there is no metric {name_of(selector) or 'of such a name'}"


def matchers(rule: Rule, known: Catalogue) -> Iterator[str]:
    """A matcher asks for a label that the metric has, and for values of its closed list."""
    for selector in selectors(rule.expression):
        asked = [matcher for matcher in selector.matchers.matchers if matcher.name != "__name__"]
        for name, matcher in product(_names(selector, known), asked):
            if matcher.name not in known.labels(name):
                yield f"{name} has no label {matcher.name}"
            closed = known[name].labels.get(matcher.name, ())
            for value in _values(matcher) if closed else ():
                if value not in ("", *closed):
                    yield f"{matcher.name} of {name} is never {value}"


def _names(selector: VectorSelector, known: Catalogue) -> list[str]:
    """The metrics that it selects; several by a regular expression for their name."""
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__" and matcher.op == MatchOp.Re:
            return [name for name in known.names() if re.fullmatch(matcher.value, name)]
    return [name_of(selector)] if name_of(selector) in known else []


def _values(matcher: Matcher) -> list[str]:
    if matcher.op in (MatchOp.Equal, MatchOp.NotEqual):
        return [matcher.value]
    words = matcher.value.split("|")
    # Anything but a list of plain values has no list of values.
    return words if all(_PLAIN.fullmatch(word) for word in words) else []


def regexps(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """No regular expression where a comparison would do, and no anchors, for all of them are anchored."""
    for selector in selectors(rule.expression):
        for matcher in selector.matchers.matchers:
            if matcher.op not in (MatchOp.Re, MatchOp.NotRe):
                continue
            if re.fullmatch(r"[\w ~/:-]*", matcher.value):
                yield f"{matcher.name} needs no regular expression for {matcher.value!r}"
            if matcher.value.startswith("^") or matcher.value.endswith("$"):
                yield f"{matcher.name} is anchored twice: {matcher.value!r}"
            if matcher.value == ".*":
                yield f"{matcher.name} matches everything"


def ranges(rule: Rule, _known: Catalogue) -> Iterator[str]:
    """A range holds at least four scrapes, whichever Prometheus counts them."""
    for node in nodes(rule.expression):
        if isinstance(node, MatrixSelector) and node.range.total_seconds() < SHORTEST_RANGE:
            yield f"the range of {name_of(node.vector_selector)} is shorter than {SHORTEST_RANGE:.0f} s"
        if isinstance(node, SubqueryExpr) and (node.range is None or node.range.total_seconds() < SHORTEST_RANGE):
            yield f"the range of a subquery is shorter than {SHORTEST_RANGE:.0f} s"


def counters(rule: Rule, known: Catalogue) -> Iterator[str]:
    """`rate` and its like are for counters; a gauge that falls would look like a restart."""
    for call in calls(rule.expression, COUNTER_FUNCTIONS):
        for name in (name_of(selector) for selector in selectors(call)):
            if known[name].kind not in ("counter", "unknown"):
                yield f"{call.func.name} of {name}, which is no counter"
        if call.func.name == "irate":
            yield "irate sees two samples only"


def gauges(rule: Rule, known: Catalogue) -> Iterator[str]:
    """`delta` and its like are for gauges; a counter that starts again would look like a fall."""
    for call in calls(rule.expression, GAUGE_FUNCTIONS):
        for name in (name_of(selector) for selector in selectors(call)):
            if known[name].kind not in ("gauge", "unknown"):
                yield f"{call.func.name} of {name}, which is no gauge"


LINTS = (series, matchers, regexps, ranges, counters, gauges)
