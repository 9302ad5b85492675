"""Values of series that left the exposition, so that one that comes back goes on from where it was.

`increase()` sees a daily event only if today's value stands above yesterday's.
"""

from collections import OrderedDict

from exporter.metrics.series import FamilySeries, Values


class Retained:
    """At most `most` values, the one that left first is forgotten first, and each after `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self._span_ns = most, int(seconds * 1e9)
        self._values: OrderedDict[tuple[FamilySeries, Values], tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def put(self, series: FamilySeries, key: Values, value: int, now_ns: int) -> None:
        """Keep the value of a series that leaves."""
        if not value:
            return
        self._values[series, key] = value, now_ns
        series.retained += value
        series.retained_series += 1
        if len(self._values) > self.most:
            self._forget_first()

    def take(self, series: FamilySeries, key: Values) -> int:
        """The value to go on from; 0 when there is none."""
        if not self._values:
            return 0
        value, _ = self._values.pop((series, key), (0, 0))
        if value:
            series.retained -= value
            series.retained_series -= 1
            series.resumed += 1
        return value

    def forget(self, now_ns: int) -> None:
        """Forget what left too long ago."""
        while self._values:
            _, left_ns = next(iter(self._values.values()))
            if now_ns - left_ns <= self._span_ns:
                return
            self._forget_first()

    def _forget_first(self) -> None:
        (series, _), (value, _) = self._values.popitem(last=False)
        series.retained -= value
        series.retained_series -= 1
        series.forgotten += value
