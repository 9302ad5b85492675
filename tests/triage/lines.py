"""Builders of lines of `hubble observe -o jsonpb`, and the command `triage` that reads them.

A pod of shop/web asks kube-dns and connects to the outside, unless a test says otherwise.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pytest
import yaml

from exporter.cli import main

Pod = dict[str, Any]
Line = dict[str, Any]
Ends = tuple[Pod, str, int, Pod, str, int]
"""Source, its address and port; destination, its address and port."""

BASE = datetime(2025, 3, 3, 8, tzinfo=UTC)
NODE = "default/worker-1"
IP, DNS_IP, OUT = "10.244.1.5", "10.244.2.53", "203.0.113.10"
DENIED, DENY = (133, "POLICY_DENIED"), (181, "POLICY_DENY")
"""Drop reasons: no rule allows it; a rule denies it."""


class Fields(TypedDict, total=False):
    """Fields of a flow as Hubble's JSON calls them; None leaves one out."""

    time: str
    verdict: str
    drop_reason: int
    drop_reason_desc: str
    traffic_direction: str
    is_reply: bool | None
    trace_reason: str | None
    Type: str
    l7: Line


class Given(TypedDict, total=False):
    """What the command reads besides the flows of a test, or in place of them."""

    policies: list[Line]
    files: list[list[Line]]


def pod(
    name: str = "web-7bf8c9648f-r7bs2",
    ns: str = "shop",
    app: str = "web",
    *,
    labels: tuple[str, ...] = (),
    kind: str = "Deployment",
    workload: str = "",
    identity: int = 21034,
) -> Pod:
    """A pod as the node that owns it reports it: with an endpoint id and its workload."""
    ours = (f"k8s:app={app}", "k8s:io.cilium.k8s.policy.cluster=default", f"k8s:io.kubernetes.pod.namespace={ns}")
    return {
        "ID": 35,
        "identity": identity,
        "namespace": ns,
        "labels": sorted([*ours, *labels]),
        "pod_name": name,
        "workloads": [{"name": workload or app, "kind": kind}],
    }


