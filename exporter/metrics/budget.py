"""What one workload may use: distinct destinations, ports, and names below one registered domain.

A budget counts what its live series show, so it needs no memory of its own, and what expires makes room again.
"""

from exporter.destinations.domains import registered_domain
from exporter.destinations.interface import DestinationKind
from exporter.metrics import labels
from exporter.metrics.ceiling import UNEXPECTED
from exporter.metrics.families import Family
from exporter.metrics.series import Values
from exporter.metrics.settings import MetricsSettings

_FREE = frozenset({"", labels.FOLDED})
_KIND, _LABEL, _PORT = 2, 4, 5
"""Where kind, destination and port stand in the families that have them."""


class Usage:
    """What the live series of one workload show, each with the number of series that show it."""

    __slots__ = ("destinations", "domains", "ports")

    def __init__(self) -> None:
        self.destinations: dict[str, int] = {}
        self.ports: dict[str, int] = {}
        self.domains: dict[str, dict[str, int]] = {}


class Budget:
    """The budgets of all workloads, per pool: unexpected destinations never run out because of expected ones."""

    def __init__(self, settings: MetricsSettings) -> None:
        self._settings = settings
        self._usages: dict[tuple[str, str, str], Usage] = {}

    def fit(self, family: Family, values: Values, pool: str) -> tuple[Values, str]:
        """The values with what is over budget folded, and the setting that folded it, if any."""
        usage = self._usages.get((values[0], values[1], pool)) if family.has_destination else None
        if usage is None:
            return values, ""
        destination, hit = self._destination(usage, values[_KIND], values[_LABEL], pool)
        if hit:
            values = (*values[:_LABEL], destination, *values[_PORT:])
        if family.has_port and self._is_over(usage.ports, values[_PORT]):
            return (*values[:_PORT], labels.FOLDED, *values[_PORT + 1 :]), hit or "metrics.ports-per-workload"
        return values, hit

    def born(self, family: Family, values: Values, pool: str) -> None:
        """A series shows these values from now on."""
        self._show(family, values, pool, +1)

    def gone(self, family: Family, values: Values, pool: str) -> None:
        """A series has left."""
        self._show(family, values, pool, -1)

    def _is_over(self, ports: dict[str, int], port: str) -> bool:
        return port not in ports and len(ports) >= self._settings.ports_per_workload and port not in _FREE

    def _destination(self, usage: Usage, kind: str, label: str, pool: str) -> tuple[str, str]:
        settings = self._settings
        if label in usage.destinations or label in _FREE:
            return label, ""
        domain, hit = registered_domain(label) if kind == DestinationKind.FQDN else "", ""
        if domain and label != domain and len(usage.domains.get(domain, ())) >= settings.names_per_domain:
            label, hit = f"*.{domain}", "metrics.names-per-domain"
            if label in usage.destinations:
                return label, hit
        is_unexpected = pool == UNEXPECTED
        most = settings.unexpected_per_workload if is_unexpected else settings.destinations_per_workload
        if len(usage.destinations) < most:
            return label, hit
        name = "unexpected" if is_unexpected else "destinations"
        return labels.FOLDED, f"metrics.{name}-per-workload"

    def _show(self, family: Family, values: Values, pool: str, step: int) -> None:
        if not family.has_destination:
            return
        source = (values[0], values[1], pool)
        usage = self._usages.get(source)
        if usage is None:
            usage = self._usages[source] = Usage()
        destination = values[_LABEL]
        _count(usage.destinations, destination, step)
        if family.has_port:
            _count(usage.ports, values[_PORT], step)
        domain = registered_domain(destination) if values[_KIND] == DestinationKind.FQDN else ""
        if domain and destination not in (domain, f"*.{domain}"):
            names = usage.domains.get(domain)
            if names is None:
                names = usage.domains[domain] = {}
            _count(names, destination, step)
            if not names:
                del usage.domains[domain]
        if not usage.destinations and not usage.ports:
            del self._usages[source]


def _count(numbers: dict[str, int], label: str, step: int) -> None:
    if label in _FREE:
        return
    number = numbers.get(label, 0) + step
    if number:
        numbers[label] = number
    else:
        del numbers[label]
