"""Attacks on triage: each of these is a defect now; flows are written as JSON lines and read by the command."""

import json
import os
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli import main
from exporter.destinations.interface import WorkloadName
from exporter.detectors.awaited import Awaited, Query
from exporter.detectors.interface import Key, Kind
from exporter.detectors.ledger import Ledger
from exporter.hubble.interface import Connected
from tests import flows as F
from tests.detectors.test_dns import Watched

BASE = datetime(2025, 3, 3, 8, tzinfo=UTC)
NODE = "default/worker-1"
Pod = dict[str, Any]
Line = dict[str, Any]


def pod(
    name: str = "web-7bf8c9648f-r7bs2",
    ns: str = "shop",
    app: str = "web",
    labels: tuple[str, ...] = (),
    kind: str = "Deployment",
    workload: str | None = None,
    identity: int = 21034,
) -> Pod:
    made: Pod = {
        "ID": 35,
        "identity": identity,
        "namespace": ns,
        "labels": sorted(
            [
                f"k8s:app={app}",
                "k8s:io.cilium.k8s.policy.cluster=default",
                f"k8s:io.kubernetes.pod.namespace={ns}",
                *labels,
            ]
        ),
        "pod_name": name,
        "workloads": [{"name": workload or app, "kind": kind}],
    }
    return made


def remote(one: Pod) -> Pod:
    return {key: value for key, value in one.items() if key not in ("ID", "workloads")}


WEB = pod()
DNS: Pod = {
    "identity": 8112,
    "namespace": "kube-system",
    "labels": [
        "k8s:io.cilium.k8s.policy.cluster=default",
        "k8s:io.kubernetes.pod.namespace=kube-system",
        "k8s:k8s-app=kube-dns",
    ],
    "pod_name": "coredns-b4f5c58c7-vnx5s",
}
DNS_OWN: Pod = {**DNS, "ID": 77, "workloads": [{"name": "coredns", "kind": "Deployment"}]}
WORLD: Pod = {"identity": 2, "labels": ["reserved:world"]}
IP, DNS_IP, OUT = "10.244.1.5", "10.244.2.53", "203.0.113.10"


def line(t: float, ends: tuple[Pod, str, int, Pod, str, int], proto: str, etype: Line, **more: Any) -> Line:
    source, sip, sport, destination, dip, dport = ends
    time = more.pop("time", (BASE + timedelta(seconds=t)).isoformat(timespec="microseconds").replace("+00:00", "Z"))
    l4: Line = {"source_port": sport, "destination_port": dport}
    flags = more.pop("flags", {"SYN": True})
    if proto == "TCP":
        l4["flags"] = flags
    flow: Line = {
        "time": time,
        "verdict": "FORWARDED",
        "IP": {"source": sip, "destination": dip, "ipVersion": "IPv6" if ":" in sip else "IPv4"},
        "l4": {proto: l4},
        "source": source,
        "destination": destination,
        "Type": "L3_L4",
        "node_name": NODE,
        "event_type": etype,
        "traffic_direction": "EGRESS",
        **more,
    }
    return {"flow": {k: v for k, v in flow.items() if v is not None}, "node_name": flow["node_name"], "time": time}


def query(
    t: float,
    name: str,
    qtype: str = "A",
    src: Pod = WEB,
    ip: str = IP,
    port: int = 45000,
    to: Pod = DNS,
    to_ip: str = DNS_IP,
    **more: Any,
) -> Line:
    dns = {"query": name, "qtypes": [qtype], "observation_source": "proxy"}
    return line(
        t,
        (remote(src) | {"ID": 35}, ip, port, to, to_ip, 53),
        more.pop("proto", "UDP"),
        {"type": 129},
        Type="L7",
        l7={"type": "REQUEST", "dns": dns},
        is_reply=False,
        **more,
    )


def answer(
    t: float,
    name: str,
    *ips: str,
    ttl: int = 30,
    rcode: int = 0,
    qtype: str = "A",
    src: Pod = WEB,
    ip: str = IP,
    port: int = 45000,
    cnames: tuple[str, ...] = (),
    to: Pod = DNS,
    to_ip: str = DNS_IP,
    **more: Any,
) -> Line:
    dns: Line = {"query": name, "qtypes": [qtype], "observation_source": "proxy"}
    if rcode:
        dns["rcode"] = rcode
    if ips:
        dns |= {"ips": list(ips), "ttl": ttl, "rrtypes": [qtype]}
    if cnames:
        dns["cnames"] = list(cnames)
    return line(
        t,
        (to, to_ip, 53, remote(src) | {"ID": 35}, ip, port),
        "UDP",
        {"type": 129},
        Type="L7",
        l7={"type": "RESPONSE", "dns": dns},
        is_reply=True,
        **more,
    )


