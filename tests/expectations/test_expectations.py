"""Flows are asked about: what Cilium's labels prove, what is remembered, and when it is forgotten."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings
from exporter.expectations.expectations import Expectations
from exporter.expectations.files import load_files
from exporter.expectations.interface import Answer, Expectation
from exporter.expectations.settings import ExpectationsSettings
from exporter.flow import Dns, Flow, Policy
from tests.flows import changed, dns_answer, dns_of, dns_response, host, labelled, pod, remote_pod, world
from tests.flows import flow as connect

POLICY = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
    - toFQDNs: [{matchName: api.example.com}, {matchPattern: "*.example.net"}]
    - toCIDR: [203.0.113.0/24]
    - toEndpoints: [{matchLabels: {app: db}}]
    - toEntities: [kube-apiserver]
"""
CART = pod("cart", labels=("k8s:app=cart",))


class Asking:
    """The stage behind the directory of destinations, as the pipeline has it."""

    def __init__(self, folder: Path, manifests: str = POLICY, *, cache: int = 100) -> None:
        self.file = folder / "expected.yaml"
        self.expectations = Expectations(ExpectationsSettings(files=(str(self.file),), answer_cache=cache))
        self.destinations = Destinations(DestinationsSettings())
        self.replace(manifests)

    def replace(self, manifests: str) -> None:
        """Read other manifests."""
        self.file.write_text(manifests)
        self.expectations.replace(load_files([str(self.file)]))

    def answer(self, flow: Flow) -> Answer:
        """What the pipeline would be answered."""
        source = self.destinations.source_of(flow)
        destination = self.destinations.destination_of(flow, source)
        return self.expectations.answer(flow, source, destination, self.destinations.workload_of)

    def __call__(self, flow: Flow) -> str:
        """The answer alone."""
        return self.answer(flow).expectation.value


@pytest.fixture
def ask(tmp_path: Path) -> Asking:
    """With the policy above."""
    return Asking(tmp_path)


def test_name_of_hubble(ask: Asking) -> None:
    """A contact is expected by the name that Hubble gives its address."""
    flow = connect(source=CART, destination=world(), destination_ip="192.0.2.7")
    assert ask(changed(flow, destination_names=("api.example.com",))) == "expected"
    assert ask(changed(flow, destination_names=("a.example.net",))) == "expected"
    assert ask(changed(flow, destination_names=("other.example",))) == "unexpected"


def test_name_of_our_own_join(ask: Asking) -> None:
    """A name that only we remember is a name too, and the same address without it is another contact."""
    flow = connect(source=CART, destination=world(), destination_ip="192.0.2.7")
    assert ask(flow) == "unexpected"
    answer = Dns("api.example.com.", ("A",), 0, ips=("192.0.2.7",), ttl=60)
    ask.destinations.dns.answered(dns_response(destination=CART), answer, ask.destinations.source_of(flow))
    assert ask(flow) == "expected"


def test_plain_world_has_no_name(ask: Asking) -> None:
    """Where the agent itself says plain world, no rule by name allows it: a contact by address is unexpected."""
    assert ask(connect(source=CART, destination=world(), destination_ip="192.0.2.7")) == "unexpected"


def test_label_of_the_agent(ask: Asking) -> None:
    """The selector that the agent put on the identity proves the name when Hubble has forgotten it."""
    known = world("fqdn:*.example.net", "cidr:192.0.2.7/32", identity=(1 << 24) + 5)
    assert ask(connect(source=CART, destination=known, destination_ip="192.0.2.7")) == "expected"


def test_old_agents_do_not_tell(ask: Asking) -> None:
    """Before 1.16 an address that is allowed by name has a full prefix and no more: its name is missing."""
    old = world("cidr:192.0.2.7/32", identity=(1 << 24) + 5)
    assert ask(connect(source=CART, destination=old, destination_ip="192.0.2.7")) == "undecided"
    assert ask(connect(source=CART, destination=old, destination_ip="203.0.113.9")) == "expected"


def test_pods(ask: Asking) -> None:
    """Pods are known by their labels, and prefixes never mean them."""
    db, other = remote_pod("db-0", labels=("k8s:app=db",)), remote_pod("web-0", labels=("k8s:app=web",))
    assert ask(connect(source=CART, destination=db, destination_ip="203.0.113.9")) == "expected"
    assert ask(connect(source=CART, destination=other, destination_ip="203.0.113.9")) == "unexpected"


def test_entities(ask: Asking) -> None:
    """An API server outside the cluster is the entity and the world."""
    server = labelled("reserved:kube-apiserver", "reserved:world", identity=(1 << 24) + 1)
    assert ask(connect(source=CART, destination=server, destination_ip="198.51.100.1")) == "expected"
    assert ask(connect(source=CART, destination=host(), destination_ip="10.0.0.1")) == "unexpected"


def test_workload_without_labels(ask: Asking) -> None:
    """Whether a policy selects a pod whose labels are not in the flow, nobody knows."""
    bare = changed(connect(destination=world(), destination_ip="192.0.2.7"), source=replace(CART, labels=frozenset()))
    assert ask(bare) == "undecided"


def test_workload_that_nobody_covers(ask: Asking) -> None:
    """Another workload is not covered."""
    other = pod("web", labels=("k8s:app=web",))
    assert ask(connect(source=other, destination=world(), destination_ip="192.0.2.7")) == "not_covered"


