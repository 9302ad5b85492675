"""Values as one writes them in the file."""

import sys
from enum import Enum

import yaml
from pydantic import SecretStr

from exporter.documents.faults import MASK
from exporter.duration import format_duration


def written(value: object, is_duration: bool) -> str:
    """`value` on one line of YAML; a secret is masked."""
    dumped = yaml.safe_dump(
        _plain(value, is_duration), default_flow_style=True, width=sys.maxsize, allow_unicode=True, sort_keys=False
    )
    return dumped.removesuffix("\n").removesuffix("\n...")


def _plain(value: object, is_duration: bool) -> object:
    match value:
        case tuple() | list() | set() | frozenset():
            return [_plain_one(entry, is_duration) for entry in value]
        case dict():
            return {str(key): _plain_one(entry, is_duration) for key, entry in value.items()}
        case _:
            return _plain_one(value, is_duration)


def _plain_one(value: object, is_duration: bool) -> object:
    match value:
        case SecretStr():
            return MASK
        case Enum():
            return value.value
        case float() if is_duration:
            return format_duration(value)
        case float() if value.is_integer():
            return int(value)
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)
