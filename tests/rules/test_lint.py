"""The rules follow the conventions of their kind: those that pint checks, those of mixins, and our own."""

from collections.abc import Callable, Iterator

import pytest

from tests.rules import bad, lint_alerts, lint_files, lint_matching, lint_selectors, lint_texts
from tests.rules.catalogue import Catalogue, exported
from tests.rules.reading import RULES, Rule, alerts, read_groups, rules_of, seconds_of, shipped

Lint = Callable[[Rule, Catalogue], Iterator[str]]
LINTS: tuple[Lint, ...] = (
    *lint_texts.LINTS,
    *lint_selectors.LINTS,
    *lint_matching.LINTS,
    *lint_alerts.LINTS,
)
SHIPPED = shipped()
KNOWN = Catalogue(exported(), rules_of(SHIPPED))
INSTANT = frozenset(
    {
        # What was seen was seen; waiting would lose a contact that is over.
        "HubbleEgressUnexpectedDestinationSeen",
        "HubbleEgressUnexpectedDestinationActive",
        "HubbleEgressUnexpectedDestinationPersistent",
        "HubbleEgressKnownDestinationNewPort",
        "HubbleEgressMetadataContacted",
        "HubbleEgressAuditWouldDrop",
    }
)
"""Alerts about facts, which need no `for`."""
SOON = INSTANT | {
    "HubbleEgressDeniedBurst",
    "HubbleEgressDNSBypass",
    "HubbleEgressDNSBlocked",
    "HubbleEgressDNSQueryRefused",
    "HubbleEgressNameNotReachable",
    "HubbleEgressDNSFailing",
}
"""Alerts that a demonstration of a few minutes must show."""


@pytest.mark.parametrize("rule", rules_of(SHIPPED), ids=lambda rule: f"{rule.place}-{rule.name}")
def test_rule(rule: Rule) -> None:
    """No lint finds anything in a shipped rule."""
    assert [f"{rule.place}: {fault}" for lint in LINTS for fault in lint(rule, KNOWN)] == []


@pytest.mark.parametrize("lint", lint_files.GROUP_LINTS, ids=lambda lint: lint.__name__)
def test_files(lint: Callable[[object], Iterator[str]]) -> None:
    """No lint of whole files finds anything."""
    assert list(lint(SHIPPED)) == []


def test_files_are_no_templates() -> None:
    """What Prometheus fills in stands in annotations, and nothing else is to be filled in."""
    assert list(lint_files.braces(SHIPPED, {path.name: path.read_text() for path in RULES.glob("*.yaml")})) == []


def test_facts_need_no_waiting_and_all_else_does() -> None:
    """An alert has a `for`, unless it is about a fact."""
    assert [name for name, rule in alerts().items() if not rule.seconds and name not in INSTANT] == []


def test_lists_name_alerts_that_exist() -> None:
    """Nothing here is about alerts that have another name by now."""
    assert SOON - set(alerts()) == set()


def test_what_a_demonstration_shows_comes_soon() -> None:
    """No `for` above a minute where a person waits in front of the screen."""
    assert [name for name, rule in alerts().items() if name in SOON and (rule.seconds or 0) > 60] == []


@pytest.mark.parametrize(
    ("lint", "rule", "said"), bad.BAD, ids=[f"{lint.__name__}-{number}" for number, (lint, _, _) in enumerate(bad.BAD)]
)
def test_bad_examples(lint: Lint, rule: Rule, said: str) -> None:
    """Each lint finds its bad examples, and says what is wrong with them."""
    assert any(said in fault for fault in lint(rule, bad.known())), list(lint(rule, bad.known()))


def test_every_lint_has_a_bad_example() -> None:
    """A lint that cannot fail would hold nothing."""
    assert {lint for lint, _, _ in bad.BAD} == set(LINTS)


def test_good_example() -> None:
    """The rule that the bad examples are made from is good."""
    assert [fault for lint in LINTS for fault in lint(bad.rule(), bad.known())] == []


_EXPORTER_UP = "up * on (cluster, job, instance) group_left () hubble_egress_exporter_build_info"


@pytest.mark.parametrize(
    "expr",
    [
        "absent(up) and on () (vector(1) > 0)",
        f"sum without (instance, pod) ({_EXPORTER_UP}) == 0",
        'hubble_egress_dns_breakage{cause=~"servfail|unanswered"} > 0',
        'hubble_egress_dns_breakage{source_workload!~"~.+"} > 0',
        "increase(hubble_egress_exporter_decode_errors_total[10m]) > 0",
        "count by (cluster) (hubble_egress_unexpected_drops_total) > 0",
        "time() - hubble_egress_exporter_nodes > on () group_left () hubble_egress:threshold_example",
        "max by () (up) == 0",
    ],
)
def test_good_expressions(expr: str) -> None:
    """What is right is not complained about."""
    rule = bad.alert(expr)
    lints = (*lint_selectors.LINTS, *lint_matching.LINTS, *lint_alerts.LINTS)
    assert [fault for lint in lints for fault in lint(rule, bad.known())] == []


def test_bad_files() -> None:
    """The lints of whole files find what is wrong with them."""
    good, record = bad.GOOD, bad.RECORDED[0]
    twice = bad.groups(good, good)
    assert any("is there already" in fault for fault in lint_files.duplicates(twice))
    assert any("is not hubble-egress.dns" in fault for fault in lint_files.group_names(bad.groups(good, name="dns")))
    assert any("more than one group" in fault for fault in lint_files.group_names((*twice, *twice)))
    unnamed = bad.groups({**record, "record": "hubble_egress_dns_failures_total:increase10m"}, file="records.yaml")
    assert any("level:metric:operation" in fault for fault in lint_files.record_names(unnamed))
    total = bad.groups({**record, "record": "workload:failures_total:increase10m"}, file="records.yaml")
    assert any("keeps _total" in fault for fault in lint_files.record_names(total))
    threshold = bad.groups({"record": "a:b:c", "expr": "vector(1)"}, file="thresholds.yaml")
    assert any("is no threshold" in fault for fault in lint_files.record_names(threshold))
    assert any("wrong file" in fault for fault in lint_files.kinds(bad.groups(record)))
    assert any("wrong file" in fault for fault in lint_files.kinds(bad.groups(good, file="records.yaml")))
    text = "groups: [{name: a, rules: [{record: a, expr: 'vector({{ .Values.a }})'}]}]"
    assert any("outside" in fault for fault in lint_files.braces(read_groups("a.yaml", text), {"a.yaml": text}))
    often = read_groups("dns.yaml", "groups: [{name: hubble-egress.dns, interval: 5s, rules: []}]")
    assert any("interval" in fault for fault in lint_files.group_names(often))


def test_durations() -> None:
    """Durations are read as Prometheus reads them."""
    assert (seconds_of("1h30m"), seconds_of("500ms"), seconds_of("1d"), seconds_of("0")) == (5400, 0.5, 86400, 0)
    for text in ("5", "m", "5x"):
        with pytest.raises(ValueError, match=r"duration|unit"):
            seconds_of(text)
