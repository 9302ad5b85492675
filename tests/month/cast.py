"""Who lives in the cluster: fourteen workloads of a house with many services, and a job of one of them."""

from dataclasses import dataclass
from enum import Enum, auto

from tests.month.places import AKAMAI, AWS, CLOUDFLARE, CLOUDFRONT, FASTLY, GOOGLE, Place


class How(Enum):
    """How somebody goes somewhere."""

    USUAL = auto()
    """Asks for the name and connects, or now and then connects to an address that it had before."""
    LONG = auto()
    """One connection for hours."""
    PING = auto()
    BARE = auto()
    """Connects to an address without having asked for any name."""
    FAILING = auto()
    """The resolver answers SERVFAIL."""
    REFUSED = auto()
    """Policy refuses the name; an address is tried instead, and dropped."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place that a workload goes to about every so many hours; rarer than daily means weekly."""

    place: Place
    every: float
    port: int = 443
    how: How = How.USUAL


@dataclass(frozen=True, slots=True)
class Peer:
    """A workload in the cluster that another one uses about every so many hours."""

    name: str
    port: int
    every: float = 1.0


@dataclass(frozen=True, slots=True)
class Member:
    """A workload. `startup` are places that it calls only when a pod of it has just started."""

    namespace: str
    name: str
    uses: tuple[Use, ...]
    startup: tuple[Place, ...]
    peers: tuple[Peer, ...] = ()
    kind: str = "Deployment"
    replicas: int = 1


VAULT_ICONS = "vault"
"""The workload that fetches an icon from every site that somebody has an account with."""
TELEMETRY = Place("telemetry.dashboards.example", CLOUDFLARE)
KNOWN_TELEMETRY = Place("phone-home.homes.example", AWS)
"""Called weekly also while it was learnt; the other one never was."""
PLUGIN_HOST = Place("plugins-monthly.media.example", CLOUDFLARE)
NEW_API = Place("api.weather-pro.example", AKAMAI, cname="weather-pro.akamaized.net")
REGISTRY = Place("registry.example.net", AWS)
UPSTREAM = Place("rates.bank.example", GOOGLE)

