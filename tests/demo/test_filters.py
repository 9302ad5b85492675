"""Filters of flows: for each field a table of flows, and whether they match."""

import pytest

from exporter.demo.filters import FIELDS, BadFilterError, compile_filter, compile_lists
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.flow.flow_pb2 import (
    DNS,
    HTTP,
    IP,
    SCTP,
    TCP,
    UDP,
    CiliumEventType,
    Endpoint,
    EventTypeFilter,
    Flow,
    FlowFilter,
    HTTPHeader,
    ICMPv4,
    ICMPv6,
    Layer4,
    Layer7,
    NetworkInterface,
    Service,
    TCPFlags,
    Workload,
)

Table = list[tuple[Flow, bool]]


def check(flow_filter: FlowFilter, table: Table) -> None:
    """Compare the whole column, so that a failure shows it."""
    matches = compile_filter(flow_filter)
    assert [matches(flow) for flow, _ in table] == [expected for _, expected in table]


def refused(flow_filter: FlowFilter) -> str:
    """The message with which Hubble's server refuses the filter."""
    with pytest.raises(BadFilterError) as refusal:
        compile_filter(flow_filter)
    return str(refusal.value)


def test_every_field_is_served() -> None:
    """A field that the server did not know would be ignored, and would widen the filter to everything."""
    assert {field.name for field in FlowFilter.DESCRIPTOR.fields} - {"experimental"} == set(FIELDS)


def test_fields_are_anded_and_values_are_ored() -> None:
    """All fields of a filter must hold, each by any of its values; a filter without fields matches everything."""
    check(
        FlowFilter(source_ip=["10.0.0.1", "10.0.0.2"], verdict=[flow_pb2.DROPPED]),
        [
            (Flow(IP=IP(source="10.0.0.1"), verdict=flow_pb2.DROPPED), True),
            (Flow(IP=IP(source="10.0.0.2"), verdict=flow_pb2.DROPPED), True),
            (Flow(IP=IP(source="10.0.0.2"), verdict=flow_pb2.FORWARDED), False),
            (Flow(verdict=flow_pb2.DROPPED), False),
        ],
    )
    check(FlowFilter(), [(Flow(), True), (Flow(uuid="a"), True)])


@pytest.mark.parametrize(
    ("whitelist", "blacklist", "passing"),
    [
        ([], [], "abc"),
        (["a", "b"], [], "ab"),
        ([], ["a"], "bc"),
        (["a", "b"], ["b"], "a"),
        ([None], ["b"], "ac"),
        (["a"], [None], ""),
        ([None, "a"], [], "abc"),
    ],
)
def test_lists(whitelist: list[str | None], blacklist: list[str | None], passing: str) -> None:
    """Any of the whitelist, none of the blacklist; an empty filter in a list (here None) stands for all flows."""
    passes = compile_lists(
        [FlowFilter(uuid=[uuid] if uuid else []) for uuid in whitelist],
        [FlowFilter(uuid=[uuid] if uuid else []) for uuid in blacklist],
    )

    assert [uuid for uuid in "abc" if passes(Flow(uuid=uuid))] == list(passing)


def test_uuid() -> None:
    """The whole identifier."""
    check(
        FlowFilter(uuid=["a1", "b2"]),
        [(Flow(uuid="a1"), True), (Flow(uuid="b2"), True), (Flow(uuid="a"), False), (Flow(), False)],
    )


@pytest.mark.parametrize(
    ("field", "name"),
    [("source_ip", "source"), ("destination_ip", "destination"), ("source_ip_xlated", "source_xlated")],
)
def test_addresses(field: str, name: str) -> None:
    """An address is compared as text, a prefix contains; a flow without address never matches."""
    check(
        FlowFilter(**{field: ["192.0.2.1", "2001:db8::1", "10.1.2.3/8", "2001:db8:7::/48"]}),  # type: ignore[arg-type]
        [
            (Flow(IP=IP(**{name: "192.0.2.1"})), True),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "192.0.2.10"})), False),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "2001:db8::1"})), True),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "2001:db8:0::1"})), False),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "10.255.0.0"})), True),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "11.0.0.0"})), False),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "2001:db8:7:1::"})), True),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: "nonsense"})), False),  # type: ignore[arg-type]
            (Flow(IP=IP(**{name: ""})), False),  # type: ignore[arg-type]
            (Flow(), False),
        ],
    )


