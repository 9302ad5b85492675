"""The whole path of one flow: each outcome, and totals against a slow model of the rules of counting."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.chosen import is_chosen
from exporter.connections.connections import Connections
from exporter.connections.settings import ConnectionsSettings
from exporter.counting import Outcome
from exporter.destinations.directory import Destinations
from exporter.destinations.interface import WorkloadName
from exporter.destinations.settings import DestinationsSettings
from exporter.detectors.settings import DetectorsSettings
from exporter.endpoint import NO_ENDPOINT, Endpoint
from exporter.flow import L7, Dns, EventType, Flow, Http, Kafka, L7Type, Verdict
from exporter.hubble.interface import Connected, Disconnected, Event, Ignored, LostEvents, NodeStatus, Undecodable
from exporter.hubble.settings import SourcesSettings
from exporter.metrics import families
from exporter.metrics.exposition import Exposition
from exporter.metrics.families import Family
from exporter.metrics.recorder import Recorder
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store
from exporter.pipeline import Pipeline
from exporter.stream import StreamState
from tests.flows import (
    ACK,
    POD_IP,
    SECOND,
    SYN,
    SYN_ACK,
    WORLD_IP,
    at,
    changed,
    denied_verdict,
    dns_answer,
    dns_query,
    dns_response,
    drop,
    flow,
    host,
    http_request,
    http_response,
    icmp,
    kafka_response,
    labelled,
    pod,
    policy_verdict,
    remote_pod,
    reply_to,
    udp,
    world,
)


class Rig:
    """A pipeline with its settings, its counters and its clock."""

    def __init__(
        self,
        *,
        live: bool = False,
        sources: SourcesSettings | None = None,
        destinations: DestinationsSettings | None = None,
        detectors: DetectorsSettings | None = None,
        most: int = 50,
    ) -> None:
        self.wall = at(0)
        self._store = Store(families.PRODUCT, MetricsSettings(destinations_per_workload=most))
        self.destinations = Destinations(destinations or DestinationsSettings())
        self.recorder = Recorder(self._store)
        self.pipeline = Pipeline(
            sources or SourcesSettings(),
            self.destinations,
            Connections(ConnectionsSettings()),
            self.recorder,
            stream=StreamState(live=live),
            detectors=detectors,
            wall_ns=lambda: self.wall,
        )

    def outcomes(self, *events: Flow) -> list[Outcome]:
        """What became of each of these flows."""
        found = []
        for event in events:
            before = Counter(self.pipeline.outcomes)
            self.pipeline.handle(event)
            (outcome,) = Counter(self.pipeline.outcomes) - before
            found.append(outcome)
        return found

    def last(self, *events: Flow) -> Outcome:
        """What became of the last of these flows."""
        return self.outcomes(*events)[-1]

    def counts(self, family: Family) -> dict[str, int]:
        """Label values, joined, and value of each series of a family, as a scrape shows them."""
        text = "".join(Exposition(self._store).render(nullcontext(), openmetrics=False))
        return {
            " ".join(sample.labels[label.name] or "-" for label in family.labels): int(sample.value)
            for metric in text_string_to_metric_families(text)
            for sample in metric.samples
            if sample.name == family.name
        }

    def totals(self) -> dict[str, int]:
        """Sum of each family."""
        text = "".join(Exposition(self._store).render(nullcontext(), openmetrics=False))
        found = Counter({family.name: 0 for family in families.PRODUCT})
        for metric in text_string_to_metric_families(text):
            for sample in metric.samples:
                found[sample.name] += int(sample.value)
        return dict(found)


def _one(family: Family, labels: str, *events: Flow, value: int = 1) -> None:
    """These flows make this one series of the family."""
    rig = Rig()
    rig.outcomes(*events)
    assert rig.counts(family) == {labels: value}


class TestOutcomes:
    """Each outcome, and when a flow has it."""

    @pytest.mark.parametrize(
        "event",
        [
            flow(),
            policy_verdict(),
            policy_verdict(verdict=Verdict.REDIRECTED),
            policy_verdict(verdict=Verdict.AUDIT),
            udp(),
            icmp(),
            drop(),
            drop(direction=0),
            flow(direction=0),
            flow(direction=0, source=host(), source_ip="10.0.0.4"),
            udp(direction=0),
            dns_query(),
            dns_query(verdict=Verdict.ERROR),
            dns_query(verdict=Verdict.DROPPED),
            dns_response(),
            http_response(),
            http_request(verdict=Verdict.ERROR),
            http_request(verdict=Verdict.DROPPED),
            kafka_response(),
            flow(event_type=EventType.L7, verdict=Verdict.DROPPED, l7=None),
            flow(destination=pod(workload="db", identity=40_005), destination_ip="10.0.1.9"),
            flow(destination=NO_ENDPOINT),
        ],
    )
    def test_counted(self, event: Flow) -> None:
        """COUNTED: the first event of an egress connection, a drop, a refusal, a query, a response, an exchange."""
        assert Rig().last(event) is Outcome.COUNTED

    @pytest.mark.parametrize("event", [flow(), drop(), policy_verdict(), http_response()])
    def test_identity_unresolved(self, event: Flow) -> None:
        """IDENTITY_UNRESOLVED: counted, but to an address of the cluster that carries a world label."""
        rig = Rig(destinations=DestinationsSettings(cluster_cidrs=("93.184.216.0/24",)))
        assert rig.last(event) is Outcome.IDENTITY_UNRESOLVED
        assert sum(rig.totals().values()) >= 1

    def test_identity_unresolved_of_a_learnt_address(self) -> None:
        """IDENTITY_UNRESOLVED: also when the address was seen with an identity of the cluster a moment ago."""
        seen = flow(destination=remote_pod("db-0"), destination_ip=WORLD_IP, source_port=1)
        rig = Rig()
        assert rig.outcomes(seen, flow()) == [Outcome.COUNTED, Outcome.IDENTITY_UNRESOLVED]
        assert "shop cart world cluster_range world 443 tcp forwarded" in rig.counts(families.CONNECTIONS)
        assert rig.counts(families.WORLD_STARTS) == {}

    @pytest.mark.parametrize(
        "again",
        [
            flow(time_ns=at(1)),
            flow(sub_type=11),
            policy_verdict(),
            flow(node_name="east/gateway", source=remote_pod()),
            flow(direction=0, time_ns=at(2)),
        ],
    )
    def test_same_connection(self, again: Flow) -> None:
        """SAME_CONNECTION: a retransmission, another observation point, or the policy verdict."""
        assert Rig().outcomes(flow(), again) == [Outcome.COUNTED, Outcome.SAME_CONNECTION]

    def test_established(self) -> None:
        """ESTABLISHED: a packet in the middle of a TCP connection, whether we saw that begin or not."""
        later = flow(tcp_flags=ACK, trace_reason=2)
        assert Rig().last(later) is Outcome.ESTABLISHED
        assert Rig().outcomes(flow(), later) == [Outcome.COUNTED, Outcome.ESTABLISHED]

    def test_replayed(self) -> None:
        """REPLAYED: what comes again after a reconnect is received, and neither counted nor learnt from."""
        rig = Rig()
        assert rig.outcomes(flow(), replace(drop(), replayed=True)) == [Outcome.COUNTED, Outcome.REPLAYED]
        assert rig.totals()["hubble_egress_drops_total"] == 0

    def test_same_exchange(self) -> None:
        """SAME_EXCHANGE: the proxy reports an error on a query that it let pass."""
        rig = Rig()
        error = dns_query(verdict=Verdict.ERROR, time_ns=at(2))
        assert rig.outcomes(dns_query(), error) == [Outcome.COUNTED, Outcome.SAME_EXCHANGE]
        assert rig.counts(families.DNS_QUERIES) == {"shop cart A": 1}

    def test_policy_verdict(self) -> None:
        """POLICY_VERDICT: the verdict on a packet whose drop event counts the drop."""
        rig = Rig()
        assert rig.outcomes(denied_verdict(), drop()) == [Outcome.POLICY_VERDICT, Outcome.COUNTED]
        assert rig.counts(families.DROPS) == {"shop cart world public world 443 tcp policy_denied": 1}
        assert rig.counts(families.POLICY_VERDICTS) == {"shop cart world denied l3-only - -": 1}

    def test_l7_request(self) -> None:
        """L7_REQUEST: an HTTP request that passed; its response counts."""
        assert Rig().outcomes(http_request(), http_response()) == [Outcome.L7_REQUEST, Outcome.COUNTED]

    def test_l7_sample(self) -> None:
        """L7_SAMPLE: a record that is neither request nor response."""
        assert Rig().last(flow(event_type=EventType.L7, l7=L7(L7Type.SAMPLE, Http("GET", 0)))) is Outcome.L7_SAMPLE

    def test_l7_unread(self) -> None:
        """L7_UNREAD: a record of another protocol."""
        assert Rig().last(flow(event_type=EventType.L7, l7=L7(L7Type.REQUEST, None))) is Outcome.L7_UNREAD

    @pytest.mark.parametrize(
        "event",
        [
            reply_to(flow()),
            reply_to(flow(), tcp_flags=ACK),
            policy_verdict(is_reply=True),
            drop(is_reply=True),
        ],
    )
    def test_reply(self, event: Flow) -> None:
        """REPLY: the server says so."""
        assert Rig().last(event) is Outcome.REPLY

    def test_reply_to_what_came_in(self) -> None:
        """REPLY: without a direction, what goes back where something came from is an answer."""
        inbound = flow(direction=0, source_port=50_000, destination_port=8080).turned()
        assert Rig().outcomes(inbound, inbound.turned()) == [Outcome.DIRECTION_UNKNOWN, Outcome.REPLY]

    def test_reply_unknown(self) -> None:
        """REPLY_UNKNOWN: neither the server nor the packet says whether it is a reply."""
        assert Rig().last(flow(is_reply=None, trace_reason=0, tcp_flags=ACK)) is Outcome.REPLY_UNKNOWN

    def test_related(self) -> None:
        """RELATED: an ICMP error about another connection."""
        assert Rig().last(icmp(trace_reason=4)) is Outcome.RELATED

    @pytest.mark.parametrize(
        "event", [flow(direction=1), policy_verdict(direction=1), denied_verdict(direction=1), drop(direction=1)]
    )
    def test_ingress(self, event: Flow) -> None:
        """INGRESS: the server says so."""
        assert Rig().last(event) is Outcome.INGRESS

    @pytest.mark.parametrize(
        "event",
        [
            flow(direction=0, tcp_flags=ACK),
            flow(direction=0, destination=pod(workload="db"), destination_ip="10.0.1.9"),
            flow(direction=0, destination=NO_ENDPOINT),
            flow(direction=0, source=world()),
            udp(direction=0, trace_reason=0),
            udp(direction=0, trace_reason=2),
            policy_verdict(direction=0),
            drop(direction=0, tcp_flags=ACK),
            drop(direction=0, protocol="udp", tcp_flags=0),
            dns_query(direction=0),
            icmp(direction=0, protocol="igmp"),
        ],
    )
    def test_direction_unknown(self, event: Flow) -> None:
        """DIRECTION_UNKNOWN: no direction, and nothing shows that it starts something towards the outside."""
        assert Rig().last(event) is Outcome.DIRECTION_UNKNOWN

    def test_proxy_upstream(self) -> None:
        """PROXY_UPSTREAM: the proxy opens its own leg of a connection that was redirected to it."""
        redirected = policy_verdict(verdict=Verdict.REDIRECTED)
        leg = flow(direction=0, source_port=51_000, time_ns=at(1))
        late = flow(direction=0, source_port=51_001, time_ns=at(5.001))
        assert Rig().outcomes(redirected, leg, late) == [
            Outcome.COUNTED,
            Outcome.PROXY_UPSTREAM,
            Outcome.COUNTED,
        ]

    @pytest.mark.parametrize("source", [remote_pod(), labelled("reserved:remote-node", identity=6)])
    def test_other_node(self, source: Endpoint) -> None:
        """OTHER_NODE: no direction, and the source lives on another node, which counts it."""
        assert Rig().last(flow(direction=0, source=source)) is Outcome.OTHER_NODE

    def test_world_source(self) -> None:
        """WORLD_SOURCE: from outside to outside, forwarded here with the node's address, as to a NodePort."""
        assert Rig().last(flow(source=world(), source_ip="198.51.100.7")) is Outcome.WORLD_SOURCE

    @pytest.mark.parametrize(
        "event",
        [
            flow(),
            policy_verdict(),
            denied_verdict(),
            drop(),
            dns_query(),
            dns_query(verdict=Verdict.DROPPED),
            dns_response(),
            http_response(),
            http_request(verdict=Verdict.DROPPED),
            flow(direction=0),
        ],
    )
    def test_excluded(self, event: Flow) -> None:
        """EXCLUDED: the settings leave its workload out, and then nothing of it is counted."""
        rig = Rig(sources=SourcesSettings(exclude_namespaces=("shop",)))
        assert rig.last(event) is Outcome.EXCLUDED
        assert set(rig.totals().values()) == {0}

    def test_trace_sock(self) -> None:
        """TRACE_SOCK: an address rewrite at connect time."""
        assert Rig().last(flow(event_type=7, verdict=Verdict.TRANSLATED, direction=0, is_reply=None)) is (
            Outcome.TRACE_SOCK
        )

    def test_capture(self) -> None:
        """CAPTURE: a debug capture."""
        assert Rig().last(flow(event_type=3, verdict=0)) is Outcome.CAPTURE

    def test_other_verdict(self) -> None:
        """OTHER_VERDICT: a policy verdict that neither passed nor dropped."""
        assert Rig().last(policy_verdict(verdict=Verdict.ERROR)) is Outcome.OTHER_VERDICT

    def test_other_type(self) -> None:
        """OTHER_TYPE: an event type that is newer than this exporter."""
        assert Rig().last(flow(event_type=131)) is Outcome.OTHER_TYPE

    def test_every_outcome_has_its_test(self) -> None:
        """Each outcome is reached by a test here."""
        tests = {name.removeprefix("test_") for name in vars(TestOutcomes)}
        assert {outcome.value for outcome in Outcome} <= tests


