"""What this stage says: a workload, what is broken of it, and by which evidence."""

from enum import StrEnum
from typing import NamedTuple

from exporter.destinations.interface import WorkloadName
from exporter.endpoint import Endpoint
from exporter.flow import Flow


class Cause(StrEnum):
    """Why a name cannot be resolved or reached. METRICS.md and the README say what was seen of each."""

    DNS_BLOCKED = "dns_blocked"
    DNS_TCP_BLOCKED = "dns_tcp_blocked"
    RESOLVER_INGRESS_BLOCKED = "resolver_ingress_blocked"
    QUERY_REFUSED = "query_refused"
    UPSTREAM_REFUSED = "upstream_refused"
    SEARCH_SUFFIX_REFUSED = "search_suffix_refused"
    EGRESS_DENIED_AFTER_DNS = "egress_denied_after_dns"
    NAME_NOT_COVERED = "name_not_covered"
    PORT_NOT_COVERED = "port_not_covered"
    VISIBILITY_MISSING = "visibility_missing"
    CNAME_NOT_COVERED = "cname_not_covered"
    AUTOPATH = "autopath"
    STALE_ADDRESS = "stale_address"
    STILL_WORLD = "still_world"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    UNANSWERED = "unanswered"
    PROXY_ERROR = "proxy_error"
    UPSTREAM_BLOCKED = "upstream_blocked"
    INFRASTRUCTURE = "infrastructure"

    # Keys of dictionaries: the enum's own hash is written in Python.
    __hash__ = str.__hash__


REFUSED, PROXY_ERROR, UNANSWERED = FAILURES = ("refused", "proxy_error", "unanswered")
"""Ways in which a query ends without an answer from a server."""


class Confidence(StrEnum):
    """What a finding rests on: flows alone, or flows and the policies that were read."""

    INFERRED = "inferred"
    CONFIRMED = "confirmed"


class Needs(StrEnum):
    """What a cause needs to be told."""

    FLOWS = "flows"
    POLICIES = "flows and policies"


class Kind(StrEnum):
    """What a piece of evidence is."""

    DROP_TO_RESOLVER = "policy dropped it on the way to a resolver"
    DROP_AT_RESOLVER = "dropped on its way in at the resolver"
    DROP_OF_RESOLVER = "the resolver's own query, dropped"
    DROP_NAMED = "policy dropped the connection to a name"
    DROP_NAMELESS = "policy dropped the connection to an address without a name"
    DROP_OTHER = "dropped, and not by policy"
    REFUSED_QUERY = "the DNS proxy refused the query"
    REFUSED_ANSWER = "the server answered REFUSED"
    NXDOMAIN = "the server answered NXDOMAIN"
    SERVFAIL = "the server answered SERVFAIL"
    PROXY_ERROR = "the DNS proxy could not forward the query"
    UNANSWERED = "no answer came"

    # Keys of dictionaries: the enum's own hash is written in Python.
    __hash__ = str.__hash__


class Key(NamedTuple):
    """What pieces of evidence have in common that are counted together."""

    kind: Kind
    name: str = ""
    """The name that was meant, where one is known."""
    asked_as: str = ""
    """The query, where a search suffix stood behind the name."""
    destination: str = ""
    port: int = 0
    protocol: str = ""
    reason: str = ""
    is_stale: bool = False
    """The address had a name, whose time to live was over."""
    is_forgotten: bool = False
    """And for so long that the agent has forgotten it too."""
    name_confidence: str = ""
    """How sure the name of the address is; empty where the name itself was asked."""


class Evidence(NamedTuple):
    """Pieces of evidence that were counted together, with the first and the last flow that showed them."""

    key: Key
    first: Flow
    last: Flow
    number: int
    notes: tuple[str, ...] = ()
    """What the policies that were read say of it."""


class Finding(NamedTuple):
    """One cause of one workload. Times are the flows' own, in ns since the epoch."""

    workload: WorkloadName
    cause: Cause
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    """The strongest first."""
    waits_for: tuple[str, ...] = ()
    """Names and patterns that rules on the port allow, where no name of the address is known."""
    resolver: tuple[Endpoint, int] | None = None
    """The resolver that the workload asked last, and its port."""

    @property
    def since_ns(self) -> int:
        """When the first of the evidence was seen."""
        return min(one.first.time_ns for one in self.evidence)

    @property
    def last_ns(self) -> int:
        """When the last of it was seen."""
        return max(one.last.time_ns for one in self.evidence)

    @property
    def number(self) -> int:
        """How many flows showed it."""
        return sum(one.number for one in self.evidence)


class Failures(NamedTuple):
    """How often a name failed, why, and when last."""

    number: int
    why: tuple[str, ...]
    last_ns: int


NO_FAILURES = Failures(0, (), 0)


class Diagnosis(NamedTuple):
    """Everything that is found out about one workload."""

    findings: tuple[Finding, ...] = ()
    intended_blocks: int = 0
    """Drops and refusals by policies that mean them."""
