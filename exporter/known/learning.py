"""When a workload has shown where it usually goes: a pure function of what was seen of it.

A workload is armed at the first moment at which it has the least age, the wanted starts of pods were seen, and nothing
new was seen for a while. A clock alone is not enough: a learning phase without a restart knows nothing of what happens
at one. What happens later cannot undo that moment, or whoever makes noise would silence the alarm.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from exporter.known.settings import LearningSettings

SPAN_NS = 6 * 3600 * 1_000_000_000
"""News within one span counts as once: a new version that goes to ten new places is one piece of news."""
_CONVERGED = 0.25
"""A workload converges if news came in fewer spans than this share, over the last half of the greatest age."""
ALWAYS_OPEN = ("~host", "~unknown")
"""The host is all its processes and host-network pods; of the unknown nothing can be learnt."""


_HOUR = 3600.0


class State(StrEnum):
    """What is known of a workload's habits."""

    LEARNING = "learning"
    ARMED = "armed"
    OPEN_ENDED = "open_ended"
    """It goes somewhere new all the time, by nature: it is counted only."""

    __hash__ = str.__hash__


class News(NamedTuple):
    """Something new was seen, from the first time to the last within one span."""

    first_ns: int
    last_ns: int


class Learnt(NamedTuple):
    """What the state follows from: `starts` are times of pod starts, `news` is in order of time."""

    name: str
    first_ns: int
    starts: Sequence[int]
    news: Sequence[News]


class Progress(NamedTuple):
    """A state, since when (ns; 0 while learning), and what is missing until a workload is armed."""

    state: State
    since_ns: int = 0
    missing: tuple[str, ...] = ()


def progress(learnt: Learnt, settings: LearningSettings, now_ns: int) -> Progress:
    """How far a workload is at a time of the flows."""
    if learnt.name in ALWAYS_OPEN:
        return Progress(State.OPEN_ENDED, learnt.first_ns)
    max_age_ns, min_age_ns = int(settings.max_age * 1e9), int(settings.min_age * 1e9)
    starts = sorted(learnt.starts)
    if len(starts) >= settings.starts:
        enough_ns = max(learnt.first_ns + min_age_ns, starts[settings.starts - 1] if settings.starts else 0)
        armed_ns = _first_quiet(learnt.news, enough_ns, int(settings.quiet * 1e9))
        if armed_ns <= now_ns and armed_ns < learnt.first_ns + max_age_ns:
            return Progress(State.ARMED, armed_ns)
    aged_ns = learnt.first_ns + max_age_ns
    while aged_ns <= now_ns:
        if _has_converged(learnt.news, aged_ns, max_age_ns // 2):
            return Progress(State.ARMED, aged_ns)
        aged_ns += max_age_ns
    if now_ns - learnt.first_ns >= max_age_ns:
        return Progress(State.OPEN_ENDED, learnt.first_ns + max_age_ns)
    return Progress(State.LEARNING, 0, tuple(_missing(learnt, settings, now_ns)))


def _first_quiet(news: Sequence[News], from_ns: int, quiet_ns: int) -> int:
    """The first time at or after `from_ns` before which nothing new was seen for so long."""
    for one in news:
        if one.first_ns > from_ns:
            break
        from_ns = max(from_ns, one.last_ns + quiet_ns)
    return from_ns


def _has_converged(news: Sequence[News], at_ns: int, window_ns: int) -> bool:
    recent = sum(1 for one in news if at_ns - window_ns < one.first_ns <= at_ns)
    return recent < _CONVERGED * window_ns / SPAN_NS


def _missing(learnt: Learnt, settings: LearningSettings, now_ns: int) -> list[str]:
    missing = []
    age = (now_ns - learnt.first_ns) / 1e9
    if age < settings.min_age:
        missing.append(f"known for {_long(age)} of {_long(settings.min_age)}")
    if len(learnt.starts) < settings.starts:
        missing.append(f"{len(learnt.starts)} of {settings.starts} pod starts seen")
    quiet = (now_ns - learnt.news[-1].last_ns) / 1e9 if learnt.news else settings.quiet
    if quiet < settings.quiet:
        missing.append(f"nothing new for {_long(quiet)} of {_long(settings.quiet)}")
    return missing


def _long(seconds: float) -> str:
    seconds = max(0.0, seconds)
    return f"{seconds / 3600:.0f}h" if seconds >= _HOUR else f"{seconds / 60:.0f}m"