class TestConnections:
    """A connection is counted once, at the first event that shows it."""

    def test_life_of_a_connection(self) -> None:
        """Counts one connection of all that Hubble shows of it: verdict, SYN at two points, reply, data, end."""
        events = [
            policy_verdict(),
            flow(),
            flow(sub_type=11),
            reply_to(flow()),
            flow(tcp_flags=ACK, trace_reason=2, time_ns=at(0.1)),
            reply_to(flow(), tcp_flags=ACK, time_ns=at(0.2)),
            *(flow(tcp_flags=ACK, trace_reason=2, time_ns=at(5 * number)) for number in range(1, 60)),
            flow(tcp_flags=ACK | 1, trace_reason=2, time_ns=at(300)),
        ]
        rig = Rig()
        rig.outcomes(*events)
        assert rig.counts(families.CONNECTIONS) == {"shop cart world public world 443 tcp forwarded": 1}
        assert rig.counts(families.WORLD_STARTS) == {"east/node-1": 1}
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 1}
        assert rig.counts(families.POLICY_VERDICTS) == {"shop cart world allowed l3-only - -": 1}

    def test_syn_retransmissions(self) -> None:
        """Counts a connection once although its SYN is sent again up to 32 s apart."""
        rig = Rig()
        rig.outcomes(*(flow(time_ns=at(second)) for second in (0, 1, 3, 7, 15, 31, 63)))
        assert rig.totals()["hubble_egress_connections_total"] == 1
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 0}

    @pytest.mark.parametrize(
        ("first", "verdict"),
        [
            (policy_verdict(verdict=Verdict.REDIRECTED), "redirected"),
            (policy_verdict(verdict=Verdict.AUDIT), "audited"),
            (policy_verdict(), "forwarded"),
        ],
    )
    def test_first_event_gives_the_verdict(self, first: Flow, verdict: str) -> None:
        """The first event says how the connection passed, later traces are always forwarded."""
        _one(families.CONNECTIONS, f"shop cart world public world 443 tcp {verdict}", first, flow())

    def test_udp(self) -> None:
        """Counts a UDP conversation once while its events are at most 5 min apart."""
        rig = Rig()
        later = [udp(trace_reason=2, time_ns=at(second)) for second in range(5, 900, 290)]
        assert rig.outcomes(udp(), *later, udp(time_ns=at(1000)), udp(time_ns=at(1300.001))) == [
            Outcome.COUNTED,
            *[Outcome.SAME_CONNECTION] * len(later),
            Outcome.SAME_CONNECTION,
            Outcome.COUNTED,
        ]

    def test_udp_of_an_old_server(self) -> None:
        """On servers without trace reasons any event of UDP shows the connection."""
        old = udp(trace_reason=0)
        assert Rig().outcomes(old, old, udp(trace_reason=0, source_port=1)) == [
            Outcome.COUNTED,
            Outcome.SAME_CONNECTION,
            Outcome.COUNTED,
        ]

    def test_udp_without_direction(self) -> None:
        """Later events of a UDP conversation keep it alive at whatever observation point, without a direction too."""
        rig = Rig()
        event = udp(direction=0, source=host(), source_ip="10.0.0.4")
        later = [changed(event, trace_reason=2, time_ns=at(second)) for second in range(100, 1000, 100)]
        rig.outcomes(event, *later, changed(event, time_ns=at(1001)))
        assert rig.totals()["hubble_egress_connections_total"] == 1

    def test_across_nodes(self) -> None:
        """Counts a connection between pods once: on the source's node, not at its ingress."""
        to_pod = flow(destination=remote_pod("db-0", "data"), destination_ip="10.0.2.9", sub_type=4)
        there = changed(
            to_pod,
            source=remote_pod(),
            destination=pod("db", "data", pod_name="db-0"),
            direction=1,
            node_name="east/node-2",
        )
        rig = Rig()
        assert rig.outcomes(to_pod, there) == [Outcome.COUNTED, Outcome.INGRESS]
        assert rig.counts(families.CONNECTIONS) == {"shop cart identity cluster data/db 443 tcp forwarded": 1}
        assert rig.counts(families.WORLD_STARTS) == {}

    def test_host(self) -> None:
        """Counts host processes as `~host`, whose events have no direction."""
        _one(
            families.CONNECTIONS,
            "- ~host world public world 443 tcp forwarded",
            flow(direction=0, source=host(), source_ip="10.0.0.4"),
        )

    @pytest.mark.parametrize(
        "inbound",
        [
            udp(direction=0).turned(),
            udp(direction=1).turned(),
            udp(direction=1, event_type=5, trace_reason=0, policy_match_type=1).turned(),
        ],
        ids=["trace without direction", "trace", "policy verdict"],
    )
    def test_never_an_answer(self, inbound: Flow) -> None:
        """Without a direction nothing is egress whose reverse tuple was seen, by whatever kind of event."""
        rig = Rig()
        assert rig.outcomes(inbound, udp(direction=0))[1] is Outcome.REPLY
        assert rig.totals()["hubble_egress_connections_total"] == 0

    def test_aggregated(self) -> None:
        """Counts an aggregated line as many times as it stands for."""
        line = flow(aggregated=True, source_port=0, weight=7)
        rig = Rig()
        rig.outcomes(line, changed(line, weight=2))
        assert rig.counts(families.CONNECTIONS) == {"shop cart world public world 443 tcp forwarded": 9}
        assert rig.pipeline.outcomes == {Outcome.COUNTED: 9}

    def test_node_with_a_cidr_label(self) -> None:
        """A node that has a CIDR label because policies select nodes by it is in the cluster, and answers no world."""
        node = labelled("reserved:remote-node", "cidr:93.184.216.34/32", identity=(2 << 24) + 4)
        rig = Rig()
        rig.outcomes(flow(destination=node))
        assert rig.counts(families.CONNECTIONS) == {"shop cart entity cluster remote-node 443 tcp forwarded": 1}
        assert rig.counts(families.WORLD_STARTS) == {}