def exchange(t: float, name: str, *ips: str, **more: Any) -> list[Line]:
    both = {k: more[k] for k in ("src", "ip", "port", "qtype", "to", "to_ip", "node_name") if k in more}
    return [query(t, name, **both), answer(t + 0.004, name, *ips, **more)]


def dropped(
    t: float,
    dst: Pod = WORLD,
    dip: str = OUT,
    dport: int = 443,
    proto: str = "TCP",
    src: Pod = WEB,
    ip: str = IP,
    port: int = 40000,
    reason: tuple[int, str] = (133, "POLICY_DENIED"),
    types: tuple[int, ...] = (5, 1),
    **more: Any,
) -> list[Line]:
    made = []
    for index, one in enumerate(types):
        etype = {"type": one, "sub_type": reason[0]} if one == 1 else {"type": 5}
        made.append(
            line(
                t + index / 1000,
                (src, ip, port, dst, dip, dport),
                proto,
                etype,
                verdict="DROPPED",
                drop_reason=reason[0],
                drop_reason_desc=reason[1],
                **more,
            )
        )
    return made


def passed(
    t: float,
    dst: Pod = WORLD,
    dip: str = OUT,
    dport: int = 443,
    proto: str = "TCP",
    src: Pod = WEB,
    ip: str = IP,
    port: int = 40000,
    **more: Any,
) -> Line:
    return line(
        t,
        (src, ip, port, dst, dip, dport),
        proto,
        {"type": 4, "sub_type": 3},
        **{"is_reply": False, "trace_reason": "NEW", **more},
    )


def other(t: float) -> Line:
    """A flow of somebody else, so that time passes."""
    return passed(
        t,
        remote(pod("db-0", "data", "db", kind="StatefulSet")),
        "10.244.3.9",
        5432,
        src=pod("cart-5c9d7f8b6d-q2w8z", "shop", "cart"),
        ip="10.244.1.9",
        port=50000 + int(t) % 9000,
    )


def to_dns(t: float, **more: Any) -> list[Line]:
    return dropped(t, DNS, DNS_IP, 53, more.pop("proto", "UDP"), port=45001, **more)


POLICY = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "endpointSelector": {"matchLabels": {"app": "web"}},
        "egress": [
            {
                "toEndpoints": [
                    {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}}
                ],
                "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}], "rules": {"dns": [{"matchPattern": "*"}]}}],
            },
            {
                "toFQDNs": [{"matchName": "api.example.com"}],
                "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
            },
        ],
    },
}


def allowlist(name: str, port: str = "443/TCP") -> Line:
    return {
        "allow": [
            {
                "workloads": ["shop/web"],
                "to": [{"matchName": name}],
                "ports": [port],
                "owner": "team-shop",
                "reason": "wanted",
            }
        ]
    }


class Run:
    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.capsys = path, capsys
        self.code = -1

    def text(
        self,
        *parts: list[Line] | Line,
        policies: list[Line] | None = None,
        form: str = "json",
        files: list[list[Line]] | None = None,
        flags: tuple[str, ...] = (),
    ) -> str:
        lines: list[Line] = []
        for part in parts:
            lines += part if isinstance(part, list) else [part]
        names = []
        for index, content in enumerate(files or [lines]):
            name = self.path / f"flows{index}.jsonl"
            name.write_text("".join(json.dumps(one) + "\n" for one in content))
            names.append(str(name))
        arguments = ["triage", "--format", form, *flags]
        if policies:
            (self.path / "policies.yaml").write_text(yaml.safe_dump_all(policies))
            arguments += ["--policies", str(self.path / "policies.yaml")]
        self.code = main([*arguments, *names])
        output = self.capsys.readouterr()
        assert output.err == ""
        return output.out

    def report(self, *parts: list[Line] | Line, **more: Any) -> Line:
        found: Line = json.loads(self.text(*parts, **more))
        return found

    def causes(self, *parts: list[Line] | Line, **more: Any) -> dict[str, dict[str, str]]:
        """Causes with their confidence, by workload."""
        return {
            f"{one['namespace']}/{one['workload']}": {f["cause"]: f["confidence"] for f in one["findings"]}
            for one in self.report(*parts, **more)["workloads"]
        }

    def policies(self, *parts: list[Line] | Line, **more: Any) -> list[tuple[Line, bool]]:
        """The suggested policies, and whether each is said to be checked."""
        return [
            (yaml.safe_load(p["yaml"]), p["checked"])
            for one in self.report(*parts, **more)["workloads"]
            for f in one["findings"]
            for p in f["suggestion"]["policies"]
        ]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, capsys)


