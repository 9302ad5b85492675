"""Our own allowlist: who may reach what, who answers for it, why, and until when.

allow:
  - workloads: [shop/payments, "shop/checkout-*"]
    to:
      - matchName: api.example.com
      - matchPattern: "*.example.net"
      - cidr: 192.0.2.0/24
        except: [192.0.2.128/25]
      - entity: kube-apiserver
      - workload: db/postgres
    ports: [443/TCP, 8000-8100/TCP]
    owner: team-payments
    reason: card processing
    expires: 2027-03-01
"""

from collections.abc import Callable
from datetime import UTC, date, datetime

from exporter.documents.fields import Field
from exporter.expectations.cilium_peers import ENTITIES, name_peer
from exporter.expectations.interface import NEVER, PolicyRef, RuleRef, SourceKind
from exporter.expectations.labels import Selector
from exporter.expectations.outside_peers import PrefixPeer
from exporter.expectations.peers import EntityPeer, Peer, WorkloadPeer
from exporter.expectations.policy import ANYWHERE, Policy, Rule, WorkloadChooser
from exporter.expectations.ports import Ports, ports_from
from exporter.expectations.prefixes import excepted, prefix_of, with_both_families
from exporter.expectations.selectors import of_match_labels

Read = Callable[[Field], Peer]
KIND = "Allowlist"
_ENTRY = ("workloads", "matchLabels", "to", "ports", "owner", "reason", "expires")
_LAST_PORT = 65535
_PROTOCOLS = ("TCP", "UDP", "SCTP", "ICMP", "ICMPV6", "ANY")


def read_entry(item: Field, index: int) -> list[Policy]:
    """One policy for each workload of an entry. It covers its workloads: what no entry allows is unexpected."""
    parts = item.entries()
    for key, part in parts.items():
        if key not in _ENTRY:
            part.refuse(f"no key of an entry; known are {', '.join(_ENTRY)}")
    for key in ("workloads", "owner", "reason"):
        if key not in parts:
            item.refuse(f"an entry needs {key}")
    owner = parts["owner"].text()
    ref = PolicyRef(SourceKind.ALLOWLIST, KIND, "", owner, item.file, item.line)
    for key in ("workloads", "to", "ports"):
        if key in parts and not parts[key].items():
            parts[key].refuse(f"{key} has nothing in it; without `to` and `ports` an entry means everything")
    to = parts["to"].items() if "to" in parts else []
    rule = Rule(
        RuleRef(ref, "allow", index, item.line),
        with_both_families(list(map(_peer, to))) if to else ANYWHERE,
        tuple(map(port_of, parts["ports"].items())) if "ports" in parts else (),
        expires=_date(parts["expires"]) if "expires" in parts else NEVER,
        notes=(f"owner {owner}", f"reason: {parts['reason'].text()}"),
    )
    labels = of_match_labels(parts["matchLabels"]) if "matchLabels" in parts else Selector()
    return [Policy(ref, _workload(one, labels), (rule,), isolates=True) for one in parts["workloads"].items()]


def _workload(field: Field, labels: Selector) -> WorkloadChooser:
    namespace, slash, workload = field.text().partition("/")
    if not slash or not workload:
        field.refuse("write namespace/workload; `*` stands for anything")
    return WorkloadChooser(namespace, workload, labels)


def _peer(field: Field) -> Peer:
    parts = field.entries()
    kinds: dict[str, Read] = {
        "matchName": lambda _: name_peer(field),
        "matchPattern": lambda _: name_peer(field),
        "cidr": lambda cidr: _prefix(cidr, parts.get("except")),
        "entity": _entity,
        "workload": _destination,
    }
    given = [key for key in parts if key in kinds]
    if len(given) != 1 or (
        parts.keys() - {given[0]} and (given[0], *(parts.keys() - {given[0]})) != ("cidr", "except")
    ):
        field.refuse(f"write one of {', '.join(kinds)}; except goes with cidr")
    return kinds[given[0]](parts[given[0]])


def _prefix(field: Field, holes: Field | None) -> Peer:
    prefix = prefix_of(field)
    return PrefixPeer(prefix, excepted(holes, prefix))


def _entity(field: Field) -> Peer:
    if field.text() not in ENTITIES:
        field.refuse(f"{field.text()!r} is no entity; known are {', '.join(ENTITIES)}")
    return EntityPeer(field.text())


def _destination(field: Field) -> Peer:
    namespace, slash, workload = field.text().partition("/")
    if not slash:
        field.refuse("write namespace/workload; `*` stands for anything")
    return WorkloadPeer(namespace, workload)


def port_of(field: Field) -> Ports:
    """`443/TCP`, `8000-8100/UDP`, `443` (any protocol), `ICMP`."""
    text = field.text()
    numbers, slash, protocol = text.partition("/")
    protocol = protocol.upper() if slash else "ANY"
    if numbers.upper() in ("ICMP", "ICMPV6"):
        return Ports(numbers.lower())
    first, dash, last = numbers.partition("-")
    parts = (first, last) if dash else (first,)
    numeric = all(part.isascii() and part.isdecimal() and len(part) <= len(str(_LAST_PORT)) for part in parts)
    if not numeric or protocol not in _PROTOCOLS or not 0 <= int(first) <= int(last or first) <= _LAST_PORT:
        field.refuse(f"{text!r} is no port such as 443/TCP, 8000-8100/UDP or ICMP")
    return ports_from(int(first), protocol.lower(), int(last or 0))


def _date(field: Field) -> date:
    try:
        return datetime.strptime(field.text(), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        field.refuse(f"{field.text()!r} is no date such as 2027-03-01")