class TestAnswers:
    """Connections to the outside, and those of them that were answered."""

    @pytest.mark.parametrize("asked", [flow(), udp(), icmp(), udp(protocol="sctp")])
    def test_once(self, asked: Flow) -> None:
        """Counts the first answer of a connection, on the node that saw it start."""
        rig = Rig()
        rig.outcomes(asked, reply_to(asked, node_name="east/node-2"), reply_to(asked))
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 1}

    def test_answer_without_direction(self) -> None:
        """The packet itself shows an answer that the server does not mark as one."""
        asked = flow(direction=0, source=host(), source_ip="10.0.0.4")
        answer = reply_to(asked, is_reply=None, trace_reason=0, direction=0)
        rig = Rig()
        assert rig.outcomes(asked, answer) == [Outcome.COUNTED, Outcome.REPLY]
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 1}

    def test_reset(self) -> None:
        """A refused connection was not answered."""
        rig = Rig()
        rig.outcomes(flow(), reply_to(flow(), tcp_flags=ACK | 4))
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 0}

    @pytest.mark.parametrize("asked", [flow(), udp()])
    @pytest.mark.parametrize("direction", [0, 1])
    @pytest.mark.parametrize("event_type", [EventType.DROP, EventType.POLICY_VERDICT])
    def test_dropped_answer(self, asked: Flow, direction: int, event_type: int) -> None:
        """An answer that was dropped on its way in is none."""
        dropped = changed(
            reply_to(asked),
            event_type=event_type,
            verdict=2,
            drop_reason=133,
            direction=direction,
            is_reply=None,
            trace_reason=0,
        )
        rig = Rig()
        rig.outcomes(asked, dropped)
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 0}
        rig.outcomes(reply_to(asked, time_ns=at(1)))
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 1}

    @pytest.mark.parametrize(
        "event",
        [
            policy_verdict(verdict=Verdict.REDIRECTED),
            flow(destination=pod("db")),
            flow(destination_ip="169.254.169.254"),
            flow(destination_ip="224.0.0.5"),
            flow(destination=host()),
        ],
    )
    def test_not_awaited(self, event: Flow) -> None:
        """Awaits no answer from the proxy, the cluster, the metadata service or a group."""
        rig = Rig()
        rig.outcomes(event, reply_to(event))
        assert rig.counts(families.WORLD_STARTS) == {}
        assert rig.counts(families.WORLD_ANSWERED) == {}


