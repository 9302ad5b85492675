"""What a rule says about the other side. Each kind of peer answers for one destination, with three values.

Sources: Kubernetes SpanPolicy API; Cilium's documentation of layer 3 policy; pkg/policy/api of cilium/cilium.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from exporter.expectations.interface import NO, UNKNOWN, YES, Match
from exporter.expectations.labels import RESERVED, Labels, Selector
from exporter.expectations.question import Target

WIDE_ENTITIES = frozenset({"world", "world-ipv4", "world-ipv6", "all"})


_WORLD = tuple(Labels([(RESERVED, name, "")]) for name in ("world", "world-ipv4", "world-ipv6"))


class Peer(Protocol):
    """One peer of a rule."""

    @property
    def wide(self) -> bool:
        """Whether it is as wide as the world."""
        ...

    def matches(self, target: Target) -> Match:
        """Whether the destination is meant."""
        ...

    def __str__(self) -> str: ...


class Anywhere(NamedTuple):
    """A rule without peers."""

    wide: bool = True

    def matches(self, target: Target) -> Match:  # noqa: ARG002, whatever it is
        """It is."""
        return YES

    def __str__(self) -> str:
        return "anywhere"


class NotEvaluatedPeer(NamedTuple):
    """A field that we do not evaluate."""

    field: str
    wide: bool = False

    def matches(self, target: Target) -> Match:  # noqa: ARG002, nobody knows
        """Nobody knows."""
        return UNKNOWN

    def __str__(self) -> str:
        return f"{self.field} (not evaluated)"


class EndpointPeer(NamedTuple):
    """`toEndpoints`, `podSelector` and `namespaceSelector`: endpoints by their labels."""

    selector: Selector

    @property
    def wide(self) -> bool:
        """Where it selects the world itself: by its label, or by labels that the world has not (`NotIn`)."""
        return any(self.selector.selects(labels) is YES for labels in _WORLD)

    def matches(self, target: Target) -> Match:
        """By all labels that are known."""
        return self.selector.selects(target.labels)

    def __str__(self) -> str:
        return f"endpoints {self.selector}"


class EntityPeer(NamedTuple):
    """`toEntities`."""

    entity: str

    @property
    def wide(self) -> bool:
        """The world, one half of it, and everything."""
        return self.entity in WIDE_ENTITIES

    def matches(self, target: Target) -> Match:
        """By the entities that the destination belongs to."""
        return target.entities.get(self.entity, NO)

    def __str__(self) -> str:
        return f"entity {self.entity}"


class WorkloadPeer(NamedTuple):
    """A workload of the allowlist, by names in which a star stands for anything."""

    namespace: str
    workload: str
    wide: bool = False

    def matches(self, target: Target) -> Match:
        """By the names of the workload; outside the cluster there is none."""
        if not target.workload:
            return min(target.inside, UNKNOWN)
        both = star_matches(target.namespace, self.namespace) and star_matches(target.workload, self.workload)
        return YES if both else NO

    def __str__(self) -> str:
        return f"workload {self.namespace}/{self.workload}"


def star_matches(text: str, pattern: str) -> bool:
    """Whether a name fits a pattern in which a star, and nothing else, stands for anything."""
    return fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))
