"""Fields of one policy that are not evaluated: each makes its answers undecided, and is said once."""

from collections.abc import Collection, Mapping

from exporter.documents.fields import Field
from exporter.expectations.interface import NotEvaluated

UNKNOWN_FIELD = "unknown"
"""Any field that we have never heard of."""
UNLISTED = "unlisted"
"""No field, but all of a kind that the API server did not list yet."""
KNOWN_UNREAD = (
    "authentication",
    "icmps",
    "namedPorts",
    "serverNames",
    "toGroups",
    "toNodes",
    "toRequires",
    UNKNOWN_FIELD,
    UNLISTED,
)
"""What is counted in the metric, by its name."""


class Unread:
    """Collects them while a policy is read."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], NotEvaluated] = {}
        self.times = 0
        """How many were met so far, those of the same name too."""

    @property
    def found(self) -> tuple[NotEvaluated, ...]:
        """Each kind of field once, at its first place; unknown ones each by their name."""
        return tuple(self._found.values())

    def field(self, name: str, field: Field) -> None:
        """A field that is known and not evaluated."""
        self.times += 1
        key = (name, field.path.rpartition(".")[2] if name == UNKNOWN_FIELD else "")
        self._found.setdefault(key, NotEvaluated(name, field.path, field.line))

    def keys(self, parts: Mapping[str, Field], read: Collection[str]) -> None:
        """All keys but those that are read: perhaps a newer release knows them."""
        for key, field in parts.items():
            if key not in read:
                self.field(key if key in KNOWN_UNREAD else UNKNOWN_FIELD, field)