class TestDrops:
    """A drop is counted from its drop event, or from the proxy's refusal."""

    def test_retransmissions(self) -> None:
        """Counts each dropped packet: a SYN that is sent and dropped again is another drop, its verdict is none."""
        rig = Rig()
        for second in (0, 1, 3):
            rig.outcomes(denied_verdict(time_ns=at(second)), drop(time_ns=at(second)))
        assert rig.counts(families.DROPS) == {"shop cart world public world 443 tcp policy_denied": 3}
        assert rig.counts(families.POLICY_VERDICTS) == {"shop cart world denied l3-only - -": 3}
        assert rig.counts(families.CONNECTIONS) == {}

    def test_a_dropped_packet_is_no_connection(self) -> None:
        """A connection that passes after its first SYN was dropped is counted."""
        assert Rig().outcomes(drop(), flow(time_ns=at(1))) == [Outcome.COUNTED, Outcome.COUNTED]

    def test_inside_a_connection(self) -> None:
        """A dropped TCP packet that is no SYN counts with port `~other`."""
        _one(families.DROPS, "shop cart world public world ~other tcp policy_denied", drop(tcp_flags=SYN_ACK))

    def test_refused_query(self) -> None:
        """A refused query is one drop to the name asked, and one query."""
        rig = Rig()
        rig.outcomes(dns_query("Evil.Example.COM.", verdict=Verdict.DROPPED))
        assert rig.counts(families.DROPS) == {"shop cart fqdn public evil.example.com 53 udp dns_denied": 1}
        assert rig.counts(families.DNS_QUERIES) == {"shop cart A": 1}
        assert rig.counts(families.DNS_RESPONSES) == {}

    def test_refused_request(self) -> None:
        """A refused request is one drop and one request, to where it went."""
        rig = Rig()
        rig.outcomes(http_request("POST", verdict=Verdict.DROPPED))
        assert rig.counts(families.DROPS) == {"shop cart world public world 80 tcp l7_denied": 1}
        assert rig.counts(families.L7_REQUESTS) == {"shop cart world public world http POST - dropped": 1}

    def test_refused_response(self) -> None:
        """A refusal that comes as a response belongs to the side that asked."""
        _one(families.DROPS, "shop cart world public world 80 tcp l7_denied", http_response(403, verdict=2))


class TestExchanges:
    """DNS and L7 records are read from the side that asked."""

    def test_dns(self) -> None:
        """Counts one query and one response, both of the pod that asked."""
        rig = Rig()
        rig.outcomes(dns_query("a.example.", "AAAA"), dns_response("a.example.", 3))
        assert rig.counts(families.DNS_QUERIES) == {"shop cart AAAA": 1}
        assert rig.counts(families.DNS_RESPONSES) == {"shop cart NXDOMAIN false": 1}
        assert rig.counts(families.CONNECTIONS) == {}

    def test_expansion(self) -> None:
        """Says of a response that its name was a search-suffix expansion."""
        _one(
            families.DNS_RESPONSES,
            "shop cart NXDOMAIN true",
            dns_response("api.example.com.shop.svc.cluster.local.", 3),
        )

    def test_failed_forward(self) -> None:
        """An error report on a query that was not seen counts as the query."""
        _one(families.DNS_QUERIES, "shop cart A", dns_query(verdict=Verdict.ERROR))

    def test_resolver(self) -> None:
        """The cluster resolver's own queries are of `~resolver`."""
        asking = dns_query(
            source=remote_pod("coredns-5d78c9869d-7h2kq", "kube-system", labels=("k8s:k8s-app=kube-dns",)),
            destination=world(),
            destination_ip="9.9.9.9",
        )
        _one(families.DNS_QUERIES, "kube-system ~resolver A", asking)

    def test_http(self) -> None:
        """Counts an exchange at its response, under the side that asked."""
        _one(
            families.L7_REQUESTS,
            "shop cart world public world http GET 404 forwarded",
            http_request(),
            http_response(404),
        )

    def test_http_error(self) -> None:
        """Counts an exchange that failed in the proxy at its request."""
        _one(
            families.L7_REQUESTS,
            "shop cart world public world http PUT - error",
            http_request("PUT", verdict=Verdict.ERROR),
        )

    def test_kafka(self) -> None:
        """Counts a Kafka exchange at its response."""
        _one(families.L7_REQUESTS, "shop cart world public world kafka fetch 3 forwarded", kafka_response("fetch", 3))


