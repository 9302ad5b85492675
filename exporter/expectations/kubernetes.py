"""Policies as they are in the cluster, followed through its API server.

A thread per kind lists and watches (`watching.py`) into what is held (`held.py`); whoever asks for the present reading
gets what changed read by the same readers as manifests of files.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial

from exporter.expectations.api_access import check_access, connect
from exporter.expectations.held import Held, ObjectReader
from exporter.expectations.interface import NotEvaluated, PolicyRef, SourceKind
from exporter.expectations.kind_state import KindState
from exporter.expectations.kinds import KINDS, Kind
from exporter.expectations.policy import Policy, WorkloadChooser
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.unread import UNLISTED
from exporter.expectations.watching import Watcher


class LiveCluster:
    """All kinds of one cluster. `look` is for one thread; what it says of itself may be read at any time."""

    def __init__(
        self, settings: KubernetesSettings, gateways: tuple[WorkloadChooser, ...], changed: Callable[[], None]
    ) -> None:
        """Find out where the API server is; `changed` is called whenever `look` would read something new.

        Raises:
            ExpectationsError: when nothing says where it is, or the package lightkube is not there.
        """
        check_access(settings)
        self._tell, self._is_new = changed, threading.Event()
        self.held = Held(self._changed)
        self.reader = ObjectReader(gateways)
        self.watchers = tuple(
            Watcher(kind, self.held, partial(connect, settings), settings, self._changed) for kind in KINDS
        )

    @property
    def states(self) -> dict[Kind, KindState]:
        """How it goes, by kind."""
        return {kind: watcher.state for kind, watcher in zip(KINDS, self.watchers, strict=True)}

    def look(self) -> bool:
        """Read what changed; whether anything did. The first reading is a whole, as far as it can be."""
        if not self._is_new.is_set() or not all(state.is_tried for state in self.states.values()):
            return False
        # What changes from now on is told again.
        self._is_new.clear()
        self.reader.take(self.held.all())
        return True

    def policies(self) -> Iterator[Policy]:
        """All policies, and one of nothing for each kind that was never listed: nobody knows what it would say."""
        yield from self.reader.policies
        yield from (_unlisted(kind) for kind, state in self.states.items() if kind.has_rules and not state.is_settled)

    def stop(self) -> None:
        """End all threads at once."""
        for watcher in self.watchers:
            watcher.stop()

    def remarks(self) -> tuple[str, ...]:
        """What the landing page must not let one overlook."""
        found = []
        troubled = [
            f"{kind.full_name} ({state.verb}: {state.trouble.value.replace('_', ' ')})"
            for kind, state in self.states.items()
            if state.trouble is not None
        ]
        if troubled:
            found.append(f"Not followed in the cluster, so perhaps out of date: {', '.join(troubled)}.")
        unlisted = [kind.full_name for kind, state in self.states.items() if not state.is_settled]
        if unlisted:
            found.append(f"Not read from the cluster yet, so answers are undecided: {', '.join(unlisted)}.")
        if broken := sum(self.reader.broken.values()):
            found.append(f"{broken:,} objects of the cluster cannot be used as they are; the log says which and why.")
        return tuple(found)

    def _changed(self) -> None:
        self._is_new.set()
        self._tell()


def _unlisted(kind: Kind) -> Policy:
    ref = PolicyRef(SourceKind.POLICIES, kind.name, "", "of the cluster")
    everything = NotEvaluated(UNLISTED, "the list", 0)
    return Policy(ref, WorkloadChooser("*"), (), isolates=False, not_evaluated=(everything,))
