"""DNS messages as Hubble tells of them: flows of type 129, as lines of `hubble observe -o jsonpb`.

They are read as Cilium's proxy reads them (`ExtractMsgDetails` in pkg/fqdn/dnsproxy): the name in lower case with its
dot, the least TTL of addresses and CNAMEs, the type of each record, and the highest number there is as the TTL of an
answer without any.
"""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from dns.message import Message
from dns.rdatatype import AAAA, CNAME, A, to_text

NO_TTL = 4_294_967_295
_POD_IP, _RESOLVER_IP = "10.244.1.5", "10.244.2.53"
_BEGIN = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
_NAMESPACE, _NODE = "k8s:io.kubernetes.pod.namespace", "default/worker-1"
_POD = {
    "ID": 881,
    "identity": 21034,
    "namespace": "shop",
    "labels": ["k8s:app=web", f"{_NAMESPACE}=shop"],
    "pod_name": "web-7bf8c9648f-r7bs2",
    "workloads": [{"name": "web", "kind": "Deployment"}],
}
_RESOLVER = {
    "identity": 8112,
    "namespace": "kube-system",
    "labels": ["k8s:k8s-app=kube-dns", f"{_NAMESPACE}=kube-system"],
    "pod_name": "coredns-b4f5c58c7-vnx5s",
}


def query_line(seconds: float, query: Message, l4: str, port: int, verdict: str = "FORWARDED") -> str:
    """The pod asks from this port; `ERROR` is the verdict when the proxy could not hand it on."""
    return _line(
        seconds,
        verdict=verdict,
        IP={"source": _POD_IP, "destination": _RESOLVER_IP, "ipVersion": "IPv4"},
        l4={l4: {"source_port": port, "destination_port": 53}},
        source=_POD,
        destination=_RESOLVER,
        Type="L7",
        event_type={"type": 129},
        l7={"type": "REQUEST", "dns": _question_of(query)},
    )


def answer_line(seconds: float, answer: Message, l4: str, port: int) -> str:
    """The resolver answers what was asked from this port."""
    return _line(
        seconds,
        is_reply=True,
        IP={"source": _RESOLVER_IP, "destination": _POD_IP, "ipVersion": "IPv4"},
        l4={l4: {"source_port": 53, "destination_port": port}},
        source=_RESOLVER,
        destination=_POD,
        Type="L7",
        event_type={"type": 129},
        l7={"type": "RESPONSE", "dns": _record_of(answer)},
    )


def connection_line(seconds: float, address: str, port: int) -> str:
    """The pod opens a connection to an address outside, of which Hubble knows no name."""
    version = ip_address(address).version
    return _line(
        seconds,
        IP={"source": _POD_IP if version == 4 else "fd00::5", "destination": address, "ipVersion": f"IPv{version}"},
        l4={"TCP": {"source_port": port, "destination_port": 443, "flags": {"SYN": True}}},
        source=_POD,
        destination={"identity": 2, "labels": ["reserved:world"]},
        Type="L3_L4",
        event_type={"type": 4, "sub_type": 3},
        trace_reason="NEW",
    )


def _line(seconds: float, **flow: Any) -> str:  # noqa: ANN401, JSON is what it is
    time = (_BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    usual = {"time": time, "verdict": "FORWARDED", "traffic_direction": "EGRESS", "is_reply": False}
    return json.dumps({"flow": usual | flow | {"node_name": _NODE}, "node_name": _NODE, "time": time})


def _question_of(message: Message) -> dict[str, Any]:
    (question,) = message.question
    asked = {"query": question.name.to_text().lower(), "qtypes": [to_text(question.rdtype)]}
    return asked | {"observation_source": "proxy"}


def _record_of(answer: Message) -> dict[str, Any]:
    """What Hubble says of an answer; fields that are empty or 0 are left out, as in its JSON."""
    records = [(kept.rdtype, kept.ttl, one.to_text()) for kept in answer.answer for one in kept]
    read = [record for record in records if record[0] in (A, AAAA, CNAME)]
    said = {
        "ips": [text for kind, _, text in read if kind != CNAME],
        "ttl": min((ttl for _, ttl, _ in read), default=NO_TTL),
        "cnames": [text for kind, _, text in read if kind == CNAME],
        "rrtypes": [to_text(kind) for kind, _, _ in records],
        "rcode": int(answer.rcode()),
    }
    return _question_of(answer) | {key: value for key, value in said.items() if value}
