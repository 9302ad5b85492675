"""Bad examples: for each lint rules that it must find, and a part of what it says."""

import yaml

from tests.rules import lint_alerts, lint_matching, lint_selectors, lint_texts
from tests.rules.catalogue import Catalogue, exported
from tests.rules.lint_texts import RUNBOOK_URL
from tests.rules.reading import Group, Rule, read_groups

_LABELS = "source_namespace, source_workload, destination, destination_port"
GOOD = {
    "alert": "HubbleEgressDNSExample",
    "expr": "workload:example:increase10m > on () group_left () hubble_egress:threshold_example",
    "for": "5m",
    "labels": {"severity": "warning"},
    "annotations": {
        "summary": "A workload is an example.",
        "description": "{{ $labels.source_namespace }}/{{ $labels.source_workload }} is one {{ $value }} times.",
        "runbook_url": f"{RUNBOOK_URL}HubbleEgressDNSExample.md",
        "dashboard_url": "/d/hubble-egress-workload?var-source_namespace={{ $labels.source_namespace | urlquery }}",
    },
}
RECORDED = [
    {
        "record": "workload:example:increase10m",
        "expr": "sum without (instance, pod) (increase(hubble_egress_dns_failures_total[10m]))",
    },
    {"record": "hubble_egress:threshold_example", "expr": "vector(5)"},
]


def groups(*rules: object, file: str = "dns.yaml", name: str = "hubble-egress.dns") -> tuple[Group, ...]:
    """The groups of a file with these rules."""
    document = {"groups": [{"name": name, "interval": "30s", "rules": list(rules)}]}
    return read_groups(file, yaml.safe_dump(document))


def rule(**changed: object) -> Rule:
    """The good alert with something changed; annotations and labels one by one."""
    changes = {name: value for name, value in changed.items() if name in ("alert", "expr", "for", "labels")}
    annotations = {name: value for name, value in changed.items() if name not in changes}
    return groups({**GOOD, **changes, "annotations": {**GOOD["annotations"], **annotations}})[0].rules[0]  # type: ignore[dict-item]


def alert(expr: str, **changed: object) -> Rule:
    """The good alert with another expression."""
    return rule(expr=expr, **changed)


def recorded(expr: str) -> Rule:
    """A recording rule with this expression."""
    return groups({"record": "instance:example:bool", "expr": expr}, file="records.yaml")[0].rules[0]


def known() -> Catalogue:
    """What we export, and the recorded metrics of the good alert."""
    return Catalogue(exported(), groups(*RECORDED)[0].rules)


