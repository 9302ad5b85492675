"""A drop or a refusal is no breakage once the same passes: what the agent mends by itself needs nobody."""

import pytest

from tests.triage.lines import (
    DNS,
    DNS_IP,
    DNS_OWN,
    IP,
    OUT,
    POLICY,
    WEB,
    Line,
    Run,
    dropped,
    exchange,
    line,
    passed,
    pod,
    query,
    remote,
    to_dns,
)


def test_syn_sent_again_passes(run: Run) -> None:
    """The first SYN is dropped before the agent has caught up; what is sent again passes: nothing is broken."""
    flows = [*exchange(0, "api.example.com.", OUT), *dropped(0.1), passed(1.1), passed(5, port=40001)]
    assert run.causes(flows, policies=[POLICY]) == {}


def test_restart_wave_of_names(run: Run) -> None:
    """An agent that restarts knows no names for a moment; every connection passes when it is tried again."""
    flows: list[Line] = []
    for one in range(5):
        flows += exchange(one / 10, f"n{one}.example.com.", f"203.0.113.{10 + one}", ttl=300, port=45000 + one)
    for one in range(5):
        flows += dropped(1 + one / 10, dip=f"203.0.113.{10 + one}", port=40000 + one)
    flows += [passed(3 + one / 10, dip=f"203.0.113.{10 + one}", port=40000 + one) for one in range(5)]
    assert run.causes(flows) == {}


def test_ingress_drop_that_is_over(run: Run) -> None:
    """A resolver's ingress drop is over when it lets queries of the same pod in, also where no proxy sees its DNS."""
    there = (remote(WEB), IP, 45001, DNS_OWN, DNS_IP, 53)
    flows = dropped(0, DNS_OWN, DNS_IP, 53, "UDP", src=remote(WEB), traffic_direction="INGRESS")
    for t in (2, 3, 4):
        flows.append(line(t, there, "UDP", {"type": 5}, traffic_direction="INGRESS", is_reply=False))
        flows.append(
            line(t + 0.001, there, "UDP", {"type": 4}, traffic_direction="INGRESS", is_reply=False, trace_reason="NEW")
        )
    assert run.causes(flows) == {}


@pytest.mark.parametrize(
    "more",
    [
        {"port": 45001, "trace_reason": "ESTABLISHED"},
        {"port": 45002, "trace_reason": None, "is_reply": None},
        {"port": 45002, "traffic_direction": "TRAFFIC_DIRECTION_UNKNOWN", "is_reply": None},
    ],
    ids=["ESTABLISHED: the client keeps its UDP socket", "no is_reply, no trace_reason", "no direction"],
)
def test_a_query_that_passes(run: Run, more: Line) -> None:
    """However the server shows it: a packet to the resolver's port 53 has passed since the drop."""
    assert run.causes(to_dns(0), passed(5, DNS, DNS_IP, 53, "UDP", **more)) == {}


def test_a_resolver_that_answers(run: Run) -> None:
    """An answer of the resolver that comes after the drop shows that queries pass."""
    back = line(5, (DNS, DNS_IP, 53, WEB, IP, 45002), "UDP", {"type": 4}, is_reply=True, trace_reason="REPLY")
    assert run.causes(to_dns(0), back) == {}


def test_one_drop_among_many_that_pass(run: Run) -> None:
    """Fifty queries pass within the minute and one is dropped last: DNS is not blocked, a packet was lost."""
    flows: list[Line] = []
    for t in range(50):
        flows += [
            passed(t, DNS, DNS_IP, 53, "UDP", port=45100 + t),
            *exchange(t, "api.example.com.", OUT, port=45100 + t),
        ]
    assert run.causes(flows, to_dns(49.5)) == {}


def test_out_of_order_drop(run: Run) -> None:
    """A drop that is told late, by another node or file, is over all the same when a query passed after it."""
    later = passed(200, DNS, DNS_IP, 53, "UDP", port=45002)
    assert run.causes(later, to_dns(100)) == {}
    assert run.causes(later, to_dns(100), to_dns(110)) == {}


def test_out_of_order_refusal(run: Run) -> None:
    """A refusal that is told late is over all the same when the name was answered after it."""
    assert run.causes(exchange(200, "api.example.com.", OUT), query(100, "api.example.com.", verdict="DROPPED")) == {}


def test_refusal_that_is_over(run: Run) -> None:
    """A name that passes the proxy later is refused by no policy any more; whether it exists is another matter."""
    refused = query(0, "api.example.com.", verdict="DROPPED")
    assert run.causes(refused, exchange(60, "api.example.com.", rcode=3, port=45009)) == {}


def test_rolling_restart(run: Run) -> None:
    """In a rollout of four minutes each pod that goes leaves one stale address behind, and each retry passes."""
    flows: list[Line] = []
    for at in range(3):
        backend = remote(pod(f"db-{at}", "data", "db", kind="StatefulSet"))
        flows += dropped(
            at * 120,
            backend,
            f"10.244.3.{at}",
            5432,
            reason=(151, "STALE_OR_UNROUTABLE_IP"),
            types=(1,),
            port=41000 + at,
        )
        flows.append(passed(at * 120 + 1, backend, f"10.244.3.{at + 50}", 5432, port=41000 + at))
    assert run.causes(flows) == {}


def test_three_drops_in_a_day(run: Run) -> None:
    """Three packets in 22 hours, each of which passed a second later, are no broken datapath."""
    flows = [
        one
        for t in (0, 30_000, 80_000)
        for one in (*dropped(t, reason=(155, "CT_MAP_INSERTION_FAILED"), types=(1,)), passed(t + 1))
    ]
    assert run.causes(flows) == {}


def test_dns_over_tls_that_passes(run: Run) -> None:
    """A resolver whose TLS upstream was dropped once, and passes since, has its upstream."""
    flows = dropped(0, dip="198.51.100.53", dport=853, src=DNS_OWN, ip=DNS_IP)
    flows += [passed(t, dip="198.51.100.53", dport=853, src=DNS_OWN, ip=DNS_IP, port=33000 + t) for t in (1, 2, 3)]
    assert run.causes(flows) == {}