def own(policy: Line, **spec: Any) -> Line:
    """A copy that may be changed."""
    copy: Line = json.loads(json.dumps(policy))
    copy["spec"] |= spec
    return copy


def ids(policies: list[tuple[Line, bool]]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one, _ in policies]


DENY = (181, "POLICY_DENY")
OTHER_DNS: Pod = {
    **DNS,
    "namespace": "dns",
    "identity": 9000,
    "pod_name": "coredns-5d78c9869d-7h2kq",
    "labels": ["k8s:io.kubernetes.pod.namespace=dns", "k8s:k8s-app=coredns"],
}


# (1) A breakage that is none.


def test_syn_sent_again_passes(run: Run) -> None:
    """The first SYN is dropped before the agent has caught up; what is sent again passes: nothing is broken."""
    flows = [*exchange(0, "api.example.com.", OUT), *dropped(0.1), passed(1.1), passed(5, port=40001)]
    assert run.causes(flows, policies=[POLICY]) == {}


def test_restart_wave_of_names(run: Run) -> None:
    """An agent restarts and knows no names for a moment; every connection passes when it is tried again."""
    flows: list[Line] = []
    for one in range(5):
        flows += exchange(one / 10, f"n{one}.example.com.", f"203.0.113.{10 + one}", ttl=300, port=45000 + one)
    for one in range(5):
        flows += dropped(1 + one / 10, dip=f"203.0.113.{10 + one}", port=40000 + one)
    flows += [passed(3 + one / 10, dip=f"203.0.113.{10 + one}", port=40000 + one) for one in range(5)]
    assert run.causes(flows) == {}


def test_ingress_drop_that_is_over(run: Run) -> None:
    """A moment's drop at the resolver; then it lets all queries of the same pod in. Its DNS passes no proxy."""
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
    """Its answer has come since the drop: queries pass."""
    back = line(5, (DNS, DNS_IP, 53, WEB, IP, 45002), "UDP", {"type": 4}, is_reply=True, trace_reason="REPLY")
    assert run.causes(to_dns(0), back) == {}


def test_one_drop_among_many_that_pass(run: Run) -> None:
    """`none passes by any transport`: fifty pass within the same minute, and one is dropped last."""
    flows: list[Line] = []
    for t in range(50):
        flows += [
            passed(t, DNS, DNS_IP, 53, "UDP", port=45100 + t),
            *exchange(t, "api.example.com.", OUT, port=45100 + t),
        ]
    assert run.causes(flows, to_dns(49.5)) == {}


def test_out_of_order_drop(run: Run) -> None:
    """A query passed at 200 s; the drop of 100 s is told later (another node, another file)."""
    assert run.causes(passed(200, DNS, DNS_IP, 53, "UDP", port=45002), to_dns(100)) == {}


def test_out_of_order_refusal(run: Run) -> None:
    """The name was answered at 200 s; its refusal of 100 s is told later."""
    assert run.causes(exchange(200, "api.example.com.", OUT), query(100, "api.example.com.", verdict="DROPPED")) == {}


def test_out_of_order_frequency(run: Run) -> None:
    """Five NXDOMAIN in 2000 s are not five in 300 s, whichever file is read first."""
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
    """5 of 5,005 answers fail: a line that stands for 1,000 counts as 1,000 on both sides of a share."""
    flows: list[Line] = []
    for t in range(5):
        good = exchange(t * 20, "api.example.com.", OUT, port=45000 + t)
        for one in good:
            one["flow"]["aggregate"] = {"egress_flow_count": 1000}
        flows += [*good, *exchange(t * 20 + 5, "api.example.com.", rcode=2, port=46000 + t)]
    assert run.causes(flows) == {}


def test_recording_of_one_direction(run: Run) -> None:
    """`hubble observe --from-pod shop/web`: no response can be in it, so nothing is known of answers."""
    flows = [query(t * 2, "api.example.com.", port=45000 + t) for t in range(8)]
    assert run.causes(flows, passed(100)) == {}