def remote(one: Pod) -> Pod:
    """The pod as any other node reports it: without endpoint id and workload."""
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
OTHER_DNS: Pod = {
    **DNS,
    "namespace": "dns",
    "identity": 9000,
    "pod_name": "coredns-5d78c9869d-7h2kq",
    "labels": ["k8s:io.kubernetes.pod.namespace=dns", "k8s:k8s-app=coredns"],
}
WORLD: Pod = {"identity": 2, "labels": ["reserved:world"]}
POLICY: Line = {
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


def line(seconds: float, ends: Ends, proto: str, etype: Line, **more: Unpack[Fields]) -> Line:
    """A packet that this many seconds after the beginning goes from one end to the other."""
    source, sip, sport, destination, dip, dport = ends
    flow: Line = {
        "time": (BASE + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "verdict": "FORWARDED",
        "IP": {"source": sip, "destination": dip, "ipVersion": "IPv6" if ":" in sip else "IPv4"},
        "l4": {
            proto: {"source_port": sport, "destination_port": dport}
            | ({"flags": {"SYN": True}} if proto == "TCP" else {})
        },
        "source": source,
        "destination": destination,
        "Type": "L3_L4",
        "node_name": NODE,
        "event_type": etype,
        "traffic_direction": "EGRESS",
        **more,
    }
    kept = {key: value for key, value in flow.items() if value is not None}
    return {"flow": kept, "node_name": NODE, "time": flow["time"]}


def query(
    seconds: float,
    name: str,
    qtype: str = "A",
    *,
    src: Pod = WEB,
    ip: str = IP,
    port: int = 45000,
    proto: str = "UDP",
    verdict: str = "FORWARDED",
) -> Line:
    """A query to kube-dns that the DNS proxy saw."""
    dns = {"query": name, "qtypes": [qtype], "observation_source": "proxy"}
    return line(
        seconds,
        (remote(src) | {"ID": 35}, ip, port, DNS, DNS_IP, 53),
        proto,
        {"type": 129},
        Type="L7",
        l7={"type": "REQUEST", "dns": dns},
        is_reply=False,
        verdict=verdict,
    )


def answer(
    seconds: float,
    name: str,
    *ips: str,
    ttl: int = 30,
    rcode: int = 0,
    qtype: str = "A",
    src: Pod = WEB,
    ip: str = IP,
    port: int = 45000,
) -> Line:
    """The response to it, with these addresses."""
    dns: Line = {"query": name, "qtypes": [qtype], "observation_source": "proxy"}
    if rcode:
        dns["rcode"] = rcode
    if ips:
        dns |= {"ips": list(ips), "ttl": ttl, "rrtypes": [qtype]}
    return line(
        seconds,
        (DNS, DNS_IP, 53, remote(src) | {"ID": 35}, ip, port),
        "UDP",
        {"type": 129},
        Type="L7",
        l7={"type": "RESPONSE", "dns": dns},
        is_reply=True,
    )


def exchange(
    seconds: float,
    name: str,
    *ips: str,
    ttl: int = 30,
    rcode: int = 0,
    qtype: str = "A",
    src: Pod = WEB,
    ip: str = IP,
    port: int = 45000,
) -> list[Line]:
    """A query, and 4 ms later its response."""
    return [
        query(seconds, name, qtype, src=src, ip=ip, port=port),
        answer(seconds + 0.004, name, *ips, ttl=ttl, rcode=rcode, qtype=qtype, src=src, ip=ip, port=port),
    ]


def dropped(
    seconds: float,
    dst: Pod = WORLD,
    dip: str = OUT,
    dport: int = 443,
    proto: str = "TCP",
    *,
    src: Pod = WEB,
    ip: str = IP,
    port: int = 40000,
    reason: tuple[int, str] = DENIED,
    types: tuple[int, ...] = (5, 1),
    **more: Unpack[Fields],
) -> list[Line]:
    """A packet that is dropped: the policy verdict (type 5) and the drop event (type 1), or one of them."""
    ends = (src, ip, port, dst, dip, dport)
    said: Fields = {"verdict": "DROPPED", "drop_reason": reason[0], "drop_reason_desc": reason[1]}
    events = [{"type": one, "sub_type": reason[0]} if one == 1 else {"type": 5} for one in types]
    return [line(seconds + at / 1000, ends, proto, event, **(said | more)) for at, event in enumerate(events)]


def passed(
    seconds: float,
    dst: Pod = WORLD,
    dip: str = OUT,
    dport: int = 443,
    proto: str = "TCP",
    *,
    src: Pod = WEB,
    ip: str = IP,
    port: int = 40000,
    **more: Unpack[Fields],
) -> Line:
    """A packet that passes, by which a connection begins."""
    said: Fields = {"is_reply": False, "trace_reason": "NEW"}
    return line(seconds, (src, ip, port, dst, dip, dport), proto, {"type": 4, "sub_type": 3}, **(said | more))


def other(seconds: float) -> Line:
    """A connection of shop/cart, so that time passes."""
    cart, db = pod("cart-5c9d7f8b6d-q2w8z", "shop", "cart"), remote(pod("db-0", "data", "db", kind="StatefulSet"))
    return passed(seconds, db, "10.244.3.9", 5432, src=cart, ip="10.244.1.9", port=50000 + int(seconds) % 9000)


def to_dns(seconds: float, *, src: Pod = WEB, ip: str = IP, reason: tuple[int, str] = DENIED) -> list[Line]:
    """A query that is dropped on its way to kube-dns, so that no proxy sees it."""
    return dropped(seconds, DNS, DNS_IP, 53, "UDP", src=src, ip=ip, port=45001, reason=reason)


def allowlist(name: str, port: str = "443/TCP") -> Line:
    """An allow-list that wants shop/web to reach the name."""
    wanted = {"workloads": ["shop/web"], "to": [{"matchName": name}], "ports": [port]}
    return {"allow": [wanted | {"owner": "team-shop", "reason": "wanted"}]}


def own(policy: Line, **spec: list[Line]) -> Line:
    """A copy of the policy that may be changed, with other rules."""
    copy: Line = json.loads(json.dumps(policy))
    copy["spec"] |= spec
    return copy


def ids(policies: list[tuple[Line, bool]]) -> list[tuple[str, str, str]]:
    """By what `kubectl apply` tells policies apart: kind, namespace and name."""
    return [(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one, _ in policies]


class Run:
    """The command `triage` on flows that a test has made."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.capsys = path, capsys
        self.code = -1

    def text(self, *parts: list[Line] | Line, form: str = "json", **given: Unpack[Given]) -> str:
        """What it writes; its exit code is kept."""
        lines = [one for part in parts for one in (part if isinstance(part, list) else [part])]
        names = []
        for index, content in enumerate(given.get("files") or [lines]):
            name = self.path / f"flows{index}.jsonl"
            name.write_text("".join(json.dumps(one) + "\n" for one in content))
            names.append(str(name))
        arguments = ["triage", "--format", form]
        if given.get("policies"):
            (self.path / "policies.yaml").write_text(yaml.safe_dump_all(given["policies"]))
            arguments += ["--policies", str(self.path / "policies.yaml")]
        self.code = main([*arguments, *names])
        output = self.capsys.readouterr()
        assert output.err == ""
        return output.out

    def report(self, *parts: list[Line] | Line, **given: Unpack[Given]) -> Line:
        """The report as it is written in JSON."""
        found: Line = json.loads(self.text(*parts, **given))
        return found

    def causes(self, *parts: list[Line] | Line, **given: Unpack[Given]) -> dict[str, dict[str, str]]:
        """Causes with their confidence, by workload."""
        return {
            f"{one['namespace']}/{one['workload']}": {f["cause"]: f["confidence"] for f in one["findings"]}
            for one in self.report(*parts, **given)["workloads"]
        }

    def policies(self, *parts: list[Line] | Line, **given: Unpack[Given]) -> list[tuple[Line, bool]]:
        """The suggested policies, and whether each is said to be checked."""
        return [
            (yaml.safe_load(p["yaml"]), p["checked"])
            for one in self.report(*parts, **given)["workloads"]
            for f in one["findings"]
            for p in f["suggestion"]["policies"]
        ]
