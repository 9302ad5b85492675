"""The rule files as they are: groups, rules, and the lines on which they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from promql_parser import Expr, parse

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "deploy" / "chart" / "rules"
_LINE = "\0line"


class _Loader(yaml.SafeLoader):
    """Keeps the line of every mapping, for a fault is worth little without its place."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        return {**super().construct_mapping(node, deep), _LINE: node.start_mark.line + 1}


@dataclass(frozen=True)
class Rule:
    """One rule, of either kind."""

    place: str
    group: str
    alert: str
    record: str
    text: str
    seconds: float | None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the alert, or of what is recorded."""
        return self.alert or self.record

    @cached_property
    def expression(self) -> Expr:
        """The parsed expression; ValueError when it is none."""
        return parsed(self.text)


@dataclass(frozen=True)
class Group:
    """The rules that are evaluated one after the other."""

    file: str
    name: str
    interval: str
    rules: tuple[Rule, ...]


def parsed(text: str) -> Expr:
    """The tree of an expression; the parser knows no comments."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return parse("\n".join(lines))


def read_groups(file: str, text: str) -> tuple[Group, ...]:
    """The groups in the text of a rule file."""
    document = yaml.load(text, _Loader)  # noqa: S506, a safe loader with lines
    return tuple(_group(file, group) for group in document["groups"])


def _group(file: str, group: Mapping[str, Any]) -> Group:
    rules = tuple(_rule(file, group["name"], rule) for rule in group["rules"])
    return Group(file, group["name"], group.get("interval", ""), rules)


def _rule(file: str, group: str, rule: Mapping[str, Any]) -> Rule:
    return Rule(
        place=f"{file}:{rule[_LINE]}",
        group=group,
        alert=rule.get("alert", ""),
        record=rule.get("record", ""),
        text=str(rule["expr"]),
        seconds=seconds_of(rule["for"]) if "for" in rule else None,
        labels=_texts(rule.get("labels", {})),
        annotations=_texts(rule.get("annotations", {})),
    )


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if name != _LINE}


def seconds_of(duration: str) -> float:
    """`1h30m` as seconds; Prometheus' own notation."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
    total, number, rest = 0.0, "", duration.strip()
    while rest:
        if rest[0].isdigit():
            number, rest = number + rest[0], rest[1:]
            continue
        unit = "ms" if rest.startswith("ms") else rest[0]
        if not number or unit not in units:
            raise ValueError(f"{duration!r} is no duration")
        total, number, rest = total + int(number) * units[unit], "", rest[len(unit) :]
    if number and int(number):
        raise ValueError(f"{duration!r} has no unit")
    return total


def shipped() -> tuple[Group, ...]:
    """All groups of the repository."""
    return tuple(group for path in sorted(RULES.glob("*.yaml")) for group in read_groups(path.name, path.read_text()))


def rules_of(groups: tuple[Group, ...]) -> tuple[Rule, ...]:
    """Their rules."""
    return tuple(rule for group in groups for rule in group.rules)


def alerts() -> dict[str, Rule]:
    """All alerts of the repository, by name."""
    return {rule.alert: rule for rule in rules_of(shipped()) if rule.alert}
