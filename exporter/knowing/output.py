"""Answers on standard output."""

import json
import sys
from collections.abc import Iterable

from exporter.triage.written import plain


def say(lines: Iterable[str]) -> None:
    """Lines of text; a terminal that knows ASCII only gets escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        sys.stdout.write(f"{line}\n".encode(encoding, "backslashreplace").decode(encoding))


def say_json(document: object) -> None:
    """Named fields are keys, times RFC 3339 in UTC, what is not known null; what is not ASCII is escaped."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=True, indent=2) + "\n")