def test_clock_ahead(run: Run) -> None:
    """Another node's clock is 11 s ahead: queries of 100 ms that are in flight when its flows come are answered."""
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
    """One name, asked six times with the search list of EC2; its expansions fail by design and the name is answered."""
    flows: list[Line] = []
    for t in range(6):
        for at, suffix in enumerate(
            ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "eu-west-1.compute.internal")
        ):
            flows += exchange(t * 10 + at / 10, f"api.example.com.{suffix}.", rcode=3, port=45000 + 10 * t + at)
        flows += exchange(t * 10 + 1, "api.example.com.", OUT, port=45009 + 10 * t)
    assert run.causes(flows) == {}


def _ptr(t: int, **more: Any) -> list[Line]:
    return exchange(t, "5.1.244.10.in-addr.arpa.", qtype="PTR", port=45000 + t, **more)


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
    """README: reverse lookups are left out, not of `nxdomain` alone."""
    assert run.causes(flows, other(100)) == {}


def test_family_that_is_refused_later(run: Run) -> None:
    """A server that knows A only refuses AAAA, once, 20 s after A was answered and while that answer still holds."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(20, "api.example.com.", rcode=5, qtype="AAAA", port=45010),
    ]
    assert run.causes(flows) == {}


def test_refusal_that_is_over(run: Run) -> None:
    """The same name passes the proxy later, so that policy refuses it no more; that it does not exist is another matter."""
    assert (
        run.causes(
            query(0, "api.example.com.", verdict="DROPPED"), exchange(60, "api.example.com.", rcode=3, port=45009)
        )
        == {}
    )


def test_rolling_restart(run: Run) -> None:
    """A rollout of four minutes: each pod that goes leaves one stale address behind, and each retry passes."""
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
    """The resolver's own TLS upstream was dropped once, and passes since."""
    flows = dropped(0, dip="198.51.100.53", dport=853, src=DNS_OWN, ip=DNS_IP)
    flows += [passed(t, dip="198.51.100.53", dport=853, src=DNS_OWN, ip=DNS_IP, port=33000 + t) for t in (1, 2, 3)]
    assert run.causes(flows) == {}


# (2) Misses.


def test_verdicts_without_drops(run: Run) -> None:
    """An agent with bpf-events-drop-enabled=false, read for 8 minutes (--since asks for 10): verdicts are all there is."""
    flows = [one for t in range(0, 500, 5) for one in dropped(t, DNS, DNS_IP, 53, "UDP", port=45001 + t, types=(5,))]
    assert run.causes(flows) == {"shop/web": {"dns_blocked": "inferred"}}


def test_verdicts_without_drops_at_the_resolver(run: Run) -> None:
    """The same on the resolver's node, for 20 minutes."""
    flows = [
        one
        for t in range(0, 1200, 5)
        for one in dropped(
            t, DNS_OWN, DNS_IP, 53, "UDP", src=remote(WEB), port=45001 + t, types=(5,), traffic_direction="INGRESS"
        )
    ]
    assert run.causes(flows) == {"shop/web": {"resolver_ingress_blocked": "inferred"}}


def test_upstream_by_tcp(run: Run) -> None:
    """UDP to the upstream passes, TCP is dropped again and again: UDP does not refute that."""
    flows: list[Line] = []
    for t in range(0, 60, 5):
        flows += dropped(t, dip="198.51.100.53", dport=53, src=DNS_OWN, ip=DNS_IP, port=33000 + t)
        flows.append(passed(t + 1, dip="198.51.100.53", dport=53, proto="UDP", src=DNS_OWN, ip=DNS_IP, port=34000 + t))
    assert "upstream_blocked" in str(run.causes(flows))


def test_noise_of_the_same_workload(run: Run) -> None:
    """64 names that do not exist, asked once each, push out what is a breakage."""
    flows = [query(0, "api.example.com.", verdict="DROPPED")]
    for at in range(64):
        flows += exchange(1 + at, f"x{at}.example.net.", rcode=3, port=46000 + at)
    assert run.causes(flows) == {"shop/web": {"query_refused": "inferred"}}


