"""A report as JSON or YAML: named fields are keys, times RFC 3339 in UTC, what is not known null."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime

import yaml

from exporter.triage.health import Health
from exporter.triage.interface import Report


def to_json(report: Report | Health) -> str:
    """As `schema.json` says; what is not ASCII is escaped, for it goes to terminals."""
    return json.dumps(plain(report), ensure_ascii=True, indent=2) + "\n"


def to_yaml(report: Report) -> str:
    """The same as YAML."""
    return yaml.dump(plain(report), Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=100)


def plain(value: object) -> object:
    """Maps, lists, texts and numbers."""
    match value:
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Mapping():
            return {key: plain(entry) for key, entry in value.items()}
        case tuple():
            return [plain(entry) for entry in value]
        case _ if is_dataclass(value):
            # `from` is no name that Python takes.
            return {field.name.rstrip("_"): plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


class _Dumper(yaml.SafeDumper):
    """Writes policies as they are read: as blocks of lines."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
