"""The settings of a model as a flat list: what the flags, the layers, the pages and the reference are made from."""

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from exporter.duration import parse_duration
from exporter.settings.names import flag_of, path_of_fields, variable_of
from exporter.settings.written import written


class Shape(StrEnum):
    """How many texts make up the value of a setting."""

    ONE = "one"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting: its names, and what there is to say about it."""

    keys: tuple[str, ...]
    type: str
    default: str
    """As written in YAML; empty when the setting has none and must be given."""
    description: str
    shape: Shape
    is_secret: bool

    @property
    def path(self) -> str:
        """`web.listen-address`."""
        return path_of_fields(self.keys)

    @property
    def block(self) -> str:
        """`web`."""
        return path_of_fields(self.keys[:-1])

    @property
    def flag(self) -> str:
        """`--web.listen-address`."""
        return flag_of(self.path)

    @property
    def variable(self) -> str:
        """`HUBBLE_EGRESS_WEB__LISTEN_ADDRESS`."""
        return variable_of(self.path)


def fields(model: type[BaseModel]) -> list[SettingField]:
    """Every setting of `model` and of the blocks in it, in the order of their declaration.

    Raises:
        TypeError: for a model that breaks the rules of settings, which a programmer has to mend.
    """
    found = described(model)
    paths = {field.path for field in found}
    for field in found:
        if field.is_secret and (field.shape is not Shape.ONE or f"{field.path}-file" not in paths):
            raise TypeError(f"{field.path}: a secret is one text and has a twin {field.path}-file")
    return found


def described(model: type[BaseModel], kind: type[SettingField] = SettingField) -> list[SettingField]:
    """The same for any model, with names as `kind` spells them and no rules about secrets."""
    return [_field(keys, info, kind) for keys, info in _leaves(model, ())]


def effective(settings: BaseModel) -> dict[str, str]:
    """The value of every setting by its path, as written in YAML, secrets masked."""
    values = {}
    for keys, info in _leaves(type(settings), ()):
        value: Any = settings
        for key in keys:
            value = getattr(value, key)
        values[path_of_fields(keys)] = written(value, "duration" in _words(info.annotation, info.metadata))
    return values


def _leaves(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, info in model.model_fields.items():
        if inspect.isclass(info.annotation) and issubclass(info.annotation, BaseModel):
            yield from _leaves(info.annotation, (*above, name))
        else:
            yield (*above, name), info


def _field(keys: tuple[str, ...], info: FieldInfo, kind: type[SettingField]) -> SettingField:
    words = _words(info.annotation, info.metadata)
    shape = Shape.LIST if words.startswith("list of ") else Shape.MAP if words == "map" else Shape.ONE
    default = "" if info.is_required() else written(info.get_default(call_default_factory=True), "duration" in words)
    is_secret = "SecretStr" in str(info.annotation)
    return kind(keys, words, default, info.description or "", shape, is_secret)


_WORDS: dict[object, str] = {bool: "true or false", int: "number", float: "number"}


def _words(annotation: Any, metadata: list[Any]) -> str:  # noqa: ANN401 - annotations have no common type
    if any(isinstance(rule, BeforeValidator) and rule.func is parse_duration for rule in metadata):
        return "duration"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0], list(arguments[1:]))
    if origin in (Union, types.UnionType):
        return " or ".join(_words(member, []) for member in arguments if member is not types.NoneType)
    if origin in (tuple, list, set, frozenset):
        words = _words(arguments[0], [])
        return f"list of {words}s" if words in ("number", "duration") else f"list of {words}"
    return "map" if origin is dict else _words_of_one(annotation)


def _words_of_one(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(str, get_args(annotation)))
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return "one of " + ", ".join(str(member.value) for member in annotation)
    # What is not named here, an address for one, is a text with rules of its own.
    return _WORDS.get(annotation, "text")
