"""The five attacks are in the month, and look as they are described."""

from itertools import pairwise

from exporter.destinations.domains import registered_domain
from exporter.flow import EventType
from tests.flows import BASE, SECOND
from tests.month.attacks import Attack
from tests.month.digest import MINUTES, Digest
from tests.month.simulator import MONTH_NS, Month


def _attack(month: Month, start: str) -> tuple[Attack, float]:
    (attack,) = (one for one in month.attacks if one.name.startswith(start))
    return attack, (attack.from_ns - BASE) / SECOND / 86_400


def test_all_are_in_the_month(month: Month) -> None:
    """There are five, of five workloads, and none while the workloads are learnt."""
    assert len({attack.workload for attack in month.attacks}) == 5
    assert all(attack.from_ns > MONTH_NS for attack in month.attacks)


def test_a_new_domain_behind_a_rollout(month: Month, digest: Digest) -> None:
    """Pods of another template start, and minutes later one goes to an odd port of a name never seen."""
    attack, begin = _attack(month, "new domain")
    assert digest.first_queries("storefront")[attack.destination] > begin
    syns = [syn for syn in digest.of("storefront") if syn.port == 8000]
    templates = {life.pod.rsplit("-", 2)[1] for life in digest.starts("storefront") if life.first < begin}
    assert {syn.names for syn in syns} == {(attack.destination,)}
    assert 1 * MINUTES < syns[0].day - begin < 10 * MINUTES
    assert all(syn.pod.rsplit("-", 2)[1] not in templates for syn in syns)


def test_an_address_without_any_name(month: Month, digest: Digest) -> None:
    """A workload whose DNS is seen goes to an address that no answer ever had."""
    attack, begin = _attack(month, "direct")
    syns = [syn for syn in digest.of(attack.workload) if syn.ip == attack.destination]
    assert len(syns) == 4
    assert syns[0].day >= begin
    assert all(syn.names == () for syn in syns)
    assert attack.destination not in {ip for one in digest.asked for ip in one.dns.ips}


def test_a_known_domain_on_a_new_port(month: Month, digest: Digest) -> None:
    """A domain that is reached all the time is reached on port 22."""
    attack, begin = _attack(month, "known domain")
    name = "registry.example.net"
    assert registered_domain(name) == attack.destination
    ports = [(syn.port, syn.day) for syn in digest.of(attack.workload) if name in syn.names]
    assert {port for port, day in ports if day < begin} == {443}
    assert {port for port, day in ports if day >= begin} == {443, 22}


def test_slow_exfiltration(month: Month, digest: Digest) -> None:
    """A tenant's name of a CDN that the workload uses is reached every six hours; its addresses were known before."""
    attack, begin = _attack(month, "slow")
    assert registered_domain(attack.destination) == attack.destination
    syns = [syn for syn in digest.of(attack.workload) if attack.destination in syn.names]
    assert syns[0].day - begin < 1 * MINUTES
    assert len(syns) >= 18
    assert min(later.day - syn.day for syn, later in pairwise(syns)) > 5 / 24
    before = {syn.ip for syn in digest.of(attack.workload) if syn.day < begin}
    assert before & {syn.ip for syn in syns}
    assert any(syn.names == (attack.destination,) for syn in syns[:2])


def test_denied_attempts_only(month: Month, digest: Digest) -> None:
    """The name is refused and the address dropped, each packet as verdict and as drop; nothing passes."""
    attack, begin = _attack(month, "denied")
    refused = [one for one in digest.asked if one.refused]
    assert {(one.workload, one.dns.query) for one in refused} == {(attack.workload, f"{attack.destination}.")}
    assert not [one for one in digest.asked if one.is_answer and attack.destination in one.dns.query]
    assert {(day >= begin, workload, kind) for day, workload, kind, _ in digest.drops} == {
        (True, attack.workload, EventType.POLICY_VERDICT),
        (True, attack.workload, EventType.DROP),
    }
    for *_, flow in digest.drops:
        assert flow.drop_reason == 133
        assert flow.destination_port == attack.port
        assert flow.destination_ip in attack.addresses
    assert not [syn for syn in digest.of(attack.workload) if syn.ip in attack.addresses]
