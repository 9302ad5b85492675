"""Which facts are forgotten with one destination of a workload."""

from collections.abc import Collection

from exporter.destinations.domains import registered_domain
from exporter.known.interface import Mark, What
from exporter.known.workload import split

_TOLD = ("unexpected ", "goes on ")


def facts_of(destination: str, marks: Collection[Mark]) -> list[Mark]:
    """All of a destination: its ports, its addresses, and that it was announced."""
    return [mark for mark in marks if _known_as(mark) == destination]


def meant(destination: str, marks: Collection[Mark]) -> str:
    """What a name that is not known is remembered as, if that is known: findings name the whole of it."""
    domain = registered_domain(destination.lower().rstrip("."))
    return domain if domain and facts_of(domain, marks) else ""


def _known_as(mark: Mark) -> str | None:
    match mark.what:
        case What.DESTINATION | What.DENIED | What.ADDRESS:
            return split(mark.name)[1]
        case What.TOLD:
            told = next((mark.name.removeprefix(text) for text in _TOLD if mark.name.startswith(text)), "")
            return split(told)[1]
        case _:
            return None
