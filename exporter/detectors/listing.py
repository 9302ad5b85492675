"""Lists what is unexpected: as it is seen, and from the memory, after a restart."""

from exporter.detectors.destination_facts import latest_of
from exporter.detectors.unexpected import Unexpected, Where, oldest_shown
from exporter.expectations.interface import Expectation
from exporter.known.interface import Fact, Row, What, WorkloadKey
from exporter.known.recall import Recall
from exporter.known.sighting import Sighting, port_and_protocol
from exporter.known.workload import Remembered, split

_WENT = (What.DESTINATION, What.DENIED)


class Listing:
    """Keeps the table of unexpected destinations. Used by one thread."""

    def __init__(self, recall: Recall, most: int, most_workloads: int) -> None:
        self._recall, self._most = recall, most_workloads
        self.unexpected = Unexpected(most)
        self._known: set[WorkloadKey] = set()

    def saw(self, sighting: Sighting, row: Row, *, learning: bool) -> None:
        """A destination was seen, and this is known of it now; `learning` is what its workload is doing."""
        where = where_of(sighting)
        if sighting.answer.expectation is Expectation.UNEXPECTED:
            self.unexpected.saw(where, row, learning=learning)
        else:
            self.unexpected.is_expected(where)

    def restore(self, now_ns: int) -> bool:
        """List what was unexpected lately by the store; False when it does not work."""
        facts = self._recall.listed(oldest_shown(now_ns))
        for fact in facts or ():
            self._add(fact)
        return facts is not None

    def meet(self, workload: WorkloadKey, known: Remembered) -> None:
        """A workload is seen for the first time since our start: what a shared store says of it is listed."""
        if workload in self._known or not self._recall.is_sure(workload):
            return
        if len(self._known) >= self._most:
            self._known.clear()
        self._known.add(workload)
        for mark, row in known.rows.items() if self._recall.store.shared else ():
            self._add(Fact(workload, mark, row))

    def _add(self, fact: Fact) -> None:
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


def where_of(sighting: Sighting) -> Where:
    """The labels under which an unexpected destination is listed."""
    destination = sighting.destination
    return Where(
        sighting.workload,
        destination.kind,
        destination.scope,
        destination.label,
        sighting.port,
        sighting.protocol,
        sighting.verdict,
    )