@pytest.mark.parametrize(
    "value", ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/255.0.0.0", "/8", "10.0.0", "fe80::1%eth0", "example.com", ""]
)
def test_bad_addresses(value: str) -> None:
    """What is neither an address nor a prefix is refused."""
    assert "invalid" in refused(FlowFilter(destination_ip=[value]))


@pytest.mark.parametrize("side", ["source", "destination"])
def test_pods(side: str) -> None:
    """`namespace/prefix`; without a namespace it is `default`, without a name it is all of the namespace."""

    def pod(namespace: str, name: str) -> Flow:
        return Flow(**{side: Endpoint(namespace=namespace, pod_name=name)})  # type: ignore[arg-type]

    check(
        FlowFilter(**{f"{side}_pod": ["shop/web", "kube-system/", "api"]}),  # type: ignore[arg-type]
        [
            (pod("shop", "web-1"), True),
            (pod("shop", "web"), True),
            (pod("shop", "db-0"), False),
            (pod("default", "web-1"), False),
            (pod("default", "api-7"), True),
            (pod("shop", "api-7"), False),
            (pod("kube-system", "coredns"), True),
            (pod("kube-system", ""), True),
            (pod("kube", "coredns"), False),
            (pod("", ""), False),
            (Flow(), False),
        ],
    )


@pytest.mark.parametrize("side", ["source", "destination"])
def test_services(side: str) -> None:
    """Services are named as pods are."""

    def service(namespace: str, name: str) -> Flow:
        return Flow(**{f"{side}_service": Service(namespace=namespace, name=name)})  # type: ignore[arg-type]

    check(
        FlowFilter(**{f"{side}_service": ["shop/web", "dns"]}),  # type: ignore[arg-type]
        [
            (service("shop", "web"), True),
            (service("shop", "web-canary"), True),
            (service("default", "dns"), True),
            (service("shop", "dns"), False),
            (Flow(), False),
        ],
    )


@pytest.mark.parametrize("field", ["source_pod", "destination_pod", "source_service", "destination_service"])
@pytest.mark.parametrize("value", ["", "/"])
def test_bad_names(field: str, value: str) -> None:
    """A name that names nothing is refused."""
    assert refused(FlowFilter(**{field: [value]})) == (  # type: ignore[arg-type]
        f"invalid filter, must be [namespace/][<name>], got {value!r}"
    )


@pytest.mark.parametrize("side", ["source", "destination"])
def test_fqdn(side: str) -> None:
    """A `*` crosses dots; capitals, spaces around and one trailing dot of the pattern do not count."""

    def names(*texts: str) -> Flow:
        return Flow(**{f"{side}_names": texts})  # type: ignore[arg-type]

    check(
        FlowFilter(**{f"{side}_fqdn": ["*.CILIUM.io.", " api.example "]}),  # type: ignore[arg-type]
        [
            (names("docs.cilium.io"), True),
            (names("a.b.cilium.io"), True),
            (names("cilium.io"), False),
            (names("docs.cilium.io.evil.example"), False),
            (names("docs.ciliumxio"), False),
            (names("other.example", "api.example"), True),
            (names("api.example."), False),
            (names("my_api.example"), False),
            (names(""), False),
            (names(), False),
        ],
    )


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "empty pattern"),
        (" . ", "empty pattern"),
        ("cilium.io..", "multiple trailing dots"),
        ("a/b", "invalid character"),
        ("a|b", "invalid character"),
        ("(a)", "invalid character"),
    ],
)
def test_bad_fqdn(pattern: str, message: str) -> None:
    """A pattern has the characters of names, and `*`."""
    assert message in refused(FlowFilter(destination_fqdn=[pattern]))


