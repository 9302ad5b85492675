"""What the demo's story means to whoever is on call: the alerts that must arrive, those that may, and why."""

from typing import NamedTuple


class Wanted(NamedTuple):
    """An alert about a workload: labels that it has, and words of its texts."""

    alert: str
    severity: str
    workload: str
    words: str
    labels: dict[str, str]

    def __str__(self) -> str:
        """Its name among the tests."""
        return " ".join([self.alert, self.workload, *self.labels.values()])

    def is_told_by(self, labels: dict[str, str]) -> bool:
        """Whether an alert with these labels is the one."""
        return (
            labels["alertname"] == self.alert
            and workload_of(labels) == self.workload
            and all(labels.get(name, "") == value for name, value in self.labels.items())
        )


def workload_of(labels: dict[str, str]) -> str:
    """Whom an alert is about; empty when it is about no workload."""
    return "/".join(labels[name] for name in ("source_namespace", "source_workload") if name in labels)


_LEVELS = {
    "HubbleEgressUnexpectedDestinationSeen": "info",
    "HubbleEgressUnexpectedDestinationActive": "warning",
    "HubbleEgressUnexpectedDestinationPersistent": "critical",
}


def _unexpected(
    workload: str, kind: str, destination: str, port: str, verdict: str = "dropped", *, persists: bool = False
) -> tuple[Wanted, ...]:
    """Seen and active, and persistent if it `persists`."""
    labels = {"destination_kind": kind, "destination": destination, "destination_port": port, "verdict": verdict}
    levels = list(_LEVELS.items())[: 3 if persists else 2]
    return tuple(Wanted(alert, severity, workload, destination, labels) for alert, severity in levels)


def _names(alert: str, workload: str, cause: str, words: str) -> Wanted:
    return Wanted(alert, "warning", workload, words, {"cause": cause})


MUST = (
    *_unexpected("shop/recommender", "world", "world", "8443", "forwarded", persists=True),
    *_unexpected("shop/frontend", "world", "world", "8443"),
    *_unexpected("shop/catalog", "cidr", "198.51.100.64/26", "25"),
    *_unexpected("shop/mailer", "fqdn", "newsletter.campaign.example", "443"),
    # A name that was refused: to what port it would have gone nobody knows.
    *_unexpected("shop/report", "fqdn", "paste.leak.example", ""),
    *_unexpected("shop/report", "world", "world", "80"),
    *(one for port in ("22", "443", "4444") for one in _unexpected("ops/ci-runner", "world", "world", port)),
    Wanted("HubbleEgressDeniedBurst", "warning", "ops/ci-runner", "times in ten minutes", {}),
    Wanted("HubbleEgressMetadataContacted", "warning", "shop/report", "metadata address", {"scope": "metadata"}),
    Wanted(
        "HubbleEgressKnownDestinationNewPort",
        "warning",
        "shop/checkout",
        "api.payments.example (public) at 8444/tcp",
        {"destination": "api.payments.example", "destination_port": "8444", "verdict": "forwarded"},
    ),
    Wanted(
        "HubbleEgressAuditWouldDrop",
        "info",
        "shop/search",
        "audit mode",
        {"destination_kind": "world", "destination_port": "443", "verdict": "audited"},
    ),
    _names("HubbleEgressDNSBlocked", "shop/wishlist", "dns_blocked", "it resolves nothing"),
    _names("HubbleEgressDNSBlocked", "shop/invoice", "dns_tcp_blocked", "53/TCP"),
    _names("HubbleEgressDNSQueryRefused", "shop/report", "query_refused", "refuses a name"),
    _names(
        "HubbleEgressNameNotReachable",
        "shop/mailer",
        "egress_denied_after_dns",
        "the connection to the answer is denied",
    ),
    # The egress gateway that is not there.
    _names("HubbleEgressDNSFailing", "ops/backup", "infrastructure", "gateways"),
)
"""What arrives at a receiver."""
FIRES: tuple[Wanted, ...] = ()
"""What fires as well, and is kept back by the inhibit rules: an alert that arrives says more about the same."""
MAY: tuple[tuple[Wanted, str], ...] = (
    (
        Wanted("HubbleEgressKnownDestinationNewPort", "warning", "shop/checkout", "", {"destination": ""}),
        "the rule that finds out which destination it was may be evaluated half a minute later",
    ),
)
"""What depends on the moment of a scrape, and why."""
