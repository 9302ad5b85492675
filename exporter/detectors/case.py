"""What is known of one workload when its causes are asked for, and what a cause claims of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from exporter.detectors.answers import Asker, Result
from exporter.detectors.dns_policies import UNREAD, Facts
from exporter.detectors.interface import Confidence, Key, Kind
from exporter.detectors.ledger import Tally
from exporter.detectors.settings import DnsSettings

_HALF = 0.5


class Case(NamedTuple):
    """Evidence that is not claimed yet, and what the policies say of it."""

    tallies: Mapping[Kind, Sequence[Tally]]
    facts: Mapping[Key, Facts]
    asker: Asker
    dns_visible: bool
    settings: DnsSettings

    def of(self, *kinds: Kind) -> Iterator[tuple[Tally, Facts]]:
        """The evidence of these kinds."""
        return ((one, self.facts.get(one.key, UNREAD)) for kind in kinds for one in self.tallies.get(kind, ()))

    def without(self, claimed: "Iterable[Claim]") -> "Case":
        """What is left when these have found their cause."""
        left = dict(self.tallies)
        for claim in claimed:
            kind = claim.tally.key.kind
            left[kind] = [one for one in left[kind] if one is not claim.tally]
        return self._replace(tallies=left)

    def often(self, kind: Kind, result: Result) -> "Iterator[Claim]":
        """Failures that are many for one name and half of its answers, or many for the workload and its share."""
        settings, asker = self.settings, self.asker
        of_all = asker.number(result) >= settings.failures and asker.share(result) >= settings.failure_share
        for tally, _ in self.of(kind):
            share = tally.count / (tally.count + tally.successes)
            if of_all or (tally.is_frequent(int(settings.window * 1e9)) and share >= _HALF):
                yield Claim(tally)


class Claim(NamedTuple):
    """A piece of evidence for a cause."""

    tally: Tally
    confidence: Confidence = Confidence.INFERRED
    notes: tuple[str, ...] = ()


Find = Callable[[Case], Iterable[Claim]]


def judged(tally: Tally, facts: Facts) -> Claim:
    """A claim that is confirmed where the policies that were read do not allow what was denied."""
    sure = facts.is_read and not facts.allows
    return Claim(tally, Confidence.CONFIRMED if sure else Confidence.INFERRED, facts.says)


def confirmed(tally: Tally, facts: Facts) -> Claim:
    """A claim that rests on flows and policies."""
    return Claim(tally, Confidence.CONFIRMED, facts.says)