MEMBERS = (
    Member(
        *("edge", "proxy"),
        (
            Use(Place("acme.certs.example", CLOUDFLARE), 24),
            Use(Place("ocsp.certs.example", AKAMAI, cname="ocsp.certs.akamaized.net"), 3),
            Use(Place("blocklist.crowd.example", AWS), 2),
        ),
        (Place("update.proxy.example", AWS), Place("hub.crowd.example", CLOUDFRONT, cname="d1hub.cloudfront.net")),
        (Peer("storefront", 8080, 0.5), Peer("vault", 8080), Peer("photos", 2342)),
        replicas=2,
    ),
    Member(
        *("monitoring", "grafana"),
        (
            Use(Place("dashboards.example.org", GOOGLE, v6=True), 4),
            Use(Place("hooks.chat.example", CLOUDFLARE), 3),
            Use(Place("avatars.example.com", FASTLY), 24),
        ),
        (Place("version.dashboards.example", GOOGLE), Place("catalog.map.fastly.net", FASTLY), TELEMETRY),
        (Peer("loki", 3100, 0.4), Peer("worker", 9090)),
    ),
    Member(
        *("monitoring", "loki"),
        (
            Use(Place("chunks-eu.s3.eu-west-1.amazonaws.com", AWS), 0.5),
            Use(Place("index-eu.s3.eu-west-1.amazonaws.com", AWS), 1),
            Use(Place("sts.eu-west-1.amazonaws.com", AWS), 6),
        ),
        (Place("stats.logs.example", GOOGLE),),
        (Peer("mail", 25, 12),),
        kind="StatefulSet",
    ),
    Member(
        *("home", "automation"),
        (
            Use(Place("api.weather.example", AKAMAI, cname="weather.akamaized.net"), 0.5),
            Use(Place("radar.weather.example", AKAMAI, cname="radar.akamaized.net"), 1),
            Use(Place("push.example.com", GOOGLE, v6=True), 1),
            Use(Place("cloud.lamps.example", AWS), 2),
            Use(Place("cloud.lamps.example", AWS), 12, how=How.PING),
            Use(Place("alerts.homes.example", CLOUDFLARE), 12),
            Use(KNOWN_TELEMETRY, 168),
        ),
        (Place("version.homes.example", CLOUDFLARE), KNOWN_TELEMETRY, Place("brands.homes.example", CLOUDFLARE)),
        (Peer("bridge", 1883, 0.4),),
    ),
    Member(
        *("home", "bridge"),
        (
            Use(Place("mqtt.iot.example", AWS), 12, port=8883, how=How.LONG),
            Use(Place("firmware.iot.example", CLOUDFRONT, cname="d3firm.cloudfront.net"), 24),
            Use(Place("time.iot.example"), 2, port=8123),
        ),
        (Place("index.iot.example", FASTLY),),
        (Peer("automation", 8123),),
    ),
    Member(
        *("media", "photos"),
        (
            Use(Place("d2photos.cloudfront.net", CLOUDFRONT), 0.8),
            Use(Place("d4maps.cloudfront.net", CLOUDFRONT), 2),
            Use(Place("places.geo.example", FASTLY), 1),
            Use(Place("tiles-{}.maps.example.net", FASTLY), 2),
            Use(Place("models.vision.example", GOOGLE, v6=True), 168),
        ),
        (Place("version.photos.example", CLOUDFLARE),),
        (Peer("loki", 3100),),
    ),
    Member(
        *("media", "mediaserver"),
        (
            Use(Place("shard-{}.covers.example.com", CLOUDFLARE, v6=True), 0.5),
            Use(Place("lyrics.music.example", GOOGLE), 2),
            Use(Place("artists.music.example", FASTLY), 3),
            Use(Place("scrobble.radio.example"), 1),
        ),
        (Place("version.media.example", CLOUDFLARE), Place("insights.media.example", AWS)),
        (Peer("loki", 3100),),
    ),
    Member(
        *("security", VAULT_ICONS),
        (Use(Place("push.vault.example", AWS), 1), Use(Place("breaches.example.com", CLOUDFLARE), 12)),
        (Place("version.vault.example", FASTLY),),
        (Peer("mail", 25, 6),),
    ),
    Member(
        *("code", "git"),
        (
            Use(Place("mirror.example.org", FASTLY), 0.5),
            Use(Place("mirror.example.org", FASTLY), 6, port=9418),
            Use(Place("pages.users.github.io", FASTLY), 6),
            Use(Place("avatars.people.example", CLOUDFLARE), 2),
            Use(Place("hooks.chat.example", CLOUDFLARE), 2),
        ),
        (Place("version.forge.example", CLOUDFLARE), Place("plugins.forge.example", CLOUDFLARE)),
        (Peer("mail", 25, 3),),
        replicas=2,
    ),
    Member(
        *("code", "updates"),
        (
            Use(REGISTRY, 0.5),
            Use(Place("auth.registry.example", AWS), 1),
            Use(Place("layers.images.example", CLOUDFRONT, cname="d5layers.cloudfront.net"), 2),
            Use(Place("releases.example.com", FASTLY), 1),
            Use(REGISTRY, 24, how=How.PING),
        ),
        (Place("version.updates.example", FASTLY),),
        (Peer("mail", 25, 12),),
    ),
    Member(
        *("mail", "mail"),
        (
            Use(Place("smtp.relay.example"), 0.5, port=587),
            Use(Place("lists.spam.example", CLOUDFLARE), 1),
            Use(Place("policy.mail.example.com", GOOGLE), 24),
        ),
        (Place("rules.spam.example", CLOUDFLARE),),
        (Peer("loki", 3100),),
        kind="StatefulSet",
    ),
    Member(
        *("backup", "backup"),
        (
            Use(Place("vault-of-home.s3.eu-west-1.amazonaws.com", AWS), 0.4),
            Use(Place("locks-of-home.s3.eu-west-1.amazonaws.com", AWS), 2),
            Use(Place("ping.watchdog.example"), 1),
            Use(Place("prune.cold.example", GOOGLE), 168),
        ),
        (Place("version.backup.example", FASTLY),),
        (Peer("loki", 3100),),
    ),
    Member(
        *("shop", "storefront"),
        (
            Use(Place("api.payments.example"), 0.3),
            Use(Place("hooks.payments.example"), 1),
            Use(Place("d6assets.cloudfront.net", CLOUDFRONT), 0.7),
            Use(Place("shop-media.s3.eu-west-1.amazonaws.com", AWS), 1),
            Use(Place("errors.example.org", GOOGLE), 3),
            Use(Place("shop.map.fastly.net", FASTLY), 2),
        ),
        (Place("flags.shop-tools.example", CLOUDFLARE), Place("license.shop-tools.example")),
        (Peer("worker", 5672, 0.4), Peer("mail", 25, 2)),
        replicas=2,
    ),
    Member(
        *("shop", "worker"),
        (
            Use(UPSTREAM, 1),
            Use(Place("parcels.carrier.example", AKAMAI, cname="parcels.akamaized.net"), 0.5),
            Use(Place("labels.carrier.example", AKAMAI, cname="labels.akamaized.net"), 1),
            Use(Place("queue.eu-west-1.amazonaws.com", AWS, v6=True), 0.5),
            Use(Place("reports.tax.example"), 168),
        ),
        (Place("version.jobs.example", CLOUDFLARE),),
        (Peer("storefront", 8080, 2), Peer("mail", 25, 4)),
    ),
)

JOB = Member(
    *("media", "plugin-updates"),
    (Use(Place("index.media.example", CLOUDFLARE), 168), Use(Place("d8plugins.cloudfront.net", CLOUDFRONT), 168)),
    (),
    kind="CronJob",
)
"""Runs weekly, and once in the month with something else to do."""

BY_NAME = {member.name: member for member in (*MEMBERS, JOB)}
