"""`/api/v1/status`: the status as JSON."""

import json
from collections.abc import Mapping
from datetime import datetime

from exporter.web.status import Status
from exporter.web.words import timestamp


def to_json(status: Status) -> bytes:
    """The status as a JSON document: named tuples are objects, times RFC 3339, what is not known null."""
    return json.dumps(_plain(status), ensure_ascii=False, indent=2).encode(errors="replace") + b"\n"


def _plain(value: object) -> object:
    match value:
        case datetime():
            return timestamp(value)
        case Mapping():
            return dict(value)
        case tuple() if hasattr(value, "_asdict"):
            return {name: _plain(entry) for name, entry in value._asdict().items()}
        case tuple():
            return [_plain(entry) for entry in value]
        case _:
            return value