def test_answers_of_somebody_else(run: Run) -> None:
    """(6) Eight answers of 4,096 addresses, by TCP, of a domain that an attacker owns: shop/web's names are forgotten."""
    crawler = pod("crawler-7bf8c9648f-aaaaa", "other", "crawler", identity=555)
    flows = exchange(0, "api.example.com.", OUT, ttl=300)
    for at in range(8):
        ips = [f"198.18.{block}.{host}" for block in range(at * 16, at * 16 + 16) for host in range(256)]
        flows += exchange(1 + at, f"n{at}.evil.example.", *ips, src=crawler, ip="10.244.1.77", port=46000 + at)
    assert run.causes(flows, dropped(20)) == {"shop/web": {"egress_denied_after_dns": "inferred"}}


def test_address_of_two_names(run: Run) -> None:
    """A CDN's address has an allowed name and one asked later that is not: Cilium allows the address, so a drop is its fault."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(1, "tracker.example.net.", OUT, ttl=300, port=45009),
    ]
    flows += [one for t in (2, 3, 5, 9) for one in dropped(t)]
    report = run.report(flows, policies=[POLICY])
    assert report["intended_blocks"] == 0
    assert report["workloads"]


def test_second_file(run: Run) -> None:
    """Two nodes' files of the same time: what has no answer in the second one is unanswered too."""
    second = [query(t * 20, "api.example.com.", port=45000 + t) for t in range(8)]
    first = [*exchange(1, "www.example.com.", OUT), other(1000)]
    assert run.causes(files=[first, [*second, other(900)]]) == {"shop/web": {"unanswered": "inferred"}}


def test_one_time_in_the_future(run: Run) -> None:
    """One line of a broken clock must not end the watch for silence in the whole file."""
    flows = [
        *exchange(0, "www.example.com.", OUT),
        passed(0, time="2030-01-01T00:00:00Z"),
        *(query(t * 20, "api.example.com.", port=45000 + t) for t in range(8)),
    ]
    assert run.causes(flows, other(500)) == {"shop/web": {"unanswered": "inferred"}}


# (3) The wrong cause, or `confirmed` by nothing.


def test_retransmissions_are_one_connection(run: Run) -> None:
    """SYNs at 0, 1, 3, 7 and 15 s of one connection, TTL 5: the address was fresh when it was made."""
    flows = exchange(0, "api.example.com.", OUT, ttl=5)
    flows += [one for t in (0.1, 1.1, 3.1, 7.1, 15.1) for one in dropped(t)]
    assert run.causes(flows) == {"shop/web": {"egress_denied_after_dns": "inferred"}}


def test_stale_before_the_agent_forgets(run: Run) -> None:
    """The agent forgets at its garbage collection, once a minute: 1 s after the TTL is no sure sign of that."""
    found = run.causes(exchange(0, "api.example.com.", OUT, ttl=5), dropped(6), policies=[POLICY])
    assert found["shop/web"].get("stale_address") != "confirmed"


def test_visibility_of_a_rule_that_exists(run: Run) -> None:
    """The policies have a DNS rule, and nothing was asked in this time: that its DNS is not seen is confirmed by nothing."""
    found = run.causes(dropped(0, dip="203.0.113.99"), policies=[POLICY])
    assert found.get("shop/web", {}).get("visibility_missing") != "confirmed"


def test_visibility_under_another_workload_name(run: Run) -> None:
    """L7 records of old servers have no workload: the pod's DNS is seen, under the name that its pod's name suggests."""
    driver = pod("etl-driver", kind="SparkApplication", workload="etl")
    found = run.causes(
        exchange(0, "api.example.com.", OUT, src=driver), dropped(1, dip="203.0.113.99", src=driver), policies=[POLICY]
    )
    assert found == {}


def test_one_pod_is_one_workload(run: Run) -> None:
    """The same, without policies: what was found before the pod's workload was told stays with it."""
    app = pod("app-0", app="app", kind="StrimziPodSet", workload="my-app")
    flows = [
        query(0, "a.example.com.", verdict="DROPPED", src=app),
        *dropped(1, src=app),
        query(2, "b.example.com.", verdict="DROPPED", src=app),
    ]
    assert set(run.causes(flows)) == {"shop/my-app"}


def test_explicit_deny_is_no_fault_of_the_agent(run: Run) -> None:
    """181 says that a rule denies it, here of a policy that was not read."""
    found = run.causes(exchange(0, "api.example.com.", OUT), dropped(0.1, reason=DENY), policies=[POLICY])
    assert "still_world" not in found.get("shop/web", {})


def test_explicit_deny_of_dns_is_meant(run: Run) -> None:
    """README: what policies mean to deny is no finding; an egressDeny rule that was read could not mean it more."""
    deny = own(
        POLICY, egressDeny=[{"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system"}}]}]
    )
    assert run.causes(to_dns(0, reason=DENY), policies=[deny]) == {}


