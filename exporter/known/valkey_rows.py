"""How facts are written on a Valkey server.

A workload is a hash, so that all of it is read, and vanishes, at once. Its key is `PREFIXknown:CLUSTER/NAMESPACE/NAME`,
each part quoted as in a URL; a field is `WHAT:NAME`; a row is three times, the length of `began`, and both texts:

    00001790000000000000000000017900000000000000000000179000000000000000002:{}{}

Times have a fixed width, for scripts compare them as texts. Text is UTF-8 in which halves of characters are allowed.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote_from_bytes, unquote_to_bytes

from exporter.known.interface import Mark, Row, What, WorkloadKey

_TIME_DIGITS = 20
_LATEST_TIME = 10**_TIME_DIGITS - 1
_ROW = re.compile(rb"(\d{20})(\d{20})(\d{20})(\d{1,9}):")
_WHATS = {what.value.encode(): what for what in What}
_PARTS = len(WorkloadKey._fields)
_SPECIAL = re.compile(rb"[\\*?\[\]]")


def encoded(text: str) -> bytes:
    """Any text as bytes; also what UTF-8 has no place for."""
    return text.encode("utf-8", "surrogatepass")


def key_of(prefix: bytes, workload: WorkloadKey) -> bytes:
    """The key of the hash of a workload."""
    return prefix + "/".join(quote_from_bytes(encoded(part), safe="") for part in workload).encode()


def workload_of(prefix: bytes, key: bytes) -> WorkloadKey | None:
    """Whose hash a key names; None when it is not one of ours."""
    parts = key.removeprefix(prefix).split(b"/")
    if len(parts) != _PARTS:
        return None
    try:
        return WorkloadKey(*(unquote_to_bytes(part).decode("utf-8", "surrogatepass") for part in parts))
    except UnicodeDecodeError:
        return None


def pattern_of(prefix: bytes) -> bytes:
    """What SCAN calls the keys that begin with a prefix."""
    return _SPECIAL.sub(rb"\\\g<0>", prefix) + b"*"


def field_of(mark: Mark) -> bytes:
    """The field of a fact."""
    return encoded(f"{mark.what}:{mark.name}")


def mark_of(field: bytes) -> Mark | None:
    """Which fact a field names; None when it names none that we know."""
    kind, _, name = field.partition(b":")
    what = _WHATS.get(kind)
    if what is None:
        return None
    try:
        return Mark(what, name.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return None


def value_of(row: Row) -> bytes:
    """A row as it is stored. A time before 1970, which only a broken clock has, becomes the first of 1970."""
    times = (f"{min(max(ns, 0), _LATEST_TIME):0{_TIME_DIGITS}d}" for ns in row[:3])
    began = encoded(row.began)
    return b"%s%d:%s%s" % ("".join(times).encode(), len(began), began, encoded(row.latest))


def row_of(value: bytes) -> Row | None:
    """The row that is stored; None when it is none."""
    head = _ROW.match(value)
    if head is None:
        return None
    first, last, since, size = map(int, head.groups())
    middle = head.end() + size
    if middle > len(value):
        return None
    return Row(first, last, since, _decoded(value[head.end() : middle]), _decoded(value[middle:]))


def rows_of(fields: Mapping[bytes, bytes]) -> dict[Mark, Row]:
    """What a hash holds, without fields that are none of ours."""
    found = ((mark_of(field), row_of(value)) for field, value in fields.items())
    return {mark: row for mark, row in found if mark is not None and row is not None}


def _decoded(text: bytes) -> str:
    # What is a row for the script must be one here too, or each merge of it would be told that it is new.
    try:
        return text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace")