@pytest.mark.parametrize("side", ["source", "destination"])
def test_labels(side: str) -> None:
    """Each selector is an alternative; within one, all requirements hold."""

    def labels(*texts: str) -> Flow:
        return Flow(**{side: Endpoint(labels=texts)})  # type: ignore[arg-type]

    check(
        FlowFilter(**{f"{side}_label": ["k8s:app=web, tier!=db", "reserved:world"]}),  # type: ignore[arg-type]
        [
            (labels("k8s:app=web"), True),
            (labels("k8s:app=web", "k8s:tier=db"), False),
            (labels("k8s:app=web", "k8s:tier=front"), True),
            (labels("container:app=web"), False),
            (labels("cidr:1.1.1.1/32", "reserved:world"), True),
            (labels("reserved:world-ipv4"), False),
            (labels("k8s:world"), False),
            (labels(), False),
            (Flow(), False),
        ],
    )


def test_node_labels() -> None:
    """Flows of the demo have no node labels, which fulfils what asks for an absence, and nothing else."""
    check(FlowFilter(node_labels=["zone=a"]), [(Flow(), False)])
    check(FlowFilter(node_labels=["zone!=a"]), [(Flow(), True)])


@pytest.mark.parametrize("side", ["source", "destination"])
def test_workloads(side: str) -> None:
    """Name, kind or both of any of the endpoint's workloads."""

    def workload(*pairs: tuple[str, str]) -> Flow:
        workloads = [Workload(name=name, kind=kind) for name, kind in pairs]
        return Flow(**{side: Endpoint(workloads=workloads)})  # type: ignore[arg-type]

    wanted = [Workload(name="web", kind="Deployment"), Workload(name="db"), Workload(kind="CronJob")]
    check(
        FlowFilter(**{f"{side}_workload": wanted}),  # type: ignore[arg-type]
        [
            (workload(("web", "Deployment")), True),
            (workload(("web", "StatefulSet")), False),
            (workload(("db", "StatefulSet")), True),
            (workload(("report", "CronJob")), True),
            (workload(("x", "Deployment"), ("db", "")), True),
            (workload(), False),
            (Flow(), False),
        ],
    )


@pytest.mark.parametrize("side", ["source", "destination"])
def test_identities(side: str) -> None:
    """Exact numbers: 2 is not the world of a dual-stack cluster, and no endpoint is not identity 0."""

    def identity(number: int) -> Flow:
        return Flow(**{side: Endpoint(identity=number)})  # type: ignore[arg-type]

    check(
        FlowFilter(**{f"{side}_identity": [0, 2]}),  # type: ignore[arg-type]
        [(identity(2), True), (identity(9), False), (identity(0), True), (Flow(), False)],
    )


@pytest.mark.parametrize("side", ["source", "destination"])
def test_cluster_names(side: str) -> None:
    """The exact name; an empty one is refused."""

    def cluster(name: str) -> Flow:
        return Flow(**{side: Endpoint(cluster_name=name)})  # type: ignore[arg-type]

    check(
        FlowFilter(**{f"{side}_cluster_name": ["east", "west"]}),  # type: ignore[arg-type]
        [(cluster("east"), True), (cluster("eas"), False), (cluster(""), False), (Flow(), False)],
    )
    assert "must not be empty" in refused(FlowFilter(**{f"{side}_cluster_name": [""]}))  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["source_port", "destination_port"])
def test_ports(field: str) -> None:
    """Ports of TCP, UDP and SCTP; ICMP has none, not even 0."""
    ports = {field: 53}
    check(
        FlowFilter(**{field: ["53", "0"]}),  # type: ignore[arg-type]
        [
            (Flow(l4=Layer4(TCP=TCP(**ports))), True),  # type: ignore[arg-type]
            (Flow(l4=Layer4(UDP=UDP(**ports))), True),
            (Flow(l4=Layer4(SCTP=SCTP(**ports))), True),
            (Flow(l4=Layer4(TCP=TCP(**{field: 5353}))), False),  # type: ignore[arg-type]
            (Flow(l4=Layer4(UDP=UDP())), True),
            (Flow(l4=Layer4(ICMPv4=ICMPv4())), False),
            (Flow(), False),
        ],
    )


@pytest.mark.parametrize("value", ["65536", "-1", "1-2", "http", "", " 80", "٨٠"])
def test_bad_ports(value: str) -> None:
    """Only single ports in decimal."""
    assert "invalid port" in refused(FlowFilter(destination_port=[value]))


