"""Search suffixes of the cluster's pods, learnt from how they ask: `x.<suffix>.` fails, and `x.` is asked next.

What is learnt explains names that fail and never renames one that is answered: whoever has a domain could otherwise
teach us to read its names as somebody else's.
"""

from collections import OrderedDict
from collections.abc import Hashable

from exporter.destinations.domains import PUBLIC_SUFFIXES
from exporter.destinations.names import normal
from exporter.flow import Dns
from exporter.window import WindowStats

_NXDOMAIN = 3
_MOST_SUFFIXES = 64
_MOST_CANDIDATES = 256
_MOST_ANSWERED = 1024
_MOST_ASKERS = 4096
_MOST_MEANT = 4096
_MOST_FAILED = 8
"""A resolver's search list has six names by tradition; the last ones of a pod are enough."""
_SEQUENCE_NS = 5 * 1_000_000_000


class SearchList:
    """Learns suffixes. Whoever is told of every answer can say what was added to a name that fails."""

    def __init__(self) -> None:
        self.suffixes: tuple[str, ...] = ()
        self._failed: OrderedDict[Hashable, tuple[tuple[int, str], ...]] = OrderedDict()
        self._candidates: OrderedDict[str, str] = OrderedDict()
        """Suffixes with the one name at which each was seen."""
        self._answered: OrderedDict[str, None] = OrderedDict()
        """Names that were candidates, or were learnt, and have addresses themselves: they are somebody's domain."""
        self._meant: OrderedDict[str, None] = OrderedDict()
        """Names that were asked behind their expansions: they are recognised whatever their top-level domain is."""
        self._evicted = 0

    def learn(self, asker: Hashable, answer: Dns, time_ns: int) -> bool:
        """Take one answer in; whether `suffixes` are others now. Names that are known expansions need not come here."""
        name = normal(answer.query)
        if answer.rcode == _NXDOMAIN:
            changed = self._completes(asker, name, answer, time_ns)
            self._fails(asker, name, time_ns)
            return changed
        return self._disproves(name, answer) | self._completes(asker, name, answer, time_ns)

    def meant(self, query: str) -> str:
        """The name, meant before, that the query has a learnt suffix behind; empty when there is none."""
        name = normal(query)
        heads = (name.removesuffix(f".{one}") for one in self.suffixes if name.endswith(f".{one}"))
        return next((head for head in heads if head in self._meant), "")

    def _fails(self, asker: Hashable, name: str, time_ns: int) -> None:
        failed = self._failed.pop(asker, ())
        if not failed and len(self._failed) >= _MOST_ASKERS:
            self._failed.popitem(last=False)
        # The same name is asked for A and for AAAA.
        others = tuple(one for one in failed if one[1] != name)
        self._failed[asker] = (*others, (time_ns, name))[-_MOST_FAILED:]

    def _disproves(self, name: str, answer: Dns) -> bool:
        """A suffix that has addresses itself is a domain that people ask for, and no search suffix of ours."""
        if not answer.ips or not (name in self._candidates or name in self.suffixes):
            return False
        if len(self._answered) >= _MOST_ANSWERED:
            self._answered.popitem(last=False)
        self._answered[name] = None
        self._candidates.pop(name, None)
        before = self.suffixes
        self.suffixes = tuple(suffix for suffix in before if suffix != name)
        return self.suffixes != before

    def _completes(self, asker: Hashable, name: str, answer: Dns, time_ns: int) -> bool:
        """Whether the name is what was meant by those that failed a moment ago, and a suffix is known by that."""
        failed = self._failed.get(asker)
        # A single label is what anybody may ask by mistake; with an answer it is a name.
        if not failed or not name or ("." not in name and not answer.ips):
            return False
        longer = {
            full.removeprefix(f"{name}.")
            for failed_ns, full in failed
            if full.startswith(f"{name}.") and 0 <= time_ns - failed_ns <= _SEQUENCE_NS
        }
        before = self.suffixes
        if longer:
            self._means(name)
        for suffix in sorted(longer):
            self._seen(suffix, name)
        return self.suffixes != before

    def _means(self, name: str) -> None:
        self._meant.pop(name, None)
        if len(self._meant) >= _MOST_MEANT:
            self._meant.popitem(last=False)
        self._meant[name] = None

    def _seen(self, suffix: str, name: str) -> None:
        """Learn the suffix at the second name: one may be a coincidence."""
        if suffix in self.suffixes or suffix in self._answered or PUBLIC_SUFFIXES.is_public(suffix):
            return
        first = self._candidates.get(suffix)
        if first is None:
            if len(self._candidates) >= _MOST_CANDIDATES:
                self._candidates.popitem(last=False)
            self._candidates[suffix] = name
        elif first != name:
            if len(self.suffixes) >= _MOST_SUFFIXES:
                self._evicted += 1
                return
            del self._candidates[suffix]
            self.suffixes = (*self.suffixes, suffix)

    def stats(self) -> WindowStats:
        """Suffixes learnt; what found no room counts as evicted."""
        return WindowStats(len(self.suffixes), _MOST_SUFFIXES, self._evicted)
