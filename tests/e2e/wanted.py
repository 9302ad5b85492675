"""What the demo's story means to whoever is on call: the alerts that must arrive, those that may, and why."""

from typing import NamedTuple

_PLACES = {"critical": "pager", "warning": "tickets", "info": "chat"}


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

    @property
    def receiver(self) -> str:
        """Whom the shipped routes tell: the shop is a team of its own, and how loud it is depends on the severity."""
        team = "shop" if self.workload.startswith("shop/") else "platform"
        return f"{team}-{_PLACES[self.severity]}"

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


_LEVELS = {"info": "Seen", "warning": "Active", "critical": "Persistent"}
_Contact = tuple[str, str, str, str, str]
_CONTACTS: tuple[_Contact, ...] = (
    ("shop/frontend", "world", "world", "8443", "dropped"),
    ("shop/catalog", "cidr", "198.51.100.64/26", "25", "dropped"),
    ("shop/mailer", "fqdn", "newsletter.campaign.example", "443", "dropped"),
    # A name that was refused: to what port it would have gone nobody knows.
    ("shop/report", "fqdn", "paste.leak.example", "", "dropped"),
    ("shop/report", "world", "world", "80", "dropped"),
    ("ops/ci-runner", "world", "world", "22", "dropped"),
    ("ops/ci-runner", "world", "world", "443", "dropped"),
    ("ops/ci-runner", "world", "world", "4444", "dropped"),
)
_BEACON: _Contact = ("shop/recommender", "world", "world", "8443", "forwarded")


def _unexpected(severity: str, contact: _Contact) -> Wanted:
    workload, kind, destination, port, verdict = contact
    labels = {"destination_kind": kind, "destination": destination, "destination_port": port, "verdict": verdict}
    alert = f"HubbleEgressUnexpectedDestination{_LEVELS[severity]}"
    text = "an address without a name (" if destination == "world" else f"{destination} ("
    return Wanted(alert, severity, workload, text, labels)


def _names(alert: str, workload: str, cause: str, words: str) -> Wanted:
    return Wanted(alert, "warning", workload, words, {"cause": cause})


MUST = (
    _unexpected("critical", _BEACON),
    *(_unexpected("warning", contact) for contact in _CONTACTS),
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
    _names("HubbleEgressInfrastructureDrops", "ops/backup", "infrastructure", "gateways"),
)
"""What arrives at a receiver."""
HELD_BACK = (
    _unexpected("warning", _BEACON),
    *(_unexpected("info", contact) for contact in (*_CONTACTS, _BEACON)),
)
"""What fires as well, and does not arrive: an alert that arrives says more about the same contact."""
MAY: tuple[tuple[Wanted, str], ...] = (
    (
        Wanted("HubbleEgressKnownDestinationNewPort", "warning", "shop/checkout", "", {"destination": ""}),
        "the rule that finds out which destination it was may be evaluated half a minute later",
    ),
)
"""What depends on the moment of a scrape, and why."""