def test_direction_and_verdict() -> None:
    """Any of the values; what is not set has value 0."""
    check(
        FlowFilter(traffic_direction=[flow_pb2.EGRESS, flow_pb2.TRAFFIC_DIRECTION_UNKNOWN]),
        [
            (Flow(traffic_direction=flow_pb2.EGRESS), True),
            (Flow(traffic_direction=flow_pb2.INGRESS), False),
            (Flow(), True),
        ],
    )
    check(
        FlowFilter(verdict=[flow_pb2.AUDIT, flow_pb2.ERROR]),
        [(Flow(verdict=flow_pb2.AUDIT), True), (Flow(verdict=flow_pb2.DROPPED), False), (Flow(), False)],
    )


def test_drop_reasons() -> None:
    """Only dropped flows have a reason, even where it is 0."""
    dropped, denied = flow_pb2.DROPPED, flow_pb2.POLICY_DENIED
    check(
        FlowFilter(drop_reason_desc=[denied, flow_pb2.DROP_REASON_UNKNOWN]),
        [
            (Flow(verdict=dropped, drop_reason_desc=denied), True),
            (Flow(verdict=dropped), True),
            (Flow(verdict=dropped, drop_reason_desc=flow_pb2.POLICY_DENY), False),
            (Flow(verdict=flow_pb2.FORWARDED), False),
            (Flow(), False),
        ],
    )


def test_event_types() -> None:
    """Type 0 stands for every type; the sub-type counts only where it is asked for."""

    def event(kind: int, sub_type: int = 0) -> Flow:
        return Flow(event_type=CiliumEventType(type=kind, sub_type=sub_type))

    def wanted(kind: int, sub_type: int | None = None) -> EventTypeFilter:
        return EventTypeFilter(type=kind, match_sub_type=sub_type is not None, sub_type=sub_type or 0)

    flows = [event(1, 133), event(4), event(4, 3), event(129), Flow()]
    for wish, expected in [
        (wanted(1), [True, False, False, False, False]),
        (wanted(1, 133), [True, False, False, False, False]),
        (wanted(1, 181), [False, False, False, False, False]),
        (wanted(4), [False, True, True, False, False]),
        (wanted(4, 0), [False, True, False, False, False]),
        (wanted(0), [True, True, True, True, False]),
        (wanted(0, 3), [False, False, True, False, False]),
        (EventTypeFilter(type=4, sub_type=3), [False, True, True, False, False]),
    ]:
        check(FlowFilter(event_type=[wish]), list(zip(flows, expected, strict=True)))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([True], [True, False, False, False, True]),
        ([False], [False, True, False, True, False]),
        ([True, False], [True, True, False, True, True]),
    ],
)
def test_reply(wanted: list[bool], expected: list[bool]) -> None:
    """No `is_reply` is a third state that matches neither, except that a dropped flow without it is no reply."""
    flows = [Flow(), Flow(), Flow(), Flow(verdict=flow_pb2.DROPPED), Flow(verdict=flow_pb2.DROPPED)]
    flows[0].is_reply.value = True
    flows[1].is_reply.value = False
    flows[4].is_reply.value = True
    check(FlowFilter(reply=wanted), list(zip(flows, expected, strict=True)))


@pytest.mark.parametrize(
    ("wanted", "matching"),
    [
        (["tcp"], {"tcp"}),
        (["UDP", "sctp"], {"udp", "sctp", "dns"}),
        (["icmp"], {"icmpv4", "icmpv6"}),
        (["icmpv6"], {"icmpv6"}),
        (["icmpv4"], {"icmpv4"}),
        (["dns"], {"dns"}),
        (["http", "kafka"], {"http", "kafka"}),
        (["vrrp", "igmp"], {"vrrp", "igmp"}),
    ],
)
def test_protocols(wanted: list[str], matching: set[str]) -> None:
    """Names of layer 4 and of layer 7, which a DNS record over UDP both has."""
    flows = {
        "tcp": Flow(l4=Layer4(TCP=TCP())),
        "udp": Flow(l4=Layer4(UDP=UDP())),
        "sctp": Flow(l4=Layer4(SCTP=SCTP())),
        "icmpv4": Flow(l4=Layer4(ICMPv4=ICMPv4())),
        "icmpv6": Flow(l4=Layer4(ICMPv6=ICMPv6())),
        "vrrp": Flow(l4=Layer4(VRRP=flow_pb2.VRRP())),
        "igmp": Flow(l4=Layer4(IGMP=flow_pb2.IGMP())),
        "dns": Flow(l4=Layer4(UDP=UDP()), l7=Layer7(dns=DNS())),
        "http": Flow(l7=Layer7(http=HTTP())),
        "kafka": Flow(l7=Layer7(kafka=flow_pb2.Kafka())),
        "none": Flow(),
    }
    matches = compile_filter(FlowFilter(protocol=wanted))

    assert {name for name, flow in flows.items() if matches(flow)} == matching


