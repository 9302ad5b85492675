"""What one workload may use: destinations, ports, names below one domain. A budget counts what live series show."""

import pytest
from pydantic import ValidationError

from exporter.metrics.budget import Budget
from exporter.metrics.ceiling import EXPECTED, UNEXPECTED
from exporter.metrics.families import CONNECTIONS, DNS_QUERIES, DROPS, L7_REQUESTS
from exporter.metrics.settings import MetricsSettings

SETTINGS = MetricsSettings(
    destinations_per_workload=3, ports_per_workload=2, names_per_domain=2, unexpected_per_workload=1
)


def connection(
    destination: str, port: str = "443", *, workload: str = "cart", kind: str = "fqdn", namespace: str = "shop"
) -> tuple[str, ...]:
    """Label values of a connection."""
    return (namespace, workload, kind, "public", destination, port, "tcp", "forwarded")


class Used:
    """A budget, asked and used as the store does it."""

    def __init__(self, settings: MetricsSettings = SETTINGS) -> None:
        self.budget = Budget(settings)

    def show(self, *wanted: tuple[str, ...], pool: str = EXPECTED) -> list[tuple[str, str]]:
        """Destination and port under which each is counted; each is a series from then on."""
        shown = []
        for values in wanted:
            fitted, _ = self.budget.fit(CONNECTIONS, values, pool)
            self.budget.born(CONNECTIONS, fitted, pool)
            shown.append((fitted[4], fitted[5]))
        return shown


def test_destinations() -> None:
    """The first destinations of a workload have their label, further ones are folded; known ones stay known."""
    wanted = [connection(name) for name in ("a.com", "b.com", "c.com", "d.com", "a.com")]
    assert [destination for destination, _ in Used().show(*wanted)] == ["a.com", "b.com", "c.com", "~other", "a.com"]


def test_each_workload_has_its_own() -> None:
    """One workload does not use up another's destinations; a namespace makes another workload."""
    used = Used()
    used.show(*(connection(name) for name in ("a.com", "b.com", "c.com", "d.com")))
    assert used.show(connection("e.com", workload="basket"), connection("f.com", namespace="data")) == [
        ("e.com", "443"),
        ("f.com", "443"),
    ]


def test_ports() -> None:
    """Ports have a budget of their own; no port and `~other` cost nothing."""
    wanted = [connection("a.com", port) for port in ("", "~other", "443", "80", "22", "443", "")]
    assert [port for _, port in Used().show(*wanted)] == ["", "~other", "443", "80", "~other", "443", ""]


def test_names_below_one_domain() -> None:
    """Beyond the number they are their domain with a star, which is one destination; the domain itself is not below."""
    names = ("1.cdn.co.uk", "2.cdn.co.uk", "3.cdn.co.uk", "4.x.cdn.co.uk", "1.cdn.co.uk", "cdn.co.uk")
    shown = [destination for destination, _ in Used(MetricsSettings(names_per_domain=2)).show(*map(connection, names))]
    assert shown == ["1.cdn.co.uk", "2.cdn.co.uk", "*.cdn.co.uk", "*.cdn.co.uk", "1.cdn.co.uk", "cdn.co.uk"]


def test_names_under_no_public_suffix_are_kept_whole() -> None:
    """`ec2.internal` is no domain that anybody registered."""
    names = tuple(f"ip-{number}.ec2.internal" for number in range(5))
    shown = [destination for destination, _ in Used(MetricsSettings(names_per_domain=2)).show(*map(connection, names))]
    assert shown == list(names)


def test_only_names_have_domains() -> None:
    """A workload called like a domain is not folded with its neighbours."""
    wanted = [connection(f"{number}.example.com", kind="identity") for number in range(3)]
    assert [destination for destination, _ in Used().show(*wanted)] == [values[4] for values in wanted]


