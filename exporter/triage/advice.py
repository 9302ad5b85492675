"""What to do about each cause, in words."""

from exporter.detectors.interface import Cause

DENIED = "A deny rule says so, and wins over every rule that allows: change that rule, or leave it as it is meant."

ADVICE = {
    Cause.DNS_BLOCKED: (
        "Egress of this workload is restricted and no rule lets it ask the resolver. Allow what was "
        "dropped, and 53/TCP beside 53/UDP: what is too long for UDP is asked again by TCP."
    ),
    Cause.DNS_TCP_BLOCKED: (
        "Queries by UDP pass, by TCP they do not: answers that are too long for UDP are lost. Allow 53/TCP "
        "beside 53/UDP."
    ),
    Cause.RESOLVER_INGRESS_BLOCKED: (
        "Egress is allowed, and the resolver's own ingress policy drops the query. Let the resolver be asked "
        "by this workload, or better by all."
    ),
    Cause.QUERY_REFUSED: (
        "The DNS proxy refuses the name: the DNS rules of this workload do not cover it. If it is wanted, add"
        " the name there, and to toFQDNs if it is to be reached."
    ),
    Cause.UPSTREAM_REFUSED: (
        "The server itself answered REFUSED; no policy of the cluster did. Look at the resolver's forwarding,"
        " its access lists, and the zone."
    ),
    Cause.SEARCH_SUFFIX_REFUSED: (
        "Only the name with search suffixes behind it was asked and refused, and the client stopped there. "
        "Cover these forms too, or ask with a trailing dot, or lower ndots, or let the agent answer with "
        "nameError (tofqdns-dns-reject-response-code)."
    ),
    Cause.EGRESS_DENIED_AFTER_DNS: (
        "The name was answered and the connection to the answer is denied. If it is wanted, allow the name on"
        " this port; triage with --policies tells whether it is meant."
    ),
    Cause.NAME_NOT_COVERED: (
        "Somebody wants this name, and no policy that selects the workload covers it. A star stands for one "
        "label only: *.example.com covers neither example.com nor a.b.example.com."
    ),
    Cause.PORT_NOT_COVERED: "A policy covers the name, on other ports. Add this one.",
    Cause.VISIBILITY_MISSING: (
        "A toFQDNs rule exists and can never match: the DNS of this workload does not pass the proxy. Add DNS"
        " rules to the rule for port 53."
    ),
    Cause.CNAME_NOT_COVERED: (
        "The rule covers a name that the answer leads to. Cilium looks at the name that was asked: allow that one."
    ),
    Cause.AUTOPATH: (
        "The resolver answers the name with a search suffix behind it (autopath), so the agent knows the "
        "address under that form only. Ask with a trailing dot, lower ndots, switch autopath off, or allow "
        "the form."
    ),
    Cause.STALE_ADDRESS: (
        "The client kept an address for longer than its time to live, and the agent has forgotten it. Let the"
        " client resolve again, or raise tofqdns-min-ttl."
    ),
    Cause.STILL_WORLD: (
        "A rule covers name and port and the answer is fresh, yet the address has the identity of the world: "
        "an agent that has not caught up, or a fault of it (cilium/cilium#41873). Look at `cilium-dbg fqdn "
        "cache list` on this node; restarting its agent helps."
    ),
    Cause.NXDOMAIN: "The name does not exist. Look for a misspelling, a removed service, or a missing namespace in it.",
    Cause.SERVFAIL: "The resolver fails for these names. Look at its log, its upstreams and DNSSEC.",
    Cause.UNANSWERED: (
        "Queries leave and no answer comes. Look at the resolver's load and pods, and at the network between;"
        " the DNS proxy's own limits are tofqdns-proxy-response-max-delay and dnsproxy-concurrency-limit."
    ),
    Cause.PROXY_ERROR: "The agent's DNS proxy could not forward queries. Look at the agent's log on this node.",
    Cause.UPSTREAM_BLOCKED: (
        "Policy drops what the resolver asks of its upstream: names outside cannot be resolved by anybody. "
        "Let the resolver reach it."
    ),
    Cause.INFRASTRUCTURE: (
        "No policy drops this. Look at the agent on this node: `cilium-dbg status --verbose`, sizes of "
        "connection tracking and NAT maps, routes, tunnels and gateways."
    ),
}
