"""What is remembered of one workload, indexed by what is asked."""

from collections.abc import Collection, Mapping
from sys import intern

from exporter.known.interface import Mark, Row, What, merged
from exporter.known.learning import Learnt, News


class Remembered:
    """The facts of one workload. Used by one thread."""

    def __init__(self, rows: Mapping[Mark, Row]) -> None:
        self.rows: dict[Mark, Row] = {}
        # Nearly all have one: a set takes three times the memory of a tuple.
        self.services: dict[str, tuple[str, ...]] = {}
        """Ports and protocols by what the destination is remembered as, denied ones included."""
        self.names: dict[str, tuple[str, ...]] = {}
        """Names by the address that they had."""
        self.outside: set[Mark] = set()
        """Destinations outside the cluster."""
        self.revisions: list[Mark] = []
        self._learnt_from: list[Mark] = []
        self.pods = 0
        self.addresses = 0
        self.starts = 0
        self.places = 0
        """Destinations, once for each of their ports."""
        self.merge(rows)

    def merge(self, rows: Mapping[Mark, Row]) -> None:
        """Merge facts."""
        for mark, row in rows.items():
            self.put(mark, row)

    @property
    def destinations(self) -> int:
        """How many destinations it knows, each with all its ports."""
        return len(self.services)

    def put(self, mark: Mark, row: Row) -> Row | None:
        """Merge a fact; returns what was known of it before."""
        known = self.rows.get(mark)
        if known is not None:
            self.rows[mark] = merged(known, row)
            return known
        self.rows[mark] = row
        match mark.what:
            case What.DESTINATION | What.DENIED:
                service, name = split(mark.name)
                if _is_outside(row.latest):
                    self.outside.add(mark)
                self.services[name] = _with(self.services.get(name, ()), intern(service))
                self.places += 1
            case What.ADDRESS:
                address, name = split(mark.name)
                self.names[address] = _with(self.names.get(address, ()), name)
                self.addresses += 1
            case What.POD:
                self.pods += 1
            case What.REVISION:
                self.revisions.append(mark)
            case What.START | What.NOVELTY:
                self._learnt_from.append(mark)
                self.starts += mark.what is What.START
            case _:
                pass
        return None

    def forget(self, marks: Collection[Mark]) -> None:
        """Forget facts."""
        left = {mark: row for mark, row in self.rows.items() if mark not in marks}
        for index in (self.rows, self.outside, self.services, self.names, self.revisions, self._learnt_from):
            index.clear()
        self.pods = self.addresses = self.starts = self.places = 0
        self.merge(left)

    def oldest(self, what: What) -> list[Mark]:
        """The marks of a kind, those first that were unseen for longest."""
        return sorted((mark for mark in self.rows if mark.what is what), key=lambda mark: self.rows[mark].last_ns)

    def learnt(self, name: str) -> Learnt:
        """What its state follows from."""
        itself = self.rows.get(Mark(What.WORKLOAD))
        facts = [(mark, self.rows[mark]) for mark in self._learnt_from]
        starts = [
            row.first_ns
            for mark, row in facts
            if mark.what is What.START and not self._was_there(mark.name, row.first_ns)
        ]
        news = sorted(News(row.first_ns, row.last_ns) for mark, row in facts if mark.what is What.NOVELTY)
        return Learnt(name, itself.first_ns if itself else 0, starts, news)

    def _was_there(self, pod_name: str, time_ns: int) -> bool:
        """Whether somebody saw the pod before it was taken for new."""
        pod = self.rows.get(Mark(What.POD, pod_name))
        return pod is not None and pod.first_ns < time_ns


def _is_outside(latest: str) -> bool:
    """What the text of a row outside the cluster has in it; reading all texts takes too long."""
    return '"kind":"fqdn"' in latest or '"kind":"cidr"' in latest or '"kind":"world"' in latest


def _with(texts: tuple[str, ...], text: str) -> tuple[str, ...]:
    return texts if text in texts else (*texts, text)


def split(name: str) -> tuple[str, str]:
    """The two halves of a mark's name: service and destination, or address and name, which may have any character."""
    first, _, second = name.partition(" ")
    return first, second


def destination_mark(service: str, known_as: str, *, denied: bool = False) -> Mark:
    """The mark of a destination."""
    return Mark(What.DENIED if denied else What.DESTINATION, f"{service} {known_as}")


def address_mark(address: str, name: str) -> Mark:
    """The mark of an address that a name had."""
    return Mark(What.ADDRESS, f"{address} {name}")
