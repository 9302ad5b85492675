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


def _unexpected(severity: str, workload: str, destination: str, port: str, verdict: str = "dropped") -> Wanted:
    names = {"info": "Seen", "warning": "Active", "critical": "Persistent"}
    kind = "fqdn" if "." in destination and "/" not in destination else "world"
    labels = {"destination": destination, "destination_port": port, "destination_kind": kind, "verdict": verdict}
    return Wanted(f"HubbleEgressUnexpectedDestination{names[severity]}", severity, workload, destination, labels)


def _dns(alert: str, workload: str, cause: str, words: str) -> Wanted:
    return Wanted(alert, "warning", workload, words, {"cause": cause})


MUST = (
    # What nobody declared: the default deny, a campaign nobody spoke of, a leak, and the one that gets out.
    _unexpected("warning", "shop/frontend", "world", "8443"),
    _unexpected("warning", "shop/mailer", "newsletter.campaign.example", "443"),
    _unexpected("warning", "shop/report", "paste.leak.example", ""),
    _unexpected("critical", "shop/recommender", "world", "8443", "forwarded"),
    Wanted("HubbleEgressDeniedBurst", "warning", "ops/ci-runner", "ops/ci-runner", {}),
    Wanted("HubbleEgressMetadataContacted", "warning", "shop/report", "shop/report", {}),
    Wanted("HubbleEgressKnownDestinationNewPort", "warning", "shop/checkout", "shop/checkout", {}),
    Wanted("HubbleEgressAuditWouldDrop", "info", "shop/search", "shop/search", {}),
    # Names.
    _dns("HubbleEgressDNSBlocked", "shop/wishlist", "dns_blocked", "shop/wishlist"),
    _dns("HubbleEgressDNSBlocked", "shop/invoice", "dns_tcp_blocked", "shop/invoice"),
    _dns("HubbleEgressDNSQueryRefused", "shop/report", "query_refused", "shop/report"),
    _dns("HubbleEgressNameNotReachable", "shop/mailer", "egress_denied_after_dns", "shop/mailer"),
    _dns("HubbleEgressDNSFailing", "ops/backup", "infrastructure", "ops/backup"),
)

# What fires as well, and is kept back by the inhibit rules: more is said about the same.
FIRES: tuple[Wanted, ...] = ()
# What depends on how fast the machine is.
MAY: tuple[Wanted, ...] = ()