@pytest.mark.parametrize(
    ("settings", "source", "chosen"),
    [
        (SourcesSettings(), WorkloadName("shop", "cart"), True),
        (SourcesSettings(), WorkloadName("", "~host"), True),
        (SourcesSettings(include_namespaces=("shop",)), WorkloadName("shop", "cart"), True),
        (SourcesSettings(include_namespaces=("shop",)), WorkloadName("shop2", "cart"), False),
        (SourcesSettings(include_namespaces=("shop",)), WorkloadName("", "~host"), False),
        (SourcesSettings(exclude_namespaces=("shop",)), WorkloadName("shop", "cart"), False),
        (SourcesSettings(exclude_namespaces=("shop",)), WorkloadName("data", "cart"), True),
        (
            SourcesSettings(include_namespaces=("shop",), exclude_namespaces=("shop",)),
            WorkloadName("shop", "cart"),
            False,
        ),
        (SourcesSettings(include_workloads=("shop/c*",)), WorkloadName("shop", "cart"), True),
        (SourcesSettings(include_workloads=("shop/c*",)), WorkloadName("shop", "basket"), False),
        (SourcesSettings(include_workloads=("shop/car?",)), WorkloadName("shop", "cart"), True),
        (SourcesSettings(include_workloads=("shop/car?",)), WorkloadName("shop", "car"), False),
        (SourcesSettings(include_workloads=("*/cart", "data/db")), WorkloadName("any", "cart"), True),
        (SourcesSettings(include_workloads=("/~host",)), WorkloadName("", "~host"), True),
        (SourcesSettings(exclude_workloads=("*/Cart",)), WorkloadName("shop", "cart"), True),
        (SourcesSettings(exclude_workloads=("shop/*",)), WorkloadName("shop", "cart"), False),
        (
            SourcesSettings(include_workloads=("shop/cart",), exclude_workloads=("*/cart",)),
            WorkloadName("shop", "cart"),
            False,
        ),
        (
            SourcesSettings(include_namespaces=("shop",), include_workloads=("data/*",)),
            WorkloadName("data", "db"),
            False,
        ),
    ],
)
def test_chosen(settings: SourcesSettings, source: WorkloadName, chosen: bool) -> None:
    """Excluding wins over including; namespaces and workloads have to fit both; patterns know `*`, `?` and case."""
    assert is_chosen(source, settings) is chosen


def test_chosen_by_workload() -> None:
    """The settings are about the source of a flow, whatever its direction in the record."""
    rig = Rig(sources=SourcesSettings(include_workloads=("shop/cart",)))
    basket = pod("basket", identity=40_007)
    assert rig.outcomes(
        flow(), flow(source=basket, source_port=1), dns_response(), dns_response(destination=basket)
    ) == [
        Outcome.COUNTED,
        Outcome.EXCLUDED,
        Outcome.COUNTED,
        Outcome.EXCLUDED,
    ]


class TestTime:
    """Flow time rules; the wall clock only judges how quiet and how late a live stream is."""

    def test_missing(self) -> None:
        """A flow without a time is taken at the newest flow's, and noted."""
        rig = Rig()
        assert rig.outcomes(flow(time_ns=at(30)), flow(time_ns=0), flow(time_ns=at(90))) == [
            Outcome.COUNTED,
            Outcome.SAME_CONNECTION,
            Outcome.SAME_CONNECTION,
        ]
        assert rig.pipeline.stream.decode_errors == {"time_missing": 1}
        assert rig.pipeline.stream.last_flow_ns == at(90)

    @pytest.mark.parametrize("first", [[], [flow(time_ns=at(-1))]], ids=["first flow", "later flow"])
    @pytest.mark.parametrize("time_ns", [0, at(100_000)], ids=["no time", "future"])
    def test_lag_without_a_time(self, first: list[Flow], time_ns: int) -> None:
        """A flow whose time is not its own is no reason to believe that the stream is late."""
        rig = Rig(live=True)
        rig.outcomes(*first, flow(time_ns=time_ns))
        assert rig.pipeline.stream.lag_sum <= 2

    def test_future_on_a_live_stream(self) -> None:
        """A time more than 10 min ahead of the wall clock is replaced and noted, and ends no window."""
        rig = Rig(live=True)
        future = flow(source_port=1, time_ns=at(601))
        assert rig.outcomes(flow(), future, flow(time_ns=at(1))) == [
            Outcome.COUNTED,
            Outcome.COUNTED,
            Outcome.SAME_CONNECTION,
        ]
        assert rig.pipeline.stream.decode_errors == {"time_in_future": 1}
        assert rig.pipeline.stream.last_flow_ns == at(1)
        rig.outcomes(flow(source_port=2, time_ns=at(600)))
        assert rig.pipeline.stream.last_flow_ns == at(600)

    @pytest.mark.parametrize("time_ns", [0, at(100_000)], ids=["no time", "future"])
    def test_first_flow_without_a_time(self, time_ns: int) -> None:
        """A live stream that begins with an unusable time counts that connection once, a tick in between or not."""
        rig = Rig(live=True)
        rig.outcomes(flow(time_ns=time_ns))
        rig.pipeline.tick()
        assert rig.last(flow(time_ns=at(1))) is Outcome.SAME_CONNECTION

    def test_future_in_a_file(self) -> None:
        """A recorded file has its own time, however far from ours."""
        rig = Rig()
        rig.outcomes(flow(time_ns=at(1e7)))
        assert rig.pipeline.stream.decode_errors == {}
        assert rig.pipeline.stream.last_flow_ns == at(1e7)

    def _entries(self, rig: Rig) -> int:
        return rig.pipeline.cache_stats()["connections"].entries

    @pytest.mark.parametrize(
        ("live", "behind", "quiet", "entries"),
        [
            (True, 0, 60, 1),
            (True, 0, 61, 0),
            (True, 60, 61, 0),
            (True, 61, 10_000, 1),  # a backlog
            (False, 0, 10_000, 1),  # a file
        ],
    )
    def test_tick(self, live: bool, behind: float, quiet: float, entries: int) -> None:
        """Time passes on a quiet live stream that has caught up; in a file or a backlog flows alone move it."""
        rig = Rig(live=live)
        rig.wall = at(behind)
        rig.outcomes(flow())
        rig.wall = at(behind + quiet)
        rig.pipeline.tick()
        assert self._entries(rig) == entries

    @pytest.mark.parametrize("live", [True, False])
    def test_tick_after_newer_flows(self, live: bool) -> None:
        """Newer flows let time pass everywhere."""
        rig = Rig(live=live)
        rig.outcomes(flow())
        rig.wall = at(61)
        rig.outcomes(flow(source_port=1, time_ns=at(61)))
        rig.pipeline.tick()
        assert self._entries(rig) == 1

    def test_tick_before_the_first_flow(self) -> None:
        """Before the first flow a tick does nothing."""
        rig = Rig(live=True)
        rig.wall = at(1e6)
        rig.pipeline.tick()
        assert rig.outcomes(flow(time_ns=at(1e6))) == [Outcome.COUNTED]

    @pytest.mark.parametrize("ticks", [True, False])
    def test_replay_finds_what_the_live_stream_found(self, ticks: bool) -> None:
        """The outcome of a flow does not depend on whether the clock ticked in between."""
        rig = Rig(live=ticks)
        found = []
        later = flow(tcp_flags=ACK, trace_reason=2, time_ns=at(70))
        for event in (flow(), later, reply_to(flow(), time_ns=at(80))):
            rig.wall = event.time_ns
            if ticks:
                rig.pipeline.handle(flow(event_type=3, time_ns=event.time_ns))
                rig.pipeline.tick()
            found += rig.outcomes(event)
        assert found == [Outcome.COUNTED, Outcome.ESTABLISHED, Outcome.REPLY]
        assert rig.counts(families.WORLD_ANSWERED) == {"east/node-1": 0}