def test_identity_of_old_servers(run: Run) -> None:
    """Before 1.16 an address allowed by its name has an identity of its own, with a /32: it is not the world's."""
    known = {"identity": 16777217, "labels": ["cidr:203.0.113.10/32", "reserved:world"]}
    found = run.causes(exchange(0, "api.example.com.", OUT), dropped(0.1, known), policies=[POLICY])
    assert "still_world" not in found.get("shop/web", {})


def test_autopath_when_the_bare_name_is_known(run: Run) -> None:
    """The agent knows the address under the bare name as well: that was answered a second earlier."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(1, "api.example.com.shop.svc.cluster.local.", OUT, ttl=300, port=45009),
    ]
    found = run.causes(flows, dropped(2), policies=[POLICY])
    assert "autopath" not in found["shop/web"]


def test_pattern_of_a_label(run: Run) -> None:
    """The identity says `fqdn:*.example.com`, allowed on 443, and 8443 is dropped: the port is what is missing."""
    known = {"identity": 16777217, "labels": ["fqdn:*.example.com", "reserved:world"]}
    policy = own(POLICY)
    policy["spec"]["egress"][1]["toFQDNs"] = [{"matchPattern": "*.example.com"}]
    assert set(run.causes(dropped(0, known, dport=8443), policies=[policy])["shop/web"]) == {"port_not_covered"}


# (4) Policies that would not work.


def test_nothing_allows_what_a_rule_denies(run: Run) -> None:
    """Deny rules win over any allow rule: a policy that allows more mends nothing."""
    assert run.policies(to_dns(0, reason=DENY), exchange(1, "api.example.com.", OUT)[1:], dropped(2, reason=DENY)) == []


def test_two_upstreams_have_two_policies(run: Run) -> None:
    """Kubectl apply of both leaves one where both have one name."""
    made = ids(
        run.policies(
            *(
                dropped(at, dip=f"198.51.100.{at + 53}", dport=53, proto="UDP", src=DNS_OWN, ip=DNS_IP)
                for at in range(2)
            )
        )
    )
    assert len(made) == len(set(made))


def test_two_findings_have_two_policies(run: Run) -> None:
    """`port_not_covered` and `name_not_covered` of one workload, under one name."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(1, "www.example.org.", "203.0.113.20", ttl=300, port=45009),
    ]
    flows += [*dropped(2, dport=8443), *dropped(3, dip="203.0.113.20", port=40009)]
    made = ids(run.policies(flows, policies=[POLICY, allowlist("www.example.org")]))
    assert len(made) == len(set(made)) == 2


def test_a_policy_that_was_read_is_not_overwritten(run: Run) -> None:
    """Yesterday's suggestion was applied and is read today; today's has the same name and lacks what it allows."""
    before = own(POLICY)
    before["metadata"]["name"] = "allow-web-names"
    made = ids(run.policies(exchange(0, "api.example.com.", OUT), dropped(2, dport=8443), policies=[before]))
    assert ("CiliumNetworkPolicy", "shop", "allow-web-names") not in made


def test_long_names_of_workloads(run: Run) -> None:
    """The purpose is cut off: `-dns` and `-names` of one workload become one name."""
    long = pod("a" * 60 + "-7bf8c9648f-r7bs2", app="a", workload="a" * 60)
    made = ids(
        run.policies(
            exchange(0, "api.example.com.", OUT, ttl=300, src=long),
            *(to_dns(t, src=long) for t in (40, 45)),
            dropped(50, src=long),
        )
    )
    assert len(made) == len(set(made)) == 3


def test_two_resolvers(run: Run) -> None:
    """Denied towards two of them: a policy for one does not allow what was denied."""
    made = run.policies(to_dns(0), dropped(1, OTHER_DNS, "10.244.5.53", 53, "UDP", port=45007))
    egress = [(str(one["spec"]["egress"]), checked) for one, checked in made]
    assert all("kube-system" in rules and "'dns'" in rules for rules, checked in egress if checked)


def test_refused_by_both_transports(run: Run) -> None:
    """Refused by TCP too: a rule with dns names for UDP alone leaves TCP as it is."""
    flows = [
        query(0, "api.example.com.", verdict="DROPPED"),
        query(1, "www.example.com.", verdict="DROPPED", proto="TCP"),
        query(2, "api.example.com.", verdict="DROPPED"),
    ]
    assert all("TCP" in str(one) and "UDP" in str(one) for one, checked in run.policies(flows) if checked)


