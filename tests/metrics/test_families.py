"""Names, labels and reference of all families."""

import re

import pytest

from exporter.counting import Outcome
from exporter.destinations.scopes import Scope
from exporter.metrics import families, labels
from exporter.metrics.families import EXPORTER, PRODUCT, READ, Family
from exporter.metrics.labels import Label
from exporter.metrics.reference import metrics_markdown

ALL = (*PRODUCT, *READ, *EXPORTER)
OVERWRITTEN = {"service", "pod", "namespace", "node", "job", "instance", "cluster", "le", "quantile"}
LABELS: set[Label] = {label for family in ALL for label in family.labels}


def _described(label: Label) -> str:
    return f"{label.name}: {label.meaning}"


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_names(family: Family) -> None:
    """A family has our prefix, a counter ends in `_total` and nothing else does, a time has its unit."""
    assert re.fullmatch(r"hubble_egress_[a-z0-9]+(_[a-z]+)*", family.name)
    assert family.name.startswith("hubble_egress_exporter_") == (family in EXPORTER)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert family.kind != "histogram" or family.name.endswith("_seconds")
    assert family.help.endswith(".")
    assert "\n" not in family.help


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_label_names(family: Family) -> None:
    """No label is one that a scrape configuration sets, and none is there twice."""
    names = [label.name for label in family.labels]
    assert not OVERWRITTEN & set(names)
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in names)


def test_names_are_unique() -> None:
    """No family is there twice, and none has the name of a series of another."""
    names = [family.name for family in ALL]
    assert len(names) == len(set(names))
    series = {f"{family.name}_{end}" for family in ALL if family.kind == "histogram" for end in ("count", "sum")}
    assert not series & set(names)


def test_every_declared_family_is_listed() -> None:
    """A family that is declared is listed."""
    declared = {value for value in vars(families).values() if isinstance(value, Family)}
    assert declared == set(ALL)


def test_every_declared_label_is_used() -> None:
    """A label that is declared is used."""
    declared = {value for value in vars(labels).values() if isinstance(value, Label)}
    assert declared == LABELS


SORTED: list[Label] = sorted(LABELS, key=_described)


@pytest.mark.parametrize("label", SORTED, ids=_described)
def test_values(label: Label) -> None:
    """Values of closed lists are there once; all but DNS and HTTP words are in lower case."""
    assert len(label.values) == len(set(label.values))
    # Names of fields, kinds and methods are those of their APIs.
    if label not in (labels.QTYPE, labels.RCODE, labels.METHOD, labels.RULE_KIND, labels.UNREAD_FIELD):
        assert [value.lower() for value in label.values] == list(label.values)


def test_closed_lists() -> None:
    """Closed lists are complete."""
    assert set(labels.OUTCOME.values) == {outcome.value for outcome in Outcome}
    assert set(labels.SCOPE.values) == {scope.value for scope in Scope}
    assert labels.DESTINATION_KIND.values == ("entity", "identity", "fqdn", "cidr", "world")
    assert labels.CONNECTION_VERDICT.values == ("forwarded", "redirected", "audited")
    assert set(labels.PROTOCOL.values) >= {"tcp", "udp", "sctp", "icmp", "icmpv6"}


def test_connection_labels() -> None:
    """Connections and drops have the labels that dashboards and rules are made of, in this order."""
    common = [
        *("source_namespace", "source_workload", "destination_kind", "scope", "destination", "destination_port"),
        "protocol",
    ]
    assert [label.name for label in families.CONNECTIONS.labels] == [*common, "verdict"]
    assert [label.name for label in families.DROPS.labels] == [*common, "reason"]


def test_reference() -> None:
    """METRICS.md lists each family once, with its kind, its help and all its labels."""
    text = metrics_markdown()
    headings = re.findall(r"^### `(.*)`$", text, re.MULTILINE)
    assert headings == [family.name for family in ALL]
    chapters = dict(zip(headings, re.split(r"^### .*$", text, flags=re.MULTILINE)[1:], strict=True))
    for family in ALL:
        chapter = chapters[family.name]
        assert f"{family.kind.capitalize()}. {family.help}" in chapter
        rows = re.findall(r"^\| `([a-z0-9_]+)` \|", chapter.split("\n## ")[0], re.MULTILINE)
        assert rows == [label.name for label in family.labels]


def test_reference_of_outcomes() -> None:
    """METRICS.md explains each outcome once."""
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|", metrics_markdown().split("## Outcomes")[1], re.MULTILINE)
    assert rows == [outcome.value for outcome in Outcome]


def test_reference_tables() -> None:
    """No text breaks a table of METRICS.md: every row has as many cells as its head."""
    for block in re.findall(r"(?:^\|.*\n)+", metrics_markdown(), re.MULTILINE):
        lines = block.splitlines()
        assert {line.count("|") for line in lines} == {lines[0].count("|")}
