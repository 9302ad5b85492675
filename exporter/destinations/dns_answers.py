"""Which names a workload was given an address for: our own join from DNS answers, for when Hubble has lost the name.

Entries are plain tuples of texts and numbers under a number, which the garbage collector stops looking through; the
addresses of one answer share all that it says.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from exporter.flow import Dns
from exporter.window import WindowStats

_MOST_NAMES = 4
_MOST_CNAMES = 4
_MOST_ADDRESSES = 64
"""Of one answer: who answers with thousands must not push out what others were answered."""
_LEAST_TTL = 1
"""Seconds: an answer with TTL 0 is for the connection that follows, which is made a moment later."""

_Answer = tuple[int, int, str, tuple[str, ...], str]
"""When it came and when it ends (flow time in ns), the name that was meant, the CNAMEs on the way, and how it was asked
for when a search suffix stood behind it."""


class Asked(NamedTuple):
    """Names that were asked for an address, the latest first: those `within` their TTL, and those `past` it."""

    within: tuple[str, ...] = ()
    past: tuple[str, ...] = ()


NOT_ASKED = Asked()


class Given(NamedTuple):
    """One answer by which somebody got an address, as evidence.

    `asked_as` is the query when a search suffix stood behind the name, `past_ns` for how long its TTL was over
    (negative: it was not).
    """

    name: str
    cnames: tuple[str, ...]
    asked_as: str
    past_ns: int

    @property
    def ended(self) -> bool:
        """Whether its TTL was over."""
        return self.past_ns > 0


class DnsAnswers:
    """(who asked, address) -> names, for at most `bound` pairs; the pair unused for longest leaves a full box."""

    def __init__(self, bound: int) -> None:
        self._bound, self._evicted = bound, 0
        self._answers: OrderedDict[int, tuple[_Answer, ...]] = OrderedDict()

    def learn(self, asker: Hashable, name: str, answer: Dns, time_ns: int, asked_as: str = "") -> None:
        """The asker was given these addresses for a name: the one that was asked, not the CNAMEs it stands for."""
        ends_ns = time_ns + max(answer.ttl, _LEAST_TTL) * 1_000_000_000
        given: _Answer = (time_ns, ends_ns, name, answer.cnames[:_MOST_CNAMES], asked_as)
        for address in answer.ips[:_MOST_ADDRESSES]:
            self._add(hash((asker, address)), given)

    def _add(self, key: int, given: _Answer) -> None:
        answers = self._answers
        known = answers.get(key)
        if known is None:
            if len(answers) >= self._bound:
                answers.popitem(last=False)
                self._evicted += 1
            answers[key] = (given,)
            return
        answers.move_to_end(key)
        # Nearly always the same name again; flows of several nodes may come out of order.
        if len(known) == 1 and known[0][2] == given[2] and known[0][4] == given[4]:
            answers[key] = (max(known[0], given),)
        else:
            answers[key] = _latest_first((*known, given))

    def asked(self, asker: Hashable, address: str, time_ns: int) -> Asked:
        """What the asker asked to be given the address, as it is at a flow's time."""
        key = hash((asker, address))
        known = self._answers.get(key)
        if known is None:
            return NOT_ASKED
        self._answers.move_to_end(key)
        within = tuple(name for _, ends_ns, name, _, _ in known if time_ns <= ends_ns)
        past = tuple(name for _, ends_ns, name, _, _ in known if time_ns > ends_ns)
        if len(known) == 1:
            return Asked(within, past)
        # A name that was asked with a suffix and without one is one name.
        names = dict.fromkeys(within)
        return Asked(tuple(names), tuple(name for name in dict.fromkeys(past) if name not in names))

    def given(self, asker: Hashable, address: str, time_ns: int) -> tuple[Given, ...]:
        """The answers by which the asker got the address, the latest first; CNAMEs are evidence, never a name."""
        known = self._answers.get(hash((asker, address)), ())
        return tuple(Given(name, cnames, asked_as, time_ns - ends) for _, ends, name, cnames, asked_as in known)

    def stats(self) -> WindowStats:
        """Pairs remembered, for the exporter's own metrics."""
        return WindowStats(len(self._answers), self._bound, self._evicted)


def _latest_first(answers: Iterable[_Answer]) -> tuple[_Answer, ...]:
    """The last answer for each name, the latest name first; the oldest names beyond the bound are left out."""
    last: dict[tuple[str, str], _Answer] = {}
    for answer in sorted(answers, reverse=True):
        last.setdefault((answer[2], answer[4]), answer)
    return tuple(last.values())[:_MOST_NAMES]
