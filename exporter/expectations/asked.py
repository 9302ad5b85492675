"""Questions that a person asks: both ends as texts, of which nothing else is known."""

import re
from collections.abc import Iterable, Iterator, Sequence

from exporter.destinations.cidrs import parsed
from exporter.destinations.interface import HOST
from exporter.destinations.patterns import check_name
from exporter.destinations.scopes import Scopes
from exporter.expectations.cilium_peers import ENTITIES
from exporter.expectations.interface import NO, UNKNOWN, YES
from exporter.expectations.labels import K8S, NAMESPACE, RESERVED, Labels, Operator, Requirement, of_namespace
from exporter.expectations.objects import Objects
from exporter.expectations.question import NOTHING_KNOWN, Subject, Target, entities_of
from exporter.expectations.spans import Span, span_of

INSIDE = ("cluster", "host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged")
_LAST_PORT = 65535
_ADDED = frozenset({"io.cilium.k8s.policy.cluster", "io.cilium.k8s.policy.serviceaccount"})
_SERVICE = re.compile(r"(?:.*\.)?(?P<name>[^.]+)\.(?P<namespace>[^.]+)\.svc\.(?:cluster|clusterset)\.local\.?")
# RFC 1123, a label: unlike an address it has no dots and no colons.
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PROTOCOLS = ("tcp", "udp", "sctp")


def labels_from(text: str | None) -> list[tuple[str, str, str]] | None:
    """`app=web,tier=front` as all labels of a pod; None when nobody said.

    Raises:
        ValueError: when an entry is no label.
    """
    if text is None:
        return None
    found: list[tuple[str, str, str]] = []
    for part in filter(None, map(str.strip, text.split(","))):
        key, equals, value = part.partition("=")
        source, colon, rest = key.partition(":")
        if not equals or not (rest if colon else key):
            raise ValueError(f"{part!r} is no label such as app=web")
        label = (source, rest, value) if colon else (K8S, key, value)
        if any(label[:2] == other[:2] for other in found):
            raise ValueError(f"{key!r} is given twice")
        found.append(label)
    return found


def subject_from(text: str, labels: list[tuple[str, str, str]] | None, objects: Objects) -> Subject:
    """`namespace/workload`, or `/~host`.

    Raises:
        ValueError: when it is neither.
    """
    namespace, _, workload = text.partition("/")
    is_host = not namespace and workload == HOST.name
    if not is_host and (not _NAMESPACE.fullmatch(namespace) or not workload or "/" in workload):
        raise ValueError(f"{text!r} is no namespace/workload such as shop/payments (a node is /{HOST.name})")
    if is_host:
        return Subject("", workload, Labels(labels or (), own=labels is not None), is_host=True)
    return Subject(namespace, workload, _pod_labels(namespace, labels, objects))


def target_from(text: str, labels: list[tuple[str, str, str]] | None, objects: Objects, scopes: Scopes) -> Target:
    """A name, an address, a prefix, an entity or `namespace/workload`.

    Raises:
        ValueError: when it is none of these.
    """
    if text in ENTITIES:
        return _entity(text)
    if parsed(text) is not None or "/" in text:
        span = _span(text)
        if span is not None:
            return _address(text, span, scopes)
        namespace, _, workload = text.partition("/")
        if not _NAMESPACE.fullmatch(namespace) or not workload or "/" in workload:
            raise ValueError(f"{text!r} is no prefix, and no namespace/workload such as shop/payments")
        known = _pod_labels(namespace, labels, objects)
        inside = entities_of("cluster")
        return Target(text, known, NO, YES, inside, namespace=namespace, workload=workload)
    check_name(text)
    service = _SERVICE.fullmatch(text.lower())
    return target_of_name(text) if service is None else _service(text, service["name"], service["namespace"], objects)


def target_of_name(text: str) -> Target:
    """A name outside the cluster, of which no address is known."""
    world = Labels([(RESERVED, "world", "")], doubtful=frozenset({"world-ipv4", "world-ipv6"}))
    entities = entities_of("world", maybe=("world-ipv4", "world-ipv6"))
    anywhere = {4: UNKNOWN, 6: UNKNOWN}
    return Target(text, world, YES, NO, entities, narrow=UNKNOWN, families=anywhere, names=(text,), named=YES)


