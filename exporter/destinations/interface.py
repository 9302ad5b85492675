"""What this stage hands on: where a flow goes, and whose flow it is."""

from enum import StrEnum
from typing import NamedTuple

from exporter.destinations.scopes import Scope


class DestinationKind(StrEnum):
    """What a destination is, by the first rule that holds (see classify)."""

    ENTITY = "entity"
    IDENTITY = "identity"
    FQDN = "fqdn"
    CIDR = "cidr"
    WORLD = "world"

    # Keys of every count: the enum's own hash is written in Python.
    __hash__ = str.__hash__


class NameConfidence(StrEnum):
    """How sure the name of a destination is."""

    OBSERVED = "observed"
    JOINED = "joined"
    STALE = "stale"
    AMBIGUOUS = "ambiguous"
    NONE = "none"

    # Part of every destination, which is looked up as well.
    __hash__ = str.__hash__


class Destination(NamedTuple):
    """Where a flow goes. `label` is the value of the metric label `destination`, before any cap."""

    kind: DestinationKind
    label: str
    scope: Scope
    confidence: NameConfidence = NameConfidence.NONE
    external: bool = False
    """Cilium holds it to be outside the cluster: a world label or identity."""


class WorkloadName(NamedTuple):
    """Whose flow it is. Names that begin with `~` are ours: no Kubernetes object can have them."""

    namespace: str
    name: str


HOST = WorkloadName("", "~host")
UNKNOWN = "~unknown"
RESOLVER = "~resolver"
