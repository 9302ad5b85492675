"""Answers, silence and denials that are no breakage: nothing is reported of them."""

import pytest

from tests.triage.lines import DENY, OUT, POLICY, Line, Run, answer, exchange, other, own, passed, query, to_dns


def test_out_of_order_frequency(run: Run) -> None:
    """Five NXDOMAIN in 2000 s are not five in 300 s, whichever node's file is read first."""
    first = [one for t in (0, 1000, 2000) for one in exchange(t, "old.example.com.", rcode=3, port=45000 + t)]
    second = [one for t in (100, 200) for one in exchange(t, "old.example.com.", rcode=3, port=46000 + t)]
    assert run.causes(files=[first, second]) == {}


def test_aggregated_lines_have_no_order(run: Run) -> None:
    """An export that aggregates writes one line per group and interval: requests may stand behind their responses."""
    flows: list[Line] = []
    for t in range(0, 300, 10):
        flows += [answer(t + 0.1, "api.example.com.", OUT, port=0), query(t, "api.example.com.", port=0)]
    for one in flows:
        one["flow"]["aggregate"] = {"egress_flow_count": 20}
    assert run.causes(flows, other(400)) == {}


def test_weight_of_answers(run: Run) -> None:
    """An aggregated line that stands for 1,000 answers counts as 1,000: 5 failures among 5,005 answers are few."""
    flows: list[Line] = []
    for t in range(5):
        good = exchange(t * 20, "api.example.com.", OUT, port=45000 + t)
        for one in good:
            one["flow"]["aggregate"] = {"egress_flow_count": 1000}
        flows += [*good, *exchange(t * 20 + 5, "api.example.com.", rcode=2, port=46000 + t)]
    assert run.causes(flows) == {}


def test_recording_of_one_direction(run: Run) -> None:
    """`hubble observe --from-pod shop/web` records no response, so nothing is known of answers."""
    flows = [query(t * 2, "api.example.com.", port=45000 + t) for t in range(8)]
    assert run.causes(flows, passed(100)) == {}


def test_clock_ahead(run: Run) -> None:
    """A node whose clock is 11 s ahead does not make queries of other nodes that are in flight unanswered."""
    flows: list[Line] = []
    for t in range(30):
        ahead = other(t * 2 + 11.01)
        ahead["flow"]["node_name"] = ahead["node_name"] = "default/worker-9"
        asked, answered = (
            query(t * 2, "api.example.com.", port=45000 + t),
            answer(t * 2 + 0.1, "api.example.com.", OUT, port=45000 + t),
        )
        flows += [asked, ahead, answered]
    assert run.causes(flows, other(1000)) == {}


def test_search_suffix_of_the_provider(run: Run) -> None:
    """With the search list of EC2 a name's expansions fail by design, and the name itself is answered."""
    flows: list[Line] = []
    for t in range(6):
        for at, suffix in enumerate(
            ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "eu-west-1.compute.internal")
        ):
            flows += exchange(t * 10 + at / 10, f"api.example.com.{suffix}.", rcode=3, port=45000 + 10 * t + at)
        flows += exchange(t * 10 + 1, "api.example.com.", OUT, port=45009 + 10 * t)
    assert run.causes(flows) == {}


def _ptr(t: int, rcode: int = 0) -> list[Line]:
    return exchange(t, "5.1.244.10.in-addr.arpa.", qtype="PTR", port=45000 + t, rcode=rcode)


@pytest.mark.parametrize(
    "flows",
    [
        [one for t in range(8) for one in _ptr(t * 3, rcode=2)],
        [_ptr(t * 3)[0] for t in range(8)],
        _ptr(0, rcode=5),
        [query(0, "5.1.244.10.in-addr.arpa.", "PTR", verdict="DROPPED")],
    ],
    ids=["SERVFAIL", "unanswered", "REFUSED by the server", "refused by the proxy"],
)
def test_reverse_lookups(run: Run, flows: list[Line]) -> None:
    """Reverse lookups are left out whatever becomes of them: no connection depends on a name of an address."""
    assert run.causes(flows, other(100)) == {}


def test_family_that_is_refused_later(run: Run) -> None:
    """A server that knows A only and refuses AAAA breaks nothing while the answer with an address still holds."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(20, "api.example.com.", rcode=5, qtype="AAAA", port=45010),
    ]
    assert run.causes(flows) == {}


def test_explicit_deny_of_dns_is_meant(run: Run) -> None:
    """What policies mean to deny is no finding, and an egressDeny rule that was read could not mean it more."""
    deny = own(
        POLICY, egressDeny=[{"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system"}}]}]
    )
    assert run.causes(to_dns(0, reason=DENY), policies=[deny]) == {}
