"""Objects of a cluster as they were last told, and what was read of each; only what changed is read again."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from exporter.documents.faults import Fault, Place, printable
from exporter.documents.plain import node_of
from exporter.expectations.kinds import KINDS, Key, Kind
from exporter.expectations.manifests import Manifests, read_manifests
from exporter.expectations.objects import Objects
from exporter.expectations.policy import Policy, WorkloadChooser
from exporter.log import RateLimit, logger


class Held:
    """What watchers were told, by kind. Any thread may use it; `changed` is called when something differs."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._objects: dict[Kind, dict[Key, bytes]] = {kind: {} for kind in KINDS}
        self._lock, self._changed = threading.Lock(), changed

    def replace(self, kind: Kind, objects: dict[Key, bytes]) -> None:
        """All objects of a kind."""
        with self._lock:
            differs, self._objects[kind] = self._objects[kind] != objects, objects
        if differs:
            self._changed()

    def put(self, kind: Kind, key: Key, text: bytes) -> None:
        """One that was added or modified."""
        with self._lock:
            differs = self._objects[kind].get(key) != text
            self._objects[kind][key] = text
        if differs:
            self._changed()

    def remove(self, kind: Kind, key: Key) -> None:
        """One that was deleted."""
        with self._lock:
            differs = self._objects[kind].pop(key, None) is not None
        if differs:
            self._changed()

    def count(self, kind: Kind) -> int:
        """How many there are."""
        return len(self._objects[kind])

    def all(self) -> dict[Kind, dict[Key, bytes]]:
        """All of them at this moment."""
        with self._lock:
            return {kind: dict(objects) for kind, objects in self._objects.items()}


class _Read(NamedTuple):
    """What was read of one object; of a broken one what was read of it before."""

    text: bytes
    policies: tuple[Policy, ...] = ()
    objects: Objects | None = None
    is_broken: bool = False


_NOTHING = _Read(b"")
_TOO_DEEP = Manifests((), Objects(), Counter(), (Fault(Place(""), "nested too deeply"),))


class ObjectReader:
    """Reads objects as manifests are read. One thread uses it."""

    def __init__(self, gateways: tuple[WorkloadChooser, ...]) -> None:
        self._gateways = gateways
        self._read: dict[Kind, dict[Key, _Read]] = {}
        self._said = RateLimit()
        self.shared = Objects()
        """What the rules of all that is read here refer to; whoever combines sources fills it."""
        self.broken: Mapping[Kind, int] = dict.fromkeys(KINDS, 0)
        """How many objects are not used as they are."""

    def forget(self) -> None:
        """Read everything again: rules depend on what their named ports are."""
        self._read = {}

    def take(self, held: Mapping[Kind, Mapping[Key, bytes]]) -> None:
        """Read what is new or differs, and forget what is gone."""
        before = self._read
        self._read = {
            kind: {key: self._one(kind, key, text, before.get(kind, {}).get(key, _NOTHING)) for key, text in of.items()}
            for kind, of in held.items()
        }
        self.broken = {kind: sum(one.is_broken for one in of.values()) for kind, of in self._read.items()}

    @property
    def policies(self) -> list[Policy]:
        """All policies."""
        return [policy for of in self._read.values() for one in of.values() for policy in one.policies]

    @property
    def objects(self) -> list[Objects]:
        """What rules can refer to, in parts."""
        return [one.objects for of in self._read.values() for one in of.values() if one.objects is not None]

    def _one(self, kind: Kind, key: Key, text: bytes, before: _Read) -> _Read:
        if before.text == text:
            return before
        objects = self.shared if kind.has_rules else Objects()
        try:
            read = read_manifests([("", node_of(json.loads(text)))], self._gateways, objects)
        except RecursionError:
            read = _TOO_DEEP
        if not read.faults:
            return _Read(text, read.policies, None if kind.has_rules else objects)
        # What is broken never replaces what was good: agents, too, go on with what they have.
        was_good = bool(before.policies) or before.objects is not None
        self._say(f"{kind.name} {'/'.join(filter(None, key))}", read.faults, "the previous" if was_good else "nothing")
        return before._replace(text=text, is_broken=True)

    def _say(self, name: str, faults: tuple[Fault, ...], in_effect: str) -> None:
        for fault in faults:
            # Whoever may write policies must not fill the log.
            if self._said.admit("object_refused", f"{name} {fault.path} {fault.text}") is not None:
                texts = {"object": name, "field": fault.path, "fault": fault.text}
                shown = {key: printable(text) for key, text in texts.items()}
                logger().error("object_refused", **shown, in_effect=in_effect)
