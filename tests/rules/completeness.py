"""What every alert has beside its rule: unit tests and a runbook."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.rules.reading import seconds_of

LONGEST_INTERVAL = 75.0
"""A quarter of the shortest range."""
RULE_FILES = ["../../deploy/chart/rules/*.yaml"]


def unit_tests(alert: str, document: Mapping[str, Any]) -> Iterator[str]:
    """What is missing in the unit tests of an alert: one group in which it fires, one in which it never does."""
    if document.get("rule_files") != RULE_FILES:
        yield f"rule_files are not {RULE_FILES}"
    fires = silent = False
    for group in document["tests"]:
        expected = [
            case.get("exp_alerts") or []
            for case in group.get("alert_rule_test") or ()
            if case.get("alertname") == alert
        ]
        fires |= any(expected)
        silent |= bool(expected) and not any(expected)
        yield from _of_group(group)
    if not fires:
        yield "there is no group in which it fires"
    if not silent:
        yield "there is no group in which it stays silent"


def _of_group(group: Mapping[str, Any]) -> Iterator[str]:
    name = str(group.get("name", ""))
    if not (name[:1].isupper() or name[:1] == "`") or not name.endswith("."):
        yield f"the name {name!r} is no sentence"
    if seconds_of(str(group.get("interval", "1m"))) > LONGEST_INTERVAL:
        yield f"{name}: the interval is longer than {LONGEST_INTERVAL:.0f} s"
    if not group.get("input_series"):
        yield f"{name}: there is nothing to look at"


def differences(alerts: Iterable[str], files: Iterable[str], what: str) -> list[str]:
    """Alerts without a file, and files without an alert."""
    names, stems = set(alerts), set(files)
    return [
        *(f"{name} has no {what}" for name in sorted(names - stems)),
        *(f"there is a {what} {stem}, and no such alert" for stem in sorted(stems - names)),
    ]
