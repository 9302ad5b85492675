"""The demo's story: what is told, and what the exporter makes of each incident."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from exporter.demo import cluster, incidents
from exporter.demo.exchanges import Flows, Scene
from exporter.demo.incidents import INCIDENTS, LEAVING_MINUTE, RETURNING_MINUTE, Incident
from exporter.demo.settings import DemoSettings
from exporter.demo.story import HISTORY_MINUTES, LAP_MINUTES, MINUTE_NS, Happening, Heading, Membership, history, lap
from exporter.demo.telling import story_once
from exporter.hubble.decode import Decoder
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer.observer_pb2 import GetFlowsResponse
from exporter.hubble.replay import Recording
from exporter.service import Service
from exporter.settings import Settings


def counted(flows: Flows) -> list[str]:
    """The counters that flows give: family, label values (`-` for an empty one), value."""
    decoder = Decoder(1000)
    service = Service(Settings(), Recording([], decoder, longest_line=1024), decoder, live=False)
    for flow in flows:
        service.pipeline.handle(decoder.decode(GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time)))
    lines = service.exposition("").body.decode().splitlines()
    return sorted(_short(line) for line in lines if re.match(r"hubble_egress_(?!exporter_)\w+_total\{", line))


def _short(line: str) -> str:
    name, labels, value = re.fullmatch(r"hubble_egress_(\w+)_total\{(.*)\} (\d+)", line).groups()  # type: ignore[union-attr]
    return " ".join([name, *(text or "-" for text in re.findall(r'"([^"]*)"', labels)), value])


def words(text: str) -> list[str]:
    """One series per line."""
    return sorted(line.strip() for line in text.strip().splitlines())


# A packet without an answer is sent three times, so a denied contact is three drops and three verdicts. A lookup is
# one connection to port 53, redirected to the DNS proxy, with a query for A and one for AAAA, both answered.
EXPECTED: dict[Callable[[float, Scene], Flows], str] = {
    incidents.default_deny: """
        drops shop frontend world public world 8443 tcp policy_denied 3
        unexpected_drops shop frontend world public 3
        policy_verdicts shop frontend world denied none - - 3""",
    incidents.explicit_deny: """
        drops shop catalog cidr public 198.51.100.64/26 25 tcp policy_deny 3
        unexpected_drops shop catalog cidr public 3
        policy_verdicts shop catalog cidr denied l3-l4 shop no-mail 3""",
    incidents.no_dns_rule: """
        drops shop wishlist identity cluster kube-system/coredns 53 udp policy_denied 6
        unexpected_drops shop wishlist identity cluster 6
        policy_verdicts shop wishlist identity denied none - - 6""",
    incidents.no_tcp_dns: """
        connections shop invoice identity cluster kube-system/coredns 53 udp redirected 1
        dns_queries shop invoice A 1
        dns_queries shop invoice AAAA 1
        dns_responses shop invoice NOERROR false 2
        drops shop invoice identity cluster kube-system/coredns 53 tcp policy_denied 3
        policy_verdicts shop invoice identity denied none - - 3
        unexpected_drops shop invoice identity cluster 3
        policy_verdicts shop invoice identity redirected l3-l4 shop dns 1""",
    incidents.refused_query: """
        connections shop report identity cluster kube-system/coredns 53 udp redirected 1
        dns_failures shop report refused 2
        dns_queries shop report A 1
        dns_queries shop report AAAA 1
        drops shop report fqdn public paste.leak.example 53 udp dns_denied 2
        unexpected_drops shop report fqdn public 2
        policy_verdicts shop report identity redirected l3-l4 shop dns 1""",
    # Eight names, each asked for with three expansions first.
    incidents.ndots_storm: """
        connections ops ci-runner fqdn public mirror-0.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-1.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-2.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-3.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-4.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-5.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-6.forge.example 443 tcp forwarded 1
        connections ops ci-runner fqdn public mirror-7.forge.example 443 tcp forwarded 1
        connections ops ci-runner identity cluster kube-system/coredns 53 udp redirected 32
        dns_queries ops ci-runner A 32
        dns_queries ops ci-runner AAAA 32
        dns_responses ops ci-runner NOERROR false 16
        dns_responses ops ci-runner NXDOMAIN true 48
        named_connections observed 8
        policy_verdicts ops ci-runner fqdn allowed l3-l4 ops ci-runner 8
        policy_verdicts ops ci-runner identity redirected l3-l4 ops dns 32
        world_connection_starts demo/node-2 8
        world_connections_answered demo/node-2 8""",
    incidents.resolved_then_dropped: """
        connections shop mailer identity cluster kube-system/coredns 53 udp redirected 1
        dns_queries shop mailer A 1
        dns_queries shop mailer AAAA 1
        dns_responses shop mailer NOERROR false 2
        drops shop mailer fqdn public newsletter.campaign.example 443 tcp policy_denied 3
        policy_verdicts shop mailer fqdn denied none - - 3
        unexpected_drops shop mailer fqdn public 3
        policy_verdicts shop mailer identity redirected l3-l4 shop dns 1""",
    incidents.cdn_rotation: """
        connections shop recommender fqdn public cdn.images.example 443 tcp forwarded 12
        connections shop recommender identity cluster kube-system/coredns 53 udp redirected 6
        dns_queries shop recommender A 6
        dns_queries shop recommender AAAA 6
        dns_responses shop recommender NOERROR false 12
        named_connections observed 12
        policy_verdicts shop recommender identity redirected l3-l4 shop dns 6
        world_connection_starts demo/node-1 12
        world_connections_answered demo/node-1 12""",
    incidents.new_domain_after_rollout: """
        connections shop frontend fqdn public telemetry.vendor.example 4443 tcp forwarded 3
        connections shop frontend identity cluster kube-system/coredns 53 udp redirected 1
        connections shop frontend identity cluster shop/catalog 8080 tcp forwarded 1
        dns_queries shop frontend A 1
        dns_queries shop frontend AAAA 1
        dns_responses shop frontend NOERROR false 2
        named_connections observed 3
        policy_verdicts shop frontend fqdn allowed l3-l4 shop allow-world 3
        policy_verdicts shop frontend identity allowed l3-l4 shop frontend 1
        policy_verdicts shop frontend identity redirected l3-l4 shop dns 1
        world_connection_starts demo/node-1 3
        world_connections_answered demo/node-1 3""",
    incidents.direct_to_address: """
        connections shop checkout world public world 443 tcp forwarded 1
        named_connections none 1
        policy_verdicts shop checkout world allowed l3-l4 shop allow-world 1
        world_connection_starts demo/node-1 1
        world_connections_answered demo/node-1 1""",
    incidents.new_port: """
        connections shop checkout fqdn public api.payments.example 8444 tcp forwarded 1
        named_connections observed 1
        policy_verdicts shop checkout fqdn allowed l3-l4 shop allow-world 1
        world_connection_starts demo/node-1 1
        world_connections_answered demo/node-1 1""",
    # 40 addresses on three ports in turn: 14, 13 and 13.
    incidents.denied_burst: """
        drops ops ci-runner world public world 22 tcp policy_denied 39
        drops ops ci-runner world public world 443 tcp policy_denied 42
        drops ops ci-runner world public world 4444 tcp policy_denied 39
        unexpected_drops ops ci-runner world public 120
        policy_verdicts ops ci-runner world denied none - - 120""",
    incidents.metadata_address: """
        drops shop report world metadata world 80 tcp policy_deny 3
        unexpected_drops shop report world metadata 3
        policy_verdicts shop report world denied l3-l4 shop no-metadata 3""",
    incidents.audited: """
        connections shop search world public world 443 tcp audited 1
        named_connections none 1
        policy_verdicts shop search world audited none - - 1
        world_connection_starts demo/node-2 1
        world_connections_answered demo/node-2 1""",
    incidents.http_forbidden: """
        connections shop frontend fqdn public files.partner.example 80 tcp redirected 1
        drops shop frontend fqdn public files.partner.example 80 tcp l7_denied 1
        l7_requests shop frontend fqdn public files.partner.example http PUT 403 dropped 1
        named_connections observed 1
        policy_verdicts shop frontend fqdn redirected l3-l4 shop frontend-l7 1""",
    # Policy let the first packet pass, which counts as a connection; there was no way out for it and its retries.
    incidents.no_egress_gateway: """
        connections ops backup cidr public offsite 22 tcp forwarded 1
        drops ops backup cidr public offsite 22 tcp no_egress_gateway 3
        named_connections none 1
        policy_verdicts ops backup cidr allowed l3-l4 ops backup 1
        world_connection_starts demo/node-3 1""",
    incidents.proxy_upstream: """
        connections shop frontend fqdn public files.partner.example 80 tcp redirected 5
        l7_requests shop frontend fqdn public files.partner.example http GET 200 forwarded 5
        named_connections observed 5
        policy_verdicts shop frontend fqdn redirected l3-l4 shop frontend-l7 5""",
}


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.act.__name__)
def test_what_each_incident_is_counted_as(incident: Incident) -> None:
    """Nothing is missing, nothing is counted twice; what exists from the start is at 0 else."""
    at_zero = re.compile(r"(world_\w+ demo/node-\d|named_connections \w+) 0")
    shown = [line for line in counted(incident.act(600.0, Scene(1))) if not at_zero.fullmatch(line)]
    assert shown == words(EXPECTED[incident.act])


def everything(seed: int = 1) -> list[Happening]:
    """The story that is told once."""
    return list(story_once(DemoSettings(seed=seed)))


def flows_of(happenings: list[Happening]) -> Iterator[flow_pb2.Flow]:
    """The flows among them."""
    return (happening.event for happening in happenings if isinstance(happening.event, flow_pb2.Flow))


def test_a_seed_gives_one_story() -> None:
    """The same seed tells the same, another one something else."""
    assert everything() == everything()
    assert everything() != everything(2)


@pytest.mark.parametrize(("told", "minutes"), [(history(1), HISTORY_MINUTES), (lap(0, 1), LAP_MINUTES)])
def test_time_runs_forward(told: Iterator[Happening], minutes: int) -> None:
    """Happenings come in the order of time and stay within their part of the story."""
    times = [happening.at_ns for happening in told]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times[0] >= 0
    assert (minutes - 1) * MINUTE_NS < times[-1] < minutes * MINUTE_NS


def test_every_flow_has_its_own_id() -> None:
    """Within a story and from lap to lap."""
    ids = [flow.uuid for flow in flows_of([*everything(), *lap(1, 1)])]
    assert len(ids) == len(set(ids)) > 10_000


def test_the_cluster() -> None:
    """Three nodes, more than a dozen workloads, among them the kinds that are easily got wrong."""
    owners = {(flow.source.namespace, flow.source.workloads[0].name, flow.source.workloads[0].kind): flow.node_name
              for flow in flows_of(everything()) if flow.source.workloads}  # fmt: skip
    assert set(owners.values()) == set(cluster.NODES)
    assert len(owners) >= 12
    kinds = {kind for _, _, kind in owners}
    assert kinds == {"Deployment", "StatefulSet", "CronJob"}
    assert any(flow.source.identity == cluster.HOST for flow in flows_of(everything()))
    cart = {flow.IP.ipVersion for flow in flows_of(everything()) if flow.source.pod_name.startswith("cart-")}
    assert cart == {flow_pb2.IPv4, flow_pb2.IPv6}
    search = [flow for flow in flows_of(everything()) if "search-" in flow.source.pod_name + flow.destination.pod_name]
    assert any(flow.l4.UDP.destination_port == 53 for flow in search)
    assert not any(flow.HasField("l7") for flow in search)


def test_the_history_has_what_takes_an_hour() -> None:
    """The beacon and the workload without DNS go on for more than an hour before the present begins."""
    for address, port in (("192.0.2.77", 8443), ("10.0.2.53", 53)):
        times = [
            flow.time.ToNanoseconds()
            for flow in flows_of(list(history(1)))
            if flow.IP.destination == address and (port == 8443 or flow.source.pod_name.startswith("wishlist-"))
        ]
        assert max(times) - min(times) > 60 * MINUTE_NS


def test_losses_and_absence() -> None:
    """Each lap loses events of two kinds on one node; another node leaves, reports nothing, and comes back."""
    told = list(lap(0, 1))
    losses = [happening.event for happening in told if isinstance(happening.event, flow_pb2.LostEvent)]
    assert [loss.source for loss in losses] == [flow_pb2.OBSERVER_EVENTS_QUEUE, flow_pb2.PERF_EVENT_RING_BUFFER]
    changes = [(happening.at_ns // MINUTE_NS, happening.node, happening.event.connected)
               for happening in told if isinstance(happening.event, Membership)]  # fmt: skip
    assert changes == [(LEAVING_MINUTE, cluster.NODE_3, False), (RETURNING_MINUTE, cluster.NODE_3, True)]
    minutes = {happening.at_ns // MINUTE_NS for happening in told
               if happening.node == cluster.NODE_3 and isinstance(happening.event, flow_pb2.Flow)}  # fmt: skip
    assert not minutes & set(range(LEAVING_MINUTE + 1, RETURNING_MINUTE))
    assert {LEAVING_MINUTE - 1, RETURNING_MINUTE + 1} <= minutes


def test_headings() -> None:
    """Each incident is announced before it happens, once in a lap."""
    titles = [happening.event.title for happening in lap(3, 1) if isinstance(happening.event, Heading)]
    assert [incident.title for incident in INCIDENTS] == [title for title in titles if "node-" not in title]
    assert len(titles) == len(INCIDENTS) + 3