def _service(text: str, name: str, namespace: str, objects: Objects) -> Target:
    """A service of the cluster: its pods have at least the labels that it selects."""
    known = objects.services.get((namespace, name))
    selected = () if known is None or known.selector is None else known.selector.requirements
    labels = Labels(
        [*of_namespace(namespace, objects.namespaces.get(namespace, {})), *_required(selected)],
        own=False,
        inherited=namespace in objects.namespaces,
    )
    return Target(text, labels, NO, YES, entities_of("cluster"), namespace=namespace)


def _required(requirements: Iterable[Requirement]) -> Iterator[tuple[str, str, str]]:
    for one in requirements:
        if one.key != NAMESPACE and one.operator is Operator.IN and len(one.values) == 1:
            yield one.source, one.key, next(iter(one.values))


def _pod_labels(namespace: str, labels: list[tuple[str, str, str]] | None, objects: Objects) -> Labels:
    """Cilium adds labels of its own to those of a pod; nobody says them, and they may be anything."""
    given = {key for _, key, _ in labels or ()}
    return objects.pod_labels(namespace, labels, _ADDED - given)


def port_from(text: str) -> tuple[str, int | None]:
    """`443/TCP`, `443` (TCP) or `ICMP`, as a protocol in lower case and a port.

    Raises:
        ValueError: when it is none of these.
    """
    number, slash, protocol = text.lower().partition("/")
    protocol = protocol if slash else "tcp"
    if number in ("icmp", "icmpv6") and not slash:
        return number, None
    is_number = number.isascii() and number.isdecimal() and len(number) <= len(str(_LAST_PORT))
    if not is_number or int(number) > _LAST_PORT or protocol not in _PROTOCOLS:
        raise ValueError(f"{text!r} is no port such as 443/TCP, 53/UDP or ICMP")
    return protocol, int(number)


def _span(text: str) -> Span | None:
    try:
        return span_of(text)
    except ValueError:
        return None


def _address(text: str, span: Span, scopes: Scopes) -> Target:
    """Outside, as far as rules about prefixes go; a private one may be a pod, a node or a service all the same."""
    family = f"world-ipv{span.version}"
    is_outside = not scopes.reaches_inside(span.version, span.first, span.last)
    # What Cilium calls it depends on whether the cluster has both families.
    labels = Labels([(RESERVED, "world", ""), (RESERVED, family, "")]) if is_outside else NOTHING_KNOWN
    entities = entities_of("world", family, maybe=() if is_outside else INSIDE)
    inside = NO if is_outside else UNKNOWN
    return Target(text, labels, YES, inside, entities, address=span, other_names=UNKNOWN, named=YES)


def _entity(entity: str) -> Target:
    """An identity with this one label, of which everything is known."""
    if entity in ("world", "world-ipv4", "world-ipv6"):
        labels = Labels([(RESERVED, entity, "")])
        families = {4: NO if entity == "world-ipv6" else YES, 6: NO if entity == "world-ipv4" else YES}
        both = ("world-ipv4", "world-ipv6") if entity == "world" else ()
        return Target(entity, labels, YES, NO, entities_of("world", entity, maybe=both), families=families, named=YES)
    if entity in ("all", "cluster"):
        unsure = ENTITIES if entity == "all" else INSIDE
        outside = UNKNOWN if entity == "all" else NO
        families = {4: outside, 6: outside}
        anything = entities_of(*(("cluster",) if entity == "cluster" else ()), maybe=unsure)
        inside = YES if entity == "cluster" else UNKNOWN
        return Target(
            entity,
            NOTHING_KNOWN,
            outside,
            inside,
            anything,
            narrow=outside,
            families=families,
            other_names=outside,
            named=outside,
        )
    labels = Labels([(RESERVED, entity, "")])
    return Target(entity, labels, NO, YES, entities_of(entity, *(() if entity == "none" else ("cluster",))))


def unused_labels(to: str, labels: Sequence[object] | None) -> bool:
    """Whether labels were given for something that has none."""
    return labels is not None and (to in ENTITIES or "/" not in to or _span(to) is not None)
