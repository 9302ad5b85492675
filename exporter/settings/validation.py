"""From the merged layers to the model, and from what pydantic says to faults with a place, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.documents.faults import MASK, Fault, Place, shown
from exporter.duration import format_duration
from exporter.settings.fields import SettingField
from exporter.settings.given import Given
from exporter.settings.names import path_of_fields

M = TypeVar("M", bound=BaseModel)

_WORDS = {
    "int_parsing": "{value} is no whole number",
    "int_parsing_size": "{value} is too large",
    "float_parsing": "{value} is no number",
    "finite_number": "{value} is no finite number",
    "bool_parsing": "{value} is neither true nor false",
    "enum": "{value} is not {expected}",
    "literal_error": "{value} is not {expected}",
    "string_too_short": "{value} is too short; write at least {min_length} character(s)",
    "string_too_long": "{value} is too long; write at most {max_length} character(s)",
    "too_short": "{value} is too short; the least length is {min_length}",
    "too_long": "{value} is too long; the greatest length is {max_length}",
    "string_pattern_mismatch": "{value} does not match {pattern}",
    "string_unicode": "{value} is no Unicode text",
    "greater_than": "{value} is too small; it must be more than {gt}",
    "greater_than_equal": "{value} is too small; the least is {ge}",
    "less_than": "{value} is too large; it must be less than {lt}",
    "less_than_equal": "{value} is too large; the most is {le}",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


def validate(
    model: type[M], given: Mapping[str, Given], known: Sequence[SettingField], *, may_miss: bool
) -> tuple[M | None, list[Fault]]:
    """The settings, or what is wrong with them; `may_miss` when a fault elsewhere explains a missing value."""
    values: dict[str, Any] = {}
    for field in known:
        if field.path in given:
            block = values
            for key in field.keys[:-1]:
                block = block.setdefault(key, {})
            block[field.keys[-1]] = given[field.path].value
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, [_fault(one, given, known) for one in details if not (may_miss and one["type"] == "missing")]


def _fault(error: ErrorDetails, given: Mapping[str, Given], known: Sequence[SettingField]) -> Fault:
    by_keys: dict[tuple[int | str, ...], SettingField] = {field.keys: field for field in known}
    loc: tuple[int | str, ...] = tuple(error["loc"])
    for end in range(len(loc), 0, -1):
        if field := by_keys.get(loc[:end]):
            return _setting_fault(error, field, given.get(field.path), loc[end:])
    return _block_fault(error, path_of_fields(map(str, loc)), given, known)


def _setting_fault(
    error: ErrorDetails, field: SettingField, given: Given | None, inner: tuple[int | str, ...]
) -> Fault:
    if given is None:
        way_out = f"set it in the file, with {field.flag} or with {field.variable}"
        if field.is_secret:
            way_out = f"set it with {field.flag}-file or with {field.variable}"
        return Fault(Place(field.path), f"missing; {way_out}")
    value: object = given.value
    for key in inner:
        if (isinstance(value, list) and isinstance(key, int)) or (isinstance(value, dict) and key in value):
            value = value[key]  # type: ignore[index] # the two checks above pair key and container
    place = given.entries.get(inner[0], given.place) if inner else given.place
    if value is None:
        return Fault(place, "no value is given; write one, or remove it", field.path)
    text = _in_words(error, MASK if field.is_secret else shown(value), is_duration=field.type == "duration")
    return Fault(place, _without_secrets(text, [given] if field.is_secret else []), field.path)


def _block_fault(error: ErrorDetails, path: str, given: Mapping[str, Given], known: Sequence[SettingField]) -> Fault:
    """A fault of several settings together, whose places are those of all that were given."""
    inside = [
        field for field in known if field.path in given and f"{field.path}.".startswith(f"{path}." if path else "")
    ]
    places = ", ".join(str(given[field.path].place) for field in inside)
    secrets = [given[field.path] for field in inside if field.is_secret]
    text = _without_secrets(_in_words(error, "the block", is_duration=False), secrets)
    return Fault(Place(places or path or "settings"), f"{path}: {text}" if places and path else text)


def _in_words(error: ErrorDetails, value: str, *, is_duration: bool) -> str:
    context = {
        name: format_duration(limit) if is_duration and isinstance(limit, int | float) else _plain(limit)
        for name, limit in error.get("ctx", {}).items()
    }
    if words := _WORDS.get(error["type"]):
        return words.format(value=value, **context)
    return f"{value} is not accepted: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _plain(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _without_secrets(text: str, secrets: Sequence[Given]) -> str:
    """`text`, unless the author of a check put a secret into it."""
    values = [secret.value for secret in secrets if isinstance(secret.value, str) and secret.value]
    if any(value in text or repr(value)[1:-1] in text for value in values):
        return "the value is not accepted"
    return text
