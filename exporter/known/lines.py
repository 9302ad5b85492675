"""Facts as lines of JSON that people and programs read, and back: what `known export` writes.

The first line says what they are. All is ASCII; a time is RFC 3339 with its nanoseconds, or their bare number where no
calendar has it.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from exporter.documents.faults import DocumentError, Fault, Place, shown
from exporter.known.interface import Fact, Mark, Row, Store, What, WorkloadKey
from exporter.known.times import time_from, time_text

FORMAT, VERSION = "hubble-egress-known", 1
_KEYS = ("cluster", "namespace", "workload", "what", "name", "first", "last", "since", "began", "latest")
_TEXTS, _TIMES = _KEYS[:5], _KEYS[5:8]
_MOST_FAULTS = 20


def written(store: Store) -> Iterator[str]:
    """All that a store holds, in order; one workload at a time is in memory."""
    yield _line({"format": FORMAT, "version": VERSION})
    for workload in store.workloads():
        for mark, row in sorted(store.load(workload).items()):
            yield to_line(Fact(workload, mark, row))


def to_line(fact: Fact) -> str:
    """One fact, with the end of its line."""
    (cluster, namespace, workload), (what, name), row = fact
    texts = (cluster, namespace, workload, what.value, name)
    times = map(time_text, (row.first_ns, row.last_ns, row.since_ns))
    sightings = map(_unfolded, (row.began, row.latest))
    return _line(dict(zip(_KEYS, (*texts, *times, *sightings), strict=True)))


def read(file: str, lines: Iterable[bytes]) -> list[Fact]:
    """The facts of these lines.

    Raises:
        DocumentError: with what is wrong, and where; nothing is to be used then.
    """
    facts, faults, number = list[Fact](), list[Fault](), 0
    for number, line in enumerate(lines, 1):
        try:
            if number == 1:
                _check_header(_object(line))
            elif line.strip():
                facts.append(_fact(_object(line)))
        except ValueError as error:
            faults.append(Fault(Place(file, number, 1), str(error)))
            if number == 1 or len(faults) >= _MOST_FAULTS:
                break
    if not number:
        faults.append(Fault(Place(file), "is empty; `known export` writes what can be read here"))
    if faults:
        raise DocumentError(faults)
    return facts


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        _refuse("is no JSON object; each line has one")
    return value


def _check_header(said: dict[str, Any]) -> None:
    if said.get("format") != FORMAT:
        _refuse("does not begin with the line that says what it is; `known export` writes it")
    if said.get("version") != VERSION:
        _refuse(f"has version {shown(said.get('version'))}, this release reads {VERSION}")


def _fact(said: dict[str, Any]) -> Fact:
    if said.keys() != set(_KEYS):
        wrong = min(said.keys() ^ set(_KEYS))
        _refuse(f"{shown(wrong)} is {'no key of a fact' if wrong in said else 'missing'}")
    for key in _TEXTS:
        if not isinstance(said[key], str):
            _refuse(f"{key} is no text")
    if said["what"] not in set(What):
        _refuse(f"{shown(said['what'])} is no kind of fact; known are {', '.join(What)}")
    first_ns, last_ns, since_ns = (_time(key, said[key]) for key in _TIMES)
    if not first_ns <= since_ns <= last_ns:
        _refuse("first, since and last are not in this order of time")
    row = Row(first_ns, last_ns, since_ns, _folded("began", said["began"]), _folded("latest", said["latest"]))
    return Fact(
        WorkloadKey(said["cluster"], said["namespace"], said["workload"]), Mark(What(said["what"]), said["name"]), row
    )


def _time(key: str, value: object) -> int:
    try:
        return time_from(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _unfolded(text: str) -> object:
    """A sighting as the object that its text holds, if it can be made into that very text again."""
    try:
        value = json.loads(text) if text else text
        return value if isinstance(value, dict) and _text(value) == text else text
    except (ValueError, RecursionError):
        return text


def _folded(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        _refuse(f"{key} is neither an object nor a text")
    return _text(value)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _line(said: dict[str, object]) -> str:
    return f"{json.dumps(said)}\n"
