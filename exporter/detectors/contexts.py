"""What was going on when something was seen for the first time."""

from exporter.findings.interface import Context
from exporter.known.attendance import Attendance
from exporter.known.interface import Mark, What
from exporter.known.learning import State
from exporter.known.revisions import revision_of
from exporter.known.sighting import Sighting
from exporter.known.workload import Remembered


def context_of(sighting: Sighting, known: Remembered, state: State, attendance: Attendance, window_ns: int) -> Context:
    """The first that holds: still learning, behind a gap, in a rollout, at the start of a pod."""
    if state is State.LEARNING:
        return Context.LEARNING
    if attendance.doubts(sighting.flow.node_name, sighting.time_ns):
        return Context.AFTER_GAP
    if not is_starting(sighting, known, window_ns):
        return Context.STEADY
    return Context.ROLLOUT if rolled_out(sighting, known, window_ns) else Context.STARTUP


def is_starting(sighting: Sighting, known: Remembered, window_ns: int) -> bool:
    """Whether the pod was seen to start, and not long ago; a start explains nothing of what a job does."""
    if sighting.is_job:
        return False
    start = known.rows.get(Mark(What.START, sighting.pod))
    return start is not None and sighting.time_ns - start.first_ns <= window_ns


def rolled_out(sighting: Sighting, known: Remembered, window_ns: int) -> str:
    """The revision of the pod, if it is new and there was another one before."""
    revision = revision_of(sighting.flow.source.pod_name, sighting.workload.name)
    row = known.rows.get(Mark(What.REVISION, revision))
    if row is None or sighting.time_ns - row.first_ns > window_ns:
        return ""
    return revision if any(_is_older(mark, known, row.first_ns) for mark in known.revisions) else ""


def _is_older(mark: Mark, known: Remembered, time_ns: int) -> bool:
    return known.rows[mark].first_ns < time_ns
