"""The evaluator says what a slow and literal reading of each kind of policy says, whatever is written and asked."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.destinations.scopes import Scopes
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.manifests import Manifests, read_manifests
from exporter.expectations.objects import Objects
from exporter.expectations.question import Question
from exporter.expectations.settings import workload_chooser
from tests.expectations.literal import Asked, Doc, Said, answer

TODAY = date(2027, 3, 1)
SCOPES = Scopes()
FULL = settings(
    max_examples=max(150, settings().max_examples),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Docs = st.SearchStrategy[Doc]

NAMESPACES = ("shop", "pay", "db")
MOSTLY = ("shop", "shop", "shop", "shop", "pay", "db")  # so that policies and workloads meet
POD_NAMESPACE, OF_NAMESPACE = "io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels."
V4 = ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.0.2.0/24", "192.0.2.128/25", "192.0.2.7/32")
V6 = ("::/0", "2001:db8::/32", "2001:db8:1::/48", "fd00:1::/64")
HOLES = {
    "0.0.0.0/0": ("10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/24", "192.0.2.128/25"),
    "10.0.0.0/8": ("10.1.0.0/16", "10.1.2.0/24"),
    "10.1.0.0/16": ("10.1.2.0/24", "10.1.2.0/25"),
    "192.0.2.0/24": ("192.0.2.128/25", "192.0.2.7/32", "192.0.2.0/24"),
    "::/0": ("2001:db8::/32", "fd00:1::/64"),
    "2001:db8::/32": ("2001:db8:1::/48",),
}
NAMES = ("api.example.com", "www.example.com", "example.com", "a.b.example.com", "API.Example.COM.", "example.org")
PATTERNS = (
    "*",
    "**",
    "*.",
    "*.example.com",
    "**.example.com",
    "*.example.com.",
    "a*.example.com",
    "*.*.com",
    "ex*.org",
)
IN_CLUSTER = ("cluster", "host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged")
ENTITIES = ("all", "world", "world-ipv4", "world-ipv6", "none", *IN_CLUSTER)
SERVICES = ("web", "ext", "nowhere")
GROUPS = ("partners", "others", "missing")
ADDRESSES = ("192.0.2.7", "192.0.2.200", "10.1.2.3", "10.2.0.1", "2001:db8:1::5", "2001:db8:2::5", "fd00:1::9")
RANGES = (
    "8.0.0.0/5",
    "192.0.2.0/24",
    "192.0.2.128/25",
    "10.1.2.0/23",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "2001:db8::/32",
    "::/0",
)


def lists(items: st.SearchStrategy[Any], least: int = 1, most: int = 2) -> st.SearchStrategy[list[Any]]:
    """A few of them."""
    return st.lists(items, min_size=least, max_size=most)


def mapping(required: dict[str, Any], **optional: st.SearchStrategy[Any]) -> Docs:
    """A mapping; what is no strategy stands as it is."""
    fixed = {key: one if isinstance(one, st.SearchStrategy) else st.just(one) for key, one in required.items()}
    return st.fixed_dictionaries(fixed, optional=optional)


def of(*values: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401, whatever YAML can say
    """One of these."""
    return st.sampled_from(values)


# --- selectors --------------------------------------------------------------------------------------------------------


def expressions(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> Docs:
    """A demand of a set."""
    listed = mapping({"key": keys, "operator": of("In", "NotIn"), "values": lists(values)})
    return st.one_of(listed, mapping({"key": keys, "operator": of("Exists", "DoesNotExist")}))


def selectors(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> Docs:
    """Labels and sets, or nothing, which selects everything."""
    labels = st.dictionaries(keys, values, min_size=1, max_size=2)
    return st.one_of(
        st.just({}),
        mapping({"matchLabels": labels}),
        mapping({"matchExpressions": lists(expressions(keys, values))}),
        mapping({"matchLabels": labels, "matchExpressions": lists(expressions(keys, values))}),
    )


OWN, VALUES = of("app", "tier"), of("web", "db")
POD_SELECTORS = selectors(OWN, VALUES)
NAMESPACE_SELECTORS = selectors(of("team", "kubernetes.io/metadata.name"), of("a", "b", *NAMESPACES))
CILIUM_KEYS = of("app", "any:app", "k8s:app", "tier", "k8s:tier")
CHOSEN = selectors(CILIUM_KEYS, VALUES)
PLACED = selectors(
    of(
        "app",
        "k8s:tier",
        POD_NAMESPACE,
        f"k8s:{POD_NAMESPACE}",
        f"any:{POD_NAMESPACE}",
        f"{OF_NAMESPACE}team",
        f"k8s:{OF_NAMESPACE}team",
        f"k8s:{OF_NAMESPACE}kubernetes.io/metadata.name",
    ),
    of("web", "a", *NAMESPACES),
)
RESERVED = of("host", "remote-node", "health", "world", "kube-apiserver", "init").map(
    lambda name: {"matchLabels": {f"reserved:{name}": ""}}
)
ENDPOINTS = st.one_of(CHOSEN, PLACED, RESERVED)


# --- peers and ports --------------------------------------------------------------------------------------------------


@st.composite
def prefixes_with_holes(draw: st.DrawFn, key: str = "cidr") -> Doc:
    """A prefix, and perhaps exceptions inside it."""
    cidr = draw(of(*V4, *V6))
    found = {key: cidr}
    if cidr in HOLES and draw(st.booleans()):
        found["except"] = draw(lists(of(*HOLES[cidr])))
    return found


def ranges(first: dict[str, Any], numbers: tuple[int, ...], **optional: st.SearchStrategy[Any]) -> Docs:
    """Ports, some with a last one that is not below the first."""
    plain = mapping({**first, "port": of(*numbers)}, **optional)
    wide = mapping({**first, "port": of(*filter(None, numbers)), "endPort": of(8000, 65535)}, **optional)
    return st.one_of(plain, wide)


def as_text(item: Doc) -> Doc:
    """Cilium writes the port as a text."""
    return {**item, "port": str(item["port"])}


KUBERNETES_PORTS = st.one_of(
    ranges({}, (53, 443, 8000), protocol=of("TCP", "UDP", "SCTP")),
    mapping({}, protocol=of("TCP", "UDP", "SCTP")),
    mapping({"port": of("https")}, protocol=of("TCP", "UDP")),
)
CILIUM_PORTS = st.one_of(
    ranges({}, (0, 53, 443, 8000), protocol=of("TCP", "UDP", "SCTP", "ANY", "tcp", "ICMP")).map(as_text),
    mapping({"port": of("https")}, protocol=of("TCP", "ANY")),
)
TO_PORTS = lists(mapping({"ports": lists(CILIUM_PORTS)}, rules=st.just({"dns": [{"matchPattern": "*"}]})), least=0)
FQDNS = st.one_of(mapping({"matchName": of(*NAMES)}), mapping({"matchPattern": of(*PATTERNS)}))
SERVICE_PEERS = st.one_of(
    mapping({"k8sService": mapping({"serviceName": of(*SERVICES)}, namespace=of(*NAMESPACES))}),
    mapping(
        {
            "k8sServiceSelector": mapping(
                {"selector": mapping({"matchLabels": mapping({"kind": of("a", "b")})})}, namespace=of(*NAMESPACES)
            )
        }
    ),
)
PREFIX_SET = st.one_of(
    prefixes_with_holes(),
    mapping({"cidrGroupRef": of(*GROUPS)}),
    mapping({"cidrGroupSelector": mapping({"matchLabels": mapping({"kind": of("a", "b")})})}),
)
PEERS: dict[str, st.SearchStrategy[Any]] = {
    "toEndpoints": lists(ENDPOINTS, least=0),
    "toCIDR": lists(of(*V4, *V6)),
    "toCIDRSet": lists(PREFIX_SET),
    "toEntities": lists(of(*ENTITIES)),
    "toServices": lists(SERVICE_PEERS),
    "toFQDNs": lists(FQDNS),
}
UNREAD_PEERS: dict[str, Any] = {
    "toGroups": [{"aws": {"securityGroupsIds": ["sg-1"]}}],
    "toNodes": [{"matchLabels": {"zone": "a"}}],
    "toRequires": [{"matchLabels": {"team": "a"}}],
    "authentication": {"mode": "required"},
    "somethingNew": 1,
}


# --- documents --------------------------------------------------------------------------------------------------------


def document(kind: str, group: str, **parts: Any) -> Docs:  # noqa: ANN401, whatever YAML can say
    """An object in one of the namespaces, or in none, which is `default`."""
    metadata = st.one_of(
        mapping({"name": of("one", "two"), "namespace": of(*MOSTLY)}),
        mapping({"name": of("one", "two"), "namespace": of(*MOSTLY)}),
        mapping({"name": of("one", "two")}, namespace=st.just("")),
    )
    return mapping({"apiVersion": group, "kind": kind, "metadata": parts.pop("metadata", metadata), **parts})


@st.composite
def rules_of_cilium(draw: st.DrawFn, *, denies: bool) -> Doc:
    """A rule with one kind of peers or with none, and now and then with something that is not evaluated."""
    kind = draw(of("", *PEERS, *PEERS, "toFQDNs", "toCIDRSet"))
    rule: Doc = {}
    if kind and not (denies and kind == "toFQDNs"):
        rule[kind] = draw(PEERS[kind])
    if draw(st.booleans()):
        rule["toPorts"] = draw(TO_PORTS)
    if draw(st.integers(0, 11)) == 0:
        unread = draw(of(*UNREAD_PEERS))
        if unread in ("toGroups", "toNodes"):
            rule.pop(kind, None)
        rule[unread] = UNREAD_PEERS[unread]
    if draw(st.integers(0, 15)) == 0:
        rule.pop("toPorts", None)
        rule["icmps"] = [{"fields": [{"type": 8}]}]
    return rule


def spec_of_cilium(chosen: Docs, key: str = "endpointSelector") -> Docs:
    """A rule set of Cilium."""
    return mapping(
        {key: chosen},
        egress=lists(rules_of_cilium(denies=False), least=0, most=3),
        egressDeny=lists(rules_of_cilium(denies=True), least=0),
        ingress=st.just([{}]),
        enableDefaultDeny=mapping({}, egress=of(True, True, False), ingress=st.booleans()),
        description=of("words"),
    )


def cilium_policies(kind: str, specs: Docs) -> Docs:
    """`spec`, `specs` or both."""
    one = document(kind, "cilium.io/v2", spec=specs)
    many = document(kind, "cilium.io/v2", specs=lists(specs))
    return st.one_of(one, one, many, document(kind, "cilium.io/v2", spec=specs, specs=lists(specs)))


KUBERNETES_PEERS = st.one_of(
    mapping({"podSelector": POD_SELECTORS}),
    mapping({"namespaceSelector": NAMESPACE_SELECTORS}),
    mapping({"podSelector": POD_SELECTORS, "namespaceSelector": NAMESPACE_SELECTORS}),
    mapping({"ipBlock": prefixes_with_holes()}),
)
NETWORK_POLICIES = document(
    "NetworkPolicy",
    "networking.k8s.io/v1",
    spec=mapping(
        {"podSelector": st.one_of(st.just({}), POD_SELECTORS)},
        policyTypes=of(["Egress"], ["Ingress", "Egress"], ["Ingress"]),
        egress=lists(
            mapping({}, to=lists(KUBERNETES_PEERS, least=0), ports=lists(KUBERNETES_PORTS, least=0)), least=0, most=3
        ),
    ),
)
ELSEWHERE = mapping({"matchLabels": mapping({f"k8s:{POD_NAMESPACE}": of(*NAMESPACES)})})
CNP = cilium_policies("CiliumNetworkPolicy", spec_of_cilium(st.one_of(st.just({}), CHOSEN, CHOSEN, ELSEWHERE)))
OF_NODES = spec_of_cilium(selectors(of("role"), of("worker", "control")), "nodeSelector")
CCNP = cilium_policies(
    "CiliumClusterwideNetworkPolicy", st.one_of(spec_of_cilium(st.one_of(st.just({}), CHOSEN, PLACED)), OF_NODES)
)
SERVICE_ENTRIES = document(
    "ServiceEntry",
    "networking.istio.io/v1",
    spec=mapping(
        {"hosts": lists(of("api.example.com", "*.example.com", "example.org", "*"))},
        ports=lists(mapping({"number": of(53, 443)}, protocol=of("HTTPS", "TCP", "UDP"), name=of("some"))),
        addresses=lists(of(*V4, *V6)),
        exportTo=lists(of(".", "*", "shop", "~"), least=0),
        location=of("MESH_EXTERNAL"),
    ),
)
LISTED_PEERS = st.one_of(
    FQDNS,
    prefixes_with_holes(),
    mapping({"entity": of(*ENTITIES)}),
    mapping({"workload": of("shop/web", "db/*", "*/w*", "*/*")}),
)
ALLOWLISTS = mapping(
    {
        "allow": lists(
            mapping(
                {
                    "workloads": lists(of("shop/web", "shop/w*", "*/web", "pay/*", "*/*", "/~host", "shop/*")),
                    "owner": "team",
                    "reason": "it",
                },
                matchLabels=st.dictionaries(OWN, VALUES, max_size=1),
                to=lists(LISTED_PEERS, most=3),
                ports=lists(of("443/TCP", "443", "0-100/TCP", "1-8000/UDP", "ICMP", "53/SCTP", 8000)),
                expires=of("2027-03-01", "2027-03-02", "2020-01-01"),
            )
        )
    }
)
POLICIES = st.one_of(NETWORK_POLICIES, CNP, CCNP, CNP, SERVICE_ENTRIES, ALLOWLISTS)

KINDS = mapping({}, kind=of("a", "b"))


@st.composite
def objects(draw: st.DrawFn) -> list[Doc]:
    """What policies refer to: each may be there or not."""
    found: list[Doc] = []
    for name in NAMESPACES:
        if draw(st.booleans()):
            labels = draw(mapping({}, team=of("a", "b")))
            found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    for name in SERVICES[:2]:
        place = {"name": name, "namespace": draw(of(*NAMESPACES))}
        if draw(st.booleans()):
            spec = {"selector": {"app": draw(VALUES)}} if name == "web" else {"ports": [{"port": 443}]}
            found.append(
                {"apiVersion": "v1", "kind": "Service", "metadata": {**place, "labels": draw(KINDS)}, "spec": spec}
            )
        if name == "ext" and draw(st.booleans()):
            labels = {"kubernetes.io/service-name": name}
            metadata = {"name": f"{name}-1", "namespace": place["namespace"], "labels": labels}
            endpoints = [{"addresses": draw(lists(of("192.0.2.7", "10.1.2.3", "192.0.2.200")))}]
            found.append(
                {
                    "apiVersion": "discovery.k8s.io/v1",
                    "kind": "EndpointSlice",
                    "addressType": "IPv4",
                    "metadata": metadata,
                    "endpoints": endpoints,
                }
            )
    for name in GROUPS[:2]:
        if draw(st.booleans()):
            cidrs = draw(lists(of("10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32", "10.1.2.0/24")))
            metadata = {"name": name, "labels": draw(KINDS)}
            found.append(
                {
                    "apiVersion": "cilium.io/v2alpha1",
                    "kind": "CiliumCIDRGroup",
                    "metadata": metadata,
                    "spec": {"externalCIDRs": cidrs},
                }
            )
    return found


# --- questions --------------------------------------------------------------------------------------------------------

LABELS = (None, "", "app=web", "app=db", "app=web,tier=db", "tier=web")
PODS = ("shop/web", "pay/web", "db/api", "default/web")
SOURCES = [(pod, labels) for pod in (*PODS, "shop/api") for labels in LABELS]
NODES = [("/~host", labels) for labels in (None, "", "role=worker")]
OUTSIDE = (*NAMES, *ADDRESSES, *RANGES, *ENTITIES)
TARGETS = [*((to, None) for to in OUTSIDE), *((pod, labels) for pod in PODS for labels in LABELS)]
PORTS = ("443/TCP", "443", "53/UDP", "8000/TCP", "443/SCTP", "0/TCP", "65535/UDP", "ICMP")
Source = tuple[str, str | None]


def differences(
    documents: list[Doc], sources: Iterable[Source], ports: Iterable[str], gateways: tuple[str, ...] = ()
) -> dict[Asked, tuple[Said, Said]]:
    """Questions about every destination to which the evaluator gives another answer than the literal reading."""
    read = read_documents(documents, gateways)
    evaluator = Evaluator(read.policies)
    questions = [Asked(*source, *target, port) for source in sources for target in TARGETS for port in ports]
    both = {
        asked: (evaluated(evaluator, read.objects, asked), answer(documents, asked, TODAY, gateways))
        for asked in questions
    }
    return {asked: said for asked, said in both.items() if said[0] != said[1]}


def read_documents(documents: list[Doc], gateways: tuple[str, ...] = ()) -> Manifests:
    """The documents as they are read from YAML; nothing is wrong with them."""
    text = yaml.safe_dump_all(documents, sort_keys=False)
    roots = [("all.yaml", node) for node in yaml.compose_all(text, Loader=yaml.SafeLoader)]
    read = read_manifests(roots, tuple(map(workload_chooser, gateways)))
    assert not read.faults
    return read


def evaluated(evaluator: Evaluator, objects: Objects, asked: Asked) -> Said:
    """What the evaluator says."""
    source = subject_from(asked.source, labels_from(asked.labels), objects)
    target = target_from(asked.to, labels_from(asked.to_labels), objects, SCOPES)
    found = evaluator.answer(Question(source, target, *port_from(asked.port)), TODAY)
    return Said(found.expectation.value, found.denied)


@FULL
@given(
    policies=lists(POLICIES, most=6),
    others=objects(),
    sources=lists(st.one_of(of(*SOURCES), of(*SOURCES), of(*NODES))),
    port=of(*PORTS),
    gateways=of((), (), ("shop/web",), ("*/api",)),
)
def test_property_of_all_kinds(
    policies: list[Doc], others: list[Doc], sources: list[Source], port: str, gateways: tuple[str, ...]
) -> None:
    """One to six policies of any kind, with what they refer to or without it: the answer is the literal one."""
    assert differences([*policies, *others], sources, [port], gateways) == {}


ONE_RULE = st.one_of(
    mapping({"egress": lists(rules_of_cilium(denies=False), most=1)}),
    mapping(
        {
            "egress": st.just([{"toCIDR": ["0.0.0.0/1", "128.0.0.0/1", "::/1"]}]),
            "egressDeny": lists(rules_of_cilium(denies=True), most=1),
        }
    ),
)
ABOUT_SHOP = [("shop/web", "app=web")]


@FULL
@given(kind=of("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"), rules=ONE_RULE, others=objects())
def test_property_of_one_rule(kind: str, rules: Doc, others: list[Doc]) -> None:
    """One policy of Cilium that surely selects the workload: each answer is about its one rule."""
    metadata = {"name": "one", "namespace": "shop"}
    spec = {"endpointSelector": {}, **rules}
    policy = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}
    assert differences([policy, *others], ABOUT_SHOP, PORTS) == {}


@FULL
@given(peers=lists(KUBERNETES_PEERS, least=0), ports=lists(KUBERNETES_PORTS, least=0), others=objects())
def test_property_of_one_network_policy(peers: list[Doc], ports: list[Doc], others: list[Doc]) -> None:
    """One NetworkPolicy that surely selects the workload: each answer is about its one rule."""
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": peers, "ports": ports}]}
    metadata = {"name": "one", "namespace": "shop"}
    group = "networking.k8s.io/v1"
    policy = {"apiVersion": group, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    assert differences([policy, *others], ABOUT_SHOP, PORTS) == {}


CILIUM = """
apiVersion: cilium.io/v2
kind: {kind}
metadata: {{name: one, namespace: {namespace}}}
spec:
  endpointSelector: {chosen}
  egress: {egress}
  egressDeny: {deny}