def test_other_events() -> None:
    """What happens on the connection is noted, and is no flow."""
    rig = Rig(live=True)
    events: list[Event] = [
        Connected("relay:80", "v1.19.4"),
        LostEvents("hubble_ring_buffer", 5, "n"),
        NodeStatus("unavailable", ("n",), ""),
        Undecodable("invalid_protobuf", "stream", ""),
        Ignored("agent_event"),
        Disconnected("UNAVAILABLE", "connection_refused", ""),
    ]
    for event in events:
        rig.pipeline.handle(event)
    stream = rig.pipeline.stream
    assert stream.connects == {("OK", "connected"): 1, ("UNAVAILABLE", "connection_refused"): 1}
    assert (stream.lost, stream.nodes) == ({"hubble_ring_buffer": 5}, {"n": "unavailable"})
    assert stream.decode_errors == {"invalid_protobuf": 1}
    assert (stream.connected, rig.pipeline.outcomes) == (False, {})


def test_lock_is_free_between_events() -> None:
    """The lock is held for one event, and never left behind."""
    rig = Rig()
    rig.outcomes(flow())
    rig.pipeline.tick()
    assert not rig.pipeline.lock.locked()


@pytest.mark.parametrize("replayed", [False, True])
def test_dns_is_learnt(replayed: bool) -> None:
    """An answer names what the pod connects to next, also when the answer was counted before and comes again."""
    rig = Rig()
    answer = dns_answer("api.example.com.", WORLD_IP, ttl=30, time_ns=at(0))
    rig.outcomes(replace(answer, replayed=replayed), flow(time_ns=at(1)))
    assert list(rig.counts(families.CONNECTIONS)) == ["shop cart fqdn public api.example.com 443 tcp forwarded"]


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("event", [dns_query(), dns_answer(), dns_query(verdict=Verdict.DROPPED)])
def test_whose_dns_is_seen(event: Flow, replayed: bool) -> None:
    """Any record of its DNS shows that we see a workload's DNS; a refused one that comes again adds nothing."""
    rig = Rig()
    destinations = rig.destinations
    assert not destinations.sees_dns_of(WorkloadName("shop", "cart"), at(0))
    rig.outcomes(replace(event, replayed=replayed))
    refused_again = replayed and event.kind.verdict == Verdict.DROPPED
    assert destinations.sees_dns_of(WorkloadName("shop", "cart"), at(0)) is not refused_again


def test_excluded_workloads_are_not_joined() -> None:
    """What is left out by the settings takes no room in the memory of answers."""
    rig = Rig(sources=SourcesSettings(exclude_namespaces=("shop",)))
    assert rig.last(dns_answer("api.example.com.", WORLD_IP, ttl=30)) is Outcome.EXCLUDED
    assert rig.pipeline.cache_stats()["dns_answers"].entries == 0


def test_failing_expansions_of_learnt_suffixes() -> None:
    """Once two names have shown a search suffix, a name that fails with it counts as an expansion."""
    rig = Rig()
    for number, name in enumerate(("cdn.example.de", "www.example.org", "cdn.example.de")):
        failing = dns_answer(f"{name}.corp.example.net.", rcode=3, time_ns=at(number))
        rig.outcomes(failing, dns_answer(f"{name}.", WORLD_IP, time_ns=at(number)))
    assert rig.counts(families.DNS_RESPONSES) == {
        "shop cart NXDOMAIN false": 2,
        "shop cart NXDOMAIN true": 1,
        "shop cart NOERROR false": 3,
    }


def test_caches() -> None:
    """All bounded memories of the stages are told."""
    assert set(Rig().pipeline.cache_stats()) == {
        *("connections", "inbound", "redirects", "dns_queries"),
        *("pods", "node_names", "learned_addresses", "destinations", "nodes", "chosen_workloads", "expectations"),
        "contacts",
        *("dns_answers", "dns_search_suffixes", "dns_workloads"),
        *("dns_awaited", "dns_evidence", "dns_askers", "dns_found_names", "dns_verdicts", "latency_namespaces"),
    }


# ---- Random streams ----------------------------------------------------------------------------------------------

NUMBERS = st.integers(-3, 12) | st.sampled_from((99, 128, 129, 130, 2**31 - 1))
ADDRESSES = st.sampled_from(("", "10.0.1.5", WORLD_IP, "fe80::1", "169.254.169.254", "nonsense"))
ENDPOINTS = st.sampled_from(
    (
        *(
            NO_ENDPOINT,
            pod(),
            remote_pod(),
            pod("db", "data", identity=40_002),
            host(),
            world(),
            world("cidr:1.0.0.0/8"),
        ),
        labelled("reserved:world-ipv4", identity=9),
        labelled("reserved:kube-apiserver", "reserved:world", identity=(1 << 24) + 1),
        labelled("reserved:remote-node", "cidr:10.0.0.0/24", identity=(2 << 24) + 1),
        labelled("reserved:ingress", identity=(1 << 24) + 2),
        labelled(identity=(1 << 24) + 3),
    )
)
RECORDS = st.sampled_from(
    (
        None,
        Dns("a.example.", ("A",), 0),
        Dns("", (), 4095),
        Http("GET", 200),
        Http("", 2**31),
        Kafka("produce", 0),
        Kafka("", -(2**31)),
    )
)
ANY_FLOW = st.builds(
    lambda **fields: changed(Flow(), **fields),
    time_ns=st.sampled_from((0, -1, at(0), at(30), at(61), at(400), at(1e6), 2**62)),
    node_name=st.sampled_from(("", "n", "east/n")),
    event_type=st.sampled_from(EventType) | NUMBERS,
    sub_type=NUMBERS,
    verdict=st.sampled_from(Verdict) | NUMBERS,
    drop_reason=st.sampled_from((0, 133, 181, 250, 2**32 - 1)),
    direction=NUMBERS,
    is_reply=st.sampled_from((None, False, True)),
    trace_reason=NUMBERS,
    source=ENDPOINTS,
    destination=ENDPOINTS,
    source_ip=ADDRESSES,
    destination_ip=ADDRESSES,
    protocol=st.sampled_from(("tcp", "udp", "sctp", "icmp", "icmpv6", "vrrp", "unknown", "")),
    source_port=st.sampled_from((0, 40_000, 2**32 - 1)),
    destination_port=st.sampled_from((0, 53, 443)),
    tcp_flags=st.integers(0, 31),
    destination_names=st.sampled_from(((), ("a.example.",), ("", "."), ("b.example.", "a.example."))),
    l7=st.none() | st.builds(L7, type=NUMBERS, record=RECORDS),
    policy_match_type=NUMBERS,
    weight=st.integers(1, 9),
    aggregated=st.booleans(),
)


@given(st.lists(ANY_FLOW | st.none(), max_size=40), st.booleans(), st.integers(1, 3))
def test_one_outcome_property(events: list[Flow | None], live: bool, most: int) -> None:
    """No flow makes the pipeline fail, and every flow has exactly one outcome, by weight; None is a tick."""
    rig = Rig(live=live, most=most)
    for event in events:
        if event is None:
            rig.wall += 40 * SECOND
            rig.pipeline.tick()
        else:
            rig.pipeline.handle(event)
    weights = sum(event.weight for event in events if event is not None)
    assert sum(rig.pipeline.outcomes.values()) == weights
    assert rig.pipeline.stream.event_types.total() == weights
    assert all(count > 0 for count in rig.pipeline.outcomes.values())
    _assert_capped(rig, most)


