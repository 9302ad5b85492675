"""The shipped example of Alertmanager: which alerts its rules are about, and how often they are repeated."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from tests.rules.catalogue import Catalogue
from tests.rules.lint_texts import SEVERITIES
from tests.rules.reading import ROOT, Rule, seconds_of
from tests.rules.shape import labels_of

PATH = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
_MATCHER = re.compile(r'(\w+)(=~|=)"(.*)"')


def config() -> dict[str, Any]:
    """The example."""
    return dict(yaml.safe_load(PATH.read_text()))


def chosen(matchers: Iterable[str], names: Iterable[str]) -> set[str]:
    """The alerts that matchers by name choose."""
    read = [match for match in map(_MATCHER.fullmatch, matchers) if match and match[1] == "alertname"]
    wanted = [match[3] if match[2] == "=~" else re.escape(match[3]) for match in read]
    return {name for name in names if wanted and all(re.fullmatch(pattern, name) for pattern in wanted)}


def faults(rule: Mapping[str, Any], alerts: Mapping[str, Rule], known: Catalogue) -> Iterator[str]:
    """What is wrong with an inhibition."""
    sources, targets = (chosen(rule[f"{side}_matchers"], alerts) for side in ("source", "target"))
    for side, names in (("source", sources), ("target", targets)):
        # Each name in `A(B|C)|D` is one that exists.
        said = sum(matcher.count("|") + 1 for matcher in rule[f"{side}_matchers"])
        if len(names) != said:
            yield f"the {side} names {said} alerts, and {len(names)} exist"
    if sources & targets:
        yield f"{', '.join(sources & targets)} would silence itself"
    for source in sources:
        for target in targets:
            if _rank(alerts[source]) > _rank(alerts[target]):
                yield f"{source} is no stronger than {target}, which it silences"
    for name in rule["equal"]:
        for alert in sources | targets:
            # What is empty on both sides is equal, and silences too much.
            if name not in labels_of(alerts[alert].expression, known):
                yield f"{alert} has no label {name}"


def _rank(rule: Rule) -> int:
    return SEVERITIES.index(rule.labels["severity"])


def repeats(route: Mapping[str, Any], inherited: float = 0.0) -> Iterator[tuple[str, str, float]]:
    """Severity ("" for any), receiver and seconds between repetitions, of every route."""
    seconds = seconds_of(route["repeat_interval"]) if "repeat_interval" in route else inherited
    matches = [match for match in map(_MATCHER.fullmatch, route.get("matchers", ())) if match]
    severity = next((match[3] for match in matches if match[1] == "severity"), "")
    yield severity, route["receiver"], seconds
    for below in route.get("routes", ()):
        yield from repeats(below, seconds)