def test_pods_of_two_versions(run: Run) -> None:
    """Denied to pods of v1 and of v2: a policy that selects v1 does not allow what was denied."""
    old = pod("web-7bf8c9648f-aaaaa", labels=("k8s:version=v1",), identity=21041)
    new = pod("web-8bf8c9648f-bbbbb", labels=("k8s:version=v2",), identity=21042)
    made = run.policies(to_dns(0, src=old), to_dns(1, src=new, ip="10.244.1.6"))
    assert all("version" not in str(one) for one, checked in made if checked)


@pytest.mark.parametrize(
    "label",
    [
        "statefulset.kubernetes.io/pod-name=db-0",
        "apps.kubernetes.io/pod-index=0",
        "batch.kubernetes.io/job-name=db-28391234",
        "job-name=db-28391234",
    ],
)
def test_labels_of_one_pod(run: Run, label: str) -> None:
    """Kubernetes gives them to one pod, or to one run of a job: by them a policy selects that one."""
    made = run.policies(to_dns(0, src=pod("db-0", app="db", kind="StatefulSet", labels=(f"k8s:{label}",))))
    assert label.partition("=")[0] not in str(made)


def test_visibility_at_the_resolver_that_is_asked(run: Run) -> None:
    """The workload asks OpenShift's resolver on 5353; the policy speaks of kube-dns on 53."""
    openshift = {
        **DNS,
        "namespace": "openshift-dns",
        "labels": [
            "k8s:io.kubernetes.pod.namespace=openshift-dns",
            "k8s:dns.operator.openshift.io/daemonset-dns=default",
        ],
        "pod_name": "dns-default-abcde",
    }
    rule = {
        "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "openshift-dns"}}],
        "toPorts": [{"ports": [{"port": "5353", "protocol": "ANY"}]}],
    }
    policy = own(POLICY, egress=[rule, POLICY["spec"]["egress"][1]])  # type: ignore[index]
    made = run.policies(passed(0, openshift, "10.128.0.5", 5353, "UDP", port=45001), dropped(1), policies=[policy])
    assert all("openshift-dns" in str(one) and "5353" in str(one) for one, checked in made if checked)


@pytest.mark.parametrize("name", ["*.example.com.", "foo bar.example.com."])
def test_names_that_cilium_refuses(run: Run, name: str) -> None:
    """A matchName is of letters, digits, - _ and dots: no policy is better than one that the API refuses."""
    assert run.policies(query(0, name, verdict="DROPPED")) == []


def test_label_that_is_a_pattern(run: Run) -> None:
    """Without policies too: `*.example.com` is no matchName."""
    known = {"identity": 16777217, "labels": ["fqdn:*.example.com", "reserved:world"]}
    assert "'matchName': '*" not in str(run.policies(dropped(0, known, dport=8443)))


# (5) Output and exit code.


def test_columns_of_a_headline(run: Run) -> None:
    """Long names as OpenShift has them."""
    long = pod(
        "cluster-samples-operator-7bf8c9648f-r7bs2", "openshift-cluster-samples-operator", "cluster-samples-operator"
    )
    assert max(map(len, run.text(to_dns(0, src=long), form="table").splitlines())) <= 100


def test_columns_of_escapes(run: Run) -> None:
    """Escapes are longer than what they stand for, and are made after lines were cut."""
    out = run.text(query(0, "\u202e" * 120 + ".example.com.", verdict="DROPPED"), form="table")
    assert max(len(one) for one in out.splitlines() if "matchName" not in one) <= 100


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_control_characters(run: Run, form: str) -> None:
    """C1 (a CSI in one character), DEL, and what turns the direction of text must not reach a terminal raw."""
    out = run.text(query(0, "a\u009b31mx\u202e\u007f.example.com.", verdict="DROPPED"), form=form)
    assert not {one for one in out if one != "\n" and unicodedata.category(one) in ("Cc", "Cf")}


def test_exit_code_of_a_pipe() -> None:
    """`triage ... | head -1` has found something: 0 would say that nothing is broken."""
    flows = Path(__file__).parents[1] / "triage/scenarios/dns-blocked/flows.jsonl"
    reader, writer = os.pipe()
    os.close(reader)
    code = subprocess.run(
        [sys.executable, "-m", "exporter", "triage", str(flows)], stdout=writer, check=False
    ).returncode
    os.close(writer)
    assert code != 0


