"""Lint of whole files: groups, names that are there once, and templates where they belong."""

import re
from collections import Counter
from collections.abc import Iterator

from tests.rules.reading import Group, Rule, rules_of, seconds_of

_NAME = re.compile(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+")
_THRESHOLD = re.compile(r"hubble_egress:threshold_[a-z_]+")
SUFFIXES = {"records": "rules"}


def group_names(groups: tuple[Group, ...]) -> Iterator[str]:
    """One group a file, named as the file is, evaluated as often as metrics are scraped."""
    for group in groups:
        stem = group.file.removesuffix(".yaml")
        if group.name != f"hubble-egress.{SUFFIXES.get(stem, stem)}":
            yield f"{group.file}: the group {group.name} is not hubble-egress.{SUFFIXES.get(stem, stem)}"
        if not group.interval or seconds_of(group.interval) != 30:
            yield f"{group.file}: the interval is not 30s"
    for file, times in Counter(group.file for group in groups).items():
        if times > 1:
            yield f"{file}: more than one group"


def duplicates(groups: tuple[Group, ...]) -> Iterator[str]:
    """A name is given once: an alert, or a recorded metric with the same labels."""
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], Rule] = {}
    for rule in rules_of(groups):
        key = (rule.name, () if rule.alert else tuple(sorted(rule.labels.items())))
        if key in seen:
            yield f"{rule.place}: {rule.name} is there already, {seen[key].place}"
        seen[key] = rule


def record_names(groups: tuple[Group, ...]) -> Iterator[str]:
    """`level:metric:operation`, without `_total`; thresholds have names of their own, and a file of their own."""
    for rule in rules_of(groups):
        is_threshold = rule.place.startswith("thresholds.yaml:")
        if rule.record and not (_THRESHOLD if is_threshold else _NAME).fullmatch(rule.record):
            yield f"{rule.place}: {rule.record} is no {'threshold' if is_threshold else 'level:metric:operation'}"
        if "_total:" in rule.record:
            yield f"{rule.place}: {rule.record} keeps _total, which is of counters"


def kinds(groups: tuple[Group, ...]) -> Iterator[str]:
    """Recorded metrics stand in their two files, alerts in the others."""
    for rule in rules_of(groups):
        if bool(rule.record) != rule.place.startswith(("records.yaml:", "thresholds.yaml:")):
            yield f"{rule.place}: {rule.name} stands in the wrong file"


def braces(groups: tuple[Group, ...], texts: dict[str, str]) -> Iterator[str]:
    """`{{` occurs in annotations only: the files are valid as they are, and no chart needs to render them."""
    for file, text in texts.items():
        rules = [rule for group in groups if group.file == file for rule in group.rules]
        meant = sum(value.count("{{") for rule in rules for value in rule.annotations.values())
        if text.count("{{") != meant:
            yield f"{file}: {{{{ stands outside of annotations"


GROUP_LINTS = (group_names, duplicates, record_names, kinds)
