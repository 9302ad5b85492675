"""What is accepted: who goes where on which port, and what an allowlist calls that. Pure functions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from exporter.destinations.cidrs import parsed
from exporter.destinations.domains import registered_domain
from exporter.destinations.interface import DestinationKind
from exporter.destinations.patterns import check_name
from exporter.documents.faults import shown
from exporter.expectations.cilium_peers import ENTITIES
from exporter.expectations.interface import Expectation
from exporter.expectations.spans import span_of
from exporter.findings.document import SCHEMA_VERSION

_NAMELESS = (DestinationKind.CIDR, DestinationKind.WORLD)
_PORTLESS = ("icmp", "icmpv6")


class Contact(NamedTuple):
    """As the flags of `known accept` say it; an empty text is not known."""

    source: str
    """`namespace/workload`, or `/~host`."""
    to: str
    """A name, an address, a prefix, an entity, or `namespace/workload`."""
    port: str
    """`443/TCP`, or `ICMP`."""

    def or_else(self, other: "Contact") -> "Contact":
        """The same, with what is not known from another."""
        return Contact(*(mine or theirs for mine, theirs in zip(self, other, strict=True)))


def contact_of(finding: Mapping[str, Any]) -> Contact:
    """The contact that a finding, as its schema has it, is about.

    Raises:
        ValueError: when it is no finding, or one of a later schema.
    """
    if finding.get("schema_version") != SCHEMA_VERSION:
        said = shown(finding.get("schema_version"))
        raise ValueError(f"the finding has schema version {said}, this release reads {SCHEMA_VERSION}")
    source, destination = finding.get("source"), finding.get("destination")
    if not isinstance(source, dict) or not isinstance(destination, dict):
        raise ValueError("the finding has no source or no destination")  # noqa: TRY004, it is bad input like any other
    workload = _text(source, "workload")
    return Contact(f"{_text(source, 'namespace')}/{workload}" if workload else "", _to(destination), _port(destination))


def is_covered(finding: Mapping[str, Any]) -> bool:
    """Whether somebody had declared where the workload may go, when the finding was made."""
    expectation = finding.get("expectation")
    return isinstance(expectation, dict) and expectation.get("answer") not in (None, Expectation.NOT_COVERED.value)


def peers_of(to: str, *, domain: bool) -> tuple[dict[str, str], ...]:
    """The entries under `to`; with `domain` all names of the registered domain.

    Raises:
        ValueError: when an allowlist cannot say it.
    """
    if to in ENTITIES or "/" in to or parsed(to) is not None:
        if domain:
            raise ValueError(f"{to} is no name: it has no domain")
        return (_other(to),)
    check_name(to)
    name = to.lower().rstrip(".")
    if not domain:
        return ({"matchName": name},)
    registered = registered_domain(name)
    if not registered:
        raise ValueError(f"no registered domain is known of {name}; accept the name itself")
    # One star stands for one label, as in Cilium's policies.
    stars = "*" if name.count(".") <= registered.count(".") + 1 else "**"
    return ({"matchName": registered}, {"matchPattern": f"{stars}.{registered}"})


def _other(to: str) -> dict[str, str]:
    if to in ENTITIES:
        return {"entity": to}
    try:
        return {"cidr": span_of(to.partition("%")[0]).text}
    except ValueError:
        return {"workload": to}


def _to(destination: Mapping[str, Any]) -> str:
    """What the destination is called; empty where a finding does not say what an allowlist could."""
    kind, label = _text(destination, "kind"), _text(destination, "label")
    if kind in _NAMELESS:
        return _text(destination, "address")
    # What was folded is no name, nor is a pattern; and a workload of another cluster would be taken for one of ours.
    return "" if label.startswith("~") or "*" in label or label.count("/") > 1 else label


def _port(destination: Mapping[str, Any]) -> str:
    port, protocol = destination.get("port"), _text(destination, "protocol").upper()
    if protocol.lower() in _PORTLESS:
        return protocol
    return f"{port}/{protocol}" if isinstance(port, int) and protocol else ""


def _text(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""
