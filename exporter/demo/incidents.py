"""One of each thing that the exporter exists to notice, and some that look alarming and are not."""

from collections.abc import Callable
from typing import NamedTuple

from exporter.demo import cluster, normal_day
from exporter.demo.cluster import named, outside
from exporter.demo.events import policy_verdict
from exporter.demo.exchanges import Flows, Scene, connection, denied, lookup, refused_lookup, request
from exporter.hubble.pb.flow import flow_pb2

BEACON = outside("192.0.2.77")
NOWHERE = outside("192.0.2.10")
DIRECT = outside("192.0.2.99")
METADATA = outside("169.254.169.254")
SPAM = outside("198.51.100.66", labels=("cidr:198.51.100.64/26",))
SHADOW = outside("198.51.100.200")
CAMPAIGN = outside("203.0.113.77", "newsletter.campaign.example")
TELEMETRY = outside("203.0.113.99", "telemetry.vendor.example")
_BURST = 40


class Incident(NamedTuple):
    """Something that happens in a given minute of each lap, and what it is, for those who watch."""

    minute: int
    title: str
    act: Callable[[float, Scene], Flows]


def default_deny(at: float, scene: Scene) -> Flows:
    """Nothing allows it: reason POLICY_DENIED."""
    yield from denied(scene.call(cluster.FRONTEND_A, NOWHERE, 8443), at)


def explicit_deny(at: float, scene: Scene) -> Flows:
    """A deny rule forbids it: reason POLICY_DENY, and the policy has a name."""
    yield from denied(scene.call(cluster.CATALOG, SPAM, 25), at, flow_pb2.POLICY_DENY, "no-mail")


def no_dns_rule(at: float, scene: Scene) -> Flows:
    """Egress is restricted and the rule for DNS was forgotten: nothing of this workload is ever resolved."""
    for number in range(2):
        yield from denied(scene.call(cluster.WISHLIST, cluster.COREDNS, 53, "udp"), at + number * 5)


def no_tcp_dns(at: float, scene: Scene) -> Flows:
    """UDP 53 is allowed and TCP 53 is not: the answer is cut off, and the second try over TCP is dropped."""
    yield from lookup(scene, cluster.INVOICE, "records.tax.example", at)
    yield from denied(scene.call(cluster.INVOICE, cluster.COREDNS, 53), at + 0.1)


def refused_query(at: float, scene: Scene) -> Flows:
    """The DNS rule does not have this name."""
    yield from refused_lookup(scene, cluster.report(0), "paste.leak.example", at)


def ndots_storm(at: float, scene: Scene) -> Flows:
    """Eight names with three expansions each: 48 NXDOMAIN, and every name is found. No fault."""
    for number in range(8):
        name, address = f"mirror-{number}.forge.example", f"203.0.113.{81 + number}"
        yield from lookup(scene, cluster.CI_RUNNER, name, at + number, (address,), search=True)
        yield from connection(
            scene.call(cluster.CI_RUNNER, named(address, name), 443), at + number + 0.5, policy="ci-runner"
        )


def resolved_then_dropped(at: float, scene: Scene) -> Flows:
    """The name is answered, and no rule lets the connection to the answer pass."""
    yield from lookup(scene, cluster.MAILER, CAMPAIGN.names[0], at, (CAMPAIGN.address,))
    yield from denied(scene.call(cluster.MAILER, CAMPAIGN, 443), at + 0.1)


def cdn_rotation(at: float, scene: Scene) -> Flows:
    """A name changes its addresses six times in a minute. No news."""
    for turn in range(6):
        yield from normal_day.images(100 + turn, at + turn * 8, scene)


def new_domain_after_rollout(at: float, scene: Scene) -> Flows:
    """A new ReplicaSet of the frontend, and minutes later a name and a port that it never used."""
    revision = f"{scene.chance.randrange(16**9):09x}"
    pod = cluster.pod(f"frontend-{revision}-tq7wz", "frontend", cluster.NODE_1, "10.0.1.41", 21001)
    yield from connection(scene.call(pod, cluster.CATALOG, 8080), at, policy="frontend")
    yield from lookup(scene, pod, TELEMETRY.names[0], at + 40, (TELEMETRY.address,))
    for number in range(3):
        yield from connection(scene.call(pod, TELEMETRY, 4443), at + 41 + number, policy="allow-world")


def direct_to_address(at: float, scene: Scene) -> Flows:
    """No name was asked for: somebody has the address from elsewhere."""
    yield from connection(scene.call(cluster.CHECKOUT, DIRECT, 443), at, policy="allow-world")