def test_bad_protocol() -> None:
    """A protocol that Hubble does not know is refused."""
    assert refused(FlowFilter(protocol=["tcp", "quic"])) == "unknown protocol: 'quic'"


def test_ip_version_and_encryption() -> None:
    """Version 0 is that of no IP; a flow that does not say so is not encrypted."""
    check(
        FlowFilter(ip_version=[flow_pb2.IPv6]),
        [(Flow(IP=IP(ipVersion=flow_pb2.IPv6)), True), (Flow(IP=IP(ipVersion=flow_pb2.IPv4)), False), (Flow(), False)],
    )
    check(FlowFilter(encrypted=[True]), [(Flow(IP=IP(encrypted=True)), True), (Flow(IP=IP()), False), (Flow(), False)])
    check(FlowFilter(encrypted=[False]), [(Flow(IP=IP(encrypted=True)), False), (Flow(IP=IP()), True)])


def test_tcp_flags() -> None:
    """All flags of one alternative are set; more may be. No flags asked for is any TCP packet with flags."""

    def tcp(**flags: bool) -> Flow:
        return Flow(l4=Layer4(TCP=TCP(flags=TCPFlags(**flags))))

    check(
        FlowFilter(tcp_flags=[TCPFlags(SYN=True), TCPFlags(RST=True, ACK=True)]),
        [
            (tcp(SYN=True), True),
            (tcp(SYN=True, ACK=True), True),
            (tcp(ACK=True), False),
            (tcp(RST=True), False),
            (tcp(RST=True, ACK=True), True),
            (tcp(), False),
            (Flow(l4=Layer4(TCP=TCP())), False),
            (Flow(l4=Layer4(UDP=UDP())), False),
            (Flow(), False),
        ],
    )
    check(FlowFilter(tcp_flags=[TCPFlags()]), [(tcp(), True), (tcp(FIN=True), True), (Flow(), False)])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("k8s1", [True, False, True, True, False]),
        ("k8s*", [True, True, True, True, False]),
        ("default/k8s1", [True, False, False, True, False]),
        ("east/", [False, False, True, False, False]),
        ("/k8s2", [False, True, False, False, False]),
        ("/", [True, True, True, True, False]),
        ("e*/k8s1.", [False, False, True, False, False]),
    ],
)
def test_node_names(pattern: str, expected: list[bool]) -> None:
    """A pattern without cluster is for all clusters; a flow's node without cluster is in `default`."""
    names = ["default/k8s1", "default/k8s2", "east/k8s1", "k8s1", ""]
    check(
        FlowFilter(node_name=[pattern]),
        [(Flow(node_name=name), hit) for name, hit in zip(names, expected, strict=True)],
    )


@pytest.mark.parametrize(
    ("pattern", "message"), [("", "empty pattern"), ("a/b/c", "too many slashes"), ("a|b/", "invalid character")]
)
def test_bad_node_names(pattern: str, message: str) -> None:
    """Two parts at most, each with the characters of names."""
    assert message in refused(FlowFilter(node_name=[pattern]))


def test_dns_queries() -> None:
    """A regular expression, found anywhere in the name as it was asked."""

    def dns(query: str) -> Flow:
        return Flow(l7=Layer7(dns=DNS(query=query)))

    check(
        FlowFilter(dns_query=[r"^api\.", r"\.leak\.example\.$"]),
        [
            (dns("api.example."), True),
            (dns("my.api.example."), False),
            (dns("x.leak.example."), True),
            (dns("x.leak.example"), False),
            (Flow(l7=Layer7(http=HTTP(url="http://api."))), False),
            (Flow(), False),
        ],
    )
    check(FlowFilter(dns_query=[""]), [(dns(""), True), (Flow(), False)])
    assert "invalid regular expression '('" in refused(FlowFilter(dns_query=["("]))