def test_exit_code_when_no_flow_was_seen(run: Run) -> None:
    """`no flow was seen: this says nothing` and exit code 0, `nothing is broken`, contradict each other."""
    lost = {"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": "5"}, "node_name": NODE}
    run.text(lost)
    assert run.code != 0


# Order, and a running exporter.


def test_ledger_expires_what_came_late() -> None:
    """What is older than what came before it is forgotten at its time all the same."""
    ledger, who = Ledger(10, 10, 5), WorkloadName("shop", "web")
    for name, seconds in (("new", 1000), ("old", 500)):
        ledger.add(who, Key(Kind.NXDOMAIN, name=name), F.flow(time_ns=F.at(seconds)))
    ledger.expire(F.at(600))
    assert [key.name for key in ledger.of(who)] == ["new"]


def test_awaited_expires_what_came_late() -> None:
    """A query with a time ahead does not keep those behind it waiting."""
    awaited = Awaited(10, 10)
    for name, seconds in (("ahead.", 600), ("now.", 0)):
        asked = F.dns_query(name, time_ns=F.at(seconds))
        awaited.asked(Query(asked, WorkloadName("shop", "web"), name, is_expansion=False), F.dns_of(asked))
    assert [one.name for one in awaited.expired(F.at(100))] == ["now."]


def test_live_clock_ahead() -> None:
    """One node's clock is 20 s ahead, and others' queries are answered after 0.6 s: a tick finds them in flight."""
    watched = Watched(live=True, settle=0)
    watched.rig.pipeline.handle(Connected("relay"))
    for t in range(60):
        name, port = f"n{t % 3}.example.com.", 41000 + t
        watched.rig.wall = F.at(t)
        watched.rig.pipeline.handle(
            F.flow(time_ns=F.at(t + 20), node_name="east/node-9", source=F.pod("other"), source_port=50000 + t)
        )
        watched.rig.pipeline.handle(F.dns_query(name, time_ns=F.at(t + 0.1), source_port=port))
        watched.rig.wall = F.at(t + 0.5)
        watched.rig.pipeline.tick()
        watched.rig.pipeline.handle(
            F.dns_answer(name, "1.2.3.4", ttl=3, source_port=53, destination_port=port, time_ns=F.at(t + 0.7))
        )
    assert watched.active == []


def test_live_syn_sent_again_passes() -> None:
    """One SYN is dropped and passes a second later: no alarm 15 s after it, and for 15 minutes."""
    watched = Watched(settle=15)
    watched.see(F.dns_answer("api.example.com.", F.WORLD_IP, ttl=60, source_port=53, time_ns=F.at(0)))
    watched.see(F.drop(time_ns=F.at(1)), F.flow(time_ns=F.at(2)), F.flow(time_ns=F.at(3), source_port=40001))
    watched.pass_until(20)
    assert watched.active == []


def test_metric_and_api_agree() -> None:
    """Five SERVFAIL, then 300 answers: the share is low, the API says nothing, and so should the metric."""
    watched = Watched(settle=0)
    for at in range(5):
        watched.see(
            F.dns_response("api.example.com.", 2, source_port=53, destination_port=40000 + at, time_ns=F.at(at))
        )
    watched.pass_until(10)
    for at in range(300):
        watched.see(
            F.dns_answer(
                "api.example.com.",
                "1.2.3.4",
                ttl=3,
                source_port=53,
                destination_port=41000 + at,
                time_ns=F.at(11 + at / 10),
            )
        )
    watched.pass_until(50)
    dns = watched.rig.pipeline.dns
    assert watched.active == [one.cause.value for one in dns.diagnosis(dns.workloads[0], F.at(50)).findings]


def test_learnt_suffix_of_an_attacker(run: Run) -> None:
    """(6) A workload is led to ask two names below evil.example; from then on an answer there hides a refusal elsewhere."""
    flows: list[Line] = []
    for at, name in enumerate(("a.example.com", "b.example.com")):
        flows += exchange(at, f"{name}.evil.example.", rcode=3, port=46000 + at)
        flows += exchange(at + 0.2, f"{name}.", OUT, port=46100 + at)
    flows.append(query(5, "api.example.com.", verdict="DROPPED", port=46200))
    flows += exchange(6, "api.example.com.evil.example.", "198.51.100.9", port=46300)
    assert "query_refused" in str(run.causes(flows))
