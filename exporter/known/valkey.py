"""A store on a Valkey or Redis server, which several exporters share."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from redis.exceptions import OutOfMemoryError

from exporter.known.interface import EPISODE_NS, Fact, Mark, Row, Size, What, WorkloadKey, expires
from exporter.known.settings import ValkeySettings
from exporter.known.valkey_link import Call, Link, Script
from exporter.known.valkey_rows import encoded, field_of, key_of, pattern_of, row_of, rows_of, value_of, workload_of

_EPISODE_SECONDS = EPISODE_NS // 1_000_000_000
_LONGEST_EXPIRY = 10**11
_TOGETHER = 50
"""Workloads that are read with one question, when all are."""
_MERGE, _DROP, _FORGET = Script("merge.lua"), Script("drop.lua"), Script("forget.lua")
_ITSELF = Mark(What.WORKLOAD)


class ValkeyStore:
    """Keeps facts in one hash per workload, which a script on the server merges: exporters do not wait for each other.

    Of a batch with several workloads, the facts of each are merged together or not at all, but a fault can leave some
    workloads merged and others not; after UNREACHABLE it is not known which. To merge them again does no harm.
    """

    shared = True
    evicted = 0

    def __init__(self, settings: ValkeySettings, expire_seconds: float, expire_pause: int = 3600) -> None:
        prefix = encoded(settings.prefix)
        self._keys, self._entries, self._expiring = prefix + b"known:", prefix + b"entries", prefix + b"expiring"
        self._lifetime = int(min(max(expire_seconds, 1), _LONGEST_EXPIRY))
        self._expire_pause = expire_pause
        self._link = Link(settings)
        self.unreadable = 0
        """Rows and hashes that were met and are none of ours; they are as if they were not there."""

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """All that is known of a workload."""
        return self._rows(self._fields(self._key(workload)))

    def merge(self, facts: Sequence[Fact]) -> list[Row | None]:
        """Merge facts; returns what stood there before each."""
        indexes: dict[WorkloadKey, list[int]] = {}
        for index, fact in enumerate(facts):
            indexes.setdefault(fact.workload, []).append(index)
        calls = [self._call(workload, [facts[index] for index in chosen]) for workload, chosen in indexes.items()]
        before: list[Row | None] = [None] * len(facts)
        for chosen, values in zip(indexes.values(), self._link.run(_MERGE, calls), strict=True):
            for index, value in zip(chosen, values, strict=True):
                before[index] = self._read(value)
        return before

    def workloads(self) -> list[WorkloadKey]:
        """Of whom something is known."""
        return sorted(workload for workload, _ in self._hashes())

    def facts(self, last_since_ns: int = 0) -> Iterator[Fact]:
        """All facts that were seen last at that time or later."""
        for workload, _, fields in self._everything():
            for mark, row in self._rows(fields).items():
                if row.last_ns >= last_since_ns:
                    yield Fact(workload, mark, row)

    def forget(self, workload: WorkloadKey, marks: Collection[Mark] | None = None) -> int:
        """Forget marks of a workload, or all of it."""
        if marks is not None and not marks:
            return 0
        [number] = self._link.run(_FORGET, [(self._counted(self._key(workload)), [*map(field_of, marks or ())])])
        return int(number)

    def expire(self, before_ns: int) -> int:
        """Forget what was seen last before that time; of all exporters one does it, once in an hour."""
        if not self._may_expire():
            return 0
        number = left = 0
        for _, key, fields in self._everything():
            gone = self._dropped(key, fields, before_ns)
            number, left = number + gone, left + len(fields) - gone
        # Here is a chance to get the number right again, from which workloads vanish without notice.
        self._link.ask(("SET", self._entries, left))
        return number

    def size(self) -> Size:
        """How many facts there are, and the memory of the whole server.

        The number is kept by the scripts that merge and forget. Workloads that vanish are in it until `expire` next
        counts, and what others merge or forget while that looks at everything can be counted wrongly as long.
        """
        number, memory = self._link.ask(("GET", self._entries), ("INFO", "memory"))
        self._link.checked([number])
        # A user that may use our keys need not be allowed INFO.
        used = int(memory.get("used_memory", 0)) if isinstance(memory, dict) else 0
        return Size(int(number) if (number or b"").isdigit() else 0, used)

    def close(self) -> None:
        """Hang up; nothing is asked, for the server may be gone."""
        self._link.close()

    def _key(self, workload: WorkloadKey) -> bytes:
        return key_of(self._keys, workload)

    def _counted(self, key: bytes) -> tuple[bytes, bytes]:
        """The keys of every script: a workload's, and the number of all facts.

        It changes with the facts: changed later, it would change twice when `expire` of another exporter came between.
        """
        return key, self._entries

    def _call(self, workload: WorkloadKey, facts: Sequence[Fact]) -> Call:
        rows = [part for fact in facts for part in (field_of(fact.mark), value_of(fact.row))]
        return self._counted(self._key(workload)), [self._lifetime, _EPISODE_SECONDS, *rows]

    def _hashes(self) -> list[tuple[WorkloadKey, bytes]]:
        """All workloads with their keys."""
        found = [(workload_of(self._keys, key), key) for key in self._link.scan(pattern_of(self._keys))]
        self.unreadable += sum(workload is None for workload, _ in found)
        return [(workload, key) for workload, key in found if workload is not None]

    def _everything(self) -> Iterator[tuple[WorkloadKey, bytes, dict[bytes, bytes]]]:
        """All workloads with their keys and fields; some are asked for together."""
        hashes = iter(self._hashes())
        while some := list(islice(hashes, _TOGETHER)):
            answers = self._link.checked(self._link.ask(*(("HGETALL", key) for _, key in some)))
            yield from ((workload, key, fields) for (workload, key), fields in zip(some, answers, strict=True))

    def _fields(self, key: bytes) -> dict[bytes, bytes]:
        fields: dict[bytes, bytes] = self._link.one("HGETALL", key)
        return fields

    def _rows(self, fields: dict[bytes, bytes]) -> dict[Mark, Row]:
        rows = rows_of(fields)
        self.unreadable += len(fields) - len(rows)
        return rows

    def _read(self, value: bytes | None) -> Row | None:
        row = None if value is None else row_of(value)
        self.unreadable += value is not None and row is None
        return row

    def _may_expire(self) -> bool:
        if not self._expire_pause:
            return True
        command = ("SET", self._expiring, b"1", "NX", "EX", self._expire_pause)
        [answer] = self._link.ask(command)
        # A full server keeps no note of it, but it is the one that needs it most.
        return isinstance(answer, OutOfMemoryError) or bool(self._link.checked([answer])[0])

    def _dropped(self, key: bytes, fields: dict[bytes, bytes], before_ns: int) -> int:
        rows, itself = self._rows(fields), field_of(_ITSELF)
        gone = [field_of(mark) for mark, row in rows.items() if expires(mark, row, rows.get(_ITSELF), before_ns)]
        if not gone:
            return 0
        pairs = [part for field in gone for part in (field, fields[field])]
        [number] = self._link.run(_DROP, [(self._counted(key), [itself, fields.get(itself, b""), *pairs])])
        return int(number)