def test_a_domain_needs_room_too() -> None:
    """What would be folded into a domain for which there is no room is `~other`."""
    used = Used()
    used.show(connection("1.a.com"), connection("2.a.com"), connection("b.com"))
    assert used.show(connection("3.a.com")) == [("~other", "443")]


@pytest.mark.parametrize(
    ("wanted", "setting"),
    [
        (connection("d.com"), "metrics.destinations-per-workload"),
        (connection("a.com", "22"), "metrics.ports-per-workload"),
        (connection("d.com", "22"), "metrics.destinations-per-workload"),
        (connection("a.com", "80"), ""),
    ],
)
def test_which_setting(wanted: tuple[str, ...], setting: str) -> None:
    """The setting that folded is named, so that somebody can change it."""
    used = Used()
    used.show(connection("a.com"), connection("b.com", "80"), connection("c.com"))
    assert used.budget.fit(CONNECTIONS, wanted, EXPECTED)[1] == setting


def test_unexpected_destinations_have_their_own() -> None:
    """They are never folded because of expected ones, and they do not push those out."""
    used = Used()
    used.show(*(connection(name) for name in ("a.com", "b.com", "c.com")))
    assert used.show(connection("x.com"), connection("y.com"), pool=UNEXPECTED) == [("x.com", "443"), ("~other", "443")]
    assert used.budget.fit(CONNECTIONS, connection("y.com"), UNEXPECTED)[1] == "metrics.unexpected-per-workload"
    assert used.show(connection("a.com")) == [("a.com", "443")]


def test_what_leaves_makes_room() -> None:
    """A destination counts as long as one series shows it, in whichever family."""
    used = Used()
    a, b, c, d = (connection(name) for name in ("a.com", "b.com", "c.com", "d.com"))
    used.show(a, b, c)
    used.budget.born(DROPS, (*c[:-1], "policy_denied"), EXPECTED)
    used.budget.gone(CONNECTIONS, c, EXPECTED)
    assert used.show(d) == [("~other", "443")]
    used.budget.gone(DROPS, (*c[:-1], "policy_denied"), EXPECTED)
    assert used.show(d) == [("d.com", "443")]


def test_nothing_is_left_of_a_workload_without_series() -> None:
    """The budget has no memory of its own, so that it needs no bound of its own."""
    used = Used()
    wanted = [connection("1.a.com"), connection("2.a.com", "80"), connection("b", "", kind="world")]
    used.show(*wanted)
    for values in wanted:
        used.budget.gone(CONNECTIONS, values, EXPECTED)
    assert used.budget._usages == {}


def test_families_without_destination_have_no_budget() -> None:
    """Queries are not about destinations; requests have no port."""
    budget = Budget(SETTINGS)
    assert budget.fit(DNS_QUERIES, ("shop", "cart", "A"), EXPECTED) == (("shop", "cart", "A"), "")
    request = ("shop", "cart", "fqdn", "public", "a.com", "http", "GET", "200", "forwarded")
    for name in ("a.com", "b.com", "c.com"):
        budget.born(L7_REQUESTS, (*request[:4], name, *request[5:]), EXPECTED)
    folded, _ = budget.fit(L7_REQUESTS, (*request[:4], "d.com", *request[5:]), EXPECTED)
    assert folded == (*request[:4], "~other", *request[5:])


@pytest.mark.parametrize(
    "fields",
    [
        {"destinations_per_workload": 0},
        {"ports_per_workload": 0},
        {"names_per_domain": 0},
        {"series": 2_499},
        {"ttl": 59},
        {"ttl_by_family": {"connection": 3600}},
        {"ttl_by_family": {"connections": 59}},
        {"labels": {"connections.destination": "none"}},
        {"labels": {"connections.verdict": "off"}},
        {"labels": {"connections.source_workload": "coarse"}},
    ],
)
def test_bad_settings(fields: dict[str, object]) -> None:
    """A budget of none, a family that does not exist, a switch that there is not: none of them is a setting."""
    with pytest.raises(ValidationError):
        MetricsSettings.model_validate(fields)
