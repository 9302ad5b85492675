"""The detector of new and unexpected destinations: from what waits in the inbox to facts, counts and findings.

It works in a thread of its own, for it talks to the store. Everything is judged in the order in which it was seen, and
by the flows' own times, so that a replay finds what the live stream has found.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from exporter.destinations.interface import NameConfidence
from exporter.detectors.contexts import context_of, is_starting, rolled_out
from exporter.detectors.destination_facts import (
    began_of,
    fact_of_news,
    facts_of_destination,
    facts_of_source,
    latest_of,
    mark_of,
)
from exporter.detectors.destination_findings import Circumstances, finding_of, is_mute
from exporter.detectors.novelty import Judged, judge, news_of_address
from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.detectors.unexpected import Unexpected, Where, oldest_shown
from exporter.expectations.interface import Expectation
from exporter.findings.interface import Context, Finding, Novelty
from exporter.known.attendance import Attendance
from exporter.known.interface import Fact, Mark, Row, What, WorkloadKey, seen
from exporter.known.learning import Progress, State, progress
from exporter.known.recall import Recall
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Missed, Note, Sighting, Watched, port_and_protocol
from exporter.known.workload import Remembered, split

_WENT = (What.DESTINATION, What.DENIED)
_GOES_ON_NS = 3600 * 1_000_000_000
_EPHEMERAL = 32_768
"""Ports from here on are those of clients (Linux `ip_local_port_range`)."""
Announce = Callable[[Finding], None]
News = tuple[str, ...]


class DestinationsDetector:
    """Used by one thread, but for `take_news`."""

    def __init__(
        self, recall: Recall, known: KnownSettings, settings: DestinationsDetectorSettings, announce: Announce
    ) -> None:
        self._recall, self._settings, self._announce = recall, known, announce
        self._window_ns = int(known.learning.startup_window * 1e9)
        self._scopes = frozenset(scope.value for scope in settings.scopes)
        self._attendance = Attendance(recall, known.learning.startup_window)
        self.unexpected = Unexpected(known.unexpected)
        self.refused = 0
        """Sightings of destinations for which their workload had no room."""
        self._armed: dict[WorkloadKey, Progress] = {}
        self._listed: set[WorkloadKey] = set()
        self._lock = threading.Lock()
        self._news: Counter[News] = Counter()
        self._nameless: Counter[News] = Counter()

    def take(self, notes: Iterable[Note]) -> None:
        """Judge what was seen, in its order."""
        for note in notes:
            match note:
                case Sighting():
                    self._sighted(note)
                case Watched():
                    self._attendance.watched(note)
                case Missed():
                    self._attendance.missed(note)

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

    def progress_of(self, workload: WorkloadKey, now_ns: int, known: Remembered | None = None) -> Progress:
        """How far a workload is. Of one that the store could not be asked about nothing is known: it is learning."""
        if not self._recall.is_sure(workload):
            return Progress(State.LEARNING, 0, ("the store could not be asked",))
        armed = self._armed.get(workload)
        if armed is None or now_ns < armed.since_ns:
            known = known or self._recall.of(workload)
            armed = progress(known.learnt(workload.name), self._settings.learning, now_ns)
            if armed.state is State.ARMED:
                # Nothing that happens later undoes it.
                if len(self._armed) >= self._settings.entries:
                    self._armed.clear()
                self._armed[workload] = armed
        return armed

    def restore(self, now_ns: int) -> bool:
        """List what was unexpected lately by the store; False when it does not work."""
        facts = self._recall.listed(oldest_shown(now_ns))
        for fact in facts or ():
            self._list_fact(fact)
        return facts is not None

    def forget(self, workload: WorkloadKey) -> None:
        """What was derived of a workload whose facts are gone."""
        self._armed.pop(workload, None)
        self.unexpected.forget(workload)

    def _sighted(self, sighting: Sighting) -> None:
        flow, workload = sighting.flow, sighting.workload
        self._attendance.saw(flow.node_name, flow.time_ns)
        known = self._recall.of(workload)
        if workload not in self._listed:
            self._list_again(workload, known)
        judged = judge(sighting, known)
        if judged.novelty is not None:
            known = self._recall.of(workload, fresh=True)
            judged = judge(sighting, known)
        if judged.novelty is not None and not self._may_be_new(sighting, known):
            return
        self._count_nameless(sighting, judged, known)
        self._note_source(sighting, known)
        at = self.progress_of(workload, flow.time_ns, known)
        context = context_of(sighting, known, at, self._attendance, self._window_ns)
        before = self._note(sighting, judged, known, context)
        if judged.novelty is not None and before is None:
            self._is_new(sighting, judged, known, at, context)
        elif before is not None:
            self._is_known(sighting, judged, known, at, context, before)
        self._list(sighting, known.rows[mark_of(sighting, judged)])

    def _may_be_new(self, sighting: Sighting, known: Remembered) -> bool:
        """A packet in the middle of a connection may be an answer, misread; and a workload has only so much room."""
        if not sighting.starts and sighting.flow.destination_port >= _EPHEMERAL:
            return False
        if known.destinations + known.addresses < self._settings.destinations_per_workload:
            return True
        self.refused += 1
        return False

    def _note_source(self, sighting: Sighting, known: Remembered) -> None:
        is_watched = self._attendance.is_long(sighting.flow.node_name, sighting.time_ns)
        self._write(list(facts_of_source(sighting, known, is_watched=is_watched)), known)
        if known.pods > self._settings.pods_per_workload:
            self._recall.forget(sighting.workload, (known.oldest(What.POD),))

    def _note(self, sighting: Sighting, judged: Judged, known: Remembered, context: Context) -> Row | None:
        """Write the destination; what was known of it before, here or by others."""
        mark, facts = mark_of(sighting, judged), list(facts_of_destination(sighting, judged, known, context))
        before = known.rows.get(mark)
        return self._write(facts, known).get(mark, before)

    def _write(self, facts: Sequence[Fact], known: Remembered) -> dict[Mark, Row | None]:
        """Write what is new at once, the rest later; returns what stood there before of what is new."""
        new = [fact for fact in facts if fact.mark not in known.rows]
        for fact in facts:
            if fact.mark in known.rows:
                self._recall.refresh(fact)
        before = self._recall.add(new) if new else []
        return {fact.mark: row for fact, row in zip(new, before, strict=True)}

    def _is_new(self, sighting: Sighting, judged: Judged, known: Remembered, at: Progress, context: Context) -> None:
        unexpected = sighting.answer.expectation is Expectation.UNEXPECTED
        if is_mute(sighting):
            return
        if judged.nameless:
            if unexpected and self._is_first_time(sighting, known, f"unexpected {sighting.destination.label}"):
                self._find(sighting, judged, known, Circumstances(None, context, at.state))
            return
        if at.state is not State.ARMED:
            self._write((fact_of_news(sighting),), known)
        self._count(sighting, judged.novelty, context)
        if at.state is State.ARMED or (unexpected and at.state is State.LEARNING):
            self._find(sighting, judged, known, Circumstances(judged.novelty, context, at.state))

    def _is_known(
        self, sighting: Sighting, judged: Judged, known: Remembered, at: Progress, context: Context, before: Row
    ) -> None:
        """Two things may be said of what is known: it is unexpected now, or it goes on after the start."""
        if at.state is not State.ARMED or is_mute(sighting):
            return
        expectation, name = sighting.answer.expectation, mark_of(sighting, judged).name
        if expectation is Expectation.UNEXPECTED:
            was = latest_of(before).get("expectation")
            if was != expectation and self._is_first_time(sighting, known, f"unexpected {name}"):
                self._find(sighting, judged, known, Circumstances(None, context, at.state))
        elif (
            expectation is Expectation.NOT_COVERED
            and began_of(before).get("context") == Context.STARTUP
            and judged.confidence is not NameConfidence.STALE
            and not is_starting(sighting, known, self._window_ns)
            and goes_on(known.rows[mark_of(sighting, judged)])
            and self._is_first_time(sighting, known, f"goes on {name}")
        ):
            self._count(sighting, Novelty.DESTINATION, context)
            self._find(sighting, judged, known, Circumstances(Novelty.DESTINATION, context, at.state))

    def _is_first_time(self, sighting: Sighting, known: Remembered, what: str) -> bool:
        """Whether nobody, in any exporter, has said this yet; from now on somebody has."""
        told = Mark(What.TOLD, what)
        if told in known.rows:
            return False
        return self._recall.add((Fact(sighting.workload, told, seen(sighting.time_ns)),)) == [None]

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

    def _count_nameless(self, sighting: Sighting, judged: Judged, known: Remembered) -> None:
        """Of addresses without a name it is counted what is new about them, each on its own."""
        if not judged.nameless or judged.novelty is None:
            return
        with self._lock:
            for news in news_of_address(sighting, known):
                self._nameless[sighting.workload.namespace, sighting.workload.name, news] += 1

    def _find(self, sighting: Sighting, judged: Judged, known: Remembered, about: Circumstances) -> None:
        revision = rolled_out(sighting, known, self._window_ns) if about.context is Context.ROLLOUT else ""
        about = about._replace(revision=revision, degraded=self._recall.degraded)
        self._announce(finding_of(sighting, judged, about, self._scopes))

    def _list_again(self, workload: WorkloadKey, known: Remembered) -> None:
        """A workload is seen for the first time since our start: what a shared store says of it is listed."""
        if not self._recall.is_sure(workload):
            return
        if len(self._listed) >= self._settings.entries:
            self._listed.clear()
        self._listed.add(workload)
        for mark, row in known.rows.items() if self._recall.store.shared else ():
            self._list_fact(Fact(workload, mark, row))

    def _list_fact(self, fact: Fact) -> None:
        """List a destination that is unexpected by what the memory says of it."""
        latest = latest_of(fact.row) if fact.mark.what in _WENT else {}
        if latest.get("expectation") != Expectation.UNEXPECTED:
            return
        service, known_as = split(fact.mark.name)
        where = Where(
            fact.workload,
            latest.get("kind", ""),
            latest.get("scope", ""),
            latest.get("label", known_as),
            *port_and_protocol(service),
            latest.get("verdict", ""),
        )
        self.unexpected.saw(where, fact.row)

    def _list(self, sighting: Sighting, row: Row) -> None:
        where = where_of(sighting)
        if sighting.answer.expectation is Expectation.UNEXPECTED:
            self.unexpected.saw(where, row)
        else:
            self.unexpected.is_expected(where)


def goes_on(row: Row) -> bool:
    """Whether a destination is reached for an hour or more: a call at the start of a pod, or once a week, is not."""
    return row.last_ns - row.since_ns >= _GOES_ON_NS


def where_of(sighting: Sighting) -> Where:
    """The labels under which an unexpected destination is listed."""
    destination = sighting.destination
    return Where(
        sighting.workload,
        destination.kind.value,
        destination.scope.value,
        destination.label,
        sighting.port,
        sighting.protocol,
        sighting.verdict,
    )
