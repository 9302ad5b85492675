"""When a workload has shown where it usually goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.known.learning import SPAN_NS, Learnt, News, Progress, State, progress
from exporter.known.settings import LearningSettings

HOUR = 3600 * 1_000_000_000
DAY = 24 * HOUR
FIRST = 1_000 * DAY
SETTINGS = LearningSettings()
"""Three days, two starts, a day without news; fourteen days at most."""


def learnt(*news_hours: float, starts: tuple[float, ...] = (), name: str = "cart") -> Learnt:
    """A workload by the hours of its age at which something new, and starts of pods, were seen."""
    news = [News(FIRST + round(hour * HOUR), FIRST + round(hour * HOUR)) for hour in news_hours]
    return Learnt(name, FIRST, [FIRST + round(hour * HOUR) for hour in starts], news)


def at(hours: float, what: Learnt, settings: LearningSettings = SETTINGS) -> Progress:
    """Its progress at that age."""
    return progress(what, settings, FIRST + round(hours * HOUR))


def test_armed_when_enough_was_seen() -> None:
    """Three days old, two starts seen, nothing new for a day: armed from the moment at which the last of it holds."""
    enough = learnt(0, 20, starts=(1, 30))
    assert at(71.9, enough).state is State.LEARNING
    assert at(72, enough) == Progress(State.ARMED, FIRST + 3 * DAY)
    late_start = learnt(0, starts=(1, 100))
    assert at(99, late_start).state is State.LEARNING
    assert at(100, late_start) == Progress(State.ARMED, FIRST + 100 * HOUR)
    late_news = learnt(0, 60, starts=(1, 2))
    assert at(83.9, late_news).state is State.LEARNING
    assert at(84, late_news) == Progress(State.ARMED, FIRST + 84 * HOUR)


def test_says_what_is_missing() -> None:
    """Whoever asks why a workload is still learning is told all that is missing."""
    assert at(30, learnt(0, 12, starts=(3,))).missing == (
        "known for 30h of 72h",
        "1 of 2 pod starts seen",
        "nothing new for 18h of 24h",
    )
    assert at(80, learnt(0, starts=(3,))).missing == ("1 of 2 pod starts seen",)


def test_greatest_age_arms_anyway() -> None:
    """Eighteen days of learning without a restart: it is armed after fourteen."""
    quiet = learnt(0, 30)
    assert at(14 * 24 - 1, quiet).state is State.LEARNING
    assert at(14 * 24, quiet) == Progress(State.ARMED, FIRST + 14 * DAY)


def test_never_converges() -> None:
    """Something new in a quarter of the spans of the last week: it goes everywhere by nature, and is counted only."""
    assert at(14 * 24, learnt(*range(0, 336, 23), starts=(1, 2))).state is State.OPEN_ENDED, "7 of 28 spans"
    assert at(14 * 24, learnt(200, 220, 240, 260, 280, 300)).state is State.ARMED, "6 of 28 spans"


def test_calms_down() -> None:
    """An open-ended workload is looked at again after each greatest age: one that has calmed down is armed."""
    restless = learnt(*range(0, 14 * 24, 12))
    assert at(20 * 24, restless).state is State.OPEN_ENDED
    assert at(28 * 24 - 1, restless).state is State.OPEN_ENDED
    assert at(28 * 24, restless) == Progress(State.ARMED, FIRST + 28 * DAY)


def test_noise_does_not_disarm() -> None:
    """What comes after the moment of arming never undoes it: whoever makes noise must not silence the alarm."""
    calm = [0.0, 20.0]
    noise = [float(hour) for hour in range(80, 2_000, 5)]
    assert at(2_000, learnt(*calm, *noise, starts=(1, 2))) == at(72, learnt(*calm, starts=(1, 2)))


@pytest.mark.parametrize("name", ["~host", "~unknown"])
def test_always_open(name: str) -> None:
    """Nothing can be learnt of the host and of the unknown."""
    assert at(0, learnt(name=name)).state is State.OPEN_ENDED
    assert at(999, learnt(name=name, starts=(1, 2))).state is State.OPEN_ENDED


def test_no_starts_wanted() -> None:
    """With `starts` 0 age and quiet are enough."""
    settings = LearningSettings(starts=0)
    assert at(72, learnt(0), settings).state is State.ARMED


@given(
    st.lists(st.floats(0, 400), max_size=20).map(sorted),
    st.lists(st.floats(0, 400), max_size=4),
    st.lists(st.floats(0, 600), min_size=2, max_size=2).map(sorted),
)
def test_property_armed_stays_armed(news: list[float], starts: list[float], ages: list[float]) -> None:
    """Whatever was seen: once armed, a workload stays armed, by the same facts, from the same moment."""
    what = learnt(*news, starts=tuple(starts))
    early, late = at(ages[0], what), at(ages[1], what)
    if early.state is State.ARMED:
        assert late == early
    if early.state is not State.LEARNING:
        assert not early.missing


def test_span() -> None:
    """A week has 28 spans of six hours, which the share of those with news is taken of."""
    assert 7 * DAY // SPAN_NS == 28