"""
LISTED = "allow: [{workloads: [shop/web], owner: team, reason: it, to: [{matchName: api.example.com}], ports: [%s]}]"
MESH = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: one, namespace: shop}
spec: {hosts: ['%s'], exportTo: %s}
"""
SERVICES_OF_ONE_NAME = """
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: other}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: db}
spec: {selector: {app: web}}
"""
LONG_HOST = f"*.{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 60}"


def cilium(
    egress: str, *, deny: str = "[]", kind: str = "CiliumNetworkPolicy", namespace: str = "shop", chosen: str = "{}"
) -> str:
    """A policy of Cilium that isolates."""
    return CILIUM.format(kind=kind, namespace=namespace, chosen=chosen, egress=egress, deny=deny)


def to_web(to: str, port: str = "443/TCP", to_labels: str | None = None) -> Asked:
    """A question of shop/web, which has no labels."""
    return Asked("shop/web", "", to, to_labels, port)


@pytest.mark.parametrize(
    ("text", "asked", "expectation"),
    [
        pytest.param(cilium("[{}]"), to_web("host"), "unexpected", id="an empty rule of Cilium allows nothing"),
        pytest.param(
            cilium("[{toPorts: [{ports: [{port: '443'}]}]}]"),
            to_web("host"),
            "expected_wide",
            id="ports alone are wide",
        ),
        pytest.param(
            cilium("[{toEndpoints: [{}]}]"), to_web("db/web"), "unexpected", id="an empty selector is its own namespace"
        ),
        pytest.param(
            cilium("[{toEndpoints: [{}]}]", kind="CiliumClusterwideNetworkPolicy"),
            to_web("db/web"),
            "expected",
            id="an empty selector of a clusterwide policy is every pod",
        ),
        pytest.param(
            cilium("[{toEntities: [world]}]", deny="[{toCIDR: [192.0.2.0/24]}]"),
            to_web("192.0.2.0/23"),
            "expected_wide",
            id="what is denied in part is not denied for sure",
        ),
        pytest.param(
            cilium("[{toEntities: [host]}]", chosen="{matchLabels: {'k8s:io.kubernetes.pod.namespace': pay}}"),
            to_web("192.0.2.7"),
            "unexpected",
            id="the namespace of the policy replaces the one that its endpointSelector names",
        ),
        pytest.param(
            cilium("[{toEntities: [host]}]", namespace="''"),
            to_web("192.0.2.7"),
            "not_covered",
            id="an empty namespace is default and not the whole cluster",
        ),
        pytest.param(
            cilium("[{toEndpoints: [{}]}]"),
            to_web("8.0.0.0/5"),
            "undecided",
            id="a range with private addresses inside may have pods in it",
        ),
        pytest.param(
            cilium("[{toServices: [{k8sService: {serviceName: web}}]}]") + SERVICES_OF_ONE_NAME,
            to_web("db/web", to_labels="app=web"),
            "expected",
            id="a service without a namespace is one of any namespace",
        ),
        pytest.param(
            cilium(
                "[{toEndpoints: [{matchExpressions: "
                "[{key: io.kubernetes.pod.namespace, operator: NotIn, values: [kube-system]}]}]}]"
            ),
            to_web("192.0.2.7"),
            "expected_wide",
            id="pods of other namespaces than one are the world too, which has no namespace",
        ),
        pytest.param(LISTED % "443/TCP", to_web("api.example.com"), "expected", id="a listed port"),
        pytest.param(LISTED % "0-100/TCP", to_web("api.example.com"), "unexpected", id="a range that begins with 0"),
        pytest.param(
            MESH % ("api.example.com", "['*']"), to_web("api.example.com"), "expected", id="a host of the mesh"
        ),
        pytest.param(
            MESH % ("api.example.com", "[]"),
            to_web("api.example.com"),
            "expected",
            id="what is exported to no namespace by name is exported to all",
        ),
        pytest.param(MESH % (LONG_HOST, "['*']"), to_web("api.example.com"), "not_covered", id="a host as long as any"),
    ],
)
def test_by_hand(text: str, asked: Asked, expectation: str) -> None:
    """What the documentation of each kind says, worked out by hand: of the evaluator and of the literal reading."""
    documents = list(yaml.safe_load_all(text))
    assert answer(documents, asked, TODAY).expectation == expectation
    read = read_documents(documents)
    assert evaluated(Evaluator(read.policies), read.objects, asked).expectation == expectation
