"""Both ends of a contact, as far as they are known: what a rule is asked about."""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.expectations.interface import NO, UNKNOWN, YES, Match, PolicyRef
from exporter.expectations.labels import Labels
from exporter.expectations.spans import Span

NOTHING_KNOWN = Labels((), own=False, inherited=False, doubtful=frozenset({"io.kubernetes.pod.namespace"}))
"""It may be a pod of any namespace, or no pod at all."""


class Subject(NamedTuple):
    """Who begins a contact: a pod of a workload, or a host."""

    namespace: str
    workload: str
    labels: Labels
    is_host: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.workload}"


class Target(NamedTuple):
    """Where a contact goes."""

    text: str
    labels: Labels
    external: Match
    """Whether Cilium holds it to be outside the cluster: only there do prefixes and names apply."""
    inside: Match
    """Whether it is a pod, a node or another part of the cluster."""
    entities: Mapping[str, Match]
    """Entities that it belongs to; to all others it does not."""
    namespace: str = ""
    workload: str = ""
    address: Span | None = None
    """One address is a prefix of full length."""
    narrow: Match = NO
    """When the address is missing: whether it lies in some prefix narrower than /0."""
    families: Mapping[int, Match] = {4: NO, 6: NO}
    """When the address is missing: whether it is of IPv4 and of IPv6."""
    names: tuple[str, ...] = ()
    other_names: Match = NO
    """Whether it may have names that are not among `names`."""
    named: Match = NO
    """Whether a workload can have got its address by a name at all."""
    fqdn_labels: frozenset[str] = frozenset()
    """Selectors of `toFQDNs` that the agent itself put on the identity."""
    groups: frozenset[str] = frozenset()
    """CiliumCIDRGroups that the agent itself put on the identity."""


class Question(NamedTuple):
    """One contact: `port` is None where it is not known or the protocol has none; protocols are in lower case.

    `allowed_by` and `denied_by` are the policies that the flow itself names.
    """

    source: Subject
    target: Target
    protocol: str
    port: int | None
    allowed_by: tuple[PolicyRef, ...] = ()
    denied_by: tuple[PolicyRef, ...] = ()
    proven_narrow: bool = False
    """Whether the identity that the flow's policies allowed is more than world as a whole."""


def entities_of(*names: str, maybe: tuple[str, ...] = ()) -> dict[str, Match]:
    """Memberships of a target; it always belongs to `all`."""
    return {**dict.fromkeys(maybe, UNKNOWN), "all": YES, **dict.fromkeys(names, YES)}