def http(**fields: object) -> Flow:
    """An L7 record of HTTP."""
    return Flow(l7=Layer7(http=HTTP(**fields)))  # type: ignore[arg-type]


def test_http_status() -> None:
    """A whole code, or its first digits with a plus; requests have no code."""
    check(
        FlowFilter(http_status_code=["404", "5+", "20+"]),
        [
            (http(code=404), True),
            (http(code=403), False),
            (http(code=503), True),
            (http(code=204), True),
            (http(code=210), False),
            (http(code=0), False),
            (Flow(), False),
        ],
    )


@pytest.mark.parametrize("value", ["", "+", "6+", "600", "40", "404+", "4xx", "004"])
def test_bad_http_status(value: str) -> None:
    """What is not the beginning of a code is refused."""
    assert "invalid status code prefix" in refused(FlowFilter(http_status_code=[value]))


def test_http_method() -> None:
    """Methods in any case of letters; a record without one never matches."""
    check(
        FlowFilter(http_method=["get", ""]),
        [(http(method="GET"), True), (http(method="POST"), False), (http(), False), (Flow(), False)],
    )


def test_http_url_and_path() -> None:
    """Regular expressions in the URL as it is, and in its path decoded."""
    check(
        FlowFilter(http_url=["example/a"]),
        [(http(url="http://example/a?b"), True), (http(url="/a"), False), (http(), False), (Flow(), False)],
    )
    check(
        FlowFilter(http_path=["^/a b$", "^$"]),
        [
            (http(url="http://example/a%20b?c"), True),
            (http(url="/a%20b"), True),
            (http(url="http://example/c/a%20b"), False),
            (http(url="http://example"), True),
            (http(url="example/a%20b"), False),
            (http(url="http://[::1/a%20b"), False),
            (http(), False),
            (Flow(), False),
        ],
    )
    assert "invalid regular expression" in refused(FlowFilter(http_path=["["]))
    assert "invalid regular expression" in refused(FlowFilter(http_url=["*"]))


@pytest.mark.parametrize(
    ("types", "valid"), [([], True), ([129], True), ([4, 129], True), ([4], False), ([0], False), ([1, 4, 5], False)]
)
def test_http_needs_l7_events(types: list[int], valid: bool) -> None:
    """A filter of HTTP that asks for other events only is refused; type 0 is not taken for 129."""
    event_types = [EventTypeFilter(type=kind) for kind in types]
    for fields in (
        {"http_status_code": ["404"]},
        {"http_method": ["GET"]},
        {"http_path": ["/"]},
        {"http_url": ["/"]},
        {"http_header": [HTTPHeader(key="a")]},
    ):
        flow_filter = FlowFilter(event_type=event_types, **fields)
        if valid:
            compile_filter(flow_filter)
        else:
            assert "requires the event type filter to only match 'l7' events" in refused(flow_filter)


@pytest.mark.parametrize(
    "flow_filter",
    [
        FlowFilter(interface=[NetworkInterface(name="eth0")]),
        FlowFilter(http_header=[HTTPHeader(key="a")]),
        FlowFilter(ip_trace_id=[1]),
        FlowFilter(trace_id=["a"]),
    ],
    ids=["interface", "http_header", "ip_trace_id", "trace_id"],
)
def test_what_our_flows_do_not_carry(flow_filter: FlowFilter) -> None:
    """A flow that does not have what is asked for never matches."""
    check(flow_filter, [(Flow(), False), (Flow(uuid="a"), False)])


def test_cel() -> None:
    """An expression that cannot be evaluated is refused, for to ignore it would widen the filter."""
    flow_filter = FlowFilter()
    flow_filter.experimental.cel_expression.append("_flow.verdict == Verdict.DROPPED")

    assert refused(flow_filter) == "experimental.cel_expression is not implemented by this Observer"
