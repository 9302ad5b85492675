"""All causes of one workload, in the order in which they are asked; each piece of evidence supports one at most."""

from exporter.destinations.interface import WorkloadName
from exporter.detectors import causes_of_dns as dns
from exporter.detectors import causes_of_egress as egress
from exporter.detectors.case import Case, Find
from exporter.detectors.interface import Cause, Confidence, Diagnosis, Finding, Needs

PRECEDENCE: tuple[tuple[Cause | None, Needs, Find], ...] = (
    (Cause.INFRASTRUCTURE, Needs.FLOWS, dns.infrastructure),
    # What is meant to be blocked is no breakage: asked before those that the same evidence would support.
    (None, Needs.POLICIES, egress.intended),
    (Cause.UPSTREAM_BLOCKED, Needs.FLOWS, dns.upstream_blocked),
    (Cause.RESOLVER_INGRESS_BLOCKED, Needs.FLOWS, dns.resolver_ingress_blocked),
    (Cause.DNS_TCP_BLOCKED, Needs.FLOWS, dns.dns_tcp_blocked),
    (Cause.DNS_BLOCKED, Needs.FLOWS, dns.dns_blocked),
    (Cause.QUERY_REFUSED, Needs.FLOWS, dns.query_refused),
    (Cause.SEARCH_SUFFIX_REFUSED, Needs.FLOWS, dns.search_suffix_refused),
    (Cause.UPSTREAM_REFUSED, Needs.FLOWS, dns.upstream_refused),
    (Cause.PROXY_ERROR, Needs.FLOWS, dns.proxy_error),
    (Cause.SERVFAIL, Needs.FLOWS, dns.servfail),
    (Cause.NXDOMAIN, Needs.FLOWS, dns.nxdomain),
    (Cause.UNANSWERED, Needs.FLOWS, dns.unanswered),
    (Cause.VISIBILITY_MISSING, Needs.POLICIES, egress.visibility_missing),
    (Cause.AUTOPATH, Needs.FLOWS, egress.autopath),
    (Cause.PORT_NOT_COVERED, Needs.POLICIES, egress.port_not_covered),
    (Cause.CNAME_NOT_COVERED, Needs.POLICIES, egress.cname_not_covered),
    (Cause.NAME_NOT_COVERED, Needs.POLICIES, egress.name_not_covered),
    (Cause.STALE_ADDRESS, Needs.FLOWS, egress.stale_address),
    (Cause.STILL_WORLD, Needs.POLICIES, egress.still_world),
    (Cause.EGRESS_DENIED_AFTER_DNS, Needs.FLOWS, egress.egress_denied_after_dns),
)
"""The first that claims a piece of evidence has it. Without policies those that need them claim nothing."""


def diagnose(workload: WorkloadName, case: Case) -> Diagnosis:
    """All causes of one workload; each piece of evidence supports one of them at most."""
    findings, blocks = [], 0
    for cause, _, find in PRECEDENCE:
        claims = list(find(case))
        if not claims:
            continue
        claims.sort(key=lambda claim: -claim.tally.count)
        case = case.without(claims)
        if cause is None:
            blocks += sum(claim.tally.count for claim in claims)
            continue
        sure = all(claim.confidence is Confidence.CONFIRMED for claim in claims)
        confidence = Confidence.CONFIRMED if sure else Confidence.INFERRED
        evidence = tuple(claim.tally.frozen(claim.notes) for claim in claims)
        waits_for = dict.fromkeys(name for claim in claims for name in claim.tally.facts.names_on_port)
        findings.append(Finding(workload, cause, confidence, evidence, tuple(waits_for), case.asker.resolver))
    return Diagnosis(tuple(findings), blocks)
