"""What somebody may try who wants to leave unseen, and what grows or is forgotten meanwhile."""

from exporter.findings.interface import Novelty
from exporter.flow import Verdict
from exporter.known.interface import WorkloadKey
from exporter.known.settings import KnownSettings
from tests.detectors.watching import DAY, Watching
from tests.flows import at, dns_query, pod

NOW = 16 * DAY
CART = WorkloadKey("east", "shop", "cart")


def armed(known: KnownSettings | None = None) -> Watching:
    """A workload that has gone to one name for sixteen days."""
    watching = Watching(known=known)
    watching.learn()
    return watching


def test_address_in_the_name_of_a_pod() -> None:
    """A packet with the address of the outside as its own sender is dropped, and hides nothing of that address."""
    watching = armed()
    watching.deny(NOW, "8.8.8.8", source_ip="198.51.100.7", drop_reason=132)
    watching.contact(NOW + 9, "leak.example.net", "198.51.100.7")
    assert [finding.known_as for finding in watching.warnings] == ["8.8.8.8", "example.net"]


def test_refused_query_covers_no_port() -> None:
    """A refused query below a known domain does not pardon what goes to another port of it."""
    watching = armed()
    refused = dns_query("blocked.example.com.", verdict=Verdict.DROPPED, time_ns=at(NOW), source=pod())
    watching.see(refused)
    watching.contact(NOW + 9, destination_port=22)
    assert [(one.novelty, one.destination_port) for one in watching.warnings] == [(Novelty.PORT, "22")]


def test_second_port_of_a_refused_name() -> None:
    """Of a name that was announced when it was refused, the first port is no news, and the second is."""
    watching = armed()
    watching.see(dns_query("a.leak.example.", verdict=Verdict.DROPPED, time_ns=at(NOW), source=pod()))
    watching.contact(NOW + 9, "a.leak.example", "198.51.100.7")
    assert [one.verdict for one in watching.warnings] == ["dropped"]
    watching.contact(NOW + 99, "a.leak.example", "198.51.100.7", destination_port=22)
    assert [one.destination_port for one in watching.warnings] == ["", "22"]
