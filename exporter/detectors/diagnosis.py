"""All causes of one workload, in the order in which they are asked; each piece of evidence supports one at most."""

from exporter.destinations.interface import WorkloadName
from exporter.detectors import causes_of_dns as dns
from exporter.detectors import causes_of_egress as egress
from exporter.detectors.case import Case, Find
from exporter.detectors.interface import Cause, Confidence, Diagnosis, Finding

PRECEDENCE: tuple[tuple[Cause | None, Find], ...] = (
    (Cause.INFRASTRUCTURE, dns.infrastructure),
    (Cause.UPSTREAM_BLOCKED, dns.upstream_blocked),
    (Cause.RESOLVER_INGRESS_BLOCKED, dns.resolver_ingress_blocked),
    (Cause.DNS_TCP_BLOCKED, dns.dns_tcp_blocked),
    (Cause.DNS_BLOCKED, dns.dns_blocked),
    # What is meant to be blocked is no breakage: asked before those that the same evidence would support.
    (None, egress.intended),
    (Cause.QUERY_REFUSED, dns.query_refused),
    (Cause.SEARCH_SUFFIX_REFUSED, dns.search_suffix_refused),
    (Cause.UPSTREAM_REFUSED, dns.upstream_refused),
    (Cause.PROXY_ERROR, dns.proxy_error),
    (Cause.SERVFAIL, dns.servfail),
    (Cause.NXDOMAIN, dns.nxdomain),
    (Cause.UNANSWERED, dns.unanswered),
    (Cause.VISIBILITY_MISSING, egress.visibility_missing),
    (Cause.AUTOPATH, egress.autopath),
    (Cause.PORT_NOT_COVERED, egress.port_not_covered),
    (Cause.CNAME_NOT_COVERED, egress.cname_not_covered),
    (Cause.NAME_NOT_COVERED, egress.name_not_covered),
    (Cause.STALE_ADDRESS, egress.stale_address),
    (Cause.STILL_WORLD, egress.still_world),
    (Cause.EGRESS_DENIED_AFTER_DNS, egress.egress_denied_after_dns),
)
"""The first that claims a piece of evidence has it."""


def diagnose(workload: WorkloadName, case: Case) -> Diagnosis:
    """All causes of one workload; each piece of evidence supports one of them at most."""
    findings, blocks = [], 0
    for cause, find in PRECEDENCE:
        claims = sorted(find(case), key=lambda claim: -claim.tally.count)
        if not claims:
            continue
        claimed = {claim.tally.key for claim in claims}
        case = case._replace(tallies=tuple(one for one in case.tallies if one.key not in claimed))
        if cause is None:
            blocks += sum(claim.tally.count for claim in claims)
            continue
        sure = all(claim.confidence is Confidence.CONFIRMED for claim in claims)
        evidence = tuple(claim.tally.frozen(claim.notes, claim.waits_for) for claim in claims)
        findings.append(Finding(workload, cause, Confidence.CONFIRMED if sure else Confidence.INFERRED, evidence))
    return Diagnosis(tuple(findings), blocks)
