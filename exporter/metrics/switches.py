"""Labels that the settings turn off or coarsen, family by family, for clusters in which they cost too much."""

from collections.abc import Callable, Mapping

from exporter.destinations.domains import registered_domain
from exporter.metrics import labels
from exporter.metrics.families import PRODUCT, Family
from exporter.metrics.labels import Label
from exporter.metrics.series import Values

OFF, COARSE = "off", "coarse"
_SYSTEM_PORTS = 1024
"""Ports below it are assigned by IANA to well-known services (RFC 6335, 6)."""


def coarse_destination(label: str) -> str:
    """A name by its registered domain, a workload by its namespace; entities, CIDRs and `world` as they are."""
    namespace, slash, _ = label.rpartition("/")
    if slash and not _is_prefix(label):
        return f"{namespace}/*"
    domain = registered_domain(label)
    return f"*.{domain}" if domain and domain != label else label


def coarse_port(label: str) -> str:
    """System ports as they are, all others together."""
    return labels.FOLDED if label.isdecimal() and int(label) >= _SYSTEM_PORTS else label


COARSENED: dict[Label, Callable[[str], str]] = {
    labels.DESTINATION: coarse_destination,
    labels.DESTINATION_PORT: coarse_port,
}


def _off(_label: str) -> str:
    # For Prometheus an empty label is one that is not there.
    return ""


class Switches:
    """Applies `family.label: off | coarse`; empty when nothing is switched."""

    def __init__(self, switched: Mapping[str, str]) -> None:
        """Take settings that `fault_in` finds nothing wrong with."""
        self._edits: dict[Family, list[tuple[int, Callable[[str], str]]]] = {}
        for name, way in switched.items():
            family, label = _find(name)
            edit = _off if way == OFF else COARSENED[label]
            self._edits.setdefault(family, []).append((family.labels.index(label), edit))

    def __bool__(self) -> bool:
        return bool(self._edits)

    def apply(self, family: Family, values: Values) -> Values:
        """The label values to count under."""
        edits = self._edits.get(family)
        if not edits:
            return values
        changed = list(values)
        for position, edit in edits:
            changed[position] = edit(changed[position])
        return tuple(changed)


def fault_in(name: str, way: str) -> str:
    """What is wrong with one entry of the setting, or an empty text."""
    try:
        _, label = _find(name)
    except KeyError:
        return f"{name!r} is no switch; write FAMILY.LABEL, one of {', '.join(_switchable())}"
    if way == OFF or (way == COARSE and label in COARSENED):
        return ""
    return f"{name}: {way!r} is neither {OFF}" + (
        f" nor {COARSE}" if label in COARSENED else "; it has no other switch"
    )


def _find(name: str) -> tuple[Family, Label]:
    return _switchable()[name]


def _switchable() -> dict[str, tuple[Family, Label]]:
    return {
        f"{family.short}.{label.name}": (family, label)
        for family in PRODUCT
        for label in family.labels
        if not label.values
    }


def _is_prefix(label: str) -> bool:
    """Whether it is `10.0.0.0/8` or `2001:db8::/32` rather than `namespace/workload`."""
    address, _, length = label.rpartition("/")
    return length.isdecimal() and (":" in address or address.replace(".", "").isdecimal())
