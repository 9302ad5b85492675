"""What is said of a contact that was judged: it is counted as new, and what somebody should know becomes a finding."""

import threading
from collections import Counter
from collections.abc import Callable

from exporter.destinations.interface import NameConfidence
from exporter.detectors.contexts import is_starting, rolled_out
from exporter.detectors.destination_facts import began_of, fact_of_news, latest_of, mark_of
from exporter.detectors.destination_findings import Circumstances, finding_of, is_mute
from exporter.detectors.novelty import Judged, news_of_address
from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.expectations.interface import Expectation
from exporter.findings.interface import Context, Finding, Novelty
from exporter.known.interface import Fact, Mark, Row, What, seen
from exporter.known.learning import State
from exporter.known.recall import Recall
from exporter.known.sighting import Sighting
from exporter.known.workload import Remembered

_GOES_ON_NS = 3600 * 1_000_000_000
Announce = Callable[[Finding], None]
News = tuple[str, ...]


class Announcing:
    """Used by the detector's thread; `take_news` and `take_nameless` by any."""

    def __init__(
        self, recall: Recall, settings: DestinationsDetectorSettings, startup_window: float, announce: Announce
    ) -> None:
        self._recall, self._announce = recall, announce
        self._window_ns = int(startup_window * 1e9)
        self._settings = settings
        self._lock = threading.Lock()
        self._news: Counter[News] = Counter()
        self._nameless: Counter[News] = Counter()

    def take_news(self) -> Counter[News]:
        """New destinations since the last call, by the label values of `hubble_egress_new_destinations_total`."""
        with self._lock:
            news, self._news = self._news, Counter()
        return news

    def take_nameless(self) -> Counter[News]:
        """The same of workloads whose names nobody sees, of `hubble_egress_nameless_news_total`."""
        with self._lock:
            nameless, self._nameless = self._nameless, Counter()
        return nameless

    def nameless(self, sighting: Sighting, judged: Judged, known: Remembered) -> None:
        """Count what is new about an address without a name, before it is known."""
        if not judged.nameless or judged.novelty is None:
            return
        with self._lock:
            for news in news_of_address(sighting, known):
                self._nameless[sighting.workload.namespace, sighting.workload.name, news] += 1

    def new(self, sighting: Sighting, judged: Judged, known: Remembered, about: Circumstances) -> None:
        """It goes there for the first time. Of a workload that is not armed that is remembered, and counted only."""
        unexpected = sighting.answer.expectation is Expectation.UNEXPECTED
        if is_mute(sighting):
            return
        if judged.nameless:
            if unexpected and about.state is not State.OPEN_ENDED:
                self._is_unexpected(sighting, judged, known, about)
            return
        if about.state is not State.ARMED:
            self._recall.note((fact_of_news(sighting),))
        self._count(sighting, judged.novelty, about.context)
        if about.state is State.ARMED or (unexpected and about.state is State.LEARNING):
            self._find(sighting, judged, known, about._replace(novelty=judged.novelty))

    def again(self, sighting: Sighting, judged: Judged, known: Remembered, about: Circumstances, before: Row) -> None:
        """Two things may be said of what is known: it is unexpected now, or it goes on after the start."""
        if about.state is not State.ARMED or is_mute(sighting):
            return
        expectation = sighting.answer.expectation
        if expectation is Expectation.UNEXPECTED:
            if latest_of(before).get("expectation") != expectation:
                self._is_unexpected(sighting, judged, known, about)
        elif expectation is Expectation.NOT_COVERED and self._outlives_the_start(sighting, judged, known, before):
            self._count(sighting, Novelty.DESTINATION, about.context)
            self._find(sighting, judged, known, about._replace(novelty=Novelty.DESTINATION))

    def _outlives_the_start(self, sighting: Sighting, judged: Judged, known: Remembered, before: Row) -> bool:
        """Whether what was explained by the start of a pod goes on for an hour, which a call at the start does not."""
        mark = mark_of(sighting, judged)
        return (
            # Most have other words: they need not be read as JSON.
            Context.STARTUP in before.began
            and began_of(before).get("context") == Context.STARTUP
            and not (judged.nameless or judged.confidence is NameConfidence.STALE)
            and not is_starting(sighting, known, self._window_ns)
            and goes_on(known.rows[mark])
            and self._is_first_time(sighting, known, f"goes on {mark.name}")
        )

    def _is_unexpected(self, sighting: Sighting, judged: Judged, known: Remembered, about: Circumstances) -> None:
        """Say it once; of addresses without a name not for each of them."""
        what = f"{sighting.service} {sighting.destination.label if judged.nameless else judged.known_as}"
        if self._is_first_time(sighting, known, f"unexpected {what}"):
            self._find(sighting, judged, known, about)

    def _is_first_time(self, sighting: Sighting, known: Remembered, what: str) -> bool:
        """Whether nobody, in any exporter, has said this yet; from now on somebody has."""
        told = Mark(What.TOLD, what)
        if told in known.rows:
            return False
        fact = Fact(sighting.workload, told, seen(sighting.time_ns))
        return self._recall.add((fact,)) == [None]

    def _count(self, sighting: Sighting, novelty: Novelty | None, context: Context) -> None:
        values = (
            sighting.workload.namespace,
            sighting.workload.name,
            sighting.destination.kind.value,
            sighting.destination.scope.value,
            (novelty or Novelty.DESTINATION).value,
            sighting.answer.expectation.value,
            context.value,
        )
        with self._lock:
            self._news[values] += 1

    def _find(self, sighting: Sighting, judged: Judged, known: Remembered, about: Circumstances) -> None:
        revision = rolled_out(sighting, known, self._window_ns) if about.context is Context.ROLLOUT else ""
        about = about._replace(revision=revision, degraded=self._recall.degraded)
        self._announce(finding_of(sighting, judged, about, self._settings))


def goes_on(row: Row) -> bool:
    """Whether a destination is reached for an hour or more: a call at the start of a pod, or once a week, is not."""
    return row.last_ns - row.since_ns >= _GOES_ON_NS
