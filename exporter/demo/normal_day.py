"""A minute like any other in the demo's shop: nothing in it should wake anybody."""

from exporter.demo import cluster
from exporter.demo.cluster import named, outside
from exporter.demo.exchanges import (
    Flows,
    Scene,
    connection,
    host_connection,
    long_connection,
    lookup,
    request,
    unseen_lookup,
)

PAYMENTS = named("203.0.113.10", "api.payments.example")
SESSIONS_IPV6 = named("2001:db8:7::6380", "sessions.cache.example")
SESSIONS_IPV4 = named("198.51.100.63", "sessions.cache.example")
MAIL = named("198.51.100.25", "smtp.mail.example")
FORGE = named("203.0.113.80", "git.forge.example")
STORAGE = named("203.0.113.90", "storage.reports.example")
PARTNER = outside("203.0.113.44", "files.partner.example", labels=("fqdn:*.partner.example",))
INDEX = outside("198.51.100.30", labels=("cidr:198.51.100.0/27",))
OFFSITE = outside("203.0.113.200", labels=("cidrgroup:io.cilium.policy.cidrgroupname/offsite",))
LEGACY = outside("192.168.90.5", labels=("cidr:192.168.90.0/24",))
TIME = outside("2001:db8:9::123", labels=("cidr:2001-db8-9--0/48",))
LOGS = outside("203.0.113.123")
UPSTREAM_DNS = outside("192.0.2.53")
_ROTATION_MINUTES = 3


def minute(number: int, scene: Scene) -> Flows:
    """Minute `number` of the story; what is rare comes every few minutes."""
    start = number * 60.0
    yield from _inside(number, start, scene)
    yield from _outside(number, start, scene)
    yield from _platform(number, start, scene)
    if number % 15 == 0:
        yield from _report(number, start, scene)
    if number % 30 == 0:
        # One connection for half an hour: after its SYN it is only ever ESTABLISHED.
        yield from long_connection(scene.call(cluster.CATALOG, LEGACY, 1521), start + 50, 30 * 60, "catalog")


def _inside(number: int, start: float, scene: Scene) -> Flows:
    frontend = cluster.FRONTEND_B if number % 2 else cluster.FRONTEND_A
    for _ in range(scene.chance.randrange(1, 3)):
        call = scene.call(frontend, cluster.CATALOG, 8080)
        yield from connection(call, start + scene.chance.uniform(0, 50), policy="frontend")
    call = scene.call(frontend, cluster.CHECKOUT, 8080)
    yield from connection(call, start + scene.chance.uniform(0, 50), policy="frontend")
    if number % 2:
        database = cluster.DB_1 if number % 4 == 1 else cluster.DB_0
        yield from connection(scene.call(cluster.CATALOG, database, 5432), start + 12, policy="catalog")
    if number % 3 == 0:
        yield from connection(scene.call(cluster.DB_1, cluster.DB_0, 5432), start + 21)


def _outside(number: int, start: float, scene: Scene) -> Flows:
    if number % 2 == 0:
        # `ndots:5` asks for three names that do not exist first: many NXDOMAIN, and nothing is wrong.
        name, answer = PAYMENTS.names[0], (PAYMENTS.address,)
        yield from lookup(scene, cluster.CHECKOUT, name, start + 5, answer, search=number % 4 == 0)
        yield from connection(scene.call(cluster.CHECKOUT, PAYMENTS, 443), start + 6, policy="checkout")
    else:
        sessions = (SESSIONS_IPV6, SESSIONS_IPV4)
        addresses = tuple(party.address for party in sessions)
        yield from lookup(scene, cluster.CART, "sessions.cache.example", start + 8, addresses)
        yield from connection(scene.call(cluster.CART_IPV6, SESSIONS_IPV6, 6380), start + 9, policy="cart")
    if number % 4 == 1:
        yield from connection(scene.call(cluster.CART, SESSIONS_IPV4, 6380), start + 11, policy="cart")
    if number % _ROTATION_MINUTES == 0:
        yield from images(number // _ROTATION_MINUTES, start + 30, scene)
    if number % 4 == 2:  # noqa: PLR2004, the minutes of the mailer
        yield from lookup(scene, cluster.MAILER, MAIL.names[0], start + 15, (MAIL.address,))
        yield from connection(scene.call(cluster.MAILER, MAIL, 587), start + 16, policy="mailer")
    if number % 3 == 1:
        yield from unseen_lookup(scene, cluster.SEARCH, start + 18)
        yield from connection(scene.call(cluster.SEARCH, INDEX, 443), start + 19, policy="search")
    if number % 5 == 0:
        yield from lookup(scene, cluster.FRONTEND_A, PARTNER.names[0], start + 39, (PARTNER.address,))
        call = scene.call(cluster.FRONTEND_A, PARTNER, 80)
        yield from request(call, start + 40, "GET", "/catalogue", 200, policy="frontend-l7")


def images(turn: int, at: float, scene: Scene) -> Flows:
    """A CDN gives other addresses each time; the name is the destination, so none of them is news."""
    addresses = [f"203.0.113.{128 + (turn * 4 + number) % 64}" for number in range(4)]
    yield from lookup(scene, cluster.RECOMMENDER, "cdn.images.example", at, ["edge.images.example.", *addresses])
    for number, address in enumerate(addresses[:2]):
        # No policy restricts this workload, and so none gives the address an identity of its own.
        call = scene.call(cluster.RECOMMENDER, outside(address, "cdn.images.example"), 443)
        yield from connection(call, at + 1 + number)


def _platform(number: int, start: float, scene: Scene) -> Flows:
    if number % 2 == 0:
        yield from connection(scene.call(cluster.PROMETHEUS, cluster.CATALOG, 9090), start + 2)
        yield from connection(scene.call(cluster.PROMETHEUS, cluster.REMOTE_NODES[cluster.NODE_1], 9100), start + 3)
    if number % 5 == 1:
        yield from connection(scene.call(cluster.PROMETHEUS, cluster.API_SERVER, 6443), start + 4)
        yield from connection(scene.call(cluster.COREDNS, UPSTREAM_DNS, 53, "udp"), start + 7)
        yield from host_connection(scene.call(cluster.HOSTS[cluster.NODE_1], LOGS, 443), start + 25)
    if number % 5 == 2:  # noqa: PLR2004, the minutes of ops
        yield from lookup(scene, cluster.CI_RUNNER, FORGE.names[0], start + 33, (FORGE.address,))
        yield from connection(scene.call(cluster.CI_RUNNER, FORGE, 443), start + 34, policy="ci-runner")
        yield from connection(scene.call(cluster.CI_RUNNER, FORGE, 0, "icmp"), start + 36, policy="ci-runner")
    if number % 10 == 3:  # noqa: PLR2004, the minutes of the backup
        yield from connection(scene.call(cluster.BACKUP, OFFSITE, 22), start + 44, policy="backup")
    if number % 10 == 4:  # noqa: PLR2004, the minutes of the clock
        yield from connection(scene.call(cluster.CATALOG, TIME, 123, "udp"), start + 46, policy="catalog")


def _report(number: int, start: float, scene: Scene) -> Flows:
    """A run of the CronJob, in a pod with a name of its own."""
    pod = cluster.report(number)
    yield from connection(scene.call(pod, cluster.API_SERVER, 6443), start + 22, policy="report")
    yield from connection(scene.call(pod, cluster.DB_0, 5432), start + 23, policy="report")
    yield from lookup(scene, pod, STORAGE.names[0], start + 24, (STORAGE.address,))
    yield from connection(scene.call(pod, STORAGE, 443), start + 26, policy="report")
