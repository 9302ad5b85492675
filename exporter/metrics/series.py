"""One series, and the series of one family with what became of everything that was counted in it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from exporter.metrics import labels
from exporter.metrics.families import Family

Values = tuple[str, ...]
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Series:
    """A counter that is exposed; `texts` are the values of its labels as a sample has them, escaped once."""

    __slots__ = ("key", "pool", "texts", "used_ns", "value")

    def __init__(self, key: Values, pool: str, value: int, now_ns: int) -> None:
        self.key, self.pool, self.value, self.used_ns = key, pool, value, now_ns
        # Hardly any label has a character to escape, so all are looked at together first, and need no copy.
        together = "".join(key)
        escapes = '"' in together or "\\" in together or "\n" in together
        self.texts = tuple(text.translate(ESCAPES) for text in key) if escapes else key


@lru_cache
def template(family: Family) -> str:
    """The sample line of a family up to the value, with a place for the value of each label."""
    pairs = ",".join(f'{label.name}="%s"' for label in family.labels)
    return f"{family.name}{{{pairs}}} "


@dataclass(slots=True, eq=False)
class FamilySeries:
    """The live series of a family. What was counted is the sum of what is live, retained and forgotten."""

    family: Family
    live: dict[Values, Series] = field(default_factory=dict)
    counted: int = 0
    retained: int = 0
    forgotten: int = 0
    retained_series: int = 0
    expired: int = 0
    resumed: int = 0
    refused: int = 0
    """Series that were wanted and not born, because the family or all families together had no room."""
    folded: Counter[str] = field(default_factory=Counter)
    """What was counted under a folded value, by label."""
    in_pool: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def kept(self) -> int:
        """The sum of the live series."""
        return sum(series.value for series in self.live.values())


def folds(family: Family, values: Values) -> Iterator[Values]:
    """`values`, and what they are folded into step by step when there is no room for them.

    Each step folds a label more: destination, port, workload, namespace. The last one has closed labels only.
    """
    yield values
    folded = list(values)
    for step in family.folds:
        for label in step:
            folded[family.labels.index(label)] = labels.FOLDED
        yield tuple(folded)


def reserve(family: Family) -> int:
    """How many series the last step can ever have: every combination of the labels that it keeps."""
    kept = set(family.labels) - {label for step in family.folds for label in step}
    number = 1
    for label in kept:
        if not label.values:
            raise TypeError(f"{family.name}: the open label {label.name} is never folded")
        number *= len(label.values)
    return number
