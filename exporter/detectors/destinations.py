"""The detector of new and unexpected destinations: from what waits in the inbox to facts, counts and findings.

It works in a thread of its own, for it talks to the store. Everything is judged in the order in which it was seen, and
by the flows' own times, so that a replay finds what the live stream has found.
"""

from collections.abc import Iterable

from exporter.detectors.announcing import Announcing
from exporter.detectors.contexts import context_of
from exporter.detectors.destination_facts import facts_of_destination, facts_of_source, mark_of
from exporter.detectors.destination_findings import Circumstances
from exporter.detectors.listing import Listing
from exporter.detectors.novelty import Judged, judge
from exporter.findings.interface import Context
from exporter.known.attendance import Attendance
from exporter.known.interface import Mark, Row, What, WorkloadKey, seen
from exporter.known.learning import ALWAYS_OPEN, Progress, State, progress
from exporter.known.recall import Recall
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Missed, Note, Sighting, Watched
from exporter.known.workload import Remembered

_EPHEMERAL = 32_768
"""Ports from here on are those of clients (Linux `ip_local_port_range`)."""
_ITSELF = Mark(What.WORKLOAD)
_A_TENTH = 10
_FIRST_STARTS = 100
"""The moment of arming rests on the first starts of pods, some of which may turn out to be none."""


class DestinationsDetector:
    """Used by one thread."""

    def __init__(self, recall: Recall, settings: KnownSettings, announcing: Announcing, listing: Listing) -> None:
        self._recall, self._settings = recall, settings
        self._announcing, self._listing = announcing, listing
        self._window_ns = int(settings.learning.startup_window * 1e9)
        self._youth_ns = int(settings.learning.min_age * 1e9)
        self._attendance = Attendance(recall, settings.learning.startup_window)
        self._armed: dict[WorkloadKey, Progress] = {}
        self.refused = 0
        """Sightings of destinations for which their workload had no room."""

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

    def progress_of(self, workload: WorkloadKey, now_ns: int, known: Remembered | None = None) -> Progress:
        """How far a workload is. Of one that the store could not be asked about nothing is known: it is learning."""
        if not self._recall.is_sure(workload):
            return Progress(State.LEARNING, 0, ("the store could not be asked",))
        known = known or self._recall.of(workload)
        itself = known.rows.get(_ITSELF)
        if itself is None:
            return Progress(State.LEARNING, 0, ("nothing is known of it",))
        armed = self._armed.get(workload)
        # One that was forgotten and comes again begins anew.
        if armed is None or not itself.first_ns <= armed.since_ns <= now_ns:
            armed = progress(known.learnt(workload.name), self._settings.learning, now_ns)
            if armed.state is State.ARMED:
                # Nothing that happens later undoes it.
                if len(self._armed) >= self._settings.entries:
                    self._armed.clear()
                self._armed[workload] = armed
        return armed

    def _state_of(self, workload: WorkloadKey, known: Remembered, now_ns: int) -> State:
        """The state alone: to say what a young workload lacks takes longer than all else, and only pages ask for it."""
        itself = known.rows.get(_ITSELF)
        is_young = itself is not None and now_ns - itself.first_ns < self._youth_ns
        if is_young and workload not in self._armed and workload.name not in ALWAYS_OPEN:
            return State.LEARNING
        return self.progress_of(workload, now_ns, known).state

    def _sighted(self, sighting: Sighting) -> None:
        flow, workload = sighting.flow, sighting.workload
        self._attendance.saw(flow.node_name, flow.time_ns)
        known = self._recall.of(workload)
        self._listing.meet(workload, known)
        judged = judge(sighting, known)
        if judged.novelty is not None and self._recall.is_stale(workload):
            # What others have written meanwhile matters only where something seems to be new.
            judged = judge(sighting, self._recall.of(workload, fresh=True))
        if judged.novelty is not None and not self._may_be_new(sighting, known):
            return
        self._announcing.nameless(sighting, judged, known)
        self._note_source(sighting, known)
        state = self._state_of(workload, known, flow.time_ns)
        context = context_of(sighting, known, state, self._attendance, self._window_ns)
        about = Circumstances(None, context, state)
        mark = mark_of(sighting, judged)
        before = self._note(sighting, judged, mark, known, context)
        if before is not None:
            self._announcing.again(sighting, judged, known, about, before)
        elif judged.novelty is not None:
            self._announcing.new(sighting, judged, known, about)
        self._listing.saw(sighting, known.rows[mark], learning=state is State.LEARNING)

    def _may_be_new(self, sighting: Sighting, known: Remembered) -> bool:
        """A packet in the middle of a connection may be an answer, misread; and a workload has only so much room."""
        if not sighting.starts and sighting.flow.destination_port >= _EPHEMERAL:
            return False
        if known.places < self._settings.destinations_per_workload:
            return True
        self.refused += 1
        # Whoever fills the memory must not hide what nobody allowed.
        self._listing.saw(sighting, seen(sighting.time_ns), learning=False)
        return False

    def _note_source(self, sighting: Sighting, known: Remembered) -> None:
        is_watched = self._attendance.is_long(sighting.flow.node_name, sighting.time_ns)
        self._recall.note(facts_of_source(sighting, known, is_watched=is_watched))
        if known.pods > self._settings.pods_per_workload:
            self._forget_oldest(sighting.workload, known, What.POD)
        if known.addresses > self._settings.addresses_per_workload:
            self._forget_oldest(sighting.workload, known, What.ADDRESS)
        if known.starts > self._settings.pods_per_workload:
            self._forget_oldest(sighting.workload, known, What.START, spared=_FIRST_STARTS)
        if len(known.revisions) > self._settings.pods_per_workload:
            self._forget_oldest(sighting.workload, known, What.REVISION)

    def _forget_oldest(self, workload: WorkloadKey, known: Remembered, what: What, spared: int = 0) -> None:
        """Make room for a while: forgetting costs a walk over everything that is known of the workload."""
        marks = known.oldest(what)[spared:]
        self._recall.forget(workload, marks[: len(marks) // _A_TENTH + 1])

    def _note(self, sighting: Sighting, judged: Judged, mark: Mark, known: Remembered, context: Context) -> Row | None:
        """Write the destination; what was known of it before, here or by others."""
        facts, before = facts_of_destination(sighting, judged, mark, known, context), known.rows.get(mark)
        return self._recall.note(facts).get(mark, before)