def _assert_capped(rig: Rig, most: int) -> None:
    """No workload has more destinations than its cap and `~other`."""
    found: dict[tuple[str, str], set[str]] = {}
    text = "".join(Exposition(rig._store).render(nullcontext(), openmetrics=False))
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            if "destination" in sample.labels:
                workload = sample.labels["source_namespace"], sample.labels["source_workload"]
                found.setdefault(workload, set()).add(sample.labels["destination"])
    assert all(len(labels - {"~other"}) <= most for labels in found.values())


@dataclass
class Conversation:
    """What the model knows of one connection: nothing is hashed, bounded or forgotten."""

    five_tuple: tuple[str, int, str, int, str]
    times: list[int]
    counted_by: int
    """Event type that showed it first."""


@dataclass
class Model:
    """The rules of counting, read word for word. Slow: lists only."""

    connections: int = 0
    drops: int = 0
    verdicts: int = 0
    queries: int = 0
    responses: int = 0
    exchanges: int = 0
    conversations: list[Conversation] = field(default_factory=list)
    inbound: list[Flow] = field(default_factory=list)
    redirects: list[Flow] = field(default_factory=list)
    asked: list[Flow] = field(default_factory=list)

    def take(self, event: Flow) -> None:
        """Count one flow."""
        by_type: dict[int, Callable[[Flow], None]] = {
            EventType.TRACE: self._trace,
            EventType.POLICY_VERDICT: self._verdict,
            EventType.DROP: self._dropped,
            EventType.L7: self._layer7,
        }
        # Rule 3: trace-sock events are not egress; neither is what we do not know.
        if event.kind.event_type in by_type:
            by_type[event.kind.event_type](event)

    def totals(self) -> dict[str, int]:
        """What the families should add up to."""
        return {
            "hubble_egress_connections_total": self.connections,
            "hubble_egress_drops_total": self.drops,
            "hubble_egress_policy_verdicts_total": self.verdicts,
            "hubble_egress_dns_queries_total": self.queries,
            "hubble_egress_dns_responses_total": self.responses,
            "hubble_egress_l7_requests_total": self.exchanges,
        }

    def _trace(self, event: Flow) -> None:
        if event.kind.is_reply or event.kind.trace_reason in (3, 4):
            return
        if event.kind.direction != 2 and _is_outside(event.source):
            self.inbound.append(event)
        is_syn = event.kind.protocol == "tcp" and event.kind.tcp_flags & SYN_ACK == SYN
        is_tcp = event.kind.protocol == "tcp"
        is_new = event.kind.trace_reason == 1
        if event.kind.direction == 2:
            if is_syn or is_new or (not is_tcp and event.kind.trace_reason == 0 and event.kind.is_reply is False):
                self._start(event)
            elif event.kind.is_reply is False:
                self._continue(event)
        elif event.kind.direction == 0 and (is_syn or (is_new and not is_tcp)) and self._is_undirected_egress(event):
            self._start(event)

    def _is_undirected_egress(self, event: Flow) -> bool:
        """Rule 4."""
        if not _is_outside(event.destination) or _is_outside(event.source):
            return False
        reverse = _five_tuple(event.turned())
        if any(
            _five_tuple(seen) == reverse and abs(event.time_ns - seen.time_ns) <= at(300) - at(0)
            for seen in self.inbound
        ):
            return False
        for redirected in self.redirects:
            same = (redirected.source.identity, redirected.destination_ip, redirected.destination_port) == (
                event.source.identity,
                event.destination_ip,
                event.destination_port,
            )
            if same and abs(event.time_ns - redirected.time_ns) <= 5 * SECOND:
                return False
        return bool(event.source.id) or event.source == host()

    def _find(self, event: Flow) -> Conversation | None:
        span = (60 if event.kind.protocol == "tcp" else 300) * SECOND
        for conversation in self.conversations:
            near = any(abs(event.time_ns - time) <= span for time in conversation.times)
            if conversation.five_tuple == _five_tuple(event) and near:
                return conversation
        return None

    def _start(self, event: Flow) -> None:
        """Rules 1 and 7."""
        known = self._find(event)
        if known is None:
            self.conversations.append(Conversation(_five_tuple(event), [event.time_ns], event.kind.event_type))
            self.connections += event.weight
            return
        known.times.append(event.time_ns)
        if event.aggregated and event.source_port == 0 and known.counted_by == event.kind.event_type:
            self.connections += event.weight

    def _continue(self, event: Flow) -> None:
        known = self._find(event)
        if known is not None and event.kind.protocol != "tcp":
            known.times.append(event.time_ns)

    def _verdict(self, event: Flow) -> None:
        if event.kind.direction != 2 or event.kind.is_reply or event.kind.verdict not in (1, 2, 4, 5):
            return
        self.verdicts += event.weight
        if event.kind.verdict != 2:
            self._start(event)
        if event.kind.verdict == 5:
            self.redirects.append(event)

    def _dropped(self, event: Flow) -> None:
        is_syn = event.kind.protocol == "tcp" and event.kind.tcp_flags & SYN_ACK == SYN
        if event.kind.is_reply or event.kind.direction == 1:
            return
        if event.kind.direction == 2 or (is_syn and self._is_undirected_egress(event)):
            self.drops += event.weight

    def _layer7(self, event: Flow) -> None:
        if event.kind.direction != 2 or event.l7 is None or event.l7.type not in (1, 2) or event.l7.record is None:
            return
        is_request, is_dropped, is_error = event.l7.type == 1, event.kind.verdict == 2, event.kind.verdict == 3
        self.drops += event.weight if is_dropped else 0
        if not isinstance(event.l7.record, Dns):
            self.exchanges += event.weight if is_dropped or is_error or not is_request else 0
        elif not is_request:
            self.responses += event.weight
        elif not is_error:
            self.queries += event.weight
            self.asked += [] if is_dropped else [event]
        elif not any(
            _five_tuple(query) == _five_tuple(event)
            and query.l7 == event.l7
            and event.time_ns - query.time_ns <= 30 * SECOND
            for query in self.asked
        ):
            self.queries += event.weight
            self.asked.append(event)


def _five_tuple(event: Flow) -> tuple[str, int, str, int, str]:
    return event.source_ip, event.source_port, event.destination_ip, event.destination_port, event.kind.protocol


PODS = ((pod(), POD_IP), (pod("basket", identity=40_002), "10.0.1.6"), (remote_pod(), "10.0.2.5"), (host(), "10.0.0.4"))
OUTSIDE = (
    (world(), "93.184.216.34"),
    (world("cidr:198.51.100.0/24"), "198.51.100.7"),
    (labelled("reserved:world-ipv4", identity=9), "203.0.113.9"),
    (labelled("reserved:world-ipv6", identity=10), "2606:4700::1111"),
    (labelled("reserved:kube-apiserver", "reserved:world", identity=(1 << 24) + 1), "192.0.2.10"),
    (labelled(identity=(1 << 24) + 3), "192.0.2.11"),
)
INSIDE = (
    (remote_pod("db-0", "data", identity=40_003), "10.0.2.9"),
    (labelled("reserved:ingress", identity=(1 << 24) + 2), "10.0.3.3"),
    (labelled("reserved:remote-node", identity=6), "10.0.0.5"),
    (NO_ENDPOINT, "10.0.9.1"),
)
PACKETS = (("tcp", SYN), ("tcp", SYN_ACK), ("tcp", ACK), ("udp", 0), ("sctp", 0), ("icmp", 0), ("icmpv6", 0))


