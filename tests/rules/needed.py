"""What of the rules an alert needs: a unit test of one alert must not spend its time on all the others."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.rules.promql import metric_names
from tests.rules.reading import Rule, parsed, rules_of, shipped


def needed(names: Iterable[str]) -> set[str]:
    """These alerts and recorded metrics, and all that they are made from."""
    rules: dict[str, list[Rule]] = {}
    for rule in rules_of(shipped()):
        rules.setdefault(rule.name, []).append(rule)
    found: set[str] = set()
    waiting = set(names) & set(rules)
    while waiting:
        found |= waiting
        waiting = {name for known in waiting for rule in rules[known] for name in metric_names(rule.expression)}
        waiting = (waiting & set(rules)) - found
    return found


def asked(test: Path) -> set[str]:
    """What a file of unit tests asks for."""
    names: set[str] = set()
    for group in yaml.safe_load(test.read_text())["tests"]:
        names |= {case["alertname"] for case in group.get("alert_rule_test") or ()}
        for case in group.get("promql_expr_test") or ():
            names |= metric_names(parsed(case["expr"]))
    # A series of ALERTS says in its labels only whose it is.
    return names | ({test.stem} if "ALERTS" in names else set())


def laid_out(test: Path, rules: Path, folder: Path) -> Path:
    """A copy of the test in `folder`, beside the rules that it needs; the paths between them are those of here."""
    root = test.parent.parent.parent
    copied = folder / test.relative_to(root)
    copied.parent.mkdir(parents=True)
    copied.write_text(test.read_text())
    below = folder / rules.relative_to(root)
    below.mkdir(parents=True)
    names = needed(asked(test))
    for path in rules.glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            group["rules"] = [rule for rule in group["rules"] if rule.get("alert", rule.get("record")) in names]
        if any(group["rules"] for group in document["groups"]):
            (below / path.name).write_text(yaml.safe_dump(document))
    return copied
