"""The finding that is accepted: a line of a file of findings, or a document on standard input."""

import json
import sys
from pathlib import Path
from typing import Any

from exporter.documents.faults import DocumentError, Fault, Place, printable

_SHOWN = 5
Finding = dict[str, Any]


def finding_in(file: str, wanted: str | None) -> Finding:
    """The finding of this id; without one the only finding that there is.

    Raises:
        DocumentError: when there is none, or there are several to choose from.
    """
    found = _findings(_text(file))
    if wanted is not None:
        found = [one for one in found if one.get("id") == wanted]
    # Several exporters, or a second start, may have written the same.
    distinct = list({json.dumps(one, sort_keys=True): one for one in found}.values())
    if len(distinct) == 1:
        return distinct[0]
    if wanted is not None:
        text = f"no finding has the id {wanted}" if not distinct else f"several findings have the id {wanted}"
    elif not distinct:
        text = "holds no finding"
    else:
        last = "; ".join(f"{one.get('id')} {one.get('summary')}" for one in distinct[-_SHOWN:])
        text = f"holds {len(distinct):,} findings, choose one with --id; the last are: {last}"
    raise DocumentError([Fault(Place(file), printable(text))])


def _findings(text: str) -> list[Finding]:
    """A whole document, or one on each line; a line that was cut off by a crash is none."""
    whole = _parsed(text)
    if whole is not None:
        return [whole]
    return [one for line in text.splitlines() if (one := _parsed(line)) is not None]


def _parsed(text: str) -> Finding | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "schema_version" in value else None


def _text(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "this is no file name"
        raise DocumentError([Fault(Place(file), f"cannot be read: {why}")]) from None
    return content.decode("utf-8", "replace")