_SUM = "sum without (instance, pod)"
_DNS = "hubble_egress_dns_breakage"
_DROPS = "hubble_egress_unexpected_drops_total"
BAD = [
    (lint_texts.alert_name, rule(alert="hubbleEgressSomething"), "CamelCase"),
    (lint_texts.alert_name, rule(alert="HubbleEgress_Something"), "CamelCase"),
    (lint_texts.alert_name, rule(alert="EgressSomething"), "CamelCase"),
    (lint_texts.severity, rule(labels={"severity": "page"}), "severity"),
    (lint_texts.severity, rule(labels={}), "severity"),
    (lint_texts.static_labels, rule(labels={"severity": "info", "times": "{{ $value }}"}), "label times"),
    (lint_texts.static_labels, rule(labels={"severity": "info", "job": "x"}), "hides"),
    (lint_texts.summary, rule(summary="a workload is an example."), "summary"),
    (lint_texts.summary, rule(summary="A workload is an example"), "summary"),
    (lint_texts.summary, rule(summary="The workload {{ $labels.source_workload }} is one."), "summary"),
    (lint_texts.summary, rule(summary=""), "summary"),
    (lint_texts.description, rule(description="{{ $labels.source_namespace }} is one."), "source_workload"),
    (lint_texts.description, rule(description=""), "missing"),
    (lint_texts.templates, rule(description="{{ $labels.source_pod }} is one."), "$labels.source_pod"),
    (lint_texts.templates, rule(dashboard_url="/d/{{ $labels.instance }}"), "dashboard_url names $labels.instance"),
    (lint_texts.templates, rule(description="{{ .Values.owner }} is told."), "Helm"),
    (lint_texts.runbook_url, rule(runbook_url=f"{RUNBOOK_URL}HubbleEgressOther.md"), "runbook_url"),
    (lint_texts.dashboard_url, rule(dashboard_url="/d/other"), "leads to none"),
    (lint_texts.dashboard_url, rule(dashboard_url="https://grafana.example/d/hubble-egress-workload"), "leads"),
    (lint_texts.dashboard_url, rule(dashboard_url="/d/hubble-egress-workload?var-pod=x"), "var-pod"),
    (lint_texts.dashboard_url, rule(dashboard_url="/d/hubble-egress-workload?var-cluster={{ 1 }}"), "urlquery"),
    (lint_selectors.series, alert("hubble_egress_connections > 0"), "hubble_egress_connections"),
    (lint_selectors.series, alert('{source_workload="a"} > 0'), "of such a name"),
    (lint_selectors.series, alert("absent(up == 1) and hubble_egress:treshold_example"), "treshold"),
    (lint_selectors.matchers, alert(f'{_DNS}{{workload="a"}} > 0'), "no label workload"),
    (lint_selectors.matchers, alert(f'{_DNS}{{cause="dns_bloked"}} > 0'), "never dns_bloked"),
    (lint_selectors.matchers, alert(f'{_DNS}{{cause=~"servfail|unanswerd"}} > 0'), "never unanswerd"),
    (lint_selectors.regexps, alert(f'{_DNS}{{source_workload=~"a"}} > 0'), "needs no regular expression"),
    (lint_selectors.regexps, alert(f'{_DNS}{{source_workload=~"^a.+"}} > 0'), "anchored"),
    (lint_selectors.regexps, alert(f'{_DNS}{{source_workload=~".*"}} > 0'), "everything"),
    (lint_selectors.ranges, alert(f"rate({_DROPS}[2m]) > 0"), "shorter"),
    (lint_selectors.ranges, alert("max_over_time(up[1m]) > 0"), "shorter"),
    (lint_selectors.ranges, alert("max_over_time(sum without (instance, pod) (up)[2m:30s]) > 0"), "subquery"),
    (lint_selectors.counters, alert(f"rate({_DNS}[10m]) > 0"), "no counter"),
    (lint_selectors.counters, alert("increase(workload:example:increase10m[10m]) > 0"), "no counter"),
    (lint_selectors.counters, alert(f"irate({_DROPS}[10m]) > 0"), "two samples"),
    (lint_selectors.gauges, alert(f"delta({_DROPS}[10m]) > 0"), "no gauge"),
    (lint_matching.aggregations, alert(f"sum({_DNS}) > 0"), "without a word"),
    (lint_matching.aggregations, alert(f"sum without (instance) ({_DNS}) > 0"), "keeps pod"),
    (lint_matching.aggregations, alert(f"sum by (source_workload) ({_DNS}) > 0"), "forgets cluster"),
    (lint_matching.aggregated_labels, alert(f"sum by (cluster, workload) ({_DNS}) > 0"), "names workload"),
    (lint_matching.aggregated_labels, alert(f"{_SUM[:-1]}, reason) ({_DNS}) > 0"), "names reason"),
    (lint_matching.matching_labels, alert(f"{_DNS} and on (cluster, job, verdict) up"), "on verdict"),
    (lint_matching.matching_labels, alert(f"{_DNS} * on (cluster, job) group_left (x) up > 0"), "takes over x"),
    (lint_matching.matching_cluster, alert(f"{_DNS} and on (job, instance) up"), "forgets cluster"),
    (lint_matching.matching_sides, alert(f"{_DNS} and up"), "only one side has cause"),
    (lint_matching.matching_sides, alert(f"{_SUM} ({_DNS}) / {_DNS} > 0"), "only one side has instance"),
    (lint_matching.matching_sides, alert(f"{_DNS} > hubble_egress:threshold_example"), "only one side"),
    (lint_matching.many_to_many, alert(f"{_DNS} > on () hubble_egress:threshold_example"), "no group_left"),
    (lint_alerts.comparison, alert(_DNS), "never false"),
    (lint_alerts.comparison, alert(f"{_DNS} > bool 0"), "never false"),
    (lint_alerts.comparison, alert(f"{_SUM} ({_DNS} > 0) or vector(0)"), "never false"),
    (lint_alerts.absent_for, alert("absent(up)", **{"for": "1m"}), "absent()"),
    (lint_alerts.absent_for, alert("absent_over_time(up[10m]) > 0", **{"for": "0s"}), "absent()"),
    (lint_alerts.raw_counter, alert(f"{_SUM} ({_DROPS}) > 0"), "counter"),
    (lint_alerts.raw_counter, alert("round(hubble_egress_exporter_decode_errors_total) > 0"), "counter"),
    (lint_alerts.born_at_one, alert(f"increase({_DROPS}[10m]) > 0"), "first event"),
    (lint_alerts.picking, alert(f"topk(3, {_DNS}) > 0"), "each time"),
    (lint_alerts.literal_limit, alert(f"{_DNS} > 20"), "> 20"),
    (lint_alerts.literal_limit, recorded("time() - process_start_time_seconds < 900"), "< 900"),
    (lint_alerts.literal_limit, alert("quantile_over_time(0.9, up[1d]) > 0"), "quantile_over_time 0.9"),
    (lint_alerts.threshold_matching, alert("up > ignoring (a) hubble_egress:threshold_example"), "needs on ()"),
]