def _is_outside(endpoint: Endpoint) -> bool:
    return endpoint in [outside for outside, _ in OUTSIDE]


def _build(
    source: tuple[Endpoint, str],
    destination: tuple[Endpoint, str],
    packet: tuple[str, int],
    port: int,
    weight: int,
) -> Flow:
    has_ports = packet[0] not in ("icmp", "icmpv6")
    return flow(
        source=source[0],
        source_ip=source[1],
        destination=destination[0],
        destination_ip=destination[1],
        protocol=packet[0],
        tcp_flags=packet[1],
        source_port=port if has_ports else 0,
        destination_port=443 if has_ports else 0,
        weight=weight,
        aggregated=weight > 1,
    )


def _as_trace(event: Flow, direction: int, reason: int, is_known: bool) -> Flow:
    # Hubble: a reply has is_reply true, every other known reason false; without a reason it may be absent. A packet
    # of UDP that has no direction is seen by the host's programs when it starts something.
    if direction == 0 and event.kind.protocol != "tcp":
        reason = 1
    known: bool | None = reason == 3
    if reason == 0 and not is_known and event.kind.protocol == "tcp":
        known = None
    return changed(event, direction=direction, trace_reason=reason, is_reply=known)


def _as_verdict(event: Flow, direction: int, verdict: int) -> Flow:
    is_reply = None if verdict == Verdict.DROPPED else False
    return changed(
        event,
        event_type=EventType.POLICY_VERDICT,
        policy_match_type=1,
        trace_reason=0,
        direction=direction,
        verdict=verdict,
        is_reply=is_reply,
    )


EGRESS = st.builds(
    _build,
    st.sampled_from(PODS),
    st.sampled_from(OUTSIDE + INSIDE),
    st.sampled_from(PACKETS),
    st.sampled_from((0, 40_000, 40_001)),
    st.sampled_from((1, 1, 1, 4)),
)
INBOUND = st.builds(
    lambda inside, outside, packet, weight: changed(
        _build(inside, outside, packet, 8080, weight), direction=0, trace_reason=1, destination_port=50_000
    ),
    st.sampled_from(PODS),
    st.sampled_from(OUTSIDE[:2]),
    st.sampled_from((("tcp", SYN), ("udp", 0))),
    st.just(1),
)
STREAM = st.one_of(
    st.builds(_as_trace, EGRESS, st.sampled_from((0, 1, 2, 2, 2)), st.sampled_from((0, 1, 1, 2, 3, 4)), st.booleans()),
    st.builds(_as_verdict, EGRESS, st.sampled_from((0, 1, 2, 2)), st.sampled_from((1, 2, 3, 4, 5, 5))),
    st.builds(
        lambda event, direction: changed(
            event, event_type=1, verdict=2, drop_reason=133, direction=direction, trace_reason=0, is_reply=None
        ),
        EGRESS,
        st.sampled_from((0, 1, 2)),
    ),
    EGRESS.map(reply_to),
    INBOUND,
    INBOUND.map(lambda event: changed(event.turned(), direction=event.source_port % 2)),
    st.builds(
        lambda name, verdict, port: dns_query(name, verdict=verdict, source_port=port),
        st.sampled_from(("a.example.", "b.example.")),
        st.sampled_from((1, 1, 2, 3)),
        st.sampled_from((50_001, 50_002)),
    ),
    st.builds(lambda rcode, weight: dns_response(rcode=rcode, weight=weight), st.integers(0, 30), st.integers(1, 3)),
    st.builds(lambda verdict: http_request(verdict=verdict), st.sampled_from((1, 2, 3))),
    st.builds(http_response, st.integers(0, 600)),
    st.builds(lambda code: kafka_response("fetch", code), st.integers(-1, 300)),
    EGRESS.map(lambda event: changed(event, event_type=7, verdict=7, direction=0, is_reply=None)),
    EGRESS.map(lambda event: changed(event, event_type=3, verdict=0)),
)
PAUSES = st.sampled_from((0, 0, 0, 1, 2, 4, 6, 20, 58, 59, 61))
STEPS = st.lists(st.tuples(STREAM, PAUSES, st.integers(0, 20)), max_size=25)
LONGEST = 340
"""Seconds: longer than every window, and too short for a tuple to come in, be forgotten, go out and be forgotten."""


def _timed(steps: Iterable[tuple[Flow, int, int]], *, late: bool) -> list[Flow]:
    """The flows with their times: each after a pause, and some of them late, as relay's sorting may leave them."""
    now, events = 0, []
    for event, pause, lateness in steps:
        now += pause
        if now > LONGEST:
            break
        # A report on a query, and a leg of the proxy, are judged in seconds: they come in order.
        is_quick = event.kind.event_type in (EventType.L7, EventType.POLICY_VERDICT)
        events.append(changed(event, time_ns=at(now - (lateness if late and not is_quick else 0))))
    return events


def _assert_equal_to_model(rig: Rig, events: list[Flow]) -> None:
    model = Model()
    for event in events:
        model.take(event)
    assert {name: value for name, value in rig.totals().items() if name in model.totals()} == model.totals()


@given(STEPS, st.integers(1, 5))
def test_totals_property(steps: list[tuple[Flow, int, int]], most: int) -> None:
    """Totals are those of the rules of counting, whatever the cap on destinations, with flows that arrive late."""
    events = _timed(steps, late=True)
    rig = Rig(most=most)
    for event in events:
        rig.pipeline.handle(event)
    _assert_equal_to_model(rig, events)
    _assert_capped(rig, most)


@given(STEPS, st.integers(1, 5))
def test_totals_with_ticks_property(steps: list[tuple[Flow, int, int]], most: int) -> None:
    """Totals are the same on a live stream in order on which the clock ticks before each flow."""
    events = _timed(steps, late=False)
    rig = Rig(live=True, most=most)
    for event in events:
        rig.wall = event.time_ns
        rig.pipeline.tick()
        rig.pipeline.handle(event)
    _assert_equal_to_model(rig, events)
    _assert_capped(rig, most)


@given(STEPS)
def test_answers_property(steps: list[tuple[Flow, int, int]]) -> None:
    """No node has more answers than connections to the outside, and none of either without the other."""
    rig = Rig()
    for event in _timed(steps, late=True):
        rig.pipeline.handle(changed(event, weight=1, aggregated=False))
    starts, answers = rig.counts(families.WORLD_STARTS), rig.counts(families.WORLD_ANSWERED)
    assert starts.keys() == answers.keys()
    assert all(answers[node] <= starts[node] for node in starts)