def test_flow_names_the_policy_that_allowed_it(tmp_path: Path) -> None:
    """The flow's own policy proves more than world only when the identity is more than world."""
    ask = Asking(tmp_path, "")
    allowed = (Policy("web", "shop", "CiliumNetworkPolicy"),)
    flow = changed(connect(source=CART, destination_ip="192.0.2.7"), egress_allowed_by=allowed)
    assert ask(changed(flow, destination=world())) == "expected_wide"
    assert ask(changed(flow, destination=world("fqdn:api.example.com"))) == "expected"
    assert ask(changed(flow, destination=world("fqdn:*"))) == "expected_wide"
    assert ask(changed(flow, destination=world("cidr:192.0.2.0/24"))) == "expected"
    assert ask(changed(flow, destination=world("cidr:0.0.0.0/0"))) == "expected_wide"
    assert ask(changed(flow, destination=world("cidrgroup:io.cilium.policy.cidrgroupname/ours"))) == "expected"
    assert ask(changed(flow, destination=remote_pod("db-0"))) == "expected"
    answer = ask.answer(changed(flow, destination=world()))
    assert str(answer.rule) == "CiliumNetworkPolicy shop/web"


def test_flow_names_the_policy_that_denied_it(ask: Asking) -> None:
    """An explicit denial wins over everything."""
    denied = (Policy("no-db", "shop", "CiliumNetworkPolicy"),)
    flow = connect(source=CART, destination=remote_pod("db-0", labels=("k8s:app=db",)))
    answer = ask.answer(changed(flow, egress_denied_by=denied))
    assert (answer.expectation, answer.denied) == (Expectation.UNEXPECTED, True)


def test_answers_are_remembered_until_the_expectations_change(ask: Asking) -> None:
    """The same contact is evaluated once; other policies are asked anew."""
    flow = connect(source=CART, destination=world(), destination_ip="198.51.100.9")
    assert [ask(flow), ask(changed(flow, source_port=41_000))] == ["unexpected", "unexpected"]
    assert ask.expectations.evaluations == {Expectation.UNEXPECTED: 1}
    ask.replace(POLICY.replace("203.0.113.0/24", "198.51.100.0/24"))
    assert ask(flow) == "expected"
    assert ask.expectations.evaluations == {Expectation.UNEXPECTED: 1, Expectation.EXPECTED: 1}


def test_answers_are_remembered_by_name(ask: Asking) -> None:
    """The same address can get another name: what the pod asks for between two flows changes the answer."""
    named = connect(source=CART)
    assert ask(named) == "unexpected"
    answer = dns_answer("api.example.com.", named.destination_ip, ttl=30, destination=CART)
    ask.destinations.dns.answered(answer, dns_of(answer), ask.destinations.asker_of(answer))
    assert ask(named) == "expected"


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A full cache starts over, and that is counted; the answers stay right."""
    ask = Asking(tmp_path, cache=10)
    for number in range(25):
        assert ask(connect(source=CART, destination=world(), destination_ip=f"203.0.113.{number}")) == "expected"
    stats = ask.expectations.stats()["expectations"]
    assert stats.bound == 10
    assert stats.entries <= 10
    assert stats.evicted == 2


def test_full_memory_mixes_nobody_up(tmp_path: Path) -> None:
    """An answer that is remembered is one of its own workload, also when the cache starts over in between."""
    entry = "  - {workloads: [shop/NAME], to: [{matchName: HOST}], owner: team, reason: it}\n"
    entries = entry.replace("NAME", "b").replace("HOST", "api.example.com")
    entries += entry.replace("NAME", "d").replace("HOST", "other.example.com")
    ask = Asking(tmp_path, f"allow:\n{entries}", cache=2)

    def asked(workload: str, name: str) -> str:
        sent = connect(source=pod(workload, labels=(f"k8s:app={workload}",)))
        return ask.expectations.answer_name(sent, ask.destinations.source_of(sent), name).expectation.value

    contacts = (("a", "x.example"), ("b", "x.example"), ("b", "api.example.com"), ("c", "y.example"))
    assert [asked(*one) for one in contacts] == ["not_covered", "unexpected", "expected", "not_covered"]
    assert asked("d", "api.example.com") == "unexpected"


def test_allowlist_entry_expires_by_the_flows_own_time(tmp_path: Path) -> None:
    """An entry allows up to the day before it expires, and covers its workload ever after."""
    ask = Asking(
        tmp_path,
        """
allow:
  - workloads: [shop/cart]
    to: [{cidr: 203.0.113.0/24}]
    owner: team-cart
    reason: a partner's API
    expires: 2027-03-01
""",
    )
    flow = connect(source=CART, destination=world(), destination_ip="203.0.113.9")
    last, first = datetime(2027, 2, 28, 23, 59, tzinfo=UTC), datetime(2027, 3, 1, 0, 0, tzinfo=UTC)
    at = [int(moment.timestamp()) * 1_000_000_000 for moment in (last, first, last)]
    assert [ask(changed(flow, time_ns=time)) for time in at] == ["expected", "unexpected", "expected"]


def test_name_that_was_refused(ask: Asking) -> None:
    """A name is expected at whatever port; a prefix says nothing about it."""
    flow = connect(source=CART)
    source = ask.destinations.source_of(flow)
    assert ask.expectations.answer_name(flow, source, "api.example.com").expectation == "expected"
    assert ask.expectations.answer_name(flow, source, "evil.example").expectation == "undecided"