def new_port(at: float, scene: Scene) -> Flows:
    """A known name, on a port on which it was never called."""
    yield from connection(scene.call(cluster.CHECKOUT, normal_day.PAYMENTS, 8444), at, policy="allow-world")


def denied_burst(at: float, scene: Scene) -> Flows:
    """Many destinations in a minute, all refused: somebody looks for a way out."""
    for number in range(_BURST):
        target = outside(f"192.0.2.{120 + number}")
        yield from denied(scene.call(cluster.CI_RUNNER, target, (443, 22, 4444)[number % 3]), at + number)


def metadata_address(at: float, scene: Scene) -> Flows:
    """The cloud's metadata service hands out credentials."""
    yield from denied(scene.call(cluster.report(0), METADATA, 80), at, flow_pb2.POLICY_DENY, "no-metadata")


def audited(at: float, scene: Scene) -> Flows:
    """Policy audit mode: it passes, and would not if the policy were enforced."""
    yield from connection(scene.call(cluster.SEARCH, SHADOW, 443), at, verdict=flow_pb2.AUDIT)


def http_forbidden(at: float, scene: Scene) -> Flows:
    """The connection is allowed, the request is not: the proxy answers 403."""
    call = scene.call(cluster.FRONTEND_A, normal_day.PARTNER, 80)
    yield from request(call, at, "PUT", "/upload", 403, policy="frontend-l7", allowed=False)


def no_egress_gateway(at: float, scene: Scene) -> Flows:
    """Policy lets it pass, and there is no gateway to leave by."""
    call = scene.call(cluster.BACKUP, normal_day.OFFSITE, 22)
    allowed = policy_verdict(call, flow_pb2.FORWARDED, "backup")
    allowed.time.FromNanoseconds(round(at * 1e9))
    yield allowed
    yield from denied(call, at + 0.01, flow_pb2.NO_EGRESS_GATEWAY)


def proxy_upstream(at: float, scene: Scene) -> Flows:
    """The proxy's own connections to the server are no second ones of the pod."""
    for number in range(5):
        call = scene.call(cluster.FRONTEND_A, normal_day.PARTNER, 80)
        yield from request(call, at + number * 6, "GET", f"/catalogue/{number}", 200, policy="frontend-l7")


def beacon(at: float, scene: Scene) -> Flows:
    """An address without a name, an odd port, every few minutes, for more than an hour.

    No policy stops the recommender; the allowlist says that it was not meant to go there.
    """
    yield from connection(scene.call(cluster.RECOMMENDER, BEACON, 8443), at)


LOST_MINUTE = 18
LEAVING_MINUTE, RETURNING_MINUTE = 19, 27
"""Long enough, at the demo's usual speed, for relay to tell: it holds back the errors of nodes for ten seconds."""
INCIDENTS = (
    Incident(1, "default-deny drop: shop/frontend -> 192.0.2.10:8443", default_deny),
    Incident(2, "explicit deny: shop/catalog -> 198.51.100.66:25", explicit_deny),
    Incident(3, "egress without a DNS rule: shop/wishlist resolves nothing", no_dns_rule),
    Incident(4, "TCP 53 forgotten: shop/invoice gets a truncated answer and no second one", no_tcp_dns),
    Incident(5, "refused query: shop/report asks for paste.leak.example", refused_query),
    Incident(6, "ndots NXDOMAIN storm, no fault: ops/ci-runner", ndots_storm),
    Incident(7, "name resolved, then dropped: shop/mailer -> newsletter.campaign.example", resolved_then_dropped),
    Incident(8, "CDN address rotation, no news: shop/recommender -> cdn.images.example", cdn_rotation),
    Incident(9, "new domain after a rollout: shop/frontend -> telemetry.vendor.example:4443", new_domain_after_rollout),
    Incident(10, "direct to an address: shop/checkout -> 192.0.2.99:443", direct_to_address),
    Incident(11, "known name, new port: shop/checkout -> api.payments.example:8444", new_port),
    Incident(12, "burst of denied contacts: ops/ci-runner", denied_burst),
    Incident(13, "metadata address: shop/report -> 169.254.169.254:80", metadata_address),
    Incident(14, "audit verdict: shop/search -> 198.51.100.200:443", audited),
    Incident(15, "HTTP 403 by the proxy: shop/frontend -> files.partner.example", http_forbidden),
    Incident(16, "no egress gateway: ops/backup -> 203.0.113.200:22", no_egress_gateway),
    Incident(17, "the proxy's upstream leg, counted once: shop/frontend -> files.partner.example", proxy_upstream),
)
