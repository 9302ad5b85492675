"""The series of the product families: where an increment goes, when a series is born, leaves, and comes back.

Nothing that is counted is ever dropped or moved: what finds no room is counted under a folded label from then on.
Not thread-safe: the pipeline owns it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from exporter.metrics import labels
from exporter.metrics.budget import Budget
from exporter.metrics.ceiling import EXPECTED, RESERVED, Ceiling
from exporter.metrics.families import Family
from exporter.metrics.retained import Retained
from exporter.metrics.series import FamilySeries, Series, Values, folds
from exporter.metrics.settings import MetricsSettings

_ROUND_TICKS = 60
"""Each series is looked at once in so many ticks: an idle one leaves about a minute after its time."""


class Hit(NamedTuple):
    """A budget was reached for the first time: which setting, by which workload, in which family."""

    setting: str
    namespace: str
    workload: str
    family: str


class Store:
    """Counts into series."""

    def __init__(
        self,
        families: Sequence[Family],
        settings: MetricsSettings,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make an empty store; `steady_ns` is a clock that nobody sets: a step would let all series leave, or none."""
        self.steady_ns = steady_ns
        self.families = {family: FamilySeries(family) for family in families}
        self.ceiling = Ceiling(families, settings.series, min(settings.series, settings.series_per_family))
        self.retained = Retained(settings.retained_series, settings.retained_for)
        self._budget = Budget(settings)
        ttls = settings.ttl_by_family
        self._ttl_ns = {family: int(ttls.get(family.short, settings.ttl) * 1e9) for family in families}
        self._now_ns = 0
        self._round, self._per_tick = self._rounds(), 1
        self._hits: dict[str, Hit | None] = {}

    def add(self, family: Family, values: Values, weight: int, pool: str = EXPECTED) -> None:
        """Count; a weight of 0 lets the series exist."""
        self.count(self.families[family], values, weight, pool)

    def count(self, series: FamilySeries, values: Values, weight: int, pool: str = EXPECTED) -> None:
        """`add` for who has looked up the family before."""
        found = series.live.get(values) or self._place(series, values, weight, pool)
        found.value += weight
        found.used_ns = self._now_ns
        series.counted += weight

    def tick(self, now_ns: int) -> None:
        """Let idle series leave; `now_ns` is what `steady_ns` says."""
        if not self._now_ns:
            # Before the first tick there was no clock: what was counted so far was used now.
            for series in self.families.values():
                for one in series.live.values():
                    one.used_ns = now_ns
        self._now_ns = now_ns
        self.retained.forget(now_ns)
        for _ in range(self._per_tick):
            found = next(self._round)
            if found is None:
                return
            series, one = found
            if now_ns - one.used_ns > self._ttl_ns[series.family]:
                self._let_go(series, one)

    def take_hits(self) -> list[Hit]:
        """Budgets that were reached for the first time since the last call."""
        new = [hit for hit in self._hits.values() if hit]
        self._hits.update((hit.setting, None) for hit in new)
        return new

    def _place(self, series: FamilySeries, values: Values, weight: int, pool: str) -> Series:
        """The series that counts for these values: their own, or the first step of their folding that has room."""
        fitted, hit = self._budget.fit(series.family, values, pool)
        if not (hit or self.ceiling.refuses(series, 0, pool)) and series.family.folds:
            return self._bear(series, values, pool)
        for step, key in enumerate(folds(series.family, fitted)):
            found = series.live.get(key)
            if found is None and (refusal := self.ceiling.refuses(series, step, pool)):
                series.refused += step == 0
                hit = hit or refusal
                continue
            if hit:
                self._note(series, values, key, weight, hit)
            return found or self._bear(series, key, RESERVED if step == len(series.family.folds) else pool)
        raise AssertionError("the last step always has room")

    def _note(self, series: FamilySeries, values: Values, key: Values, weight: int, hit: str) -> None:
        for label, wanted, got in zip(series.family.labels, values, key, strict=True):
            if wanted != got:
                series.folded[label.name] += weight
        if hit not in self._hits:
            namespace, workload = values[:2] if labels.SOURCE_WORKLOAD in series.family.labels else ("", values[0])
            self._hits[hit] = Hit(hit, namespace, workload, series.family.short)

    def _bear(self, series: FamilySeries, key: Values, pool: str) -> Series:
        value = self.retained.take(series, key)
        born = series.live[key] = Series(key, pool, value, self._now_ns)
        self.ceiling.born(series, pool)
        self._budget.born(series.family, key, pool)
        return born

    def _let_go(self, series: FamilySeries, one: Series) -> None:
        del series.live[one.key]
        self.ceiling.gone(series, one.pool)
        self._budget.gone(series.family, one.key, one.pool)
        self.retained.put(series, one.key, one.value, self._now_ns)
        series.expired += 1

    def _rounds(self) -> Iterator[tuple[FamilySeries, Series] | None]:
        """All series, over and over; None at the end of each round."""
        while True:
            listed = [(series, one) for series in self.families.values() for one in series.live.values()]
            self._per_tick = len(listed) // _ROUND_TICKS + 1
            yield from listed
            yield None
