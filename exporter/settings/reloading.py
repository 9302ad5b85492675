"""Which settings can change while the exporter runs, and what a new reading of them means for it."""

from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from exporter.settings import Settings
from exporter.settings.fields import fields
from exporter.settings.names import fields_of_path

M = TypeVar("M", bound=BaseModel)

RELOADABLE = (
    "log.level",
    "log.format",
    "log.flow-lines-per-second",
    "sources.include-namespaces",
    "sources.exclude-namespaces",
    "sources.include-workloads",
    "sources.exclude-workloads",
    "destinations.cluster-domains",
    "destinations.search-suffixes",
    "destinations.cluster-cidrs",
    "destinations.nat64-prefixes",
    "destinations.cidr-names",
    "destinations.resolvers.labels",
    "destinations.resolvers.addresses",
    "destinations.resolvers.ports",
    "destinations.resolvers.doh",
)
"""What is read again on SIGHUP; all others are about what was built at the start: sockets, windows, their sizes."""


class Merged(NamedTuple):
    """The settings to run with from now on; what changed in them, and what changed and waits for a restart."""

    settings: Settings
    changed: tuple[str, ...]
    waiting: tuple[str, ...]


def merge(running: Settings, read: Settings) -> Merged:
    """Take from `read` what may change."""
    differing = [field.path for field in fields(Settings) if _value(running, field.path) != _value(read, field.path)]
    changed = tuple(path for path in differing if path in RELOADABLE)
    settings = running
    for path in changed:
        settings = _with(settings, fields_of_path(path), _value(read, path))
    return Merged(settings, changed, tuple(path for path in differing if path not in RELOADABLE))


def _value(settings: object, path: str) -> object:
    for name in fields_of_path(path):
        settings = getattr(settings, name)
    return settings


def _with(model: M, names: tuple[str, ...], value: object) -> M:
    """A copy of the model in which the setting has another value; both were validated before."""
    name, *rest = names
    return model.model_copy(update={name: _with(getattr(model, name), tuple(rest), value) if rest else value})
